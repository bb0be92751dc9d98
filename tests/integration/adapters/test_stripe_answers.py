"""What Stripe's answers mean: https://docs.stripe.com/error-low-level and .../error-codes."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from activities.payment_port import PaymentStatus
from activities.ports import (
    GatewayRefusedAccess,
    GatewayRejected,
    GatewayUnavailable,
    KeyUsedUp,
    OutcomeUnknown,
)
from adapters.payments.stripe.gateway import StripePaymentGateway
from domain.values import CaptureMode
from tests.support.stack.localstripe import running_localstripe
from tests.support.stack.payment_examples import GBP_10, charge, payment_request
from tests.support.stack.stripe_proxy import KEY, connected, forward, proxy


@pytest.fixture(scope="module")
async def stripe_url() -> AsyncIterator[str]:
    async with running_localstripe() as url:
        yield url


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
            await charge(gateway, payment_request("pm_card_visa"))
    assert "private" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({"Idempotent-Replayed": "true"}, KeyUsedUp),
        ({"Stripe-Should-Retry": "false"}, KeyUsedUp),
        ({"Stripe-Should-Retry": "true"}, OutcomeUnknown),
    ],
)
async def test_a_failure_that_stripe_keeps_for_the_key_asks_for_another_key(
    stripe_url: str, headers: dict[str, str], error: type[Exception]
) -> None:
    # "Stripe's API servers will cache the results of the request regardless of what they were":
    # https://docs.stripe.com/error-low-level
    async def fail(request: web.Request) -> web.Response:
        body = {"error": {"message": "m", "type": "api_error"}}
        return web.json_response(body, status=500, headers=headers)

    async with proxy(stripe_url, fail) as url, connected(url) as gateway:
        with pytest.raises(error):
            await gateway.create(payment_request("pm_card_visa"))
        with pytest.raises(OutcomeUnknown):  # a confirmation has no key, so nothing is kept
            await gateway.confirm("pi_1")


async def test_a_rate_limit_says_how_long_to_wait(stripe_url: str) -> None:
    async def limit(_: web.Request) -> web.Response:
        body = {"error": {"message": "m", "type": "invalid_request_error", "code": "rate_limit"}}
        return web.json_response(body, status=429, headers={"Retry-After": "30"})

    async with proxy(stripe_url, limit) as url, connected(url) as gateway:
        with pytest.raises(GatewayUnavailable) as caught:
            await gateway.read("pi_1")
    assert caught.value.retry_after_s


@pytest.mark.parametrize("status", ["requires_payment_method", "processing"])
async def test_a_slow_charge_is_never_a_decline(stripe_url: str, status: str) -> None:
    request = payment_request("pm_card_visa")

    async def slow(asked: web.Request) -> web.Response:
        answer = await forward(asked)
        if asked.path.endswith("/confirm"):
            body = {"error": {"code": "payment_intent_unexpected_state", "message": "m"}}
            return web.json_response(body, status=400)
        if asked.method == "GET":
            intent = json.loads(answer.body or b"")
            intent |= {"status": status, "last_payment_error": None, "latest_charge": None}
            return web.json_response(intent)
        return answer

    async with proxy(stripe_url, slow) as url, connected(url) as gateway:
        created = await gateway.create(request)
        with pytest.raises(OutcomeUnknown):
            await gateway.confirm(created.reference)


@pytest.mark.parametrize("code", ["charge_expired_for_capture", "payment_intent_unexpected_state"])
async def test_an_authorisation_that_lapsed_is_told_from_a_refusal(
    stripe_url: str, code: str
) -> None:
    async def lapsed(asked: web.Request) -> web.Response:
        if asked.path.endswith("/capture"):
            return web.json_response({"error": {"code": code, "message": "m"}}, status=400)
        return await forward(asked)

    async with proxy(stripe_url, lapsed) as url, connected(url) as gateway:
        request = payment_request("pm_card_visa", capture=CaptureMode.ON_SHIPMENT)
        held = await charge(gateway, request)
        if code == "charge_expired_for_capture":
            answer = await gateway.capture(held.reference, GBP_10)
            assert answer.status is PaymentStatus.EXPIRED
        else:
            with pytest.raises(GatewayRejected):
                await gateway.capture(held.reference, GBP_10)


async def test_an_unreadable_answer_to_a_charge_is_an_unknown_outcome(stripe_url: str) -> None:
    async def garble_charges(request: web.Request) -> web.Response:
        answer = await forward(request)
        if request.method == "POST":
            return web.json_response({"id": 7, "object": "payment_intent"})
        return answer

    direct = StripePaymentGateway(KEY, stripe_url)
    created = await direct.create(payment_request("pm_card_visa"))
    async with proxy(stripe_url, garble_charges) as url, connected(url) as gateway:
        with pytest.raises(OutcomeUnknown):
            await gateway.confirm(created.reference)
        assert (await gateway.read(created.reference)).status is PaymentStatus.CAPTURED
    await direct.close()


async def test_a_charge_that_takes_too_long_has_an_unknown_outcome(stripe_url: str) -> None:
    release = asyncio.Event()

    async def hold_charges(request: web.Request) -> web.Response:
        if request.method == "POST":
            await release.wait()
        return await forward(request)

    async with proxy(stripe_url, hold_charges) as url, connected(url, timeout_s=0.5) as gateway:
        with pytest.raises(OutcomeUnknown):
            await charge(gateway, payment_request("pm_card_visa"))
        release.set()
