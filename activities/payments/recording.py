"""Records where the provider's payment of an order stands."""

from typing import assert_never

from activities.aggregates import PAYMENT
from activities.payment_port import PaymentStatus
from activities.payments.own import OwnPayment
from activities.unit_of_work import UnitOfWork
from domain.payment import commands


def record_answer(unit: UnitOfWork, answer: OwnPayment) -> None:
    """Record where the provider's payment stands; what is known already changes nothing.

    Raises:
        DomainError: the answer is about another payment than the recorded one.
    """
    if command := _command_for(answer):
        unit.execute(PAYMENT.stream(answer.order_id), command)


def _command_for(answer: OwnPayment) -> commands.PaymentCommand | None:
    order_id, key = answer.order_id, answer.idempotency_key
    amount, reference = answer.amount, answer.reference
    match answer.status:
        case PaymentStatus.AUTHORISED:
            return commands.RecordAuthorisation(order_id, amount, reference, key, answer.lapses_at)
        case PaymentStatus.CAPTURED | PaymentStatus.REFUNDED:
            return commands.RecordCapture(order_id, amount, reference, key)
        case PaymentStatus.DECLINED:
            return commands.RecordDecline(order_id, amount, answer.decline_code or "declined", key)
        case PaymentStatus.EXPIRED:
            return commands.RecordExpiry(order_id, reference)
        case PaymentStatus.VOIDED:
            return commands.RecordVoid(order_id, reference)
        case PaymentStatus.UNCONFIRMED | PaymentStatus.REQUIRES_ACTION:
            return None
        case _:
            assert_never(answer.status)
