"""Stripe's answers as records and errors of the port."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

import aiohttp
import stripe
from pydantic import BaseModel, ConfigDict, ValidationError

from activities.ports import (
    GatewayError,
    GatewayRefusedAccess,
    GatewayRejected,
    GatewayUnavailable,
    OutcomeUnknown,
    PaymentStatus,
    ProviderPayment,
    UnclearRecord,
)
from adapters.providers.breaker import LONGEST_WAIT_S
from adapters.providers.call_limits import call_limit
from adapters.providers.provider import Provider
from adapters.providers.retry_after import retry_after_s
from adapters.providers.rules import FORBIDDEN_CONTENT, RequestRefused
from domain.ids import OrderId
from domain.money import Money
from eventstore.deadline import NoTimeLeft

KEY: Final = "idempotency_key"
ORDER: Final = "order_id"
INSTALLATION: Final = "installation"
CONTENT: Final = "content"

_UNCONFIRMED: Final = frozenset({"requires_action", "requires_confirmation"})

# Stripe itself cancels an authorisation that was not captured in time.
_EXPIRED_REASON: Final = "automatic"
_NOT_AUTHENTICATED: Final = "authentication_required"


class CardRefused(GatewayRejected):
    """The bank or Stripe declined the card; the payment intent says why."""


class KeyTaken(GatewayRejected):
    """The idempotency key was used for another request."""


class MissingRight(GatewayRefusedAccess):
    """The API key lacks a right."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


_Model = TypeVar("_Model", bound=_Record)


class ChargeRecord(_Record):
    """The charge of a payment intent, which moves the money."""

    status: str
    amount: int
    captured: bool
    amount_captured: int | None = None
    amount_refunded: int = 0


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

    @property
    def of_an_order(self) -> bool:
        """Whether this system made it, for whomever."""
        return KEY in self.metadata and ORDER in self.metadata

    def to_payment(self) -> ProviderPayment:
        """The payment as a record of the port.

        Raises:
            OutcomeUnknown: the payment is still being processed.
        """
        status = self._status()
        return ProviderPayment(
            reference=self.id,
            installation=self.metadata.get(INSTALLATION, ""),
            idempotency_key=self.metadata[KEY],
            order_id=OrderId(self.metadata[ORDER]),
            status=status,
            asked=Money(self.amount, self.currency.upper()),
            amount=Money(self._captured_minor(), self.currency.upper()),
            refunded=Money(self._refunded_minor(), self.currency.upper()),
            decline_code=self._decline_code() if status is PaymentStatus.DECLINED else None,
        )

    def placed(self) -> ProviderPayment | UnclearRecord:
        """The payment as a line of the ledger."""
        try:
            return self.to_payment()
        except OutcomeUnknown as error:
            return UnclearRecord(self.id, str(error))

    def to_declined(self) -> ProviderPayment:
        """The answer to a capture that the bank declined; the payment itself is unchanged."""
        payment = self.to_payment()
        code = self._decline_code()
        return replace(payment, status=PaymentStatus.DECLINED, decline_code=code)

    def _status(self) -> PaymentStatus:
        if self.metadata.get(CONTENT) == FORBIDDEN_CONTENT:
            return PaymentStatus.FORBIDDEN
        if self.status == "succeeded":
            everything = self._refunded_minor() >= self._captured_minor()
            return PaymentStatus.REFUNDED if everything else PaymentStatus.CAPTURED
        if self.status == "requires_capture":
            return PaymentStatus.AUTHORISED
        if self.status == "canceled" and self._was_authorised():
            expired = self.cancellation_reason == _EXPIRED_REASON
            return PaymentStatus.EXPIRED if expired else PaymentStatus.VOIDED
        if self.status in _UNCONFIRMED:
            return PaymentStatus.UNCONFIRMED
        if self.status in {"requires_payment_method", "canceled"}:
            return PaymentStatus.DECLINED
        raise OutcomeUnknown(f"stripe: the payment is {self.status}")

    def _was_authorised(self) -> bool:
        return self.latest_charge is not None and self.latest_charge.status == "succeeded"

    def _captured_minor(self) -> int:
        charge = self.latest_charge
        if self.status != "succeeded" or charge is None or charge.amount_captured is None:
            return self.amount
        return charge.amount_captured

    def _refunded_minor(self) -> int:
        # Stripe shows a cancelled authorisation, and the rest of a partial capture, as a refund of
        # the charge. That money was never captured.
        charge = self.latest_charge
        if self.status != "succeeded" or charge is None:
            return 0
        released = charge.amount - self._captured_minor()
        return max(charge.amount_refunded - released, 0)

    def _decline_code(self) -> str:
        failed = self.last_payment_error
        if failed is None:
            return _NOT_AUTHENTICATED
        return failed.decline_code or failed.code or _NOT_AUTHENTICATED


