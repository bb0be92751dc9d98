"""Events of the payment of an order."""

from dataclasses import dataclass
from datetime import datetime

from domain.ids import OrderId
from domain.money import Money


@dataclass(frozen=True, slots=True)
class PaymentKeyTaken:
    """The payment will be created under this key; the key before, or its payment, is over."""

    order_id: OrderId
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class PaymentPrepared:
    """The provider created the payment `reference`; no money moves until it is confirmed."""

    order_id: OrderId
    amount: Money
    reference: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class PaymentClaimed:
    """The order takes up the payment `reference`, which the shop confirmed at checkout."""

    order_id: OrderId
    amount: Money
    reference: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class ReferenceClaimed:
    """An order has taken up a payment; in the payment's own stream, in one append with the above.

    So no payment can be taken up by two orders.
    """

    order_id: OrderId


@dataclass(frozen=True, slots=True)
class PaymentNotClaimed:
    """A payment that the shop confirmed is not taken up, and is left alone; `code` says why.

    `amount` is what the order costs.
    """

    order_id: OrderId
    amount: Money
    code: str
    reference: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class PaymentAuthorised:
    """The provider authorised `amount`, until `lapses_at` if known; no money has moved."""

    order_id: OrderId
    amount: Money
    reference: str
    idempotency_key: str
    lapses_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class PaymentCaptured:
    """The provider captured `amount`; `reference` is the provider's payment."""

    order_id: OrderId
    amount: Money
    reference: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class PaymentDeclined:
    """The provider declined the payment; `code` is its reason."""

    order_id: OrderId
    amount: Money
    code: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class PaymentVoided:
    """The payment was ended at the provider before any money was taken."""

    order_id: OrderId
    amount: Money
    reference: str


@dataclass(frozen=True, slots=True)
class PaymentExpired:
    """The authorisation lapsed before it was captured; no money moved."""

    order_id: OrderId
    amount: Money
    reference: str


@dataclass(frozen=True, slots=True)
class PaymentForbidden:
    """No payment was created, and none will be confirmed for this order any more."""

    order_id: OrderId


@dataclass(frozen=True, slots=True)
class PaymentRefunded:
    """`amount` of a captured payment was refunded to the customer."""

    order_id: OrderId
    amount: Money
    reference: str
    refund_reference: str


@dataclass(frozen=True, slots=True)
class RefundPending:
    """The provider took on a refund under our key `refund_reference`; the bank takes its time."""

    order_id: OrderId
    amount: Money
    reference: str
    refund_reference: str
    refund_id: str


@dataclass(frozen=True, slots=True)
class RefundFailed:
    """A refund failed; `code` is the provider's reason. The money is still here."""

    order_id: OrderId
    amount: Money
    reference: str
    refund_reference: str
    code: str


@dataclass(frozen=True, slots=True)
class RefundReversed:
    """A refund that had succeeded came back; `code` is the provider's reason."""

    order_id: OrderId
    amount: Money
    reference: str
    refund_reference: str
    code: str


RefundEvent = PaymentRefunded | RefundPending | RefundFailed | RefundReversed
PaymentEvent = (
    PaymentKeyTaken
    | PaymentPrepared
    | PaymentClaimed
    | PaymentNotClaimed
    | PaymentAuthorised
    | PaymentCaptured
    | PaymentDeclined
    | PaymentVoided
    | PaymentExpired
    | PaymentForbidden
    | RefundEvent
)
