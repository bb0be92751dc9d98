"""What Stripe documents, as tests that any server with its API can be put through."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import pytest
import stripe
from stripe._v1_services import V1Services

from tests.support.stack.stripe_sandbox import StripeControl

_Test = TypeVar("_Test", bound=Callable[..., Any])

DOCS: Final = "https://docs.stripe.com"
RULE: Final = "documented_rule"


@dataclass(frozen=True)
class Rule:
    """A sentence of the documentation, its address, and how localstripe differs, if it does."""

    address: str
    sentence: str
    localstripe: str = ""


def documented(path: str, sentence: str, *, localstripe: str = "") -> Callable[[_Test], _Test]:
    """Mark a test with what it is about."""

    def mark(test: _Test) -> _Test:
        setattr(test, RULE, Rule(DOCS + path, sentence, localstripe))
        return test

    return mark


@dataclass(frozen=True)
class Server:
    """A server with Stripe's API; only the stand-in has a control."""

    url: str
    client: V1Services
    controlled: StripeControl | None = None

    @property
    def control(self) -> StripeControl:
        """The stand-in's control."""
        assert self.controlled is not None
        return self.controlled

    async def intent(self, key: str = "", **params: Any) -> stripe.PaymentIntent:
        """A new payment intent of 10.00 GBP for cards."""
        usual = {"amount": 1000, "currency": "gbp", "payment_method_types": ["card"]}
        options: Any = {"idempotency_key": key} if key else {}
        sent: Any = {**usual, **params}
        return await self.client.payment_intents.create_async(sent, options)

    async def paid(self, card: str = "pm_card_visa", **params: Any) -> stripe.PaymentIntent:
        """A payment that was confirmed as it was created."""
        return await self.intent(payment_method=card, confirm=True, **params)

    async def held(self, card: str = "pm_card_visa", **params: Any) -> stripe.PaymentIntent:
        """An authorised payment."""
        return await self.paid(card, capture_method="manual", **params)

    async def refund(self, intent: str, key: str = "", **params: Any) -> stripe.Refund:
        """A refund of a payment."""
        options: Any = {"idempotency_key": key} if key else {}
        sent: Any = {"payment_intent": intent, **params}
        return await self.client.refunds.create_async(sent, options)

    async def charge_of(self, intent: str) -> Any:
        """The latest charge of a payment."""
        found = await self.client.payment_intents.retrieve_async(
            intent, {"expand": ["latest_charge"]}
        )
        return found.latest_charge


async def refused(call: Awaitable[Any]) -> stripe.StripeError:
    """The error that a call ends with."""
    with pytest.raises(stripe.StripeError) as caught:
        await call
    return caught.value


def body_of(error: stripe.StripeError) -> dict[str, Any]:
    """The error object of an error."""
    assert isinstance(error.json_body, dict)
    return dict(error.json_body["error"])


def code_of(error: stripe.StripeError) -> str | None:
    """The code of an error; the package passes on that of some errors only."""
    code = body_of(error).get("code")
    return None if code is None else str(code)
