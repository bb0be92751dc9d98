"""How an order's row follows from its stream; shared by the read models of orders."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple

from domain.lines import Adjustment, LineKind, adjusted, pieces_by_sku
from domain.order import events as order_events
from projections.engine.projection import Recorded, names, own_id


class DraftLine(NamedTuple):
    """A line of an order that is a draft.

    Attributes:
        pieces: how many; `goods` of them are goods.
        price: of a piece, and the sum of the `adjustments`, in minor units.
        sku: the product; empty if it is a service.
    """

    pieces: int = 0
    goods: int = 0
    price: int = 0
    adjustments: int = 0
    sku: str = ""


Draft = dict[str, DraftLine]
"""The lines by id. The adjustments of the whole order are those of a line without pieces."""

_WHOLE: Final = ""
_NO_LINE: Final = DraftLine()


@dataclass(slots=True, kw_only=True)
class CurrentOrder:
    """An order as it is now.

    Attributes:
        status: draft, submitted, backordered, reserved, processing, completed or cancelled.
        reference: the shop's own number of the order.
        total_minor: in minor units of `currency`.
        line_count: number of lines, services included.
        item_count: number of pieces of goods.
        reason: why it was cancelled.
        country: where it is delivered to, an ISO 3166 code.
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
    reference: str | None = None
    placed_at: datetime
    submitted_at: datetime | None = None
    closed_at: datetime | None = None
    updated_at: datetime
    version: int = 0
    country: str | None = None


@dataclass(slots=True, kw_only=True)
class OrderRow(CurrentOrder):
    """An order with its draft as JSON, which is empty once the order is submitted.

    `skus` names the products of its lines, separated by blanks.
    While a batch is applied the draft is in `lines`; `settle` turns it into text.
    """

    draft: str | None = None
    skus: str = ""
    lines: Draft | None = field(default=None, init=False)


def new_row(item: Recorded) -> OrderRow:
    """The row of an order from its first event, `OrderCreated`."""
    return OrderRow(
        order_id=own_id(item),
        customer_id=item.event.customer_id,
        currency=item.event.currency,
        placed_at=item.event.placed_at,
        reference=item.event.reference,
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
        row.lines = {line_id: DraftLine(*parts) for line_id, parts in stored.items()}
    return row.lines


def _sum_up(row: OrderRow, draft: Draft) -> None:
    row.line_count = sum(line_id != _WHOLE for line_id in draft)
    row.item_count = sum(line.goods for line in draft.values())
    row.total_minor = sum(line.pieces * line.price + line.adjustments for line in draft.values())
    row.skus = " ".join(dict.fromkeys(line.sku for line in draft.values() if line.sku))


def _item_added(row: OrderRow, event: order_events.ItemAdded, _: datetime) -> None:
    draft = _draft(row)
    pieces = draft.get(event.line_id, _NO_LINE).pieces + event.quantity
    is_goods = event.kind is LineKind.GOODS
    draft[event.line_id] = DraftLine(
        pieces,
        pieces if is_goods else 0,
        event.unit_price.minor,
        _adjusted(event.adjustments, row),
        (event.code or "") if is_goods else "",
    )
    _sum_up(row, draft)


def _adjusted(adjustments: Sequence[Adjustment], row: OrderRow) -> int:
    return adjusted(adjustments, row.currency).minor


def _item_removed(row: OrderRow, event: order_events.ItemRemoved, _: datetime) -> None:
    draft = _draft(row)
    del draft[event.line_id]
    _sum_up(row, draft)


def _quantity_changed(row: OrderRow, event: order_events.QuantityChanged, _: datetime) -> None:
    draft = _draft(row)
    line, pieces = draft[event.line_id], event.quantity
    draft[event.line_id] = line._replace(pieces=pieces, goods=pieces if line.goods else 0)
    _sum_up(row, draft)


def _adjustments_set(row: OrderRow, event: order_events.AdjustmentsSet, _: datetime) -> None:
    draft, line_id = _draft(row), event.line_id or _WHOLE
    adjustments = _adjusted(event.adjustments, row)
    draft[line_id] = draft.get(line_id, _NO_LINE)._replace(adjustments=adjustments)
    _sum_up(row, draft)


def _submitted(row: OrderRow, event: order_events.OrderSubmitted, at: datetime) -> None:
    row.status, row.submitted_at, row.draft, row.lines = "submitted", at, None, None
    row.country = event.country
    _amended(row, event, at)


def _amended(
    row: OrderRow, event: order_events.OrderSubmitted | order_events.OrderAmended, _: datetime
) -> None:
    row.total_minor = event.total.minor
    row.line_count = len(event.lines)
    pieces = pieces_by_sku(event.lines)
    row.item_count, row.skus = sum(pieces.values()), " ".join(pieces)


def _goes_elsewhere(row: OrderRow, event: order_events.DeliveryAddressChanged, _: datetime) -> None:
    row.country = event.country


def _became(status: str) -> Callable[[OrderRow, Any, datetime], None]:
    def change(row: OrderRow, _: Any, __: datetime) -> None:
        row.status = status

    return change


def _processing(row: OrderRow, event: order_events.OrderProcessingStarted, _: datetime) -> None:
    row.payment_reference = event.payment_reference
    if row.status == "reserved":  # else a count has taken pieces away meanwhile
        row.status = "processing"


def _completed(row: OrderRow, event: order_events.OrderCompleted, at: datetime) -> None:
    row.status, row.tracking_number, row.closed_at = "completed", event.tracking_number, at


def _cancelled(row: OrderRow, event: order_events.OrderCancelled, at: datetime) -> None:
    row.status, row.reason, row.closed_at = "cancelled", event.reason.value, at


_Changes = Mapping[type, Callable[[OrderRow, Any, datetime], None]]

_DRAFTING: Final[_Changes] = {
    order_events.ItemAdded: _item_added,
    order_events.ItemRemoved: _item_removed,
    order_events.QuantityChanged: _quantity_changed,
    order_events.AdjustmentsSet: _adjustments_set,
}
_AFTER_DRAFTING: Final[_Changes] = {
    order_events.OrderSubmitted: _submitted,
    order_events.DeliveryAddressChanged: _goes_elsewhere,
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