class RefundRecord(_Record):
    """A refund."""

    id: str
    status: str | None
    amount: int
    currency: str
    metadata: dict[str, str] | None = None

    @property
    def failed(self) -> bool:
        """Whether the refund failed, so that we still have the money."""
        return self.status in {"failed", "canceled"}


def read(answer: Any, record: type[_Model], *, changes: bool) -> _Model:
    """Stripe's object as a record; raises OutcomeUnknown or GatewayUnavailable if invalid."""
    try:
        return record.model_validate(answer.to_dict())
    except (ValidationError, AttributeError):
        what = "stripe: the answer cannot be read"
        raise (OutcomeUnknown(what) if changes else GatewayUnavailable(what)) from None


def failure(operation: str, error: Exception, *, changes: bool) -> GatewayError:
    """The port's error for an error of the package, without its text, which may hold secrets."""
    what = f"stripe {operation}: {_describe(error)}"
    # Somebody in between, who does not answer in Stripe's form, is known by the status alone.
    status = error.http_status if type(error) is stripe.APIError else None
    if isinstance(error, stripe.RateLimitError) or status == 429 or _never_connected(error):
        return GatewayUnavailable(what)
    if isinstance(error, stripe.CardError):
        return CardRefused(what)
    if isinstance(error, stripe.AuthenticationError) or status in (401, 403):
        return GatewayRefusedAccess(what)
    if isinstance(error, stripe.PermissionError):
        return MissingRight(what)
    if isinstance(error, stripe.IdempotencyError):
        return KeyTaken(what)
    if isinstance(error, stripe.InvalidRequestError):
        return GatewayRejected(what)
    return OutcomeUnknown(what) if changes else GatewayUnavailable(what)


def _never_connected(error: Exception) -> bool:
    kinds = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)
    return isinstance(error, kinds) or isinstance(error.__cause__, kinds)


def _describe(error: Exception) -> str:
    parts = [type(error).__name__]
    if isinstance(error, stripe.StripeError):
        status = error.http_status
        parts += [f"HTTP {status}"] if status else []
        parts += [error.code] if error.code else []
    return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Limits:
    """What every call passes: the provider's breaker, and the most seconds that it may take."""

    provider: Provider
    timeout_s: float


@asynccontextmanager
async def translated(
    operation: str, limits: Limits, *, changes: bool, answers: tuple[type[GatewayError], ...] = ()
) -> AsyncIterator[None]:
    """Limit a call, and translate errors of the package into errors of the port, without text.

    `answers`: see `Provider.calling`.

    Raises:
        NoTimeLeft: see `call_limit`.
    """
    async with limits.provider.calling(changes=changes, answers=answers):
        try:
            async with call_limit("stripe", limits.timeout_s):
                yield
        except NoTimeLeft:
            raise
        except (stripe.StripeError, aiohttp.ClientError, TimeoutError) as error:
            translation = failure(operation, error, changes=changes)
            translation.retry_after_s = _retry_after_s(error)
            raise translation from None


def _retry_after_s(error: Exception) -> float | None:
    headers = error.headers if isinstance(error, stripe.StripeError) else None
    return retry_after_s(headers or {}, LONGEST_WAIT_S)


@contextmanager
def as_rejection(operation: str) -> Iterator[None]:
    """Translate a broken rule into a rejection."""
    try:
        yield
    except RequestRefused as refused:
        raise GatewayRejected(f"stripe {operation}: {refused}") from None
