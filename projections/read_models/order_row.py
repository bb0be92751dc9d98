"""How an order's row follows from its stream; shared by the read models of orders."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from domain.order import events as order_events
from projections.engine.projection import Recorded, names, own_id

Draft = dict[str, tuple[int, int]]
"""SKU to (pieces, unit price in minor units) while the order is a draft."""


@dataclass(slots=True, kw_only=True)
class CurrentOrder:
    """An order as it is now.

    Attributes:
        status: draft, submitted, backordered, reserved, processing, completed or cancelled.
        total_minor: in minor units of `currency`.
        line_count: number of SKUs.
        item_count: number of pieces.
        reason: why it was cancelled.
        placed_at: the shop's time; all other times are the store's.
        closed_at: when it was completed or cancelled.
    """

    order_id: str
    customer_id: str | None
    status: str = "draft"
    currency: str
    total_minor: int = 0
    line_count: int = 0
    item_count: int = 0
    reason: str | None = None
    payment_reference: str | None = None
    tracking_number: str | None = None
    placed_at: datetime
    submitted_at: datetime | None = None
    closed_at: datetime | None = None
    updated_at: datetime
    version: int = 0


@dataclass(slots=True, kw_only=True)
class OrderRow(CurrentOrder):
    """An order with its draft as JSON, which is empty once the order is submitted.

    While a batch is applied the draft is in `lines`; `settle` turns it into text.
    """

    draft: str | None = None
    lines: Draft | None = field(default=None, init=False)


def new_row(item: Recorded) -> OrderRow:
    """The row of an order from its first event, `OrderCreated`."""
    return OrderRow(
        order_id=own_id(item),
        customer_id=item.event.customer_id,
        currency=item.event.currency,
        placed_at=item.event.placed_at,
        updated_at=item.stored.recorded_at,
        version=item.stored.version,
    )


def update_row(row: OrderRow, item: Recorded) -> None:
    """Apply a later event of the order's stream."""
    row.updated_at, row.version = item.stored.recorded_at, item.stored.version
    _CHANGES[type(item.event)](row, item.event, item.stored.recorded_at)


def settle(row: OrderRow) -> None:
    """Bring a row into its stored form, with the draft as JSON text."""
    if row.lines is not None:
        row.draft, row.lines = json.dumps(row.lines), None


def _draft(row: OrderRow) -> Draft:
    if row.lines is None:
        stored = json.loads(row.draft) if row.draft else {}
        row.lines = {sku: (pieces, price) for sku, (pieces, price) in stored.items()}
    return row.lines


def _sum_up(row: OrderRow, draft: Draft) -> None:
    row.line_count = len(draft)
    row.item_count = sum(pieces for pieces, _ in draft.values())
    row.total_minor = sum(pieces * price for pieces, price in draft.values())


def _item_added(row: OrderRow, event: order_events.ItemAdded, _: datetime) -> None:
    draft = _draft(row)
    pieces, _price = draft.get(event.sku, (0, 0))
    draft[event.sku] = (pieces + event.quantity, event.unit_price.minor)
    _sum_up(row, draft)


def _item_removed(row: OrderRow, event: order_events.ItemRemoved, _: datetime) -> None:
    draft = _draft(row)
    del draft[event.sku]
    _sum_up(row, draft)


def _quantity_changed(row: OrderRow, event: order_events.QuantityChanged, _: datetime) -> None:
    draft = _draft(row)
    draft[event.sku] = (event.quantity, draft[event.sku][1])
    _sum_up(row, draft)


def _submitted(row: OrderRow, event: order_events.OrderSubmitted, at: datetime) -> None:
    row.status, row.submitted_at, row.draft, row.lines = "submitted", at, None, None
    _amended(row, event, at)


def _amended(
    row: OrderRow, event: order_events.OrderSubmitted | order_events.OrderAmended, _: datetime
) -> None:
    row.total_minor = event.total.minor
    row.line_count = len(event.lines)
    row.item_count = sum(line.quantity for line in event.lines)


def _became(status: str) -> Callable[[OrderRow, Any, datetime], None]:
    def change(row: OrderRow, _: Any, __: datetime) -> None:
        row.status = status

    return change


def _processing(row: OrderRow, event: order_events.OrderProcessingStarted, _: datetime) -> None:
    row.status, row.payment_reference = "processing", event.payment_reference


def _completed(row: OrderRow, event: order_events.OrderCompleted, at: datetime) -> None:
    row.status, row.tracking_number, row.closed_at = "completed", event.tracking_number, at


def _cancelled(row: OrderRow, event: order_events.OrderCancelled, at: datetime) -> None:
    row.status, row.reason, row.closed_at = "cancelled", event.reason.value, at


_Changes = Mapping[type, Callable[[OrderRow, Any, datetime], None]]

_DRAFTING: Final[_Changes] = {
    order_events.ItemAdded: _item_added,
    order_events.ItemRemoved: _item_removed,
    order_events.QuantityChanged: _quantity_changed,
}
_AFTER_DRAFTING: Final[_Changes] = {
    order_events.OrderSubmitted: _submitted,
    order_events.ItemsUnavailable: _became("backordered"),
    order_events.OrderAmended: _amended,
    order_events.OrderReserved: _became("reserved"),
    order_events.OrderProcessingStarted: _processing,
    order_events.OrderCompleted: _completed,
    order_events.OrderCancelled: _cancelled,
}
_CHANGES: Final[_Changes] = {**_DRAFTING, **_AFTER_DRAFTING}

WITHOUT_DRAFTS: Final = names(order_events.OrderCreated, *_AFTER_DRAFTING)
"""The types that create a row and change it from the submission on."""

ALL_CHANGES: Final = WITHOUT_DRAFTS | names(*_DRAFTING)
"""All types that change a row."""
