"""Many orders for one product at once, over several inventory workers on one database."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from activities.aggregates import STOCK, STOCK_SNAPSHOTS
from activities.inventory.activities import InventoryActivities
from activities.messages import CompensationRequest, ReserveInventory, StepRequest
from activities.payments.activities import PaymentActivities
from activities.payments.own import OwnPayments
from activities.shipping.activities import ShippingActivities
from activities.shipping.own import OwnLabels
from activities.unit_of_work import record
from adapters.events.codec import JsonEventCodec
from adapters.providers.payment_rules import SandboxLimits
from domain.ids import OrderId, Sku
from domain.stock import item as stock_item
from domain.stock.commands import ReceiveStock
from domain.values import Reason
from eventstore.commands.folding import Fold
from eventstore.commands.handler import CommandContext, CommandHandler
from eventstore.model import Metadata
from ordersaga.embedded.postgres import EmbeddedPostgres
from tests.support.sagas.contention import outcome_of, saga_of
from tests.support.sagas.shop import Shop, document
from tests.support.stores.counters import CountsEvents
from tests.support.stores.event_store import migrated_database, opened_store
from workflows.documents.order import parse_document

ORDERS, PIECES, PROCESSES = 500, 300, 4
HOT = Sku("HOT")


@pytest.fixture
async def handlers(postgres_server: EmbeddedPostgres) -> AsyncIterator[list[CommandHandler]]:
    """As many handlers as worker processes, independent of each other."""
    async with AsyncExitStack() as opened:
        url = await opened.enter_async_context(migrated_database(postgres_server))
        handlers = []
        for _ in range(PROCESSES):
            store = await opened.enter_async_context(opened_store(url, max_size=4))
            handlers.append(CommandHandler(store, JsonEventCodec()))
        yield handlers
        for handler in handlers:
            await handler.close()


async def receive(handler: CommandHandler, sku: Sku, pieces: int) -> None:
    command = ReceiveStock(sku, pieces, "first")
    context = CommandContext(f"receive/{sku}", Metadata("test", "test", "test"))
    await record(handler, STOCK.stream(sku), (command,), context)


def reservation(number: int, *skus: Sku) -> ReserveInventory:
    order_id = f"H{number}"
    lines = [
        {"sku": sku, "description": "Lamp", "quantity": 1, "unit_price_minor": 999} for sku in skus
    ]
    parsed = parse_document(document(order_id, lines=lines), f"order-{order_id}")
    return ReserveInventory(saga_of(number), parsed)


async def test_exactly_the_stock_is_sold_and_no_order_waits_for_a_retry(
    handlers: list[CommandHandler],
) -> None:
    await receive(handlers[0], HOT, PIECES)
    workers = [InventoryActivities(handler, SandboxLimits()) for handler in handlers]
    ended = await asyncio.gather(
        *(
            outcome_of(workers[n % PROCESSES].reserve_inventory, reservation(n, HOT), "reserve")
            for n in range(ORDERS)
        )
    )
    assert Counter(ended) == {"done": PIECES, "out_of_stock": ORDERS - PIECES}
    state = await STOCK.stream(HOT).load(handlers[1])
    assert (state.on_hand, state.reserved, len(state.reservations)) == (PIECES, PIECES, PIECES)
    assert sum(handler.stats.given_up for handler in handlers) == 0
    appends = await handlers[0].load("stock-HOT", STOCK.fold)
    assert appends.version == 1 + PIECES


async def test_orders_for_the_same_products_in_any_order_never_deadlock(
    handlers: list[CommandHandler],
) -> None:
    skus = [Sku(f"S{n}") for n in range(6)]
    for sku in skus:
        await receive(handlers[0], sku, 50)
    workers = [InventoryActivities(handler, SandboxLimits()) for handler in handlers]
    orders = [[skus[(n * 7 + k * (1 + n % 5)) % 6] for k in range(3)] for n in range(150)]
    ended = await asyncio.gather(
        *(
            outcome_of(
                workers[n % PROCESSES].reserve_inventory, reservation(n, *set(orders[n])), "r"
            )
            for n in range(150)
        )
    )
    assert set(ended) <= {"done", "out_of_stock"}
    sold: Counter[Sku] = Counter()
    for outcome, order in zip(ended, orders, strict=True):
        sold.update(set(order) if outcome == "done" else ())
    for sku in skus:
        state = await STOCK.stream(sku).load(handlers[0])
        assert state.reserved == sold[sku] <= 50


async def test_reserving_shipping_and_releasing_the_same_product_at_once_agree(
    handlers: list[CommandHandler],
) -> None:
    await receive(handlers[0], HOT, 60)
    inventory = [InventoryActivities(handler, SandboxLimits()) for handler in handlers]
    shop = Shop()
    payments = PaymentActivities(handlers[2], OwnPayments(shop.payments, shop.installation))
    shipping = ShippingActivities(handlers[3], OwnLabels(shop.carrier, shop.installation))

    async def through(number: int) -> str:
        order_id, ref = OrderId(f"H{number}"), saga_of(number)
        reserve = inventory[number % 2]
        if (
            await outcome_of(reserve.reserve_inventory, reservation(number, HOT), "reserve")
            != "done"
        ):
            return "refused"
        if number % 4 == 0:
            undo = CompensationRequest(ref, order_id, Reason.OPERATOR_REQUEST)
            return "released " + await outcome_of(reserve.release_inventory, undo, "release")
        assert (
            await outcome_of(payments.process_payment, StepRequest(ref, order_id), "pay") == "done"
        )
        return "shipped " + await outcome_of(
            shipping.create_shipment, StepRequest(ref, order_id), "ship"
        )

    ended = Counter(await asyncio.gather(*(through(n) for n in range(80))))
    assert ended.keys() <= {"refused", "released done", "shipped done"}
    state = await STOCK.stream(HOT).load(handlers[0])
    assert (state.on_hand, state.reserved) == (60 - ended["shipped done"], 0)
    assert ended["shipped done"] <= 60


async def test_a_worker_that_has_just_started_loads_a_popular_product_from_its_snapshot(
    postgres_server: EmbeddedPostgres,
) -> None:
    async with migrated_database(postgres_server) as url, opened_store(url) as store:
        earlier = CommandHandler(store, JsonEventCodec())
        await receive(earlier, HOT, 300)
        worker = InventoryActivities(earlier, SandboxLimits())
        await asyncio.gather(
            *(
                outcome_of(worker.reserve_inventory, reservation(n, HOT), "reserve")
                for n in range(250)
            )
        )
        await earlier.close()
        counting = CountsEvents(store)
        started = CommandHandler(counting, JsonEventCodec())
        fresh = InventoryActivities(started, SandboxLimits())
        assert await outcome_of(fresh.reserve_inventory, reservation(999, HOT), "reserve") == "done"
        assert counting.events_read < STOCK_SNAPSHOTS.every
        whole = Fold(stock_item.INITIAL, stock_item.evolve)
        by_events = await CommandHandler(store, JsonEventCodec()).load("stock-HOT", whole)
        assert await STOCK.stream(HOT).load(started) == by_events.state
        assert by_events.state.reserved == 251
        await started.close()
