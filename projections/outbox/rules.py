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

from domain.lines import LineShare, pieces_by_sku
from domain.money import Money
from domain.order import events as order_events
from domain.payment import events as payment_events
from domain.returns import events as returns_events
from domain.saga import events as saga_events
from domain.shares import Shares, gift_card_of
from domain.shipment import events as shipment_events
from eventstore.model import JsonObject
from projections.engine.projection import Connection, Projection, Recorded, names, own_id
from projections.engine.row_tables import execute_columns
from projections.engine.sql_files import statement
from projections.outbox import forms

_sql: Final = partial(statement, __package__)


@dataclass(frozen=True, slots=True)
class Rule:
    """The notification for an event type.

    Attributes:
        kind: what happened, in the receiver's terms: ``order.completed``.
        form: the type of its content, from which the JSON Schema is made.
        data: its content besides the order id; JSON values.
        data_version: raised when `data` changes in a way that breaks receivers.
    """

    kind: str
    form: type
    data: Callable[[Any], JsonObject]
    data_version: int = 1


def _money(amount: Money) -> JsonObject:
    return {"amount_minor": amount.minor, "currency": amount.currency}


def _total(total: Money, shares: Sequence[LineShare]) -> JsonObject:
    """What is paid through the provider, and by a gift card, which is the shop's own affair."""
    gift_card = gift_card_of(shares, total.currency)
    return {
        "total_minor": total.minor,
        "gift_card_minor": gift_card.minor,
        "currency": total.currency,
    }


def _submitted(event: order_events.OrderSubmitted) -> JsonObject:
    shares = Shares(event.content).of_all(event.lines)
    return {**_total(event.total, shares), "pieces": sum(pieces_by_sku(shares).values())}


def _lines(lines: Sequence[LineShare]) -> list[JsonObject]:
    return [
        {
            "line_id": line.line_id,
            "sku": line.sku,
            "quantity": line.quantity,
            "amount_minor": line.amount.minor,
            "gift_card_minor": line.gift_card.minor,
        }
        for line in lines
    ]


def _unavailable(event: order_events.ItemsUnavailable) -> JsonObject:
    missing = [
        {"sku": item.sku, "ordered": item.ordered, "missing": item.missing}
        for item in event.missing
    ]
    deadline = event.deadline.isoformat()
    return {"missing": missing, "asking": event.asking, "deadline": deadline}


def _carrier_time(event: Any) -> JsonObject:
    return {"at": event.at.isoformat()}


def _attention(event: Any) -> JsonObject:
    return {"at_step": event.at_step, "waiting_for": event.waiting_for}


def _return_only(event: Any) -> JsonObject:
    return {"return_id": event.return_id}


RULES: Final[Mapping[type, Rule]] = {
    order_events.OrderSubmitted: Rule("order.submitted", forms.Submitted, _submitted),
    order_events.OrderCompleted: Rule(
        "order.completed", forms.Completed, lambda x: {"tracking_number": x.tracking_number}
    ),
    order_events.OrderCancelled: Rule(
        "order.cancelled", forms.Cancelled, lambda x: {"reason": x.reason.value}
    ),
    order_events.ItemsUnavailable: Rule("order.items_unavailable", forms.Unavailable, _unavailable),
    order_events.BackorderAccepted: Rule(
        "order.backordered", forms.Backordered, lambda x: {"deadline": x.deadline.isoformat()}
    ),
    order_events.PaymentAsked: Rule(
        "order.payment_due",
        forms.PaymentDue,
        lambda x: {"declined": x.code, "deadline": x.deadline.isoformat()},
    ),
    order_events.OrderAmended: Rule(
        "order.amended",
        forms.Amended,
        lambda x: {**_total(x.total, x.lines), "lines": _lines(x.lines)},
    ),
    payment_events.PaymentRefunded: Rule(
        "payment.refunded",
        forms.PaidBack,
        lambda x: {
            **_money(x.amount),
            "payment_reference": x.reference,
            "refund_reference": x.refund_reference,
        },
    ),
    payment_events.RefundPending: Rule(
        "payment.refund_pending",
        forms.Refund,
        lambda x: {**_money(x.amount), "refund_reference": x.refund_reference},
    ),
    payment_events.RefundFailed: Rule(
        "payment.refund_failed",
        forms.Refund,
        lambda x: {**_money(x.amount), "refund_reference": x.refund_reference},
    ),
    payment_events.RefundReversed: Rule(
        "payment.refund_reversed",
        forms.Refund,
        lambda x: {**_money(x.amount), "refund_reference": x.refund_reference},
    ),
    shipment_events.ShipmentHandedOver: Rule("shipment.handed_over", forms.Scanned, _carrier_time),
    shipment_events.ShipmentDelivered: Rule("shipment.delivered", forms.Scanned, _carrier_time),
    shipment_events.ShipmentReturned: Rule("shipment.returned", forms.Scanned, _carrier_time),
    shipment_events.ShipmentLost: Rule("shipment.lost", forms.Scanned, _carrier_time),
    saga_events.AttentionRequired: Rule(
        "fulfillment.attention_required", forms.Attention, _attention
    ),
    saga_events.OperatorActed: Rule(
        "fulfillment.operator_acted", forms.Acted, lambda x: {"action": x.action}
    ),
    shipment_events.ScanContradicted: Rule(
        "shipment.contradicted",
        forms.Contradicted,
        lambda x: {"status": x.status, **_carrier_time(x)},
    ),
    shipment_events.DeliveryAttentionRequired: Rule(
        "shipment.attention_required", forms.Attention, _attention
    ),
    returns_events.ReturnOpened: Rule(
        "return.opened",
        forms.ReturnOpened,
        lambda x: {**_return_only(x), "kind": x.kind.value, "lines": _lines(x.lines)},
    ),
    returns_events.ReturnRefunded: Rule(
        "return.refunded",
        forms.ReturnRefund,
        lambda x: {
            **_return_only(x),
            **_money(x.amount),
            "refund_reference": x.refund_reference,
        },
    ),
    returns_events.ReturnRefundPending: Rule(
        "return.refund_pending",
        forms.ReturnAmount,
        lambda x: {**_return_only(x), **_money(x.amount)},
    ),
    returns_events.ReturnRefundFailed: Rule("return.refund_failed", forms.Returned, _return_only),
    returns_events.ReturnRestocked: Rule("return.restocked", forms.Returned, _return_only),
    returns_events.ReturnAttentionRequired: Rule(
        "return.attention_required",
        forms.ReturnAttention,
        lambda x: {**_return_only(x), **_attention(x)},
    ),
    returns_events.ReturnClosed: Rule("return.closed", forms.Returned, _return_only),
}
"""The events that other systems are notified of."""


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
