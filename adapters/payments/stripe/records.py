"""Stripe's objects as records of the port."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from activities.payment_port import PaymentStatus, ProviderPayment, ProviderRefund, RefundStatus
from activities.ports import GatewayUnavailable, OutcomeUnknown
from adapters.payments.stripe.limits import from_stripe
from domain.ids import OrderId
from domain.money import Money

KEY: Final = "idempotency_key"
ORDER: Final = "order_id"
INSTALLATION: Final = "installation"

# Stripe itself cancels an authorisation that was not captured in time; the package knows both.
_EXPIRED_REASONS: Final = frozenset({"automatic", "expired"})
_REFUNDS: Final[Mapping[str | None, RefundStatus]] = {
    "pending": RefundStatus.PENDING,
    "requires_action": RefundStatus.REQUIRES_ACTION,
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


Model = TypeVar("Model", bound=_Record)


class _Card(_Record):
    capture_before: int | None = None


class _Method(_Record):
    card: _Card | None = None


class ChargeRecord(_Record):
    """The charge of a payment intent, which moves the money."""

    status: str
    amount: int
    captured: bool
    amount_captured: int | None = None
    amount_refunded: int = 0
    payment_method_details: _Method | None = None


class FailureRecord(_Record):
    """Why the last attempt to pay failed."""

    code: str | None = None
    decline_code: str | None = None


class MatchRecord(_Record):
    """What a search finds: the fields that identify a payment intent."""

    id: str
    metadata: dict[str, str]


class IntentRecord(_Record):
    """The fields of a payment intent that are used here."""

    id: str
    status: str
    amount: int
    currency: str
    created: int
    metadata: dict[str, str]
    cancellation_reason: str | None = None
    latest_charge: ChargeRecord | None = None
    last_payment_error: FailureRecord | None = None

    @field_validator("latest_charge", mode="before")
    @classmethod
    def _expanded(cls, charge: Any) -> Any:
        # In an error, the intent names its charge only; there the charge does not matter.
        return None if isinstance(charge, str) else charge

    @property
    def of_an_order(self) -> bool:
        """Whether this system made it, for whomever."""
        return KEY in self.metadata and ORDER in self.metadata

    def to_payment(self) -> ProviderPayment:
        """The payment as a record of the port.

        Raises:
            OutcomeUnknown: its status is not final.
        """
        status = self._status()
        return ProviderPayment(
            reference=self.id,
            installation=self.metadata.get(INSTALLATION, ""),
            idempotency_key=self.metadata.get(KEY, ""),
            order_id=OrderId(self.metadata.get(ORDER, "")),
            status=status,
            asked=self._money(self.amount),
            amount=self._money(self._captured_units()),
            refunded=self._money(self._refunded_units()),
            decline_code=self._decline_code() if status is PaymentStatus.DECLINED else None,
            lapses_at=self._lapses_at() if status is PaymentStatus.AUTHORISED else None,
        )

    def to_declined(self, code: str | None = None) -> ProviderPayment:
        """The answer to a capture that the bank declined; the payment itself is unchanged."""
        code = code or self._decline_code()
        return replace(self.to_payment(), status=PaymentStatus.DECLINED, decline_code=code)

    def _status(self) -> PaymentStatus:
        match self.status:
            case "succeeded":
                everything = self._refunded_units() >= self._captured_units()
                return PaymentStatus.REFUNDED if everything else PaymentStatus.CAPTURED
            case "requires_capture":
                return PaymentStatus.AUTHORISED
            case "canceled":
                return self._canceled()
            case "requires_confirmation":
                return PaymentStatus.UNCONFIRMED
            case "requires_payment_method":
                # Declined only by a payment error; without one nobody has confirmed it, or it is
                # being confirmed just now.
                failed = self.last_payment_error is not None
                return PaymentStatus.DECLINED if failed else PaymentStatus.UNCONFIRMED
            case "requires_action":
                return PaymentStatus.REQUIRES_ACTION
            case _:
                raise OutcomeUnknown(f"stripe: the payment is {self.status[:40]}")

    def _canceled(self) -> PaymentStatus:
        if self.latest_charge is not None and self.latest_charge.status == "succeeded":
            expired = self.cancellation_reason in _EXPIRED_REASONS
            return PaymentStatus.EXPIRED if expired else PaymentStatus.VOIDED
        return PaymentStatus.DECLINED if self.last_payment_error else PaymentStatus.VOIDED

    def _captured_units(self) -> int:
        charge = self.latest_charge
        if self.status != "succeeded" or charge is None or charge.amount_captured is None:
            return self.amount
        return charge.amount_captured

    def _refunded_units(self) -> int:
        # Stripe shows a cancelled authorisation, and the rest of a partial capture, as a refund of
        # the charge. That money was never captured.
        charge = self.latest_charge
        if self.status != "succeeded" or charge is None:
            return 0
        released = charge.amount - self._captured_units()
        return max(charge.amount_refunded - released, 0)

    def _decline_code(self) -> str:
        failed = self.last_payment_error
        return (failed and (failed.decline_code or failed.code)) or "declined"

    def _lapses_at(self) -> datetime | None:
        method = self.latest_charge and self.latest_charge.payment_method_details
        before = method and method.card and method.card.capture_before
        return datetime.fromtimestamp(before, UTC) if before else None

    def _money(self, units: int) -> Money:
        return from_stripe(units, self.currency.upper())


class RefundRecord(_Record):
    """A refund."""

    id: str
    status: str | None
    amount: int
    currency: str
    payment_intent: str | None = None
    metadata: dict[str, str] | None = None
    failure_reason: str | None = None

    def to_refund(self) -> ProviderRefund:
        """The refund as a record of the port.

        Raises:
            OutcomeUnknown: Stripe does not say where it stands.
        """
        status = _REFUNDS.get(self.status)
        if status is None:
            raise OutcomeUnknown("stripe: the status of a refund is not known")
        return ProviderRefund(
            refund_id=self.id,
            reference=self.payment_intent or "",
            idempotency_key=(self.metadata or {}).get(KEY, self.id),
            status=status,
            amount=from_stripe(self.amount, self.currency.upper()),
            code=self.failure_reason,
        )


def read(answer: Any, record: type[Model], *, changes: bool) -> Model:
    """Stripe's object as a record; raises OutcomeUnknown or GatewayUnavailable if invalid."""
    try:
        return record.model_validate(answer.to_dict() if hasattr(answer, "to_dict") else answer)
    except (ValidationError, AttributeError):
        what = "stripe: the answer cannot be read"
        raise (OutcomeUnknown(what) if changes else GatewayUnavailable(what)) from None
