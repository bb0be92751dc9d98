"""Projection `notifications`: turns some events into outbox rows, one per event and kind.

Its rows are sent to other systems, so it has side effects: the migrations create its table, a
rebuild does not fill it again, and on a store with a history it starts at the present. The data
holds no personal data and no free text written by people.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import uuid5

from domain.customer import events as customer_events
from domain.order import events as order_events
from domain.payment import events as payment_events
from domain.returns import events as returns_events
from domain.saga import events as saga_events
from domain.shipment import events as shipment_events
from domain.stock import events as stock_events
from eventstore.model import JsonObject
from projections.engine.projection import Connection, Projection, Recorded, names, own_id
from projections.engine.row_tables import execute_columns
from projections.engine.sql_files import statement

_sql: Final = partial(statement, __package__)


@dataclass(frozen=True, slots=True)
class Rule:
    """The notification for an event type.

    Attributes:
        kind: what happened, in the receiver's terms: ``order.completed``.
        data: its content besides the order id; JSON values.
        data_version: raised when `data` changes in a way that breaks receivers.
    """

    kind: str
    data: Callable[[Any], JsonObject]
    data_version: int = 1


def _submitted(event: order_events.OrderSubmitted) -> JsonObject:
    return {
        "total_minor": event.total.minor,
        "currency": event.total.currency,
        "pieces": sum(line.quantity for line in event.lines),
    }


def _completed(event: order_events.OrderCompleted) -> JsonObject:
    return {"tracking_number": event.tracking_number}


def _cancelled(event: order_events.OrderCancelled) -> JsonObject:
    return {"reason": event.reason.value}


def _unavailable(event: order_events.ItemsUnavailable) -> JsonObject:
    missing = [
        {"sku": item.sku, "ordered": item.ordered, "missing": item.missing}
        for item in event.missing
    ]
    deadline = event.deadline.isoformat()
    return {"missing": missing, "asking": event.asking, "deadline": deadline}


def _backordered(event: order_events.BackorderAccepted) -> JsonObject:
    return {"deadline": event.deadline.isoformat()}


def _amended(event: order_events.OrderAmended) -> JsonObject:
    return {
        "total_minor": event.total.minor,
        "currency": event.total.currency,
        "lines": [{"sku": line.sku, "quantity": line.quantity} for line in event.lines],
    }


def _carrier_time(event: Any) -> JsonObject:
    return {"at": event.at.isoformat()}


def _refunded(event: payment_events.PaymentRefunded) -> JsonObject:
    return {
        "amount_minor": event.amount.minor,
        "currency": event.amount.currency,
        "payment_reference": event.reference,
        "refund_reference": event.refund_reference,
    }


def _attention(event: saga_events.AttentionRequired) -> JsonObject:
    return {"at_step": event.at_step, "waiting_for": event.waiting_for}


def _operated(event: saga_events.OperatorActed) -> JsonObject:
    return {"action": event.action}


def _parcel_attention(event: shipment_events.DeliveryAttentionRequired) -> JsonObject:
    return {"at_step": event.at_step, "waiting_for": event.waiting_for}


def _contradicted(event: shipment_events.ScanContradicted) -> JsonObject:
    return {"status": event.status, "at": event.at.isoformat()}


def _return_opened(event: returns_events.ReturnOpened) -> JsonObject:
    lines = [{"sku": line.sku, "quantity": line.quantity} for line in event.lines]
    return {"return_id": event.return_id, "kind": event.kind.value, "lines": lines}


def _return_refunded(event: returns_events.ReturnRefunded) -> JsonObject:
    return {
        "return_id": event.return_id,
        "amount_minor": event.amount.minor,
        "currency": event.amount.currency,
        "refund_reference": event.refund_reference,
    }


def _return_attention(event: returns_events.ReturnAttentionRequired) -> JsonObject:
    return {
        "return_id": event.return_id,
        "at_step": event.at_step,
        "waiting_for": event.waiting_for,
    }


def _return_only(event: Any) -> JsonObject:
    return {"return_id": event.return_id}


RULES: Final[Mapping[type, Rule]] = {
    order_events.OrderSubmitted: Rule("order.submitted", _submitted),
    order_events.OrderCompleted: Rule("order.completed", _completed),
    order_events.OrderCancelled: Rule("order.cancelled", _cancelled),
    order_events.ItemsUnavailable: Rule("order.items_unavailable", _unavailable),
    order_events.BackorderAccepted: Rule("order.backordered", _backordered),
    order_events.OrderAmended: Rule("order.amended", _amended),
    payment_events.PaymentRefunded: Rule("payment.refunded", _refunded),
    shipment_events.ShipmentHandedOver: Rule("shipment.handed_over", _carrier_time),
    shipment_events.ShipmentDelivered: Rule("shipment.delivered", _carrier_time),
    shipment_events.ShipmentReturned: Rule("shipment.returned", _carrier_time),
    shipment_events.ShipmentLost: Rule("shipment.lost", _carrier_time),
    saga_events.AttentionRequired: Rule("fulfillment.attention_required", _attention),
    saga_events.OperatorActed: Rule("fulfillment.operator_acted", _operated),
    shipment_events.ScanContradicted: Rule("shipment.contradicted", _contradicted),
    shipment_events.DeliveryAttentionRequired: Rule(
        "shipment.attention_required", _parcel_attention
    ),
    returns_events.ReturnOpened: Rule("return.opened", _return_opened),
    returns_events.ReturnRefunded: Rule("return.refunded", _return_refunded),
    returns_events.ReturnRestocked: Rule("return.restocked", _return_only),
    returns_events.ReturnAttentionRequired: Rule("return.attention_required", _return_attention),
    returns_events.ReturnClosed: Rule("return.closed", _return_only),
}
"""The events that other systems are notified of."""

SILENT: Final = names(
    order_events.OrderCreated,
    order_events.ItemAdded,
    order_events.ItemRemoved,
    order_events.QuantityChanged,
    order_events.AddressSet,
    order_events.DeliveryAddressChanged,
    order_events.OrderReserved,
    order_events.OrderProcessingStarted,
    stock_events.StockReceived,
    stock_events.StockAdjusted,
    stock_events.StockReserved,
    stock_events.StockReleased,
    stock_events.StockShipped,
    stock_events.StockBackordered,
    stock_events.StockAllocated,
    stock_events.BackorderWithdrawn,
    payment_events.PaymentAuthorised,
    payment_events.PaymentCaptured,
    payment_events.PaymentDeclined,
    payment_events.PaymentVoided,
    shipment_events.LabelBought,
    shipment_events.LabelCancelled,
    shipment_events.ShipmentInTransit,
    saga_events.FulfillmentStarted,
    saga_events.StepFailed,
    saga_events.CompensationStarted,
    saga_events.CompensationFailed,
    saga_events.FulfillmentClosed,
    customer_events.CustomerErased,
    shipment_events.DeliveryOperatorActed,
    returns_events.RefundGranted,
    returns_events.RefundDenied,
    returns_events.RestockDecided,
    returns_events.ReturnOperatorActed,
    stock_events.StockReturned,
)
"""The events without notifications: drafts, intermediate steps, what another event also says."""


async def _apply(connection: Connection, schema: str, batch: Sequence[Recorded]) -> None:
    rows = (_row(item, RULES[type(item.event)]) for item in batch)
    await execute_columns(connection, _sql("insert", schema), rows)


def _row(item: Recorded, rule: Rule) -> tuple[Any, ...]:
    stored = item.stored
    return (
        # Derived from the event, so it stays the same if a crash loses a row that was sent.
        uuid5(stored.event_id, rule.kind),
        stored.event_id,
        rule.kind,
        rule.data_version,
        stored.position,
        own_id(item),
        stored.recorded_at,
        stored.metadata.traceparent,
        json.dumps(rule.data(item.event)),
    )


PROJECTION: Final = Projection(
    name="notifications",
    version=1,
    tables=(),
    categories=frozenset({"order", "payment", "shipment", "fulfillment", "returns"}),
    handles=names(*RULES),
    apply=_apply,
    side_effects=True,
)
