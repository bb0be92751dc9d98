"""Projection `notifications`: turns chosen events into rows of an outbox, once an event and kind.

It has side effects, for its rows are sent to other systems (`projections.outbox` has what senders
need). So its table belongs to the migrations: a rebuild does not fill it again, and installed on
a store that has a history it begins at the present. Data holds no personal data, and no free text
that a person wrote.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid5

from domain import delivery_events as d
from domain import events as e
from domain import return_events as r
from domain import shortage_events as s
from eventstore.model import JsonObject
from projections.projection import Connection, Projection, Recorded, names, own_id
from projections.sql import statement


@dataclass(frozen=True, slots=True)
class Rule:
    """What is told about an event type.

    Attributes:
        kind: what happened, in the words of those who are told: ``order.completed``.
        data: what they learn beside the order id; JSON values.
        data_version: raised when `data` changes in a way that breaks receivers.
    """

    kind: str
    data: Callable[[Any], JsonObject]
    data_version: int = 1


def _submitted(event: e.OrderSubmitted) -> JsonObject:
    return {
        "total_minor": event.total.minor,
        "currency": event.total.currency,
        "pieces": sum(line.quantity for line in event.lines),
    }


def _completed(event: e.OrderCompleted) -> JsonObject:
    return {"tracking_number": event.tracking_number}


def _cancelled(event: e.OrderCancelled) -> JsonObject:
    return {"reason": event.reason.value}


def _unavailable(event: s.ItemsUnavailable) -> JsonObject:
    missing = [
        {"sku": item.sku, "ordered": item.ordered, "missing": item.missing}
        for item in event.missing
    ]
    deadline = event.deadline.isoformat()
    return {"missing": missing, "asking": event.asking, "deadline": deadline}


def _backordered(event: s.BackorderAccepted) -> JsonObject:
    return {"deadline": event.deadline.isoformat()}


def _amended(event: s.OrderAmended) -> JsonObject:
    return {
        "total_minor": event.total.minor,
        "currency": event.total.currency,
        "lines": [{"sku": line.sku, "quantity": line.quantity} for line in event.lines],
    }


def _carrier_says(event: Any) -> JsonObject:
    return {"at": event.at.isoformat()}


def _refunded(event: e.PaymentRefunded) -> JsonObject:
    return {
        "amount_minor": event.amount.minor,
        "currency": event.amount.currency,
        "payment_reference": event.reference,
        "refund_reference": event.refund_reference,
    }


def _attention(event: e.AttentionRequired) -> JsonObject:
    return {"at_step": event.at_step, "waiting_for": event.waiting_for}


def _operated(event: e.OperatorActed) -> JsonObject:
    return {"action": event.action}


def _parcel_attention(event: d.DeliveryAttentionRequired) -> JsonObject:
    return {"at_step": event.at_step, "waiting_for": event.waiting_for}


def _contradicted(event: d.ScanContradicted) -> JsonObject:
    return {"status": event.status, "at": event.at.isoformat()}


def _return_opened(event: r.ReturnOpened) -> JsonObject:
    lines = [{"sku": line.sku, "quantity": line.quantity} for line in event.lines]
    return {"return_id": event.return_id, "kind": event.kind.value, "lines": lines}


def _return_refunded(event: r.ReturnRefunded) -> JsonObject:
    return {
        "return_id": event.return_id,
        "amount_minor": event.amount.minor,
        "currency": event.amount.currency,
        "refund_reference": event.refund_reference,
    }


def _return_attention(event: r.ReturnAttentionRequired) -> JsonObject:
    return {
        "return_id": event.return_id,
        "at_step": event.at_step,
        "waiting_for": event.waiting_for,
    }


def _return_only(event: Any) -> JsonObject:
    return {"return_id": event.return_id}


RULES: Final[Mapping[type, Rule]] = {
    e.OrderSubmitted: Rule("order.submitted", _submitted),
    e.OrderCompleted: Rule("order.completed", _completed),
    e.OrderCancelled: Rule("order.cancelled", _cancelled),
    s.ItemsUnavailable: Rule("order.items_unavailable", _unavailable),
    s.BackorderAccepted: Rule("order.backordered", _backordered),
    s.OrderAmended: Rule("order.amended", _amended),
    e.PaymentRefunded: Rule("payment.refunded", _refunded),
    e.ShipmentHandedOver: Rule("shipment.handed_over", _carrier_says),
    e.ShipmentDelivered: Rule("shipment.delivered", _carrier_says),
    e.ShipmentReturned: Rule("shipment.returned", _carrier_says),
    e.ShipmentLost: Rule("shipment.lost", _carrier_says),
    e.AttentionRequired: Rule("fulfillment.attention_required", _attention),
    e.OperatorActed: Rule("fulfillment.operator_acted", _operated),
    d.ScanContradicted: Rule("shipment.contradicted", _contradicted),
    d.DeliveryAttentionRequired: Rule("shipment.attention_required", _parcel_attention),
    r.ReturnOpened: Rule("return.opened", _return_opened),
    r.ReturnRefunded: Rule("return.refunded", _return_refunded),
    r.ReturnRestocked: Rule("return.restocked", _return_only),
    r.ReturnAttentionRequired: Rule("return.attention_required", _return_attention),
    r.ReturnClosed: Rule("return.closed", _return_only),
}
"""The events that other systems are told."""

SILENT: Final = names(
    e.OrderCreated,
    e.ItemAdded,
    e.ItemRemoved,
    e.QuantityChanged,
    e.AddressSet,
    e.DeliveryAddressChanged,
    e.OrderReserved,
    e.OrderProcessingStarted,
    e.StockReceived,
    e.StockAdjusted,
    e.StockReserved,
    e.StockReleased,
    e.StockShipped,
    s.StockBackordered,
    s.StockAllocated,
    s.BackorderWithdrawn,
    e.PaymentAuthorised,
    e.PaymentCaptured,
    e.PaymentDeclined,
    e.PaymentVoided,
    e.LabelBought,
    e.LabelCancelled,
    e.ShipmentInTransit,
    e.FulfillmentStarted,
    e.StepFailed,
    e.CompensationStarted,
    e.CompensationFailed,
    e.FulfillmentClosed,
    e.CustomerErased,
    d.DeliveryOperatorActed,
    r.RefundGranted,
    r.RefundDenied,
    r.RestockDecided,
    r.ReturnOperatorActed,
    r.StockReturned,
)
"""The events that stay inside: drafts, steps on the way, and what another event says as well."""


async def _apply(connection: Connection, schema: str, batch: Sequence[Recorded]) -> None:
    rows = [_row(item, RULES[type(item.event)]) for item in batch]
    columns = [list(column) for column in zip(*rows, strict=True)]
    await connection.execute(statement("notifications", "insert", schema), *columns)


def _row(item: Recorded, rule: Rule) -> tuple[Any, ...]:
    stored = item.stored
    return (
        # The same for the same event, also if a crashed server lost the row after it was sent.
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
