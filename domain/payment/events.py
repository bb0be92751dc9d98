"""Facts about the payment of an order."""

from dataclasses import dataclass

from domain.ids import OrderId
from domain.money import Money

# --- payment -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PaymentAuthorised:
    """The provider holds `amount` for us; nothing was taken yet."""

    order_id: OrderId
    amount: Money
    reference: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class PaymentCaptured:
    """The provider took `amount`; `reference` is the provider's payment."""

    order_id: OrderId
    amount: Money
    reference: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class PaymentDeclined:
    """The provider refused the payment; `code` is the provider's word for why."""

    order_id: OrderId
    amount: Money
    code: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class PaymentVoided:
    """An authorisation was given back without taking money."""

    order_id: OrderId
    amount: Money
    reference: str


@dataclass(frozen=True, slots=True)
class PaymentRefunded:
    """`amount` of a captured payment went back to the customer."""

    order_id: OrderId
    amount: Money
    reference: str
    refund_reference: str


PaymentEvent = (
    PaymentAuthorised | PaymentCaptured | PaymentDeclined | PaymentVoided | PaymentRefunded
)
