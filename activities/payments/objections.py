"""Why a payment that the shop confirmed at checkout cannot be taken up by an order.

Such a payment is left alone: it is neither captured, voided nor refunded.
"""

from enum import StrEnum
from typing import Final

from activities.identity import Claim
from activities.payment_port import PaymentStatus, ProviderPayment


class Objection(StrEnum):
    """Why; these are codes of declines, which shops see."""

    UNKNOWN = "payment_unknown"
    NOT_OURS = "payment_of_another_order"
    NOT_CONFIRMED = "payment_not_confirmed"
    OVER = "payment_is_over"
    CURRENCY = "payment_in_another_currency"
    AMOUNT = "payment_of_another_amount"


_NOT_CONFIRMED: Final = frozenset(
    {PaymentStatus.UNCONFIRMED, PaymentStatus.REQUIRES_ACTION, PaymentStatus.DECLINED}
)
_USABLE: Final = frozenset({PaymentStatus.AUTHORISED, PaymentStatus.CAPTURED})


def objection_to(
    payment: ProviderPayment, claim: Claim, order_reference: str | None
) -> Objection | None:
    """Why the payment cannot be taken up; None: it can.

    Args:
        payment: as the provider knows it.
        claim: what it says, or is made to say, if it is the order's own.
        order_reference: the shop's own number of the order, by which it may name it.
    """
    if _is_of_another(payment, claim, order_reference):
        return Objection.NOT_OURS
    if payment.status in _NOT_CONFIRMED:
        return Objection.NOT_CONFIRMED
    used_before = payment.idempotency_key not in ("", claim.idempotency_key)
    if used_before or payment.status not in _USABLE or payment.refunded.minor:
        return Objection.OVER
    amounts = claim.amounts or ()
    if payment.asked.currency not in {amount.currency for amount in amounts}:
        return Objection.CURRENCY
    return (
        None if payment.asked == payment.amount and payment.asked in amounts else Objection.AMOUNT
    )


def _is_of_another(payment: ProviderPayment, claim: Claim, order_reference: str | None) -> bool:
    """Whether it says that it is of another installation or order; it may say nothing."""
    if payment.idempotency_key or payment.installation:
        ours = (claim.installation, claim.order_id)
        return (payment.installation, payment.order_id) != ours
    return payment.order_id not in ("", claim.order_id, order_reference)
