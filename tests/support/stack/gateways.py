"""Every payment gateway with its provider, for the contract that all of them keep."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from activities.payment_port import PaymentGateway, PaymentLedger
from adapters.payments.http import HttpPaymentGateway
from adapters.payments.stripe.gateway import StripePaymentGateway
from adapters.providers.fakes import FakePaymentGateway
from domain.values import CaptureMode
from tests.support.stack.checkouts import sandbox_checkout, stripe_checkout
from tests.support.stack.localstripe import running_localstripe
from tests.support.stack.payment_examples import GBP_10
from tests.support.stack.sandboxes import running_sandboxes
from tests.support.stack.stripe_sandbox import KEY, running_stripe_sandbox


class Gateway(PaymentGateway, PaymentLedger, Protocol):
    """Gateway and ledger, which every adapter implements together."""


Checkout = Callable[[CaptureMode], Awaitable[str]]
"""What a shop does at its checkout: a payment of 10 GBP; its reference."""


@dataclass(frozen=True)
class Subject:
    """A gateway under test, and the tokens that its provider accepts, and declines with a code."""

    name: str
    gateway: Gateway
    checkout: Checkout
    good: str = "tok_visa"
    declined: str = "tok_declined"
    decline_code: str = "card_declined"


@asynccontextmanager
async def fake(_: Path) -> AsyncIterator[Subject]:
    gateway = FakePaymentGateway()

    async def checkout(capture: CaptureMode) -> str:
        return gateway.checkout(GBP_10, capture).reference

    yield Subject("fake", gateway, checkout)


@asynccontextmanager
async def http(folder: Path) -> AsyncIterator[Subject]:
    async with running_sandboxes(folder) as sandboxes:
        url = sandboxes.payment.base_url
        gateway = HttpPaymentGateway(url)
        yield Subject("http", gateway, partial(sandbox_checkout, url))
        await gateway.close()


@asynccontextmanager
async def stripe(_: Path) -> AsyncIterator[Subject]:
    async with running_localstripe() as url:
        gateway = StripePaymentGateway("sk_test_contract", url)
        checkout = partial(stripe_checkout, url)
        yield Subject("stripe", gateway, checkout, "pm_card_visa", "pm_card_chargeCustomerFail")
        await gateway.close()


@asynccontextmanager
async def stripe_sandbox(folder: Path) -> AsyncIterator[Subject]:
    async with running_stripe_sandbox(folder) as sandbox:
        gateway = StripePaymentGateway(KEY, sandbox.url)
        card, checkout = "pm_card_chargeDeclined", partial(stripe_checkout, sandbox.url)
        yield Subject("stripe sandbox", gateway, checkout, "pm_card_visa", card, "generic_decline")
        await gateway.close()


STRICT = (fake, http, stripe_sandbox)
