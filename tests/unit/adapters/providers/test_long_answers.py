"""An answer of a provider is read with a bound, and one odd record in it hides no other."""

import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager

import pytest
from aiohttp import web

from activities.payment_port import ProviderPayment
from activities.ports import GatewayUnavailable, OutcomeUnknown, UnclearRecord
from adapters.payments.http import HttpPaymentGateway
from adapters.payments.stripe.gateway import StripePaymentGateway
from adapters.providers import payment_rules
from adapters.providers.connections import MOST_BYTES
from adapters.providers.wire import PaymentBody
from adapters.shipping.http import HttpCarrier
from tests.support.stack.carrier_examples import label_request
from tests.support.stack.payment_examples import payment_request

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


async def create(url: str) -> None:
    gateway = HttpPaymentGateway(url)
    try:
        await gateway.create(payment_request("tok_visa"))
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
        (create, OutcomeUnknown),
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


@pytest.mark.parametrize(
    ("odd", "reference"),
    [
        ({"reference": "pay_odd", "status": "melted"}, "pay_odd"),
        ({"reference": 7}, "without a reference"),
        ([], "without a reference"),
        (None, "without a reference"),
        ("pay_odd", "without a reference"),
    ],
)
async def test_an_odd_record_in_a_ledger_is_named_and_hides_no_other(
    odd: object, reference: str
) -> None:
    good = [payment_rules.create(payment_request("tok_visa"), {}).seen for _ in range(2)]
    bodies = [PaymentBody.of(payment).model_dump(mode="json") for payment in good]

    async def page(_: web.Request) -> web.StreamResponse:
        return web.json_response({"payments": [bodies[0], odd, bodies[1]], "next": None})

    async with answering(page) as url:
        gateway = HttpPaymentGateway(url)
        listed = [record async for record in gateway.payments()]
        await gateway.close()
    assert [record for record in listed if isinstance(record, ProviderPayment)] == good
    [unclear] = [record for record in listed if isinstance(record, UnclearRecord)]
    assert unclear.reference == reference
    assert "melted" not in unclear.why


async def test_a_payment_that_stripe_still_works_on_hides_no_other() -> None:
    def intent(name: str, status: str) -> dict[str, object]:
        metadata = {"order_id": name, "idempotency_key": name, "installation": "I"}
        content = {"object": "payment_intent", "id": f"pi_{name}", "amount": 5, "currency": "gbp"}
        return {**content, "status": status, "created": 1, "metadata": metadata}

    async def page(_: web.Request) -> web.StreamResponse:
        data = [intent("a", "canceled"), intent("b", "processing"), intent("c", "canceled")]
        return web.json_response(
            {"object": "list", "url": "/v1/payment_intents", "has_more": False, "data": data}
        )

    async with answering(page) as url:
        gateway = StripePaymentGateway("sk_test_odd", url)
        listed = [record async for record in gateway.payments()]
        await gateway.close()
    assert [record.reference for record in listed] == ["pi_a", "pi_b", "pi_c"]
    assert [type(record).__name__ for record in listed].count("UnclearRecord") == 1
