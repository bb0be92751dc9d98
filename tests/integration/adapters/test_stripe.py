"""What Stripe adds to the payment contract: cards, customers who must act, keys, lost answers.

Against `localstripe`, which differs from Stripe: it ignores idempotency keys, has no search, and
books a partial capture as a full one with a refund. So here the adapter's own looking-up does all
the work that Stripe's keys share in there; what a partial capture looks like at Stripe is tested
on its records alone.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from activities.ports import (
    GatewayRefusedAccess,
    GatewayRejected,
    GatewayUnavailable,
    OutcomeUnknown,
    PaymentGateway,
    PaymentLedger,
    PaymentStatus,
)
from adapters.payments.stripe import StripePaymentGateway
from domain.money import Money
from domain.values import CaptureMode
from tests.support.stack.localstripe import running_localstripe
from tests.support.stack.payment_examples import GBP_10, charge_request

KEY = "sk_test_very_secret"
STRIPE = web.AppKey("stripe", str)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@pytest.fixture(scope="module")
async def stripe_url() -> AsyncIterator[str]:
    async with running_localstripe() as url:
        yield url


@pytest.fixture
async def gateway(stripe_url: str) -> AsyncIterator[StripePaymentGateway]:
    gateway = StripePaymentGateway(KEY, stripe_url)
    yield gateway
    await gateway.close()


async def ask(method: str, url: str, **form: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {KEY}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(method, url, data=form or None) as response,
    ):
        response.raise_for_status()
        return dict(await response.json())


async def new_card(stripe_url: str, number: str) -> str:
    """The id of a payment method for a card with this number."""
    card = {"card[number]": number, "card[exp_month]": "12", "card[exp_year]": "2030"}
    url = f"{stripe_url}/v1/payment_methods"
    return str((await ask("POST", url, type="card", **card, **{"card[cvc]": "123"}))["id"])


@asynccontextmanager
async def proxy(stripe_url: str, handler: Handler) -> AsyncIterator[str]:
    """The URL of a server that passes each request to `handler`, which may `forward` it."""
    app = web.Application()
    app[STRIPE] = stripe_url
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def connected(url: str, timeout_s: float = 30.0) -> AsyncIterator[StripePaymentGateway]:
    gateway = StripePaymentGateway(KEY, url, timeout_s=timeout_s)
    try:
        yield gateway
    finally:
        await gateway.close()


async def forward(request: web.Request) -> web.Response:
    url = request.app[STRIPE] + request.path_qs
    headers = {"Authorization": request.headers["Authorization"]}
    headers["Content-Type"] = request.headers.get("Content-Type", "")
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.request(request.method, url, data=await request.read()) as response,
    ):
        body = await response.read()
        return web.Response(body=body, status=response.status, content_type="application/json")


def test_it_implements_gateway_and_ledger(gateway: StripePaymentGateway) -> None:
    gateways: list[PaymentGateway] = [gateway]
    ledgers: list[PaymentLedger] = [gateway]
    assert len(gateways) == len(ledgers)


async def test_the_intent_carries_order_and_key(
    gateway: StripePaymentGateway, stripe_url: str
) -> None:
    request = charge_request("pm_card_visa")
    payment = await gateway.charge(request)
    intent = await ask("GET", f"{stripe_url}/v1/payment_intents/{payment.reference}")
    assert intent["metadata"]["order_id"] == request.order_id
    assert intent["metadata"]["idempotency_key"] == request.idempotency_key
    assert request.token not in str(intent["metadata"])


async def test_a_required_authentication_is_a_decline_that_cannot_be_completed_later(
    gateway: StripePaymentGateway, stripe_url: str
) -> None:
    # Stripe itself declines this at once because of `off_session`; localstripe waits.
    request = charge_request(await new_card(stripe_url, "4000002500003155"))
    payment = await gateway.charge(request)
    assert payment.status is PaymentStatus.UNCONFIRMED
    assert await gateway.find(request.idempotency_key) == payment
    payment = await gateway.void(payment.reference, f"{request.idempotency_key}:abandon")
    assert payment.status is PaymentStatus.DECLINED
    assert payment.decline_code == "authentication_required"
    intent = await ask("GET", f"{stripe_url}/v1/payment_intents/{payment.reference}")
    assert intent["status"] == "canceled"
    assert await gateway.find(request.idempotency_key) == payment
    assert await gateway.charge(request) == payment


async def test_each_call_sends_the_key_of_its_caller(stripe_url: str) -> None:
    seen: dict[str, str | None] = {}

    async def note(request: web.Request) -> web.Response:
        if request.method == "POST":
            seen[request.path.rsplit("/", 1)[-1]] = request.headers.get("Idempotency-Key")
        return await forward(request)

    async with proxy(stripe_url, note) as url, connected(url) as gateway:
        request = charge_request("pm_card_visa", capture=CaptureMode.ON_SHIPMENT)
        held = await gateway.charge(request)
        await gateway.capture(held.reference, GBP_10, "key-of-capture")
        await gateway.refund(held.reference, GBP_10, "key-of-refund")
        other = charge_request("pm_card_visa", capture=CaptureMode.ON_SHIPMENT)
        await gateway.void((await gateway.charge(other)).reference, "key-of-void")
    assert seen == {
        "payment_intents": other.idempotency_key,
        "capture": "key-of-capture",
        "refunds": "key-of-refund",
        "cancel": "key-of-void",
    }


@pytest.mark.parametrize("operation", ["payment_intents", "capture", "refunds", "cancel"])
async def test_a_lost_answer_is_an_unknown_outcome_and_a_retry_charges_once(
    stripe_url: str, operation: str
) -> None:
    lost: list[str] = []

    async def lose_once(request: web.Request) -> web.Response:
        answer = await forward(request)
        hit = request.method == "POST" and request.path.endswith(operation) and not lost
        if hit and request.transport is not None:
            lost.append(request.path)
            request.transport.abort()
        return answer

    async with proxy(stripe_url, lose_once) as url, connected(url) as gateway:
        request = charge_request("pm_card_visa", capture=CaptureMode.ON_SHIPMENT)
        for _ in range(2):
            try:
                await life_of_a_payment(gateway, request, voided=operation == "cancel")
                break
            except OutcomeUnknown:
                assert len(lost) == 1
        assert len(lost) == 1
        payment = await gateway.find(request.idempotency_key)
        assert payment is not None
        expected = Money(0, "GBP") if operation == "cancel" else Money(300, "GBP")
        assert payment.refunded == expected
        assert len([p async for p in gateway.payments() if p.order_id == request.order_id]) == 1


async def life_of_a_payment(gateway: StripePaymentGateway, request: Any, *, voided: bool) -> None:
    payment = await gateway.charge(request)
    if voided:
        await gateway.void(payment.reference, "void-" + payment.order_id)
        return
    await gateway.capture(payment.reference, GBP_10, "capture-" + payment.order_id)
    await gateway.refund(payment.reference, Money(300, "GBP"), "refund-" + payment.order_id)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (429, GatewayUnavailable),
        (500, OutcomeUnknown),
        (503, OutcomeUnknown),
        (409, OutcomeUnknown),
        (400, GatewayRejected),
        (401, GatewayRefusedAccess),
        (403, GatewayRefusedAccess),
    ],
)
async def test_each_answer_of_stripe_has_its_meaning(
    stripe_url: str, status: int, error: type[Exception]
) -> None:
    async def fail_charges(request: web.Request) -> web.Response:
        if request.method != "POST":
            return await forward(request)
        body = {"error": {"message": f"private words about {KEY}", "type": "api_error"}}
        return web.json_response(body, status=status)

    async with proxy(stripe_url, fail_charges) as url, connected(url) as gateway:
        with pytest.raises(error) as caught:
            await gateway.charge(charge_request("pm_card_visa"))
    assert "private" not in str(caught.value)
    assert caught.value.__cause__ is None


async def test_an_unreadable_answer_to_a_charge_is_an_unknown_outcome(stripe_url: str) -> None:
    async def garble_charges(request: web.Request) -> web.Response:
        answer = await forward(request)
        if request.method == "POST":
            return web.json_response({"id": 7, "object": "payment_intent"})
        return answer

    async with proxy(stripe_url, garble_charges) as url, connected(url) as gateway:
        request = charge_request("pm_card_visa")
        with pytest.raises(OutcomeUnknown):
            await gateway.charge(request)
        payment = await gateway.find(request.idempotency_key)
        assert payment is not None
        assert payment.status is PaymentStatus.CAPTURED


async def test_a_charge_that_takes_too_long_has_an_unknown_outcome(stripe_url: str) -> None:
    release = asyncio.Event()

    async def hold_charges(request: web.Request) -> web.Response:
        if request.method == "POST":
            await release.wait()
        return await forward(request)

    async with proxy(stripe_url, hold_charges) as url, connected(url, timeout_s=0.5) as gateway:
        with pytest.raises(OutcomeUnknown):
            await gateway.charge(charge_request("pm_card_visa"))
        release.set()


async def test_where_there_is_a_search_it_is_used_and_only_recent_payments_are_listed(
    stripe_url: str,
) -> None:
    request = charge_request("pm_card_visa")
    direct = StripePaymentGateway(KEY, stripe_url)
    payment = await direct.charge(request)
    queries: list[str] = []

    async def with_search(search_request: web.Request) -> web.Response:
        if not search_request.path.endswith("/search"):
            return await forward(search_request)
        queries.append(search_request.query["query"])
        is_searched = request.idempotency_key in search_request.query["query"]
        outdated = {"object": "payment_intent", "id": payment.reference, "status": "processing"}
        key = request.idempotency_key
        # Stripe's search finds the same letters in another case as well.
        other = {**outdated, "id": "pi_other", "metadata": {"idempotency_key": key.lower()}}
        outdated["metadata"] = {"idempotency_key": key}
        data = [other, outdated] if is_searched else []
        return web.json_response(
            {"object": "search_result", "url": "/", "has_more": False, "data": data}
        )

    async with proxy(stripe_url, with_search) as url, connected(url) as gateway:
        assert await gateway.find(request.idempotency_key) == payment
        assert await gateway.charge(request) == payment
        assert await gateway.find("it's not there") is None
    assert queries[0] == f"metadata['idempotency_key']:'{request.idempotency_key}'"
    assert queries[-1] == r"metadata['idempotency_key']:'it\'s not there'"
    assert [p async for p in direct.payments() if p.order_id == request.order_id] == [payment]
    await direct.close()


async def test_payments_of_others_are_not_ours(
    gateway: StripePaymentGateway, stripe_url: str
) -> None:
    url = f"{stripe_url}/v1/payment_intents"
    foreign = await ask("POST", url, amount="5", currency="gbp", payment_method="pm_card_visa")
    assert foreign["id"] not in [p.reference async for p in gateway.payments()]
    with pytest.raises(GatewayRejected):
        await gateway.void(foreign["id"], "void-foreign")


async def test_no_text_holds_the_api_key_or_the_token(
    gateway: StripePaymentGateway, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await gateway.charge(charge_request("pm_card_visa"))
        with pytest.raises(GatewayRejected) as caught:
            await gateway.charge(charge_request("pm_unknown_secret"))
    texts = repr(gateway) + str(caught.value) + repr(caught.value) + caplog.text
    for secret in (KEY, "pm_card_visa", "pm_unknown_secret"):
        assert secret not in texts


async def test_a_server_that_does_not_listen_is_unavailable() -> None:
    gateway = StripePaymentGateway(KEY, "http://127.0.0.1:1")
    with pytest.raises(GatewayUnavailable):
        await gateway.charge(charge_request("pm_card_visa"))
    await gateway.close()


@pytest.mark.parametrize("currency", ["ISK", "UGX"])
async def test_currencies_with_other_decimals_at_stripe_are_rejected(
    gateway: StripePaymentGateway, currency: str
) -> None:
    with pytest.raises(GatewayRejected):
        await gateway.charge(charge_request("pm_card_visa", amount=Money(500, currency)))


def test_a_missing_api_key_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="API key is missing"):
        StripePaymentGateway(" ")
