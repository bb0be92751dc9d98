"""Stripe as payment gateway and payment ledger.

A payment is a PaymentIntent, created with our metadata and confirmed by its id. Stripe makes at
most one successful charge of an intent, so confirming, capturing and cancelling need no key: what
was done already is refused, and then the intent says what it is. Sources of the rules:
https://docs.stripe.com/payments/paymentintents/lifecycle, https://docs.stripe.com/error-low-level
and https://docs.stripe.com/api/payment_intents.
"""

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any, Final

from activities.payment_port import PaymentRequest, PaymentStatus, ProviderPayment, ProviderRefund
from activities.ports import (
    GatewayRejected,
    GatewayUnavailable,
    Identity,
    OutcomeUnknown,
    UnclearRecord,
)
from adapters.payments.stripe.calls import CardRefused, Refused, StripeCalls
from adapters.payments.stripe.limits import StripeLimits, to_stripe
from adapters.payments.stripe.lookups import Lookups
from adapters.payments.stripe.records import INSTALLATION, KEY, ORDER, IntentRecord, read
from adapters.payments.stripe.refunds import StripeRefunds
from adapters.providers.provider import Provider
from domain.money import Money
from domain.values import CaptureMode

_LAPSED: Final = frozenset({"charge_expired_for_capture", "capture_charge_authorization_expired"})
"""Stripe's answers to capturing an authorisation that the bank has released."""
_UNEXPECTED_STATE: Final = "payment_intent_unexpected_state"
_EXPAND: Final = ["latest_charge"]


