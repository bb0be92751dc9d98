"""One line for a person about each event; no personal data, no secrets, no provider tokens."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from domain import delivery_events as d
from domain import events as e
from domain import return_events as r
from domain import shortage_events as s
from domain.currencies import format_amount

_LONGEST: Final = 200


def describe_event(event: Any) -> str:
    """What happened, in one line of at most 200 characters."""
    line = " ".join(_LINES[type(event)](event).split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _submitted(event: e.OrderSubmitted) -> str:
    pieces = sum(line.quantity for line in event.lines)
    content = f"{_counted(len(event.lines), 'line')}, {_counted(pieces, 'piece')}"
    return f"order submitted: {content}, {format_amount(event.total)}"


def _created(event: e.OrderCreated) -> str:
    return "draft opened for a guest" if event.customer_id is None else "draft opened"


def _unavailable(event: s.ItemsUnavailable) -> str:
    items = "; ".join(f"{item.missing} of {item.ordered} of {item.sku}" for item in event.missing)
    asked = ", the customer is asked" if event.asking else ""
    return f"not available: {items}{asked}"


def _amended(event: s.OrderAmended) -> str:
    pieces = sum(line.quantity for line in event.lines)
    content = f"{_counted(len(event.lines), 'line')}, {_counted(pieces, 'piece')}"
    return f"order amended: {content}, {format_amount(event.total)}"


def _closed(event: e.FulfillmentClosed) -> str:
    because = f" ({event.reason.value})" if event.reason else ""
    return f"saga closed: {event.outcome.value}{because}"


def _restock(event: r.RestockDecided) -> str:
    pieces = sum(item.quantity for item in event.pieces)
    what = f"{_counted(pieces, 'piece')} back into stock" if pieces else "nothing back into stock"
    return f"{event.actor} decided on return {event.return_id}: {what}: {event.reason}"


def _opened(event: r.ReturnOpened) -> str:
    pieces = _counted(sum(line.quantity for line in event.lines), "piece")
    return f"return {event.return_id} opened ({event.kind.value}) over {pieces}: {event.reason}"


_LINES: Final[Mapping[type, Callable[[Any], str]]] = {
    e.OrderCreated: _created,
    e.ItemAdded: lambda x: f"{x.quantity} of {x.sku} added at {format_amount(x.unit_price)}",
    e.ItemRemoved: lambda x: f"{x.sku} removed",
    e.QuantityChanged: lambda x: f"quantity of {x.sku} changed to {x.quantity}",
    e.AddressSet: lambda _: "delivery address set",
    e.OrderSubmitted: _submitted,
    e.DeliveryAddressChanged: lambda _: "delivery address changed",
    e.OrderReserved: lambda _: "stock reserved for every line",
    e.OrderProcessingStarted: lambda x: f"payment secured ({x.payment_reference})",
    e.OrderCompleted: lambda x: f"order completed, tracking number {x.tracking_number}",
    e.OrderCancelled: lambda x: f"order cancelled: {x.reason.value}",
    s.ItemsUnavailable: _unavailable,
    s.BackorderAccepted: lambda x: f"the customer waits until {x.deadline:%Y-%m-%d %H:%M} UTC",
    s.OrderAmended: _amended,
    e.StockReceived: lambda x: f"{x.quantity} of {x.sku} received ({x.reference})",
    e.StockAdjusted: lambda x: f"{x.sku} adjusted by {x.delta:+d}: {x.reason}",
    e.StockReserved: lambda x: f"{x.quantity} of {x.sku} reserved",
    e.StockReleased: lambda x: f"{x.quantity} of {x.sku} released",
    e.StockShipped: lambda x: f"{x.quantity} of {x.sku} shipped",
    s.StockBackordered: lambda x: f"{x.quantity} of {x.sku} waited for",
    s.StockAllocated: lambda x: f"{x.quantity} of {x.sku} arrived and reserved",
    s.BackorderWithdrawn: lambda x: f"{x.quantity} of {x.sku} no longer waited for",
    e.PaymentAuthorised: lambda x: (
        f"payment of {format_amount(x.amount)} authorised ({x.reference})"
    ),
    e.PaymentCaptured: lambda x: f"payment of {format_amount(x.amount)} captured ({x.reference})",
    e.PaymentDeclined: lambda x: f"payment of {format_amount(x.amount)} declined: {x.code}",
    e.PaymentVoided: lambda x: f"authorisation of {format_amount(x.amount)} voided ({x.reference})",
    e.PaymentRefunded: lambda x: f"{format_amount(x.amount)} refunded ({x.refund_reference})",
    e.LabelBought: lambda x: f"label bought from {x.carrier}, tracking number {x.tracking_number}",
    e.LabelCancelled: lambda x: f"label {x.label_id} cancelled",
    e.ShipmentHandedOver: lambda _: "parcel handed to the carrier",
    e.ShipmentInTransit: lambda _: "parcel in transit",
    e.ShipmentDelivered: lambda _: "parcel delivered",
    e.ShipmentReturned: lambda _: "parcel returned to sender",
    e.ShipmentLost: lambda _: "parcel lost",
    e.FulfillmentStarted: lambda x: f"saga {x.workflow_id} started",
    e.StepFailed: lambda x: f"{x.step.value} failed ({x.reason.value}): {x.message}",
    e.CompensationStarted: lambda x: f"turning back: {x.reason.value}",
    e.CompensationFailed: lambda x: f"{x.compensation.value} failed: {x.message}",
    e.AttentionRequired: lambda x: f"needs attention at {x.at_step}: {x.waiting_for}",
    e.OperatorActed: lambda x: f"{x.actor} did {x.action}: {x.reason}",
    e.FulfillmentClosed: _closed,
    d.ScanContradicted: lambda x: f"the carrier contradicts itself: {x.status} after another end",
    d.DeliveryAttentionRequired: lambda x: f"parcel needs attention: {x.waiting_for}",
    d.DeliveryOperatorActed: lambda x: f"{x.actor} did {x.action} for the parcel: {x.reason}",
    r.StockReturned: lambda x: f"{x.quantity} of {x.sku} back in stock (return {x.return_id})",
    r.ReturnOpened: _opened,
    r.RefundGranted: lambda x: (
        f"{x.actor} granted {format_amount(x.amount)} for return {x.return_id}: {x.reason}"
    ),
    r.RefundDenied: lambda x: f"{x.actor} denied a refund for return {x.return_id}: {x.reason}",
    r.RestockDecided: _restock,
    r.ReturnRefunded: lambda x: (
        f"{format_amount(x.amount)} given back for return {x.return_id} ({x.refund_reference})"
    ),
    r.ReturnRestocked: lambda x: f"goods of return {x.return_id} are in stock",
    r.ReturnAttentionRequired: lambda x: f"return {x.return_id} needs attention: {x.waiting_for}",
    r.ReturnOperatorActed: lambda x: (
        f"{x.actor} did {x.action} for return {x.return_id}: {x.reason}"
    ),
    r.ReturnClosed: lambda x: f"return {x.return_id} closed",
    e.CustomerErased: lambda x: f"personal data of {x.subject} erased: {x.reason}",
}
