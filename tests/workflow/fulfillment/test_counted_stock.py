"""A count finds fewer pieces than are reserved while the saga of the order is on its way."""

from datetime import UTC, datetime
from typing import Any

import pytest
from temporalio.client import Client

from activities.inventory.counting import ShortOrder, count_stock
from adapters.providers.faults import Fault, FaultKind
from domain.ids import OrderId, Sku
from domain.order.state import Backordered
from domain.stock.commands import AdjustStock
from eventstore.commands.handler import CommandContext
from eventstore.model import Metadata
from tests.support.sagas.sagas import Handle, result, stocked_saga, until, until_status
from tests.support.sagas.shop import Shop
from tests.support.sagas.shortages import arrive

pytestmark = pytest.mark.usefixtures("few_attempts")

ON_SHIPMENT = {"token": "tok_visa", "capture": "on_shipment"}
CANCEL = {"actor": "anna", "reason": "the customer gives up"}


async def count(shop: Shop, order_id: str, delta: int) -> tuple[ShortOrder, ...]:
    command = AdjustStock(Sku(f"{order_id}-sku"), delta, "counted by hand")
    context = CommandContext(f"count {order_id}", Metadata("test", "test", "test"))
    return await count_stock(shop.handler, command, datetime.now(UTC), context)


async def counted_at(
    client: Client, shop: Shop, provider: str, operation: str, **changes: Any
) -> tuple[str, Handle]:
    """A saga that waits for a provider while a count finds that its two pieces are not there."""
    faults = getattr(shop, provider).faults
    down = faults.add(Fault(FaultKind.UNAVAILABLE, operation=operation))
    order_id, handle = await stocked_saga(client, shop, stock=2, **changes)

    async def tried() -> bool:
        return down.hits > 0

    await until(tried)
    assert await count(shop, order_id, -2) == (ShortOrder(OrderId(order_id), 2),)
    faults.remove(down.number)
    return order_id, handle


@pytest.mark.parametrize(
    ("provider", "operation", "changes"),
    [
        ("payments", "confirm", {}),
        ("carrier", "buy_label", {}),
        ("payments", "capture", {"payment": ON_SHIPMENT}),
    ],
    ids=["before payment", "before label", "before capture"],
)
async def test_an_order_that_a_count_makes_short_waits_and_goes_on_when_pieces_come(
    client: Client, shop: Shop, provider: str, operation: str, changes: dict[str, Any]
) -> None:
    order_id, handle = await counted_at(client, shop, provider, operation, **changes)
    await until_status(handle, step="awaiting_stock")
    assert isinstance(await shop.order(order_id), Backordered)
    stock = await shop.stock(f"{order_id}-sku")
    assert (stock.on_hand, stock.available) == (0, 0)
    await arrive(client, shop, f"{order_id}-sku", 2, "found again")
    assert (await result(handle))["outcome"] == "completed"
    stock = await shop.stock(f"{order_id}-sku")
    assert (stock.on_hand, stock.reserved) == (0, 0)
    assert shop.carrier.count("buy_label") >= 1
    [label] = [one async for one in shop.carrier.labels() if one.order_id == OrderId(order_id)]
    assert label.order_id == order_id


async def test_no_label_is_bought_for_goods_that_a_count_did_not_find(
    client: Client, shop: Shop
) -> None:
    order_id, handle = await counted_at(client, shop, "carrier", "buy_label")
    await until_status(handle, step="awaiting_stock")
    assert [one async for one in shop.carrier.labels() if one.order_id == OrderId(order_id)] == []
    await handle.signal("cancel", CANCEL)
    assert (await result(handle))["outcome"] == "cancelled"
    stock = await shop.stock(f"{order_id}-sku")
    assert (stock.on_hand, stock.reserved, stock.available) == (0, 0, 0)
    assert await shop.status(order_id) == "cancelled"
