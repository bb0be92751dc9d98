"""Commands of the payment of an order."""

from dataclasses import dataclass

from domain.ids import OrderId
from domain.money import Money


@dataclass(frozen=True, slots=True)
class RecordAuthorisation:
    """Record that the provider authorised the payment."""

    order_id: OrderId
    amount: Money
    reference: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class RecordCapture:
    """Record that the provider captured the payment."""

    order_id: OrderId
    amount: Money
    reference: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class RecordDecline:
    """Record that the provider declined the payment."""

    order_id: OrderId
    amount: Money
    code: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class RecordVoid:
    """Record that the authorisation was released."""

    order_id: OrderId
    reference: str


@dataclass(frozen=True, slots=True)
class RecordRefund:
    """Record a refund; all refunds together never exceed the capture."""

    order_id: OrderId
    amount: Money
    reference: str
    refund_reference: str


PaymentCommand = RecordAuthorisation | RecordCapture | RecordDecline | RecordVoid | RecordRefund
