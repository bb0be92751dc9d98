"""An answer of a provider is read with a bound, whatever the provider sends."""

import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager

import pytest
from aiohttp import web

from activities.ports import GatewayUnavailable, OutcomeUnknown
from adapters.payments.http import HttpPaymentGateway
from adapters.payments.stripe import StripePaymentGateway
from adapters.providers.connections import MOST_BYTES
from adapters.shipping.http import HttpCarrier
from tests.support.stack.carrier_examples import label_request
from tests.support.stack.payment_examples import charge_request

_PART = b" " * 1_000_000
_PARTS = 400

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[str]:
    """A service that answers everything in the same way; its address."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def charge(url: str) -> None:
    gateway = HttpPaymentGateway(url)
    try:
        await gateway.charge(charge_request("tok_visa"))
    finally:
        await gateway.close()


async def find(url: str) -> None:
    gateway = HttpPaymentGateway(url)
    try:
        await gateway.find("key")
    finally:
        await gateway.close()


async def buy_label(url: str) -> None:
    carrier = HttpCarrier(url)
    try:
        await carrier.buy_label(label_request())
    finally:
        await carrier.close()


async def list_at_stripe(url: str) -> None:
    gateway = StripePaymentGateway("sk_test", url)
    try:
        async with aclosing(gateway.payments()) as payments:
            async for _ in payments:
                pass
    finally:
        await gateway.close()


@pytest.mark.parametrize("status", [200, 402, 500])
@pytest.mark.parametrize(
    ("call", "error"),
    [
        (charge, OutcomeUnknown),
        (find, GatewayUnavailable),
        (buy_label, OutcomeUnknown),
        (list_at_stripe, GatewayUnavailable),
    ],
)
async def test_of_an_answer_of_400_mb_little_is_read_and_nothing_is_concluded(
    call: Callable[[str], Awaitable[None]], error: type[Exception], status: int
) -> None:
    sent = 0

    async def answer(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse(status=status)
        await response.prepare(request)
        for _ in range(_PARTS):
            await response.write(_PART)
            sent += len(_PART)
        return response

    async with answering(answer) as url:
        with pytest.raises(error):
            await call(url)
    assert sent < 10 * MOST_BYTES


async def test_a_compressed_answer_is_not_unpacked() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.headers["Accept-Encoding"] == "identity"
        packed = gzip.compress(b" " * 10 * MOST_BYTES)
        return web.Response(body=packed, headers={"Content-Encoding": "gzip"})

    async with answering(answer) as url:
        with pytest.raises(GatewayUnavailable, match="cannot be read"):
            await find(url)
