"""What statuses and acts are called, and what they mean: five meanings have a colour each."""

from collections.abc import Mapping
from typing import Final

WAITING: Final = "waiting"
RUNNING: Final = "running"
DONE: Final = "done"
UNDONE: Final = "undone"
WRONG: Final = "wrong"
IDLE: Final = "idle"
NOTE: Final = "note"
"""What people said; no status."""

_MEANINGS: Final[Mapping[str, Mapping[str, str]]] = {
    WAITING: {
        "backordered": "waits for stock",
        "refund_pending": "refund pending",
        "awaiting_decision": "decision wanted",
        "awaiting_choice": "awaits a choice",
        "awaiting_stock": "waits for stock",
        "awaiting_payment": "waits for another payment",
        "on_hold": "on hold",
        "waiting_for_provider": "waits for a provider",
        "waiting_for_event_store": "waits for the event store",
        "waiting": "waiting",
        "reserve_inventory": "reserving stock",
        "process_payment": "waits for the payment",
        "create_shipment": "waits for the label",
        "capture_payment": "waits for the capture",
        "release_inventory": "releasing stock",
        "undo_payment": "giving money back",
        "cancel_shipment": "cancelling the label",
        "undecided": "undecided",
        "granted": "granted, not paid yet",
        "decided": "decided, not done yet",
        "behind": "behind",
        "paused": "paused",
        "pending": "pending",
        "ready": "ready to be carried out",
        "order_without_saga": "no saga",
        "saga_paused": "paused in Temporal",
    },
    RUNNING: {
        "submitted": "submitted",
        "reserved": "reserved",
        "processing": "processing",
        "authorised": "authorised",
        "label_bought": "label bought",
        "handed_over": "handed over",
        "in_transit": "in transit",
        "open": "open",
        "running": "running",
        "looking": "looking",
        "compensating": "turning back",
        "turning_back": "turning back",
        "started": "under way",
        "scheduled": "next try is set",
    },
    DONE: {
        "completed": "completed",
        "captured": "captured",
        "delivered": "delivered",
        "closed": "closed",
        "paid": "paid",
        "restocked": "restocked",
        "current": "current",
        "calls_pass": "calls pass",
        "done": "done",
        "refund_paid": "paid",
    },
    UNDONE: {
        "cancelled": "cancelled",
        "refunded": "refunded",
        "partly_refunded": "partly refunded",
        "voided": "voided",
        "expired": "expired",
        "aborted": "aborted",
        "returned": "returned",
        "label_cancelled": "label cancelled",
        "denied": "denied",
        "undone": "undone",
    },
    WRONG: {
        "declined": "declined",
        "refund_failed": "refund failed",
        "refund_reversed": "refund came back",
        "lost": "lost",
        "dead": "dead",
        "failed": "failed",
        "stuck": "stuck",
        "missing": "missing",
        "outdated": "outdated",
        "terminated": "terminated",
        "timed_out": "timed out",
        "saga_needs_attention": "needs a person",
        "parcel_needs_attention": "parcel needs a person",
        "return_needs_attention": "return needs a person",
        "dead_notification": "notification not delivered",
        "dead_letter": "parked stream",
        "refused": "refused",
        "failing": "failing",
        "unanswered": "no answer",
    },
    IDLE: {
        "draft": "draft",
        "unpaid": "unpaid",
        "unfulfilled": "unfulfilled",
        "none": "none",
        "not_started": "not started",
        "unknown": "unknown",
        "nothing": "nothing",
        "to_come": "to come",
        "skipped": "not reached",
    },
}
_MEANING_OF: Final = {word: meaning for meaning, words in _MEANINGS.items() for word in words}
_WORDS: Final = {word: text for words in _MEANINGS.values() for word, text in words.items()}


def meaning(status: str | None) -> str:
    """Which of the meanings a status has."""
    return _MEANING_OF.get(str(status), IDLE)


def words(code: str | None) -> str:
    """A status, reason or kind in words."""
    if code is None:
        return "none"
    return _WORDS.get(code, code.replace("_", " "))


REASONS: Final[Mapping[str, str]] = {
    "out_of_stock": "a product was out of stock",
    "payment_declined": "the payment was declined",
    "address_refused": "the carrier refused the address",
    "not_fulfillable": "it could not be fulfilled",
    "provider_outage": "a provider failed for too long",
    "reservation_expired": "the reservation expired",
    "customer_request": "the customer asked for it",
    "operator_request": "an operator decided it",
}
"""Why an order was cancelled, in a sentence."""

STEPS: Final[Mapping[str, str]] = {
    "reserve_inventory": "reserve stock",
    "process_payment": "take the payment",
    "create_shipment": "buy the label",
    "capture_payment": "capture the payment",
    "release_inventory": "release the stock",
    "undo_payment": "give the money back",
    "cancel_shipment": "cancel the label",
}
"""The steps of a saga and what undoes them."""

_KINDS: Final[Mapping[str, str]] = {
    "OrderCancelled": UNDONE,
    "CompensationStarted": UNDONE,
    "NoteAdded": NOTE,
    "OperatorActed": NOTE,
    "DeliveryOperatorActed": NOTE,
    "ReturnOperatorActed": NOTE,
    "PaymentRefunded": UNDONE,
    "PaymentVoided": UNDONE,
    "PaymentExpired": UNDONE,
    "PaymentForbidden": UNDONE,
    "StockReleased": UNDONE,
    "BackorderWithdrawn": UNDONE,
    "LabelCancelled": UNDONE,
    "ShipmentReturned": UNDONE,
    "ParcelGivenUp": UNDONE,
    "ReturnRefunded": UNDONE,
    "PaymentDeclined": WRONG,
    "PaymentNotClaimed": WRONG,
    "RefundFailed": WRONG,
    "RefundReversed": WRONG,
    "ReturnRefundFailed": WRONG,
    "StepFailed": WRONG,
    "CompensationFailed": WRONG,
    "AttentionRequired": WRONG,
    "DeliveryAttentionRequired": WRONG,
    "ReturnAttentionRequired": WRONG,
    "ScanContradicted": WRONG,
    "ShipmentLost": WRONG,
    "ItemsUnavailable": WAITING,
    "PaymentAsked": WAITING,
    "PaymentReplaced": RUNNING,
    "RefundPending": WAITING,
    "ReturnRefundPending": WAITING,
    "ReturnOpened": WAITING,
    "StockDeallocated": WAITING,
    "StockBackordered": WAITING,
    "BackorderAccepted": WAITING,
    "PaymentPrepared": RUNNING,
    "PaymentClaimed": RUNNING,
    "CompensationWithdrawn": RUNNING,
    "PaymentAuthorised": RUNNING,
    "FulfillmentStarted": RUNNING,
    "OrderSubmitted": RUNNING,
    "OrderProcessingStarted": RUNNING,
    "ShipmentInTransit": RUNNING,
    "ShipmentHandedOver": RUNNING,
    "OrderReserved": DONE,
    "OrderCompleted": DONE,
    "PaymentCaptured": DONE,
    "LabelBought": DONE,
    "ShipmentDelivered": DONE,
    "StockReserved": DONE,
    "StockAllocated": DONE,
    "ReturnRestocked": DONE,
    "ReturnClosed": DONE,
    "StockShipped": DONE,
    "FulfillmentClosed": DONE,
}


def event_meaning(event_type: str) -> str:
    """Which of the meanings an event has."""
    return _KINDS.get(event_type, IDLE)