class StripePaymentGateway:
    """Stripe as payment gateway and payment ledger.

    Args:
        api_key: secret or restricted key; never shown.
        api_base: another address of the API.
        timeout_s: seconds for one request; less if the attempt that calls has less time left.
        provider: what all calls of this process to Stripe pass.
        clock: seconds since the epoch.

    Raises:
        ValueError: there is no key.
    """

    def __init__(
        self,
        api_key: str,
        api_base: str | None = None,
        *,
        timeout_s: float = 5.0,
        provider: Provider | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._calls = StripeCalls(api_key, api_base, timeout_s, provider)
        self._intents = self._calls.client.payment_intents
        self._lookups = Lookups(self._calls, clock)
        self._refunds = StripeRefunds(self._calls)
        self.limits = StripeLimits()

    # --- the two acts ----------------------------------------------------------------------------

    async def create(self, request: PaymentRequest) -> ProviderPayment:
        """Create a payment; the same key returns it again, for as long as Stripe keeps keys."""
        if problem := self.limits.problem(request.amount, request.token):
            raise GatewayRejected(f"stripe: {problem}")
        held, key = request.capture is CaptureMode.ON_SHIPMENT, request.idempotency_key
        async with self._calls.calling("create", changes=True, key=key):
            answer = await self._intents.create_async(
                {
                    "amount": to_stripe(request.amount),
                    "currency": request.amount.currency.lower(),
                    "payment_method": request.token,
                    "payment_method_types": ["card"],  # type: ignore[typeddict-unknown-key]  # of API_VERSION
                    "capture_method": "manual" if held else "automatic",
                    "metadata": {
                        INSTALLATION: request.installation,
                        ORDER: request.order_id,
                        KEY: key,
                    },
                    "expand": _EXPAND,
                },
                {"idempotency_key": key},
            )
        created = read(answer, IntentRecord, changes=True)
        # Stripe answers a key as it did the first time: that was before it was confirmed.
        return created.to_payment()

    async def confirm(self, reference: str) -> ProviderPayment:
        """Authorise or capture a payment that was created; it happens at most once.

        Raises:
            OutcomeUnknown: also if it is being confirmed just now.
        """
        try:
            async with self._calls.calling("confirm", changes=True):
                answer = await self._intents.confirm_async(
                    reference, {"off_session": True, "expand": _EXPAND}
                )
        except CardRefused as refused:
            intent = await self._refused_intent(reference, refused)
            if (payment := _placed(intent)).status is not PaymentStatus.UNCONFIRMED:
                return payment
            code = refused.code or "declined"
            return replace(payment, status=PaymentStatus.DECLINED, decline_code=code)
        except Refused as refused:
            payment = await self._of_an_order(reference)
            if payment.status is PaymentStatus.UNCONFIRMED and refused.code != _UNEXPECTED_STATE:
                raise
            return _final(payment)
        return _final(_placed(read(answer, IntentRecord, changes=True)))

    # --- looking ---------------------------------------------------------------------------------

    async def find(self, idempotency_key: str) -> ProviderPayment | None:
        """The payment created with a key, as far as a bounded search finds it."""
        intent = await self._lookups.by_key(idempotency_key)
        return intent.to_payment() if intent and intent.of_an_order else None

    async def read(self, reference: str) -> ProviderPayment:
        """The payment with a reference, whoever made it."""
        return (await self._lookups.retrieve(reference)).to_payment()

    async def payments(self) -> AsyncIterator[ProviderPayment | UnclearRecord]:
        """All payments that carry an order, newest first as Stripe lists them."""
        async for page in self._lookups.pages():
            for item in page:
                record = _listed(item)
                if record is not None:
                    yield record

    # --- a payment of the shop's checkout --------------------------------------------------------

    async def claim(self, reference: str, identity: Identity) -> ProviderPayment:
        """Write whose it is into the metadata of a payment that has no key.

        What the shop wrote there stays, but for an entry of the same name.
        """
        intent = await self._lookups.retrieve(reference)
        if KEY in intent.metadata:
            return intent.to_payment()
        async with self._calls.calling("update", changes=True):
            answer = await self._intents.update_async(
                reference,
                {
                    "metadata": {
                        INSTALLATION: identity.installation,
                        ORDER: identity.order_id,
                        KEY: identity.idempotency_key,
                    },
                    "expand": _EXPAND,
                },
            )
        return read(answer, IntentRecord, changes=True).to_payment()

    # --- afterwards ------------------------------------------------------------------------------

    async def capture(self, reference: str, amount: Money) -> ProviderPayment:
        """Capture at most the authorised amount; a payment that is over is returned."""
        try:
            units = to_stripe(amount)
        except ValueError as error:
            raise GatewayRejected(f"stripe capture: {error}") from None
        try:
            async with self._calls.calling("capture", changes=True):
                answer = await self._intents.capture_async(
                    reference, {"amount_to_capture": units, "expand": _EXPAND}
                )
        except CardRefused as refused:
            return (await self._refused_intent(reference, refused)).to_declined(refused.code)
        except Refused as refused:
            payment = await self._of_an_order(reference)
            if refused.code in _LAPSED and payment.status is PaymentStatus.AUTHORISED:
                return replace(payment, status=PaymentStatus.EXPIRED)
            if payment.status in (PaymentStatus.AUTHORISED, PaymentStatus.UNCONFIRMED):
                raise
            return payment
        return _placed(read(answer, IntentRecord, changes=True))

    async def void(self, reference: str) -> ProviderPayment:
        """End a payment that was not captured; a payment that is over is returned."""
        try:
            async with self._calls.calling("cancel", changes=True):
                answer = await self._intents.cancel_async(reference, {"expand": _EXPAND})
        except Refused:
            payment = await self._of_an_order(reference)
            over = (PaymentStatus.VOIDED, PaymentStatus.EXPIRED, PaymentStatus.DECLINED)
            if payment.status not in over:
                raise
            return payment
        return _placed(read(answer, IntentRecord, changes=True))

    async def refund(self, reference: str, amount: Money, idempotency_key: str) -> ProviderRefund:
        """Refund captured money, once per key; the refund as it is now."""
        return await self._refunds.make(reference, amount, idempotency_key)

    async def refunds(self, reference: str) -> tuple[ProviderRefund, ...]:
        """Every refund of a payment, oldest first."""
        return await self._refunds.all_of(reference)

    async def read_refund(self, reference: str, refund_id: str) -> ProviderRefund:
        """The refund of a payment with Stripe's id."""
        refund = await self._refunds.read(refund_id)
        if refund.reference != reference:
            raise GatewayRejected("stripe: the refund is of another payment")
        return refund

    async def close(self) -> None:
        """Release connections."""
        await self._calls.close()

    # --- what Stripe says ------------------------------------------------------------------------

    async def _of_an_order(self, reference: str) -> ProviderPayment:
        return _placed(await self._lookups.retrieve(reference))

    async def _refused_intent(self, reference: str, refused: CardRefused) -> IntentRecord:
        """The intent whose card was refused: it comes with the refusal, or is asked for."""
        if refused.intent is not None:
            intent = read(refused.intent, IntentRecord, changes=True)
            if intent.id == reference:
                return intent
        return await self._lookups.retrieve(reference, changes=True)


def _placed(intent: IntentRecord) -> ProviderPayment:
    """The payment of an intent.

    Raises:
        GatewayRejected: this system did not make it.
        OutcomeUnknown: its status is not final.
    """
    if not intent.of_an_order:
        raise GatewayRejected("stripe: this payment was not made by this system")
    return intent.to_payment()


def _final(payment: ProviderPayment) -> ProviderPayment:
    """A payment once it is confirmed; raises OutcomeUnknown if it is not yet."""
    if payment.status is PaymentStatus.UNCONFIRMED:
        raise OutcomeUnknown("stripe confirm: the payment is not confirmed yet")
    return payment


def _listed(item: Any) -> ProviderPayment | UnclearRecord | None:
    """A payment of the ledger; None: it carries no order. An odd one hides no other."""
    reference = str(getattr(item, "id", None) or "without an id")
    try:
        intent = read(item, IntentRecord, changes=False)
        return intent.to_payment() if intent.of_an_order else None
    except GatewayUnavailable:
        return UnclearRecord(reference, "cannot be read")
    except OutcomeUnknown as error:
        return UnclearRecord(reference, str(error))
