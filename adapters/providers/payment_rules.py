"""Rules of the fake and sandbox payment provider: what is declined, which changes are allowed.

Pure functions, independent of where the payments are stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from activities.payment_port import (
    PaymentRequest,
    PaymentStatus,
    ProviderPayment,
    ProviderRefund,
    RefundStatus,
)
from activities.ports import Identity
from adapters.providers.faults import FaultKind
from adapters.providers.rules import RequestRefused, digest, same_key_other_content
from domain.ids import OrderId
from domain.money import Money, format_amount, total
from domain.values import CaptureMode

DECLINING_TOKENS: Final[Mapping[str, str]] = {
    "tok_declined": "card_declined",
    "tok_insufficient_funds": "insufficient_funds",
    "tok_expired": "expired_card",
    "tok_lost_card": "lost_card",
    "tok_stolen_card": "stolen_card",
    "tok_fraudulent": "fraudulent",
    "tok_incorrect_cvc": "incorrect_cvc",
}
"""Card tokens that are declined, with their decline codes. All other tokens are accepted."""

ASKING_TOKEN: Final = "tok_authentication_required"  # noqa: S105  no secret
"""For this token, the customer would have to authenticate."""

HELD_FOR: Final = timedelta(days=7)
"""An authorisation lapses after this time."""

_LONGEST_TOKEN: Final = 255
_FAILURE: Final = "lost_or_stolen_card"
_UNCONFIRMED: Final = frozenset({PaymentStatus.UNCONFIRMED, PaymentStatus.REQUIRES_ACTION})
_NOT_FINAL: Final = frozenset({RefundStatus.PENDING, RefundStatus.REQUIRES_ACTION})
_BANK_ON_REFUNDS: Final = {
    FaultKind.REFUND_PENDING: RefundStatus.PENDING,
    FaultKind.REFUND_ACTION: RefundStatus.REQUIRES_ACTION,
    FaultKind.REFUND_FAILED: RefundStatus.FAILED,
}


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """What the sandbox takes: see `PaymentLimits`.

    Attributes:
        lowest: the least amount, in minor units of any currency.
        highest: the highest amount.
    """

    lowest: int = 1
    highest: int = 10**15

    def problem(self, amount: Money, token: str) -> str | None:
        """Why it would refuse such a payment: names the field and the limit, not the token."""
        if not 1 <= len(token) <= _LONGEST_TOKEN:
            return f"payment.token: the sandbox takes 1 to {_LONGEST_TOKEN} characters"
        if self.lowest <= amount.minor <= self.highest:
            return None
        bounds = (format_amount(Money(n, amount.currency)) for n in (self.lowest, self.highest))
        return f"total: the sandbox takes {' to '.join(bounds)}"


@dataclass(frozen=True, slots=True)
class KeptPayment:
    """A payment as the provider keeps it.

    Attributes:
        seen: what others see of it.
        capture: how it is taken once it is confirmed.
        verdict: what the bank will say when it is confirmed: a decline code; None: it pays.
        refunds: oldest first.
    """

    seen: ProviderPayment
    capture: CaptureMode
    verdict: str | None = None
    refunds: tuple[ProviderRefund, ...] = ()

    @property
    def reference(self) -> str:
        """The provider's id."""
        return self.seen.reference

    @property
    def order_id(self) -> OrderId:
        """The order that it is for."""
        return self.seen.order_id

    @property
    def idempotency_key(self) -> str:
        """The key that it was created with."""
        return self.seen.idempotency_key

    @property
    def awaits_the_bank(self) -> bool:
        """Whether a refund is not final."""
        return any(one.status in _NOT_FINAL for one in self.refunds)

    @property
    def status(self) -> PaymentStatus:
        """Where it stands."""
        return self.seen.status

    def with_status(self, status: PaymentStatus, **changes: Any) -> "KeptPayment":
        """It, in another status; only an authorisation lapses."""
        changes = {"lapses_at": None, **changes}
        return replace(self, seen=replace(self.seen, status=status, **changes))


