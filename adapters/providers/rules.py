"""Rules of the fake and sandbox providers: what is declined, which changes are allowed.

Pure functions over the records of `activities.ports`, independent of where they are stored.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from activities.ports import (
    CarrierLabel,
    ChargeRequest,
    LabelRequest,
    LabelStatus,
    PaymentStatus,
    ProviderPayment,
)
from adapters.providers.faults import FaultKind
from domain.ids import OrderId
from domain.money import Money
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

POSTAL_CODE_MARKER: Final = "NOSHIP"
"""Postal codes that start with this (in any case) are refused."""

UNSERVED_COUNTRIES: Final = frozenset({"AQ", "KP"})
"""ISO 3166 alpha-2 codes of the countries that are refused by default."""

CARRIER_NAME: Final = "Sandbox Express"

FORBIDDEN_CONTENT: Final = "forbidden"
"""Replaces the fingerprint of the request for a key that was made unusable."""


Record = TypeVar("Record", bound=ProviderPayment | CarrierLabel)


class RequestRefused(Exception):
    """A provider refuses a request; `code` is stable, the text is safe to show."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def same_key_other_content() -> RequestRefused:
    """The refusal of a key that was used for another request."""
    return RequestRefused("idempotency_conflict", "this key was used with other content")


def digest(*parts: str) -> str:
    """A fingerprint of `parts` that does not reveal them: 64 hexadecimal digits."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def reference_of(record: ProviderPayment | CarrierLabel) -> str:
    """The provider's own id of a record."""
    return record.reference if isinstance(record, ProviderPayment) else record.label_id


def kept_after(before: Record, answer: Record) -> Record:
    """The record that remains after a change: a declined capture changes nothing."""
    return before if answer.status is PaymentStatus.DECLINED else answer


# --- payments ------------------------------------------------------------------------------------


def charge_fingerprint(request: ChargeRequest) -> str:
    """A fingerprint that is equal for requests with the same content."""
    amount = request.amount
    content = (str(amount.minor), amount.currency, request.token, request.capture)
    return digest("charge", request.installation, request.order_id, *content)


def open_payment(request: ChargeRequest, declines: Mapping[str, str]) -> ProviderPayment:
    """The payment of a charge; declined if the token is in `declines`.

    Raises:
        RequestRefused: the amount is not positive.
    """
    _require_positive(request.amount)
    decline = declines.get(request.token)
    held = request.capture is CaptureMode.ON_SHIPMENT
    accepted = PaymentStatus.AUTHORISED if held else PaymentStatus.CAPTURED
    return ProviderPayment(
        reference=f"pay_{digest('payment', request.idempotency_key)[:20]}",
        installation=request.installation,
        idempotency_key=request.idempotency_key,
        order_id=request.order_id,
        status=PaymentStatus.DECLINED if decline else accepted,
        asked=request.amount,
        amount=request.amount,
        refunded=Money.zero(request.amount.currency),
        decline_code=decline,
    )


def forbidden_payment(
    order_id: OrderId, amount: Money, idempotency_key: str, installation: str
) -> ProviderPayment:
    """The record for a key of a charge that must never be carried out."""
    held = CaptureMode.ON_SHIPMENT
    request = ChargeRequest(order_id, amount, "", held, idempotency_key, installation)
    return replace(open_payment(request, {}), status=PaymentStatus.FORBIDDEN)


def answer_to_capture(
    payment: ProviderPayment, amount: Money, decision: FaultKind | None
) -> ProviderPayment:
    """The answer to a capture, with an injected decision of the bank.

    Raises:
        RequestRefused: as `capture`.
    """
    if decision is FaultKind.DECLINED:
        if payment.status is not PaymentStatus.AUTHORISED:
            raise _wrong_state("captured", payment)
        return replace(payment, status=PaymentStatus.DECLINED, decline_code="insufficient_funds")
    if decision is FaultKind.EXPIRED:
        held = payment.status is PaymentStatus.AUTHORISED
        return replace(payment, status=PaymentStatus.EXPIRED) if held else payment
    return capture(payment, amount)


def capture(payment: ProviderPayment, amount: Money) -> ProviderPayment:
    """`payment` after `amount` was captured; the rest of the authorisation is released.

    Raises:
        RequestRefused: it is neither authorised nor captured, or `amount` exceeds it.
    """
    if payment.status in (PaymentStatus.CAPTURED, PaymentStatus.EXPIRED):
        return payment
    if payment.status is not PaymentStatus.AUTHORISED:
        raise _wrong_state("captured", payment)
    _require_positive(amount)
    _require_at_most(amount, payment.amount)
    return replace(payment, status=PaymentStatus.CAPTURED, amount=amount)


