"""Read model `order_history`: the timeline of an order over all its streams.

Rows are only inserted, one per event, so lanes never share a row. Stock events belong to the
timeline of the order that they name; stock movements without an order do not appear.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final, get_args

from domain.order import events as order_events
from domain.payment import events as payment_events
from domain.returns import events as returns_events
from domain.saga import events as saga_events
from domain.shipment import events as shipment_events
from domain.stock import events as stock_events
from projections.engine.projection import Connection, Pool, Projection, Recorded, names, own_id
from projections.engine.row_tables import execute_columns
from projections.engine.sql_files import statement
from projections.paging import Page, fetch_page
from projections.read_models.descriptions import describe_event

_sql: Final = partial(statement, __package__)

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
    """One event in the timeline of an order; `line` describes it without personal data."""

    order_id: str
    position: int
    recorded_at: datetime
    stream: str
    version: int
    event_type: str
    line: str
    actor: str


async def _apply(connection: Connection, schema: str, batch: Sequence[Recorded]) -> None:
    await execute_columns(connection, _sql("insert", schema), map(_row, batch))


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
    key = {"position": int}
    return await fetch_page(
        pool, _sql("list"), TimelineRow, key, order_id, until, limit=limit, cursor=cursor
    )
