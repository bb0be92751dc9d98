"""The payment provider Stripe, through its official package.

A charge is a confirmed PaymentIntent; its metadata holds the order, our key and a fingerprint of
the request. Three things together ensure that a charge happens once: Stripe's own idempotency keys
(kept for at least 24 hours), a search by metadata (complete except for about the last minute), and
the list of payment intents (always complete, but without a filter).
"""

import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

import stripe
from stripe.params import PaymentIntentListParams

from activities.ports import (
    ChargeRequest,
    GatewayRejected,
    GatewayUnavailable,
    OutcomeUnknown,
    ProviderPayment,
    UnclearRecord,
)
from adapters.payments.stripe_http import StripeHttp
from adapters.payments.stripe_records import (
    CONTENT,
    INSTALLATION,
    KEY,
    ORDER,
    CardRefused,
    IntentRecord,
    KeyTaken,
    Limits,
    MatchRecord,
    MissingRight,
    RefundRecord,
    as_rejection,
    read,
    translated,
)
from adapters.providers import rules
from adapters.providers.provider import Provider
from domain.ids import OrderId
from domain.money import Money
from domain.values import CaptureMode

_PAGE: Final = 100
_MAX_PAGES: Final = 50
# How far a charge looks back on an account without search. Stripe's own key covers the last day.
_CHARGE_PAGES: Final = 5
# Stripe's search usually lags by less than a minute; younger payments than this are also listed.
_RECENT_S: Final = 300.0
# The API version that this module was written for. The package also supports later versions, which
# name some parameters differently.
_API_VERSION: Final = "2024-06-20"
# Stripe uses two decimals for these, ISO 4217 none.
_OTHER_DECIMALS: Final = frozenset({"ISK", "UGX"})


