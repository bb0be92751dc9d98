"""Events of the payment of an order."""

from dataclasses import dataclass

from domain.ids import OrderId
from domain.money import Money


@dataclass(frozen=True, slots=True)
class PaymentAuthorised:
    """The provider authorised `amount`; no money has moved."""

    order_id: OrderId
    amount: Money
    reference: str
    idempotency_key: str


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
    """An authorisation was released; no money moved."""

    order_id: OrderId
    amount: Money
    reference: str


@dataclass(frozen=True, slots=True)
class PaymentRefunded:
    """`amount` of a captured payment was refunded to the customer."""

    order_id: OrderId
    amount: Money
    reference: str
    refund_reference: str


PaymentEvent = (
    PaymentAuthorised | PaymentCaptured | PaymentDeclined | PaymentVoided | PaymentRefunded
)