def request_fingerprint(request: PaymentRequest) -> str:
    """A fingerprint that is equal for requests with the same content."""
    amount = request.amount
    content = (str(amount.minor), amount.currency, request.token, request.capture)
    return digest("payment", request.installation, request.order_id, *content)


def create(request: PaymentRequest, declines: Mapping[str, str]) -> KeptPayment:
    """The payment of a request, which nobody has confirmed; `declines` are tokens with codes.

    Raises:
        RequestRefused: the amount is not positive.
    """
    _require_positive(request.amount)
    asking = PaymentStatus.REQUIRES_ACTION if request.token == ASKING_TOKEN else None
    seen = ProviderPayment(
        reference=f"pay_{digest('payment', request.idempotency_key)[:20]}",
        installation=request.installation,
        idempotency_key=request.idempotency_key,
        order_id=request.order_id,
        status=PaymentStatus.UNCONFIRMED,
        asked=request.amount,
        amount=request.amount,
        refunded=Money.zero(request.amount.currency),
    )
    return KeptPayment(seen, request.capture, declines.get(request.token) or asking)


def checkout(
    reference: str,
    amount: Money,
    token: str,
    capture: CaptureMode,
    declines: Mapping[str, str],
    now: datetime | None = None,
) -> KeptPayment:
    """A payment that a shop has made and confirmed at its checkout: it says nothing of an order.

    Raises:
        RequestRefused: the amount is not positive.
    """
    request = PaymentRequest(OrderId(""), amount, token, capture, "", "")
    payment = create(request, declines)
    return confirm(replace(payment, seen=replace(payment.seen, reference=reference)), now)


def claim(payment: KeptPayment, identity: Identity) -> KeptPayment:
    """`payment` once it says whose it is; one that says so already stays as it is."""
    if payment.idempotency_key:
        return payment
    seen = replace(
        payment.seen,
        installation=identity.installation,
        order_id=OrderId(identity.order_id),
        idempotency_key=identity.idempotency_key,
    )
    return replace(payment, seen=seen)


def confirm(payment: KeptPayment, now: datetime | None = None) -> KeptPayment:
    """`payment` once it is confirmed; one that was confirmed or is over stays as it is."""
    if payment.status is not PaymentStatus.UNCONFIRMED:
        return payment
    if payment.verdict == PaymentStatus.REQUIRES_ACTION:
        return payment.with_status(PaymentStatus.REQUIRES_ACTION)
    if payment.verdict:
        return payment.with_status(PaymentStatus.DECLINED, decline_code=payment.verdict)
    if payment.capture is CaptureMode.AUTOMATIC:
        return payment.with_status(PaymentStatus.CAPTURED)
    lapses_at = now + HELD_FOR if now else None
    return payment.with_status(PaymentStatus.AUTHORISED, lapses_at=lapses_at)


def capture(payment: KeptPayment, amount: Money, decision: FaultKind | None = None) -> KeptPayment:
    """`payment` after `amount` was captured; the rest of the authorisation is released.

    Args:
        payment: one that is captured, or over, stays as it is.
        amount: at most what is authorised.
        decision: an injected decision of the bank. A declined capture is an answer that changes
            nothing; see `kept_after`.

    Raises:
        RequestRefused: nobody has confirmed it, or `amount` exceeds it.
    """
    if payment.status in _UNCONFIRMED:
        raise _wrong_state("captured", payment)
    if payment.status is not PaymentStatus.AUTHORISED:
        return payment
    if decision is FaultKind.DECLINED:
        return payment.with_status(PaymentStatus.DECLINED, decline_code="insufficient_funds")
    if decision is FaultKind.EXPIRED:
        return payment.with_status(PaymentStatus.EXPIRED)
    _require_positive(amount)
    _require_at_most(amount, payment.seen.amount)
    return payment.with_status(PaymentStatus.CAPTURED, amount=amount)


