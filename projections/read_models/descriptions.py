"""One line for a person about each event; no personal data, no secrets, no provider tokens."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from domain.customer import events as customer_events
from domain.money import format_amount
from domain.order import events as order_events
from domain.payment import events as payment_events
from domain.request import events as request_events
from domain.returns import events as returns_events
from domain.saga import events as saga_events
from domain.shipment import events as shipment_events
from domain.stock import events as stock_events

_LONGEST: Final = 200


def describe_event(event: Any) -> str:
    """What happened, in one line of at most 200 characters."""
    line = " ".join(_LINES[type(event)](event).split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _content(event: order_events.OrderSubmitted | order_events.OrderAmended) -> str:
    pieces = sum(line.quantity for line in event.lines)
    lines = _counted(len(event.lines), "line")
    return f"{lines}, {_counted(pieces, 'piece')}, {format_amount(event.total)}"


def _created(event: order_events.OrderCreated) -> str:
    return "draft opened for a guest" if event.customer_id is None else "draft opened"


def _adjustments(event: order_events.AdjustmentsSet) -> str:
    of = "the order" if event.line_id is None else f"line {event.line_id}"
    amounts = (f"{x.kind.value} {format_amount(x.amount)}" for x in event.adjustments)
    return f"adjustments of {of}: {', '.join(amounts) or 'none'}"


def _unavailable(event: order_events.ItemsUnavailable) -> str:
    items = "; ".join(f"{item.missing} of {item.ordered} of {item.sku}" for item in event.missing)
    asked = ", the customer is asked" if event.asking else ""
    return f"not available: {items}{asked}"


def _closed(event: saga_events.FulfillmentClosed) -> str:
    because = f" ({event.reason.value})" if event.reason else ""
    return f"saga closed: {event.outcome.value}{because}"


def _restock(event: returns_events.RestockDecided) -> str:
    pieces = sum(item.quantity for item in event.pieces)
    what = f"{_counted(pieces, 'piece')} back into stock" if pieces else "nothing back into stock"
    return f"{event.actor} decided on return {event.return_id}: {what}: {event.reason}"


def _opened(event: returns_events.ReturnOpened) -> str:
    pieces = _counted(sum(line.quantity for line in event.lines), "piece")
    return f"return {event.return_id} opened ({event.kind.value}) over {pieces}: {event.reason}"


_LINES: Final[Mapping[type, Callable[[Any], str]]] = {
    order_events.OrderCreated: _created,
    order_events.ItemAdded: lambda x: (
        f"{x.quantity} of {x.code or x.kind.value} added at {format_amount(x.unit_price)}"
    ),
    order_events.ItemRemoved: lambda x: f"line {x.line_id} removed",
    order_events.QuantityChanged: lambda x: f"quantity of line {x.line_id} changed to {x.quantity}",
    order_events.AdjustmentsSet: _adjustments,
    order_events.AddressSet: lambda _: "delivery address set",
    order_events.OrderSubmitted: lambda x: f"order submitted: {_content(x)}",
    order_events.DeliveryAddressChanged: lambda _: "delivery address changed",
    order_events.OrderReserved: lambda _: "stock reserved for every line",
    order_events.OrderProcessingStarted: lambda x: (
        f"payment secured ({x.payment_reference})" if x.payment_reference else "nothing to pay"
    ),
    order_events.OrderCompleted: lambda x: (
        f"order completed, tracking number {x.tracking_number}"
        if x.tracking_number
        else "order completed, nothing to ship"
    ),
    order_events.OrderCancelled: lambda x: f"order cancelled: {x.reason.value}",
    order_events.ItemsUnavailable: _unavailable,
    order_events.BackorderAccepted: lambda x: (
        f"the customer waits until {x.deadline:%Y-%m-%d %H:%M} UTC"
    ),
    order_events.PaymentAsked: lambda x: (
        f"another payment asked for until {x.deadline:%Y-%m-%d %H:%M} UTC, declined: {x.code}"
    ),
    order_events.PaymentReplaced: lambda _: "another payment came, to be tried",
    order_events.OrderAmended: lambda x: f"order amended: {_content(x)}",
    stock_events.StockReceived: lambda x: f"{x.quantity} of {x.sku} received ({x.reference})",
    stock_events.StockAdjusted: lambda x: f"{x.sku} adjusted by {x.delta:+d}: {x.reason}",
    stock_events.StockReserved: lambda x: f"{x.quantity} of {x.sku} reserved",
    stock_events.StockReleased: lambda x: f"{x.quantity} of {x.sku} released",
    stock_events.StockShipped: lambda x: f"{x.quantity} of {x.sku} shipped",
    stock_events.StockBackordered: lambda x: f"{x.quantity} of {x.sku} waited for",
    stock_events.StockAllocated: lambda x: f"{x.quantity} of {x.sku} arrived and reserved",
    stock_events.StockDeallocated: lambda x: (
        f"{x.quantity} of {x.sku} not there any more: waited for"
    ),
    stock_events.BackorderWithdrawn: lambda x: f"{x.quantity} of {x.sku} no longer waited for",
    payment_events.PaymentKeyTaken: lambda _: "payment tried again under another key",
    payment_events.PaymentPrepared: lambda x: (
        f"payment of {format_amount(x.amount)} prepared, no money moved ({x.reference})"
    ),
    payment_events.PaymentClaimed: lambda x: (
        f"payment of {format_amount(x.amount)} taken up from checkout ({x.reference})"
    ),
    payment_events.ReferenceClaimed: lambda x: f"payment taken up by order {x.order_id}",
    payment_events.PaymentNotClaimed: lambda x: (
        f"payment from checkout not taken up, and left alone: {x.code} ({x.reference})"
    ),
    payment_events.PaymentAuthorised: lambda x: (
        f"payment of {format_amount(x.amount)} authorised ({x.reference})"
    ),
    payment_events.PaymentCaptured: lambda x: (
        f"payment of {format_amount(x.amount)} captured ({x.reference})"
    ),
    payment_events.PaymentDeclined: lambda x: (
        f"payment of {format_amount(x.amount)} declined: {x.code}"
    ),
    payment_events.PaymentVoided: lambda x: (
        f"payment of {format_amount(x.amount)} ended, nothing taken ({x.reference})"
    ),
    payment_events.PaymentExpired: lambda x: (
        f"authorisation of {format_amount(x.amount)} lapsed ({x.reference})"
    ),
    payment_events.PaymentForbidden: lambda _: "no payment was made, and none will be",
    payment_events.RefundPending: lambda x: (
        f"refund of {format_amount(x.amount)} on its way ({x.refund_reference})"
    ),
    payment_events.RefundFailed: lambda x: (
        f"refund of {format_amount(x.amount)} failed: {x.code} ({x.refund_reference})"
    ),
    payment_events.RefundReversed: lambda x: (
        f"refund of {format_amount(x.amount)} came back: {x.code} ({x.refund_reference})"
    ),
    payment_events.PaymentRefunded: lambda x: (
        f"{format_amount(x.amount)} refunded ({x.refund_reference})"
    ),
    shipment_events.LabelBought: lambda x: (
        f"label bought from {x.carrier}, tracking number {x.tracking_number}"
    ),
    shipment_events.LabelCancelled: lambda x: f"label {x.label_id} cancelled",
    shipment_events.ScanKept: lambda x: f"scanned before its label: {x.status.replace('_', ' ')}",
    shipment_events.ParcelGivenUp: lambda x: (
        f"{x.actor} says of the parcel that has left: {x.goods.replace('_', ' ')}: {x.reason}"
    ),
    shipment_events.ShipmentHandedOver: lambda _: "parcel handed to the carrier",
    shipment_events.ShipmentInTransit: lambda _: "parcel in transit",
    shipment_events.ShipmentDelivered: lambda _: "parcel delivered",
    shipment_events.ShipmentReturned: lambda _: "parcel returned to sender",
    shipment_events.ShipmentLost: lambda _: "parcel lost",
    saga_events.FulfillmentStarted: lambda x: f"saga {x.workflow_id} started",
    saga_events.StepFailed: lambda x: f"{x.step.value} failed ({x.reason.value}): {x.message}",
    saga_events.CompensationStarted: lambda x: f"turning back: {x.reason.value}",
    saga_events.CompensationWithdrawn: lambda x: f"not undone after all: {x.detail}",
    saga_events.CompensationFailed: lambda x: f"{x.compensation.value} failed: {x.message}",
    saga_events.AttentionRequired: lambda x: f"needs attention at {x.at_step}: {x.waiting_for}",
    saga_events.OperatorActed: lambda x: f"{x.actor} did {x.action}: {x.reason}",
    saga_events.NoteAdded: lambda x: f"{x.author} noted: {x.text}",
    saga_events.FulfillmentClosed: _closed,
    shipment_events.ScanContradicted: lambda x: (
        f"the carrier reports {x.status}, which cannot follow"
    ),
    shipment_events.DeliveryAttentionRequired: lambda x: f"parcel needs attention: {x.waiting_for}",
    shipment_events.DeliveryOperatorActed: lambda x: (
        f"{x.actor} did {x.action} for the parcel: {x.reason}"
    ),
    stock_events.StockReturned: lambda x: (
        f"{x.quantity} of {x.sku} back in stock (return {x.return_id})"
    ),
    returns_events.ReturnOpened: _opened,
    returns_events.RefundGranted: lambda x: (
        f"{x.actor} granted {format_amount(x.amount)} for return {x.return_id}: {x.reason}"
    ),
    returns_events.RefundDenied: lambda x: (
        f"{x.actor} denied a refund for return {x.return_id}: {x.reason}"
    ),
    returns_events.RestockDecided: _restock,
    returns_events.ReturnRefunded: lambda x: (
        f"{format_amount(x.amount)} given back for return {x.return_id} ({x.refund_reference})"
    ),
    returns_events.ReturnRefundPending: lambda x: (
        f"{format_amount(x.amount)} on its way back for return {x.return_id}"
    ),
    returns_events.ReturnRefundFailed: lambda x: f"refund of return {x.return_id} failed",
    returns_events.ReturnRestocked: lambda x: f"goods of return {x.return_id} are in stock",
    returns_events.ReturnAttentionRequired: lambda x: (
        f"return {x.return_id} needs attention: {x.waiting_for}"
    ),
    returns_events.ReturnOperatorActed: lambda x: (
        f"{x.actor} did {x.action} for return {x.return_id}: {x.reason}"
    ),
    returns_events.ReturnClosed: lambda x: f"return {x.return_id} closed",
    request_events.OrderRequested: lambda x: (
        f"order {x.order_id} requested by {x.subject}" + ("" if x.is_new else ", which was there")
    ),
    customer_events.CustomerErased: lambda x: f"personal data of {x.subject} erased: {x.reason}",
}
