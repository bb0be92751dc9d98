"""How the row of an order follows from the events of its stream; shared by several read models."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from domain.order import events as order_events
from projections.engine.projection import Recorded, names, own_id

Draft = dict[str, tuple[int, int]]
"""SKU to (pieces, unit price in minor units) while the order is a draft."""


@dataclass(slots=True)
class OrderRow:
    """An order as its stream tells it; `draft` is empty once the order is submitted.

    Within a batch `lines` is the draft; `settle` makes it text.
    """

    order_id: str
    customer_id: str | None
    currency: str
    placed_at: datetime
    updated_at: datetime
    status: str = "draft"
    total_minor: int = 0
    line_count: int = 0
    item_count: int = 0
    reason: str | None = None
    payment_reference: str | None = None
    tracking_number: str | None = None
    submitted_at: datetime | None = None
    closed_at: datetime | None = None
    version: int = 0
    draft: str | None = None
    lines: Draft | None = field(default=None, init=False)


HANDLES: Final = names(
    order_events.OrderCreated,
    order_events.ItemAdded,
    order_events.ItemRemoved,
    order_events.QuantityChanged,
    order_events.OrderSubmitted,
    order_events.OrderReserved,
    order_events.OrderProcessingStarted,
    order_events.OrderCompleted,
    order_events.OrderCancelled,
    order_events.ItemsUnavailable,
    order_events.OrderAmended,
)


def apply_to(rows: dict[str, OrderRow], item: Recorded) -> None:
    """Apply an event of an order's stream to `rows`, keyed by order id.

    Raises:
        KeyError: the order's creation was not seen before.
    """
    stored = item.stored
    order_id = own_id(item)
    if isinstance(item.event, order_events.OrderCreated):
        rows[order_id] = _created(item.event, order_id, stored.recorded_at)
    row = rows[order_id]
    row.updated_at, row.version = stored.recorded_at, stored.version
    change = _CHANGES.get(type(item.event))
    if change is not None:
        change(row, item.event, stored.recorded_at)


def _created(event: order_events.OrderCreated, order_id: str, at: datetime) -> OrderRow:
    return OrderRow(order_id, event.customer_id, event.currency, event.placed_at, at)


def settle(row: OrderRow) -> None:
    """Write the lines of a draft as text."""
    if row.lines is not None:
        row.draft, row.lines = json.dumps(row.lines), None


def _draft(row: OrderRow) -> Draft:
    if row.lines is None:
        stored = json.loads(row.draft) if row.draft else {}
        row.lines = {sku: (pieces, price) for sku, (pieces, price) in stored.items()}
    return row.lines


def _add_up(row: OrderRow, draft: Draft) -> None:
    row.line_count = len(draft)
    row.item_count = sum(pieces for pieces, _ in draft.values())
    row.total_minor = sum(pieces * price for pieces, price in draft.values())


def _item_added(row: OrderRow, event: order_events.ItemAdded, _: datetime) -> None:
    draft = _draft(row)
    pieces, _price = draft.get(event.sku, (0, 0))
    draft[event.sku] = (pieces + event.quantity, event.unit_price.minor)
    _add_up(row, draft)


def _item_removed(row: OrderRow, event: order_events.ItemRemoved, _: datetime) -> None:
    draft = _draft(row)
    del draft[event.sku]
    _add_up(row, draft)


def _quantity_changed(row: OrderRow, event: order_events.QuantityChanged, _: datetime) -> None:
    draft = _draft(row)
    draft[event.sku] = (event.quantity, draft[event.sku][1])
    _add_up(row, draft)


def _submitted(row: OrderRow, event: order_events.OrderSubmitted, at: datetime) -> None:
    row.status, row.submitted_at, row.draft, row.lines = "submitted", at, None, None
    row.total_minor = event.total.minor
    row.line_count = len(event.lines)
    row.item_count = sum(line.quantity for line in event.lines)


def _backordered(row: OrderRow, _: order_events.ItemsUnavailable, __: datetime) -> None:
    row.status = "backordered"


def _amended(row: OrderRow, event: order_events.OrderAmended, _: datetime) -> None:
    row.total_minor = event.total.minor
    row.line_count = len(event.lines)
    row.item_count = sum(line.quantity for line in event.lines)


def _reserved(row: OrderRow, _: order_events.OrderReserved, __: datetime) -> None:
    row.status = "reserved"


def _processing(row: OrderRow, event: order_events.OrderProcessingStarted, _: datetime) -> None:
    row.status, row.payment_reference = "processing", event.payment_reference


def _completed(row: OrderRow, event: order_events.OrderCompleted, at: datetime) -> None:
    row.status, row.tracking_number, row.closed_at = "completed", event.tracking_number, at


def _cancelled(row: OrderRow, event: order_events.OrderCancelled, at: datetime) -> None:
    row.status, row.reason, row.closed_at = "cancelled", event.reason.value, at


_CHANGES: Final[Mapping[type, Callable[[OrderRow, Any, datetime], None]]] = {
    order_events.ItemAdded: _item_added,
    order_events.ItemRemoved: _item_removed,
    order_events.QuantityChanged: _quantity_changed,
    order_events.OrderSubmitted: _submitted,
    order_events.OrderReserved: _reserved,
    order_events.OrderProcessingStarted: _processing,
    order_events.OrderCompleted: _completed,
    order_events.OrderCancelled: _cancelled,
    order_events.ItemsUnavailable: _backordered,
    order_events.OrderAmended: _amended,
}
