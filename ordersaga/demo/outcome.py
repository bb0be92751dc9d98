"""How the orders of the demonstration ended: a table, and a few timelines."""

from collections.abc import Iterable, Sequence
from typing import Final

from rich.table import Table

from domain.ids import OrderId
from ordersaga.display.tables import make_table
from ordersaga.operations.orders import OrdersService, TimelineEntry
from projections.read_models.current_orders.model import StatusCount

_MEANING: Final = {
    None: "paid and shipped",
    "out_of_stock": "a product was out of stock: nothing reserved, nothing charged",
    "payment_declined": "the card was declined: stock released",
    "address_refused": "the carrier refused the address: payment refunded, stock released",
}


def outcome_table(counts: Iterable[StatusCount]) -> Table:
    """Orders by outcome and reason."""
    rows = sorted(counts, key=lambda count: (count.status != "completed", -count.orders))
    return make_table(
        ("outcome", "reason", "orders>", "what that means"),
        ((x.status, x.reason, x.orders, _MEANING.get(x.reason, "")) for x in rows),
    )


async def stories(
    orders: OrdersService, order_ids: Sequence[OrderId]
) -> list[tuple[str, Sequence[TimelineEntry]]]:
    """One order of each interesting kind: a title and its timeline."""
    titles = {
        "completed": "an order that was completed",
        "payment_declined": "an order whose card was declined",
        "address_refused": "an order whose address was refused after the payment: refunded",
    }
    timelines: list[tuple[str, Sequence[TimelineEntry]]] = []
    for order_id in order_ids:
        if not titles:
            break
        order = await orders.show(order_id)
        kind = order.reason or order.status
        title = titles.get(kind)
        if title is None:
            continue
        entries = await orders.timeline(order_id)
        if order.reason == "address_refused" and not _refunded(entries):
            continue
        del titles[kind]
        timelines.append((f"{title} ({order_id})", entries))
    return timelines


def _refunded(entries: Sequence[TimelineEntry]) -> bool:
    return any(entry.event_type == "PaymentRefunded" for entry in entries)
