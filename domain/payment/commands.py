"""Commands to the payment of an order."""

from dataclasses import dataclass

from domain.ids import OrderId
from domain.money import Money

# --- payment -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RecordAuthorisation:
    """Record that the provider holds the money."""

    order_id: OrderId
    amount: Money
    reference: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class RecordCapture:
    """Record that the provider took the money."""

    order_id: OrderId
    amount: Money
    reference: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class RecordDecline:
    """Record that the provider refused."""

    order_id: OrderId
    amount: Money
    code: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class RecordVoid:
    """Record that the authorisation was given back."""

    order_id: OrderId
    reference: str


@dataclass(frozen=True, slots=True)
class RecordRefund:
    """Record that captured money went back; never more than was captured."""

    order_id: OrderId
    amount: Money
    reference: str
    refund_reference: str


PaymentCommand = RecordAuthorisation | RecordCapture | RecordDecline | RecordVoid | RecordRefund
