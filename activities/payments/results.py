"""What the saga is told of an order's payment."""

from dataclasses import replace

from activities.failures import refusal
from activities.messages import PaymentResult
from domain.order.state import FrozenOrder
from domain.payment import state as payment
from domain.values import Reason


def result_of(charged: tuple[payment.PaymentState, bool], order: FrozenOrder) -> PaymentResult:
    """The result of a payment, as it is recorded, and whether that ended the order.

    Raises:
        As `accepted`.
    """
    paid, completed = charged
    return replace(accepted(paid, order), order_completed=completed)


def accepted(paid: payment.PaymentState, order: FrozenOrder) -> PaymentResult:
    """The result, if the money is taken or held.

    Raises:
        ApplicationError: payment_declined, not_fulfillable.
    """
    match paid:
        case payment.Captured(reference=reference):
            return PaymentResult(reference, True, payment.is_overpaid(paid, order.total))
        case payment.NotClaimed():
            raise refusal(
                Reason.PAYMENT_DECLINED,
                f"the payment {paid.reference} was not taken up, and is left alone: {paid.code}",
            )
        case _ if order.is_free:
            return PaymentResult(None, captured=False)
        case payment.Authorised(reference=reference):
            return PaymentResult(reference, captured=False, lapses_at=paid.lapses_at)
        case payment.Declined():
            raise declined(paid.code)
        case payment.Voided():
            raise refusal(Reason.PAYMENT_DECLINED, "the order's payment was ended at the provider")
        case payment.NoPayment() | payment.Prepared() | payment.Forbidden():
            raise refusal(Reason.NOT_FULFILLABLE, "the order takes no payment any more")


def declined(code: str) -> Exception:
    """The refusal of an order whose payment was declined."""
    return refusal(Reason.PAYMENT_DECLINED, f"the payment was declined: {code}")