def kept_after(before: KeptPayment, answer: KeptPayment) -> KeptPayment:
    """The payment that remains after a change: a declined capture changes nothing."""
    declined = answer.status is PaymentStatus.DECLINED
    return before if declined and before.status is PaymentStatus.AUTHORISED else answer


def void(payment: KeptPayment) -> KeptPayment:
    """`payment` once it can neither be confirmed nor captured; one that is over stays as it is.

    Raises:
        RequestRefused: it was captured.
    """
    if payment.status in (PaymentStatus.CAPTURED, PaymentStatus.REFUNDED):
        raise _wrong_state("voided", payment)
    if payment.status in _UNCONFIRMED or payment.status is PaymentStatus.AUTHORISED:
        return payment.with_status(PaymentStatus.VOIDED)
    return payment


# --- refunds -------------------------------------------------------------------------------------


def refund(
    payment: KeptPayment, amount: Money, key: str, decision: FaultKind | None = None
) -> KeptPayment:
    """`payment` with a refund of `amount`, once per key.

    Raises:
        RequestRefused: it is not captured, less than `amount` is left to refund, or the key was
            used for another amount.
    """
    if earlier := next((one for one in payment.refunds if one.idempotency_key == key), None):
        if earlier.amount != amount:
            raise same_key_other_content()
        return payment
    if payment.status not in (PaymentStatus.CAPTURED, PaymentStatus.REFUNDED):
        raise _wrong_state("refunded", payment)
    _require_positive(amount)
    _require_at_most(amount, payment.seen.amount - payment.seen.refunded)
    new = ProviderRefund(
        refund_id=f"ref_{digest('refund', payment.reference, key)[:20]}",
        reference=payment.reference,
        idempotency_key=key,
        status=RefundStatus.PENDING,
        amount=amount,
    )
    return _with_refunds(payment, (*payment.refunds, _decided(new, decision)))


def look_at_refunds(payment: KeptPayment, decision: FaultKind | None = None) -> KeptPayment:
    """`payment` after the bank has had its time with the refunds that are not final."""
    if not payment.refunds:
        return payment
    return _with_refunds(payment, tuple(_decided(one, decision) for one in payment.refunds))


def _decided(refund: ProviderRefund, decision: FaultKind | None) -> ProviderRefund:
    if refund.status not in _NOT_FINAL:
        return refund
    status = RefundStatus.SUCCEEDED if decision is None else _BANK_ON_REFUNDS[decision]
    return replace(refund, status=status, code=_FAILURE if status is RefundStatus.FAILED else None)


def _with_refunds(payment: KeptPayment, refunds: tuple[ProviderRefund, ...]) -> KeptPayment:
    currency = payment.seen.amount.currency
    alive = [one for one in refunds if one.status is not RefundStatus.FAILED]
    succeeded = [one for one in alive if one.status is RefundStatus.SUCCEEDED]
    everything = total((one.amount for one in succeeded), currency) == payment.seen.amount
    seen = replace(
        payment.seen,
        refunded=total((one.amount for one in alive), currency),
        status=PaymentStatus.REFUNDED if everything else PaymentStatus.CAPTURED,
    )
    return replace(payment, seen=seen, refunds=refunds)


def _wrong_state(verb: str, payment: KeptPayment) -> RequestRefused:
    return RequestRefused("wrong_state", f"a {payment.status} payment cannot be {verb}")


def _require_positive(amount: Money) -> None:
    if amount.minor <= 0:
        raise RequestRefused("invalid_amount", "the amount must be positive")


def _require_at_most(amount: Money, limit: Money) -> None:
    if amount.currency != limit.currency:
        raise RequestRefused("wrong_currency", "the payment is in another currency")
    if limit < amount:
        raise RequestRefused("amount_too_large", "the amount is more than the payment allows")
