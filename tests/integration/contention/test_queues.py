"""Many orders that wait for one product, while deliveries come in and some of them leave."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from activities.aggregates import STOCK
from activities.inventory.activities import InventoryActivities
from activities.messages import CompensationRequest, ReserveInventory
from activities.unit_of_work import record
from adapters.events.codec import JsonEventCodec
from adapters.providers.payment_rules import SandboxLimits
from domain.ids import OrderId, Sku
from domain.stock.commands import ReceiveStock
from domain.values import Reason
from eventstore.commands.handler import CommandContext, CommandHandler
from eventstore.model import Metadata
from eventstore.store import EventStore
from ordersaga.embedded.postgres import EmbeddedPostgres
from tests.support.sagas.contention import outcome_of, saga_of
from tests.support.sagas.shop import document
from tests.support.stores.event_store import migrated_database, opened_store
from workflows.documents.order import parse_document

ORDERS, DELIVERIES, PROCESSES = 200, 40, 3
RARE = Sku("RARE")


@pytest.fixture
async def shops(
    postgres_server: EmbeddedPostgres,
) -> AsyncIterator[list[tuple[EventStore, CommandHandler]]]:
    """A store and a handler for each of several independent processes."""
    async with AsyncExitStack() as opened:
        url = await opened.enter_async_context(migrated_database(postgres_server))
        shops: list[tuple[EventStore, CommandHandler]] = []
        for _ in range(PROCESSES):
            store = await opened.enter_async_context(opened_store(url, max_size=4))
            shops.append((store, CommandHandler(store, JsonEventCodec())))
        yield shops
        for _, handler in shops:
            await handler.close()


def waiting_order(number: int) -> ReserveInventory:
    """An order for 1 to 3 pieces that waits for them."""
    order_id, pieces = f"H{number}", 1 + number % 3
    line = {"sku": RARE, "description": "Lamp", "quantity": pieces, "unit_price_minor": 999}
    order = document(order_id, lines=[line], unavailable={"policy": "wait"})
    return ReserveInventory(saga_of(number), parse_document(order, f"order-{order_id}"))


async def deliver(handler: CommandHandler, number: int) -> str:
    command = ReceiveStock(RARE, 5, f"d{number}")
    context = CommandContext(f"deliver/{number}", Metadata("test", "test", "test"))
    await record(handler, STOCK.stream(RARE), (command,), context)
    return "done"


async def test_concurrent_orders_are_served_first_come_first_served(
    shops: list[tuple[EventStore, CommandHandler]],
) -> None:
    workers = [InventoryActivities(handler, SandboxLimits()) for _, handler in shops]

    async def come_and_perhaps_leave(number: int) -> str:
        worker = workers[number % PROCESSES]
        ended = await outcome_of(worker.reserve_inventory, waiting_order(number), "reserve")
        if number % 5 == 0:
            order_id = OrderId(f"H{number}")
            undo = CompensationRequest(saga_of(number), order_id, Reason.CUSTOMER_REQUEST)
            ended = await outcome_of(worker.release_inventory, undo, "release")
        return ended

    ended = await asyncio.gather(
        *(come_and_perhaps_leave(number) for number in range(ORDERS)),
        *(deliver(shops[n % PROCESSES][1], n) for n in range(DELIVERIES)),
    )
    assert Counter(ended) == {"done": ORDERS + DELIVERIES}
    state = await STOCK.stream(RARE).load(shops[0][1])
    assert state.on_hand == 5 * DELIVERIES
    assert (state.reserved, state.available) == (5 * DELIVERIES, 0), "more was ordered than came in"
    assert not any(f"H{number}" in state.reservations for number in range(0, ORDERS, 5))
    await _served_in_turn(shops[0][0])


async def _served_in_turn(store: EventStore) -> None:
    """No order got a piece while an earlier one was waiting."""
    queue: dict[str, int] = {}
    served = 0
    for event in await store.read_stream(f"stock-{RARE}"):
        order_id, pieces = str(event.data.get("order_id")), int(event.data["quantity"])
        match event.event_type:
            case "StockBackordered":
                queue[order_id] = pieces
            case "StockReserved":
                assert not queue, f"{order_id} overtook"
            case "StockAllocated":
                assert next(iter(queue)) == order_id
                served += 1
        if event.event_type in {"StockAllocated", "BackorderWithdrawn"}:
            queue[order_id] -= pieces
            queue = {key: left for key, left in queue.items() if left}
    assert served > 0
