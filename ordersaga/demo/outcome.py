"""How the demonstration's orders ended: a table, and a few stories."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from domain.ids import OrderId
from ordersaga.cli.orders import timeline_table
from ordersaga.cli.output import make_table
from projections.read_models.current_orders.model import StatusCount

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ordersaga.operations.orders import OrdersService, TimelineEntry

_MEANING: Final = {
    None: "paid and shipped",
    "out_of_stock": "a product ran short: nothing reserved, nothing charged",
    "payment_declined": "the card was declined: stock released",
    "address_refused": "the carrier refused the address: money back, stock released",
}


def outcome_table(counts: Iterable[StatusCount]) -> "RenderableType":
    """Orders by outcome and reason."""
    rows = sorted(counts, key=lambda count: (count.status != "completed", -count.orders))
    return make_table(
        ("outcome", "reason", "orders>", "what that means"),
        ((x.status, x.reason, x.orders, _MEANING.get(x.reason, "")) for x in rows),
    )


async def stories(
    orders: "OrdersService", order_ids: Sequence[OrderId]
) -> list[tuple[str, Sequence["TimelineEntry"]]]:
    """One order of each kind that is worth telling, with a title and its timeline."""
    wanted = {
        "completed": "an order that was completed",
        "payment_declined": "an order whose card was declined",
        "address_refused": "an order whose address was refused after it was paid: refunded",
    }
    found: list[tuple[str, Sequence[TimelineEntry]]] = []
    for order_id in order_ids:
        if not wanted:
            break
        shown = await orders.show(order_id)
        title = wanted.get(shown.reason or shown.status)
        if title is None:
            continue
        entries = await orders.timeline(order_id)
        if shown.reason == "address_refused" and not _refunded(entries):
            continue
        del wanted[shown.reason or shown.status]
        found.append((f"{title} ({order_id})", entries))
    return found


def _refunded(entries: Sequence["TimelineEntry"]) -> bool:
    return any(entry.event_type == "PaymentRefunded" for entry in entries)


def story_view(title: str, entries: Sequence["TimelineEntry"]) -> "RenderableType":
    """A timeline under its title."""
    return timeline_table(entries, title=title)
