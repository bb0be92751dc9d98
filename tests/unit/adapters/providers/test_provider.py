"""Every call to a provider passes its breaker, whichever client makes it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from activities.ports import (
    GatewayError,
    GatewayRefusedAccess,
    GatewayRejected,
    GatewayUnavailable,
    OutcomeUnknown,
)
from adapters.payments.http import HttpPaymentGateway
from adapters.payments.stripe.gateway import StripePaymentGateway
from adapters.providers.breaker import LONGEST_WAIT_S
from adapters.providers.provider import INCIDENT_AFTER_S, RECENTLY_S, Provider
from adapters.shipping.http import HttpCarrier
from domain.ids import OrderId
from eventstore.deadline import NoTimeLeft, within
from tests.support.stack.carrier_examples import label_request
from tests.support.stack.payment_examples import payment_request


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def provider(clock: Clock) -> Provider:
    return Provider("payment provider", clock=clock)


async def call(
    provider: Provider, order: str, error: BaseException | None = None, *, changes: bool = True
) -> None:
    with within(10.0, owner=order):
        async with provider.calling(changes=changes):
            if error is not None:
                raise error


async def fail(provider: Provider, *errors: Exception) -> None:
    for number, error in enumerate(errors):
        with pytest.raises(type(error)):
            await call(provider, f"order-{number}", error)


def down() -> list[GatewayError]:
    return [GatewayUnavailable("payment provider /payments: HTTP 503") for _ in range(3)]


async def test_while_it_fails_a_call_is_answered_in_its_place(provider: Provider) -> None:
    await fail(provider, *down())
    with pytest.raises(GatewayUnavailable, match=r"not asked now.*HTTP 503") as answer:
        await call(provider, "order-9", AssertionError("was called"))
    assert answer.value.retry_after_s is not None
    assert 0 < answer.value.retry_after_s <= LONGEST_WAIT_S


async def test_refused_credentials_are_the_answer_to_all(provider: Provider) -> None:
    await fail(provider, GatewayRefusedAccess("payment provider /payments: HTTP 401"))
    with pytest.raises(GatewayRefusedAccess, match="HTTP 401") as answer:
        await call(provider, "order-9", AssertionError("was called"))
    assert answer.value.retry_after_s is not None
    assert provider.condition().is_incident


@pytest.mark.parametrize("error", [GatewayRejected("no"), GatewayError("of another kind")])
async def test_answers_about_orders_never_open_it(provider: Provider, error: Exception) -> None:
    await fail(provider, *[error for _ in range(50)])
    await call(provider, "order-9")
    assert provider.condition().failing_s is None


@pytest.mark.parametrize("error", [NoTimeLeft("late"), ValueError("ours"), KeyboardInterrupt()])
async def test_what_is_not_the_providers_says_nothing_of_it(
    provider: Provider, error: BaseException
) -> None:
    for number in range(50):
        with pytest.raises(type(error)):
            await call(provider, f"order-{number}", error)
    assert provider.condition().failed_s is None


async def test_an_error_that_is_an_answer_here_does_not_count(provider: Provider) -> None:
    for _ in range(5):
        with pytest.raises(GatewayRefusedAccess):
            async with provider.calling(changes=False, answers=(GatewayRefusedAccess,)):
                raise GatewayRefusedAccess("the key lacks the right to search")
    assert provider.condition().failing_s is None


async def test_the_failure_that_opens_it_says_when_to_ask_again(provider: Provider) -> None:
    errors = down()
    await fail(provider, *errors)
    assert [error.retry_after_s is None for error in errors] == [True, True, False]


async def test_an_unknown_outcome_is_looked_up_soon(provider: Provider) -> None:
    errors = [OutcomeUnknown("no answer") for _ in range(3)]
    await fail(provider, *errors)
    assert [error.retry_after_s for error in errors] == [None] * 3


async def test_it_is_an_incident_once_it_lasts_and_until_it_has_ended(
    provider: Provider, clock: Clock
) -> None:
    await fail(provider, *down())
    assert not provider.condition().is_incident
    clock.now = INCIDENT_AFTER_S
    seen = provider.condition()
    assert (seen.is_incident, seen.failing_s, seen.failed_s) == (True, 10.0, 10.0)
    assert seen.failure == str(down()[0])
    clock.now = RECENTLY_S
    assert not provider.condition().is_incident  # nobody has seen it fail lately
    await call(provider, "order-0")
    clock.now += 20
    seen = provider.condition()
    assert (seen.failing_s, seen.worked_s, seen.works_s) == (None, 20.0, 20.0)


async def test_the_sagas_that_wait_are_counted_each_once(provider: Provider, clock: Clock) -> None:
    await fail(provider, *down())
    for _ in range(3):
        for number in range(20):
            with pytest.raises(GatewayUnavailable):
                await call(provider, f"order-{number}")
    assert provider.condition().waiting == 20
    clock.now = 100.0
    await call(provider, "order-0")
    assert provider.condition().waiting == 0  # the others have not come back in time: they are gone


# --- through the clients -------------------------------------------------------------------------


@asynccontextmanager
async def answering(
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def charge(url: str, provider: Provider) -> None:
    gateway = HttpPaymentGateway(url, 30.0, provider)
    try:
        await gateway.create(payment_request("tok_visa"))
    finally:
        await gateway.close()


async def buy_label(url: str, provider: Provider) -> None:
    carrier = HttpCarrier(url, 30.0, provider)
    try:
        await carrier.buy_label(label_request())
    finally:
        await carrier.close()


async def read_at_stripe(url: str, provider: Provider) -> None:
    gateway = StripePaymentGateway("sk_test", url, timeout_s=30.0, provider=provider)
    try:
        await gateway.read("pi_1")
    finally:
        await gateway.close()


ERROR = '{"error": {"type": "api_error", "code": "failed", "message": "failed"}}'
CLIENTS = [charge, buy_label, read_at_stripe]
Client = Callable[[str, Provider], Awaitable[None]]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("status", [429, 503, 500])
async def test_an_answer_says_when_to_ask_again(client: Client, status: int) -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text=ERROR, status=status, headers={"Retry-After": "33"})

    provider = Provider("a provider")
    async with answering(answer) as url:
        with pytest.raises((GatewayUnavailable, OutcomeUnknown)) as caught:
            await client(url, provider)
        assert 33.0 <= (caught.value.retry_after_s or 0) <= LONGEST_WAIT_S
        with pytest.raises(GatewayUnavailable, match="not asked now") as again:
            await client(url, provider)
    assert 16.5 < (again.value.retry_after_s or 0) <= LONGEST_WAIT_S


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(
    ("status", "body", "calls"),
    [
        (401, "{}", 1),
        (401, ERROR, 1),
        (403, "{}", 1),
        (403, ERROR, 1),
        (429, "{}", 3),
        (429, ERROR, 3),
        (500, ERROR, 3),
        (503, "{}", 3),
        (200, "no json", 3),
        (200, " " * 5_000_000, 3),
    ],
)
async def test_a_provider_that_fails_gets_no_more_calls_of_any_client(
    client: Client, status: int, body: str, calls: int
) -> None:
    received = 0

    async def answer(_: web.Request) -> web.StreamResponse:
        nonlocal received
        received += 1
        return web.Response(text=body, status=status, content_type="application/json")

    provider = Provider("a provider")
    async with answering(answer) as url:
        for number in range(20):
            with within(90.0, owner=f"order-{number}"), pytest.raises(GatewayError):
                await client(url, provider)
    assert received == calls


async def test_what_people_are_told_of_a_provider_names_no_order() -> None:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text=ERROR, status=503)

    provider = Provider("carrier")
    async with answering(answer) as url:
        carrier = HttpCarrier(url, 30.0, provider)
        calls = (
            carrier.find("order-A1:label"),
            carrier.forbid(OrderId("A1"), "order-A1:label", "I"),
            carrier.cancel_label("label-A1", "order-A1:cancel"),
        )
        for number, made in enumerate(calls):
            with within(90.0, owner=f"order-{number}"), pytest.raises(GatewayError) as caught:
                await made
            assert "A1" not in str(caught.value)
        await carrier.close()
    assert "A1" not in provider.condition().failure