class StripePaymentGateway:
    """Stripe as payment gateway and payment ledger.

    Args:
        api_key: secret or restricted key; never shown.
        api_base: another address of the API, for tests.
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
        timeout_s: float = 30.0,
        provider: Provider | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not api_key.strip():
            raise ValueError("stripe: the API key is missing")
        # At DEBUG the package logs whole requests, including card tokens.
        logging.getLogger("stripe").setLevel(logging.WARNING)
        self._http = StripeHttp(timeout_s)
        # No retries here: the caller retries, and decides whether to look for the payment first.
        self._client = stripe.StripeClient(
            api_key,
            base_addresses={"api": api_base} if api_base else None,
            http_client=self._http,
            max_network_retries=0,
            stripe_version=_API_VERSION,
        ).v1
        self._limits = Limits(provider or Provider("payment provider"), timeout_s)
        self._clock = clock
        self._can_search = True

    async def charge(self, request: ChargeRequest) -> ProviderPayment:
        """Authorise or capture; the same key returns its payment in its current state."""
        content = rules.charge_fingerprint(request)
        intent = await self._search(request.idempotency_key)
        if intent is None and not self._can_search:
            intent = await self._scan(request.idempotency_key, _CHARGE_PAGES)
        if intent is None:
            intent = await self._create(request, content)
        if intent.metadata.get(CONTENT) != content:
            raise GatewayRejected("stripe charge: this key was used with other content")
        return intent.to_payment()

    async def find(self, idempotency_key: str) -> ProviderPayment | None:
        """The payment in its current state, or None if the key was never used.

        Raises:
            GatewayUnavailable: also if there are too many recent payments to be sure; a minute
                later the search includes them.
        """
        intent = await self._search(idempotency_key)
        if intent is None:  # the search may lag
            intent = await self._scan(idempotency_key, _MAX_PAGES, must_be_sure=True)
        return intent.to_payment() if intent else None

    async def read(self, reference: str) -> ProviderPayment:
        """The payment with a reference."""
        return await self._payment(reference, changes=False)

    async def forbid(
        self, order_id: OrderId, amount: Money, idempotency_key: str, installation: str
    ) -> ProviderPayment | None:
        """Make a key unusable; if a payment was made with it, return that payment.

        The key is used for a payment intent that is never confirmed: Stripe refuses a charge that
        arrives later, and `charge` finds this payment intent by its metadata.
        """
        if payment := await self.find(idempotency_key):
            return payment
        try:
            metadata = {INSTALLATION: installation, ORDER: order_id, KEY: idempotency_key}
            intent = await self._create_forbidden(amount, metadata)
        except KeyTaken:  # the charge arrived in the meantime
            if payment := await self.find(idempotency_key):
                return payment
            raise GatewayUnavailable("stripe forbid: a charge is in progress") from None
        return (await self._cancel(intent.id, f"{idempotency_key}:forbid")).to_payment()

    async def capture(self, reference: str, amount: Money, idempotency_key: str) -> ProviderPayment:
        """Capture at most the authorised amount; a payment that is already captured is returned."""
        payment = await self._payment(reference, changes=False)
        with as_rejection("capture"):
            if rules.capture(payment, amount) == payment:
                return payment
        try:
            async with self._calling("capture", changes=True):
                answer = await self._client.payment_intents.capture_async(
                    reference,
                    {"amount_to_capture": amount.minor, "expand": ["latest_charge"]},
                    {"idempotency_key": idempotency_key},
                )
        except CardRefused:
            return (await self._intent(reference, changes=True)).to_declined()
        return read(answer, IntentRecord, changes=True).to_payment()

    async def void(self, reference: str, idempotency_key: str) -> ProviderPayment:
        """Void an authorisation; a payment that is already voided is returned."""
        payment = await self._payment(reference, changes=False)
        with as_rejection("void"):
            if rules.void(payment) == payment:
                return payment
        return (await self._cancel(reference, idempotency_key)).to_payment()

    async def refund(self, reference: str, amount: Money, idempotency_key: str) -> ProviderPayment:
        """Refund at most what was captured, once per key."""
        payment = await self._payment(reference, changes=False)
        if not await self._is_refunded(reference, amount, idempotency_key):
            with as_rejection("refund"):
                rules.refund(payment, amount)
            async with self._calling("refund", changes=True):
                await self._client.refunds.create_async(
                    {
                        "payment_intent": reference,
                        "amount": amount.minor,
                        "metadata": {KEY: idempotency_key, ORDER: payment.order_id},
                    },
                    {"idempotency_key": idempotency_key},
                )
        return await self._payment(reference, changes=True)

    async def payments(self) -> AsyncIterator[ProviderPayment | UnclearRecord]:
        """All payments that carry an order, newest first as Stripe lists them."""
        async for page in self._pages():
            for intent in page:
                if intent.of_an_order:
                    yield intent.placed()

    async def close(self) -> None:
        """Release connections."""
        await self._http.close_async()

    # --- finding ---------------------------------------------------------------------------------

    async def _search(self, key: str) -> IntentRecord | None:
        """Look up the key with Stripe's search; remembers if this account cannot search."""
        if not self._can_search:
            return None
        quoted = key.replace("\\", "\\\\").replace("'", "\\'")
        try:
            async with translated("search", self._limits, changes=False, answers=(MissingRight,)):
                matches = await self._client.payment_intents.search_async(
                    {"query": f"metadata['{KEY}']:'{quoted}'"}
                )
        except (MissingRight, GatewayRejected):
            self._can_search = False
            return None
        # Stripe's search takes another case of a letter for the same. And its result may be a
        # minute old: it identifies the payment, but not its state.
        matching = (read(match, MatchRecord, changes=False) for match in matches.data)
        exact = next((match for match in matching if match.metadata.get(KEY) == key), None)
        return await self._intent(exact.id, changes=False) if exact else None

    async def _scan(
        self, key: str, most_pages: int, *, must_be_sure: bool = False
    ) -> IntentRecord | None:
        """Look up the key in the latest payments; with a search, only in recent ones."""
        oldest = self._clock() - _RECENT_S if self._can_search else 0.0
        pages = 0
        async for page in self._pages():
            for intent in page:
                if intent.metadata.get(KEY) == key:
                    return intent
            pages += 1
            if page and page[-1].created < oldest:
                return None
            if pages == most_pages and must_be_sure:
                raise GatewayUnavailable("stripe find: too many recent payments to be sure")
            if pages == most_pages:
                return None
        return None

    async def _pages(self) -> AsyncIterator[list[IntentRecord]]:
        after: str | None = ""
        while after is not None:
            async with self._calling("list", changes=False):
                listed = await self._client.payment_intents.list_async(_page_after(after))
            page = [read(item, IntentRecord, changes=False) for item in listed.data]
            yield page
            after = page[-1].id if page and listed.has_more else None

    async def _payment(self, reference: str, *, changes: bool) -> ProviderPayment:
        intent = await self._intent(reference, changes=changes)
        if not intent.of_an_order:
            raise GatewayRejected("stripe: this payment was not made by this system")
        return intent.to_payment()

    async def _intent(self, reference: str, *, changes: bool) -> IntentRecord:
        async with self._calling("retrieve", changes=changes):
            answer = await self._client.payment_intents.retrieve_async(
                reference, {"expand": ["latest_charge"]}
            )
        return read(answer, IntentRecord, changes=changes)

    async def _is_refunded(self, reference: str, amount: Money, key: str) -> bool:
        """Whether the refund with this key was made."""
        async with self._calling("list refunds", changes=False):
            listed = await self._client.refunds.list_async(
                {"payment_intent": reference, "limit": _PAGE}
            )
        refunds = [read(item, RefundRecord, changes=False) for item in listed.data]
        refund = next((r for r in refunds if (r.metadata or {}).get(KEY) == key), None)
        if refund is None:
            return False
        if refund.failed:
            raise GatewayRejected("stripe refund: the refund of this key failed at the bank")
        if Money(refund.amount, refund.currency.upper()) != amount:
            raise GatewayRejected("stripe refund: this key was used with other content")
        return True

    def _calling(self, operation: str, *, changes: bool) -> AbstractAsyncContextManager[None]:
        return translated(operation, self._limits, changes=changes)

    # --- changing --------------------------------------------------------------------------------

    async def _create(self, request: ChargeRequest, content: str) -> IntentRecord:
        amount, key = request.amount, request.idempotency_key
        if amount.minor <= 0 or amount.currency in _OTHER_DECIMALS:
            raise GatewayRejected("stripe charge: this amount or currency cannot be charged")
        held = request.capture is CaptureMode.ON_SHIPMENT
        try:
            async with self._calling("charge", changes=True):
                answer = await self._client.payment_intents.create_async(
                    {
                        "amount": amount.minor,
                        "currency": amount.currency.lower(),
                        "payment_method": request.token,
                        "payment_method_types": ["card"],  # type: ignore[typeddict-unknown-key]  # of _API_VERSION
                        "capture_method": "manual" if held else "automatic",
                        "confirm": True,
                        "off_session": True,
                        "metadata": {
                            INSTALLATION: request.installation,
                            ORDER: request.order_id,
                            KEY: key,
                            CONTENT: content,
                        },
                        "expand": ["latest_charge"],
                    },
                    {"idempotency_key": key},
                )
        except CardRefused:
            return await self._declined(key)
        return read(answer, IntentRecord, changes=True)

    async def _create_forbidden(self, amount: Money, metadata: dict[str, str]) -> IntentRecord:
        async with self._calling("forbid", changes=True):
            answer = await self._client.payment_intents.create_async(
                {
                    "amount": amount.minor,
                    "currency": amount.currency.lower(),
                    "payment_method_types": ["card"],  # type: ignore[typeddict-unknown-key]  # of _API_VERSION
                    "metadata": {**metadata, CONTENT: rules.FORBIDDEN_CONTENT},
                    "expand": ["latest_charge"],
                },
                {"idempotency_key": metadata[KEY]},
            )
        return read(answer, IntentRecord, changes=True)

    async def _declined(self, key: str) -> IntentRecord:
        intent = await self._scan(key, _MAX_PAGES)
        if intent is None:
            raise OutcomeUnknown("stripe charge: declined, but the payment cannot be found")
        return intent

    async def _cancel(self, reference: str, key: str) -> IntentRecord:
        async with self._calling("cancel", changes=True):
            answer = await self._client.payment_intents.cancel_async(
                reference, {"expand": ["latest_charge"]}, {"idempotency_key": key}
            )
        return read(answer, IntentRecord, changes=True)


def _page_after(after: str) -> PaymentIntentListParams:
    page: PaymentIntentListParams = {"limit": _PAGE, "expand": ["data.latest_charge"]}
    if after:
        page["starting_after"] = after
    return page
