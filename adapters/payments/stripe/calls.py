"""Calls of Stripe's API: limited in time and number, their failures as errors of the port."""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
import stripe

from activities.ports import GatewayError, GatewayRefusedAccess, GatewayRejected
from adapters.payments.stripe.http import StripeHttp
from adapters.providers.answers import MEANINGS, Meaning, Received, failure, meaning_of
from adapters.providers.breaker import LONGEST_WAIT_S
from adapters.providers.call_limits import call_limit
from adapters.providers.pace import Pace
from adapters.providers.provider import Provider
from adapters.providers.retry_after import retry_after_s
from eventstore.deadline import NoTimeLeft

# The API version that this package was written for. The package also supports later versions, which
# name some parameters differently.
API_VERSION: Final = "2024-06-20"
_NAME: Final = "stripe"
# https://docs.stripe.com/rate-limits: calls a second of a live and of a test key, and searches.
_LIVE_PER_S, _TEST_PER_S, _SEARCHES_PER_S = 100.0, 25.0, 20.0
_TEST_KEYS: Final = ("sk_test_", "rk_test_")
_MEANINGS: Final[Mapping[int, Meaning]] = {
    **MEANINGS,
    409: Meaning.UNKNOWN,  # another request with the key is in work
    503: Meaning.UNKNOWN,  # Stripe: treat the result of a 5xx as indeterminate
}


class CardRefused(GatewayRejected):
    """The bank or Stripe declined the card.

    Attributes:
        intent: the payment intent of the answer; None: the answer has none.
        code: why.
    """

    def __init__(self, message: str, intent: object, code: str | None) -> None:
        super().__init__(message)
        self.intent = intent
        self.code = code


class Refused(GatewayRejected):
    """Stripe refuses the request; `code` is its code for that."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class MissingRight(GatewayRefusedAccess):
    """The API key lacks a right."""


class StripeCalls:
    """The package's client, and the limits of its calls.

    Args:
        api_key: secret or restricted key; never shown.
        api_base: another address of the API.
        timeout_s: seconds for one request; less if the attempt that calls has less time left.
        provider: what all calls of this process to Stripe pass.

    Raises:
        ValueError: there is no key.
    """

    def __init__(
        self, api_key: str, api_base: str | None, timeout_s: float, provider: Provider | None
    ) -> None:
        if not api_key.strip():
            raise ValueError("stripe: the API key is missing")
        # At DEBUG the package logs whole requests, including card tokens.
        logging.getLogger("stripe").setLevel(logging.WARNING)
        self._http = StripeHttp(timeout_s)
        # No retries here: the caller retries, and decides whether to look for the payment first.
        self.client = stripe.StripeClient(
            api_key,
            base_addresses={"api": api_base} if api_base else None,
            http_client=self._http,
            max_network_retries=0,
            stripe_version=API_VERSION,
        ).v1
        self._timeout_s = timeout_s
        self._provider = provider or Provider("payment provider")
        of_test = api_key.startswith(_TEST_KEYS)
        self._pace = Pace(_NAME, _TEST_PER_S if of_test else _LIVE_PER_S)
        self._searches = Pace(_NAME, _SEARCHES_PER_S)

    @asynccontextmanager
    async def calling(
        self,
        operation: str,
        *,
        changes: bool = False,
        key: str | None = None,
        answers: tuple[type[GatewayError], ...] = (),
    ) -> AsyncIterator[None]:
        """One call: wait for its turn, limit it, and translate its errors, without their text.

        Args:
            operation: its name, in errors.
            changes: whether it changes anything.
            key: its idempotency key.
            answers: see `Provider.calling`.

        Raises:
            NoTimeLeft: see `call_limit`.
            CardRefused, Refused, GatewayError: see `adapters.providers.answers`.
        """
        await (self._searches if operation == "search" else self._pace).turn()
        async with self._provider.calling(changes=changes, answers=answers):
            try:
                async with call_limit(_NAME, self._timeout_s):
                    yield
            except NoTimeLeft:
                raise
            except (stripe.StripeError, aiohttp.ClientError, TimeoutError) as error:
                raise _failure(operation, error, changes=changes, key=key) from None

    async def close(self) -> None:
        """Release connections."""
        await self._http.close_async()


def _failure(operation: str, error: Exception, *, changes: bool, key: str | None) -> GatewayError:
    what, cause = f"stripe {operation}", received(error, keyed=key is not None)
    if isinstance(error, stripe.CardError):
        return CardRefused(f"{what}: the card was refused", _intent_of(error), error.code)
    meaning = meaning_of(cause, _MEANINGS)
    if meaning is Meaning.REFUSED and isinstance(cause, Received):
        return Refused(f"{what}: HTTP {cause.status} {cause.code}", cause.code)
    if isinstance(error, stripe.PermissionError):
        return MissingRight(f"{what}: HTTP 403")
    return failure(what, cause, changes=changes, meanings=_MEANINGS)


def received(error: Exception, *, keyed: bool) -> Received | BaseException:
    """The answer that the package made an error of; the connection's error if there was none.

    Our client raises the connection's errors as they are: what caused those (a refused connection)
    no longer says that nothing was sent.

    Args:
        error: the package's, or the connection's.
        keyed: whether the call had an idempotency key: only then is "do not retry" an answer that
            is kept for the key.
    """
    if not isinstance(error, stripe.StripeError):
        return error
    if error.http_status is None:
        return error.__cause__ or error
    headers: Mapping[str, str] = {k.lower(): v for k, v in (error.headers or {}).items()}
    is_kept = (
        headers.get("idempotent-replayed") == "true"
        or headers.get("stripe-should-retry") == "false"
    )
    code = error.code or ("invalid_request" if _spoken(error) else "")
    if isinstance(error, stripe.IdempotencyError):
        code = "idempotency_conflict"
    return Received(
        error.http_status, code, keyed and is_kept, retry_after_s(headers, LONGEST_WAIT_S)
    )


def _spoken(error: stripe.StripeError) -> dict[str, Any] | None:
    """The error in Stripe's form; None: the answer is not in it."""
    body: Any = error.json_body
    spoken = body.get("error") if isinstance(body, dict) else None
    return spoken if isinstance(spoken, dict) else None


def _intent_of(error: stripe.CardError) -> Any:
    return (_spoken(error) or {}).get("payment_intent")
