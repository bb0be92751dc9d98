"""Commands of the payment of an order: what the provider answered, and what is tried next."""

from dataclasses import dataclass
from datetime import datetime

from domain.ids import OrderId
from domain.money import Money


@dataclass(frozen=True, slots=True)
class TakeKey:
    """From now on the payment is created under this key.

    The key before is used up, or its payment is over and another one is to be tried.
    """

    order_id: OrderId
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class RecordPreparation:
    """Record that the provider created the payment; no money moves until it is confirmed."""

    order_id: OrderId
    amount: Money
    reference: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class RecordClaim:
    """Record that the order takes up a payment that the shop confirmed at checkout.

    From now on it is treated as the order's own, under `idempotency_key`.
    """

    order_id: OrderId
    amount: Money
    reference: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class RecordRefusal:
    """Record that a confirmed payment is not taken up, and is left alone; `code` says why.

    `amount` is what the order costs.
    """

    order_id: OrderId
    amount: Money
    code: str
    reference: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class RecordAuthorisation:
    """Record that the provider authorised the payment; it lapses at `lapses_at`, if known."""

    order_id: OrderId
    amount: Money
    reference: str
    idempotency_key: str
    lapses_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RecordCapture:
    """Record that the provider captured the payment."""

    order_id: OrderId
    amount: Money
    reference: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class RecordDecline:
    """Record that the provider declined the payment, or its capture under another key."""

    order_id: OrderId
    amount: Money
    code: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class RecordVoid:
    """Record that the payment was ended at the provider before any money was taken."""

    order_id: OrderId
    reference: str


@dataclass(frozen=True, slots=True)
class RecordExpiry:
    """Record that the authorisation has lapsed."""

    order_id: OrderId
    reference: str


@dataclass(frozen=True, slots=True)
class ForbidPayment:
    """No payment may be confirmed for this order any more."""

    order_id: OrderId


@dataclass(frozen=True, slots=True)
class RecordRefund:
    """Record that a refund succeeded; all refunds together never exceed the capture."""

    order_id: OrderId
    amount: Money
    reference: str
    refund_reference: str


@dataclass(frozen=True, slots=True)
class RecordRefundPending:
    """Record that the provider took on a refund, which is not final yet; `refund_id` is its id."""

    order_id: OrderId
    amount: Money
    reference: str
    refund_reference: str
    refund_id: str


@dataclass(frozen=True, slots=True)
class RecordRefundFailure:
    """Record that a refund failed: the money is still here, and a new attempt needs a new key."""

    order_id: OrderId
    amount: Money
    reference: str
    refund_reference: str
    code: str


RefundCommand = RecordRefund | RecordRefundPending | RecordRefundFailure
PaymentCommand = (
    TakeKey
    | RecordPreparation
    | RecordClaim
    | RecordRefusal
    | RecordAuthorisation
    | RecordCapture
    | RecordDecline
    | RecordVoid
    | RecordExpiry
    | ForbidPayment
    | RefundCommand
)
