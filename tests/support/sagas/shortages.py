"""Orders over several SKUs with unavailable items, and signals about arriving stock."""

from typing import Any

from temporalio.client import Client

from domain.ids import OrderId
from domain.order.state import FrozenOrder, frozen_order
from domain.payment.state import Captured
from ordersaga.daemons.stock_signals import EVENTS, StockSignals
from tests.support.sagas.sagas import Handle, new_order_id, start
from tests.support.sagas.shop import Shop, document
from tests.support.stores.set_aside import nothing_aside

BY = {"actor": "anna", "reason": "as agreed on the phone"}
FIRST_PRICE, SECOND_PRICE = 150, 400


def lines(order_id: str, first: int = 2, second: int = 3) -> list[dict[str, Any]]:
    """Pieces of the SKUs `<order id>-a` at 1.50 and `<order id>-b` at 4.00."""
    prices = (("a", first, FIRST_PRICE), ("b", second, SECOND_PRICE))
    return [
        {
            "sku": f"{order_id}-{name}",
            "description": "Mug",
            "quantity": quantity,
            "unit_price_minor": price,
        }
        for name, quantity, price in prices
    ]


async def short_order(
    client: Client, shop: Shop, policy: str, *, a: int = 2, b: int = 1, **more: Any
) -> tuple[str, Handle]:
    """The saga of an order for 2 of the first SKU and 3 of the second, of which `a`, `b` are there.

    `more` with `deadline_hours` or `default` belongs to its terms, the rest to the document.
    """
    order_id = new_order_id()
    for name, pieces in (("a", a), ("b", b)):
        if pieces:
            await shop.receive(f"{order_id}-{name}", pieces)
    terms = {key: more.pop(key) for key in ("deadline_hours", "default") if key in more}
    order_document = document(
        order_id, lines=lines(order_id), unavailable={"policy": policy, **terms}, **more
    )
    return order_id, await start(client, order_id, order_document)


async def arrive(client: Client, shop: Shop, sku: str, pieces: int, reference: str) -> None:
    """Receive stock and signal the waiting sagas, as the follower does in production."""
    before = await shop.store.head()
    await shop.receive(sku, pieces, reference)
    events = await shop.store.read_feed(before, limit=1000, feed_filter=EVENTS)
    await StockSignals(client, shop.handler, 4, nothing_aside(shop.store)).handle(
        list(events.events)
    )


async def tell_news(client: Client, shop: Shop) -> None:
    """Signal all arrivals of stock again, as the follower may do after a crash."""
    events = await shop.store.read_feed(0, limit=1000, feed_filter=EVENTS)
    await StockSignals(client, shop.handler, 4, nothing_aside(shop.store)).handle(
        list(events.events)
    )


async def content(shop: Shop, order_id: str) -> FrozenOrder:
    """The order as it is now."""
    order = frozen_order(await shop.order(order_id))
    assert order is not None
    return order


async def taken(shop: Shop, order_id: str) -> tuple[int, int]:
    """Minor units captured and given back, by our own events and by the provider alike."""
    paid = await shop.payment(order_id)
    assert isinstance(paid, Captured)
    [theirs] = [one async for one in shop.payments.payments() if one.order_id == OrderId(order_id)]
    assert (theirs.amount, theirs.refunded) == (paid.amount, paid.refunded)
    return paid.amount.minor, paid.refunded.minor
