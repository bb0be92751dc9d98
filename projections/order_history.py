"""Read model `order_history`: the timeline of an order over all its streams.

Rows are only ever inserted, one an event, so lanes do not meet. Stock events belong to the
timeline of the order they name; stock movements without an order do not appear.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, get_args

from domain import delivery_events as d
from domain import events as e
from domain import return_events as r
from domain import shortage_events as s
from projections.descriptions import describe_event
from projections.paging import Page, checked_limit, decode_cursor, make_row, page_of
from projections.projection import LIVE, Connection, Pool, Projection, Recorded, names, own_id
from projections.sql import statement

_HANDLES: Final = names(
    e.OrderCreated,
    e.ItemAdded,
    e.ItemRemoved,
    e.QuantityChanged,
    e.AddressSet,
    e.OrderSubmitted,
    e.DeliveryAddressChanged,
    e.OrderReserved,
    e.OrderProcessingStarted,
    e.OrderCompleted,
    e.OrderCancelled,
    e.StockReserved,
    e.StockReleased,
    e.StockShipped,
    s.ItemsUnavailable,
    s.BackorderAccepted,
    s.OrderAmended,
    s.StockBackordered,
    s.StockAllocated,
    s.BackorderWithdrawn,
    e.PaymentAuthorised,
    e.PaymentCaptured,
    e.PaymentDeclined,
    e.PaymentVoided,
    e.PaymentRefunded,
    e.LabelBought,
    e.LabelCancelled,
    e.ShipmentHandedOver,
    e.ShipmentInTransit,
    e.ShipmentDelivered,
    e.ShipmentReturned,
    e.ShipmentLost,
    e.FulfillmentStarted,
    e.StepFailed,
    e.CompensationStarted,
    e.CompensationFailed,
    e.AttentionRequired,
    e.OperatorActed,
    e.FulfillmentClosed,
    r.StockReturned,
    *get_args(d.DeliveryEvent),
    *get_args(r.ReturnEvent),
)


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One event in the story of an order; `line` says it in words without personal data."""

    order_id: str
    position: int
    recorded_at: datetime
    stream: str
    version: int
    event_type: str
    line: str
    actor: str


async def _apply(connection: Connection, schema: str, batch: Sequence[Recorded]) -> None:
    rows = [_row(item) for item in batch]
    columns = [list(column) for column in zip(*rows, strict=True)]
    await connection.execute(statement("order_history", "insert", schema), *columns)


def _row(item: Recorded) -> tuple[str, int, datetime, str, int, str, str, str]:
    stored = item.stored
    return (
        _order_id(item),
        stored.position,
        stored.recorded_at,
        stored.stream,
        stored.version,
        stored.event_type,
        describe_event(item.event),
        stored.metadata.actor,
    )


def _order_id(item: Recorded) -> str:
    if item.stored.category == "stock":
        return str(item.event.order_id)
    return own_id(item)


PROJECTION: Final = Projection(
    name="order_history",
    version=1,
    tables=("order_history",),
    categories=frozenset({"order", "stock", "payment", "shipment", "fulfillment", "returns"}),
    handles=_HANDLES,
    apply=_apply,
)


async def list_history(
    pool: Pool,
    order_id: str,
    *,
    until: datetime | None = None,
    limit: int = 200,
    cursor: str | None = None,
) -> Page[TimelineRow]:
    """The timeline of an order, oldest first, up to a time; empty for an unknown order.

    Raises:
        InvalidCursor: the cursor is not from this listing.
    """
    after = decode_cursor(cursor, int)
    rows = await pool.fetch(
        statement("order_history", "list", LIVE), order_id, *after, until, checked_limit(limit) + 1
    )
    return page_of(rows, limit, make_row(TimelineRow), lambda row: (row["position"],))
