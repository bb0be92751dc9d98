"""Read model `order_history`: the timeline of an order over all its streams.

Rows are only ever inserted, one an event, so lanes do not meet. Stock events belong to the
timeline of the order they name; stock movements without an order do not appear.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, get_args

from domain.order import events as order_events
from domain.payment import events as payment_events
from domain.returns import events as returns_events
from domain.saga import events as saga_events
from domain.shipment import events as shipment_events
from domain.stock import events as stock_events
from projections.engine.projection import (
    LIVE,
    Connection,
    Pool,
    Projection,
    Recorded,
    names,
    own_id,
)
from projections.engine.sql_files import statement
from projections.read_models.descriptions import describe_event
from projections.read_models.paging import Page, checked_limit, decode_cursor, make_row, page_of

_HANDLES: Final = names(
    order_events.OrderCreated,
    order_events.ItemAdded,
    order_events.ItemRemoved,
    order_events.QuantityChanged,
    order_events.AddressSet,
    order_events.OrderSubmitted,
    order_events.DeliveryAddressChanged,
    order_events.OrderReserved,
    order_events.OrderProcessingStarted,
    order_events.OrderCompleted,
    order_events.OrderCancelled,
    stock_events.StockReserved,
    stock_events.StockReleased,
    stock_events.StockShipped,
    order_events.ItemsUnavailable,
    order_events.BackorderAccepted,
    order_events.OrderAmended,
    stock_events.StockBackordered,
    stock_events.StockAllocated,
    stock_events.BackorderWithdrawn,
    payment_events.PaymentAuthorised,
    payment_events.PaymentCaptured,
    payment_events.PaymentDeclined,
    payment_events.PaymentVoided,
    payment_events.PaymentRefunded,
    shipment_events.LabelBought,
    shipment_events.LabelCancelled,
    shipment_events.ShipmentHandedOver,
    shipment_events.ShipmentInTransit,
    shipment_events.ShipmentDelivered,
    shipment_events.ShipmentReturned,
    shipment_events.ShipmentLost,
    saga_events.FulfillmentStarted,
    saga_events.StepFailed,
    saga_events.CompensationStarted,
    saga_events.CompensationFailed,
    saga_events.AttentionRequired,
    saga_events.OperatorActed,
    saga_events.FulfillmentClosed,
    stock_events.StockReturned,
    *get_args(shipment_events.DeliveryEvent),
    *get_args(returns_events.ReturnEvent),
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
    await connection.execute(statement("read_models/order_history", "insert", schema), *columns)


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
        statement("read_models/order_history", "list", LIVE),
        order_id,
        *after,
        until,
        checked_limit(limit) + 1,
    )
    return page_of(rows, limit, make_row(TimelineRow), lambda row: (row["position"],))
