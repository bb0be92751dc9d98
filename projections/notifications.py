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

from domain import events as e
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
    categories=frozenset({"order", "payment", "shipment", "fulfillment"}),
    handles=names(*RULES),
    apply=_apply,
    side_effects=True,
)