def void(payment: ProviderPayment) -> ProviderPayment:
    """`payment` after its authorisation was voided.

    Raises:
        RequestRefused: it is neither unconfirmed, authorised nor voided.
    """
    if payment.status in (PaymentStatus.VOIDED, PaymentStatus.EXPIRED):
        return payment
    if payment.status not in (PaymentStatus.AUTHORISED, PaymentStatus.UNCONFIRMED):
        raise _wrong_state("voided", payment)
    return replace(payment, status=PaymentStatus.VOIDED)


def refund(payment: ProviderPayment, amount: Money) -> ProviderPayment:
    """`payment` after a refund of `amount`; its status is refunded once everything is.

    Raises:
        RequestRefused: it is not captured, or less than `amount` is left to refund.
    """
    if payment.status not in (PaymentStatus.CAPTURED, PaymentStatus.REFUNDED):
        raise _wrong_state("refunded", payment)
    _require_positive(amount)
    _require_at_most(amount, payment.amount - payment.refunded)
    refunded = payment.refunded + amount
    status = PaymentStatus.REFUNDED if refunded == payment.amount else PaymentStatus.CAPTURED
    return replace(payment, refunded=refunded, status=status)


def _wrong_state(verb: str, payment: ProviderPayment) -> RequestRefused:
    return RequestRefused("wrong_state", f"a {payment.status} payment cannot be {verb}")


def _require_positive(amount: Money) -> None:
    if amount.minor <= 0:
        raise RequestRefused("invalid_amount", "the amount must be positive")


def _require_at_most(amount: Money, limit: Money) -> None:
    if amount.currency != limit.currency:
        raise RequestRefused("wrong_currency", "the payment is in another currency")
    if limit < amount:
        raise RequestRefused("amount_too_large", "the amount is more than the payment allows")


# --- labels --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ServedArea:
    """The area of a carrier: all countries except `unserved`, without the refused postal codes."""

    unserved: frozenset[str] = UNSERVED_COUNTRIES

    def refusal(self, country: str, postal_code: str) -> str | None:
        """Why an address is refused, as a code without personal data; None if it is served."""
        if country.upper() in self.unserved:
            return "country_not_served"
        if postal_code.strip().upper().startswith(POSTAL_CODE_MARKER):
            return "postal_code_not_served"
        return None


def label_fingerprint(request: LabelRequest) -> str:
    """A fingerprint that is equal for requests with the same content."""
    to = request.address
    address = (to.name, to.line1, to.line2, to.city, to.region, to.postal_code, to.country)
    items = [part for item in request.items for part in (item.sku, str(item.quantity))]
    return digest("label", request.installation, request.order_id, *address, *items)


def make_label(request: LabelRequest, area: ServedArea) -> CarrierLabel:
    """The label of a request; refused if the address is outside `area`."""
    refusal = area.refusal(request.address.country, request.address.postal_code)
    mark = digest("label", request.idempotency_key)
    return CarrierLabel(
        label_id=f"lbl_{mark[:20]}",
        installation=request.installation,
        idempotency_key=request.idempotency_key,
        order_id=request.order_id,
        status=LabelStatus.REFUSED if refusal else LabelStatus.LIVE,
        carrier=CARRIER_NAME,
        tracking_number="" if refusal else f"SX{int(mark[20:35], 16):018d}",
        refusal=refusal,
        pieces=sum(item.quantity for item in request.items),
    )


def forbidden_label(order_id: OrderId, idempotency_key: str, installation: str) -> CarrierLabel:
    """The record for a key of a label that must never be bought."""
    mark = digest("label", idempotency_key)
    return CarrierLabel(
        label_id=f"lbl_{mark[:20]}",
        installation=installation,
        idempotency_key=idempotency_key,
        order_id=order_id,
        status=LabelStatus.FORBIDDEN,
        carrier=CARRIER_NAME,
        tracking_number="",
    )


def cancel_label(label: CarrierLabel) -> CarrierLabel:
    """`label` after it was cancelled.

    Raises:
        RequestRefused: it is refused or forbidden.
    """
    if label.status in (LabelStatus.REFUSED, LabelStatus.FORBIDDEN):
        raise RequestRefused("wrong_state", f"a {label.status} label cannot be cancelled")
    return replace(label, status=LabelStatus.CANCELLED)
