"""What Stripe adds to the payment contract: cards, customers who must act, keys, lost answers.

Against `localstripe`, which differs from Stripe: it ignores idempotency keys, has no search, and
books a partial capture as a full one with a refund. What a partial capture looks like at Stripe is
tested on its records alone.
"""

import logging
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from activities.payment_port import PaymentGateway, PaymentLedger, PaymentStatus, ProviderPayment
from activities.ports import GatewayRejected, GatewayUnavailable, OutcomeUnknown
from adapters.payments.stripe.gateway import StripePaymentGateway
from adapters.payments.stripe.records import KEY as KEY_FIELD
from domain.money import Money
from domain.values import CaptureMode
from tests.support.stack.localstripe import running_localstripe
from tests.support.stack.payment_examples import GBP_10, charge, payment_request
from tests.support.stack.stripe_proxy import KEY, connected, forward, proxy


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


def test_it_implements_gateway_and_ledger(gateway: StripePaymentGateway) -> None:
    gateways: list[PaymentGateway] = [gateway]
    ledgers: list[PaymentLedger] = [gateway]
    assert len(gateways) == len(ledgers)


async def test_the_intent_carries_order_and_key(
    gateway: StripePaymentGateway, stripe_url: str
) -> None:
    request = payment_request("pm_card_visa")
    payment = await charge(gateway, request)
    intent = await ask("GET", f"{stripe_url}/v1/payment_intents/{payment.reference}")
    assert intent["metadata"]["order_id"] == request.order_id
    assert intent["metadata"]["idempotency_key"] == request.idempotency_key
    assert request.token not in str(intent["metadata"])


async def test_a_required_authentication_is_no_payment_and_can_be_ended(
    gateway: StripePaymentGateway, stripe_url: str
) -> None:
    # Stripe itself declines this at once because of `off_session`; localstripe waits.
    request = payment_request(await new_card(stripe_url, "4000002500003155"))
    payment = await charge(gateway, request)
    assert payment.status is PaymentStatus.REQUIRES_ACTION
    assert (await gateway.void(payment.reference)).status is PaymentStatus.VOIDED
    intent = await ask("GET", f"{stripe_url}/v1/payment_intents/{payment.reference}")
    assert intent["status"] == "canceled"


async def test_only_what_creates_something_has_a_key(stripe_url: str) -> None:
    seen: dict[str, str | None] = {}

    async def note(request: web.Request) -> web.Response:
        if request.method == "POST":
            seen[request.path.rsplit("/", 1)[-1]] = request.headers.get("Idempotency-Key")
        return await forward(request)

    async with proxy(stripe_url, note) as url, connected(url) as gateway:
        request = payment_request("pm_card_visa", capture=CaptureMode.ON_SHIPMENT)
        held = await charge(gateway, request)
        await gateway.capture(held.reference, GBP_10)
        await gateway.refund(held.reference, GBP_10, "key-of-refund")
        other = payment_request("pm_card_visa", capture=CaptureMode.ON_SHIPMENT)
        await gateway.void((await charge(gateway, other)).reference)
    keys = {name: key for name, key in seen.items() if name in ("payment_intents", "refunds")}
    assert keys == {"payment_intents": other.idempotency_key, "refunds": "key-of-refund"}


async def test_a_happy_payment_takes_two_calls_and_a_capture_one(stripe_url: str) -> None:
    calls: list[str] = []

    async def note(request: web.Request) -> web.Response:
        calls.append(request.path.rsplit("/", 1)[-1])
        return await forward(request)

    async with proxy(stripe_url, note) as url, connected(url) as gateway:
        request = payment_request("pm_card_visa", capture=CaptureMode.ON_SHIPMENT)
        held = await charge(gateway, request)
        await gateway.capture(held.reference, GBP_10)
    assert calls == ["payment_intents", "confirm", "capture"]


@pytest.mark.parametrize("operation", ["confirm", "capture", "refunds", "cancel"])
async def test_a_lost_answer_is_an_unknown_outcome_and_a_retry_does_it_once(
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
        request = payment_request("pm_card_visa", capture=CaptureMode.ON_SHIPMENT)
        created = await gateway.create(request)
        for _ in range(2):
            try:
                await life_of_a_payment(gateway, created, voided=operation == "cancel")
                break
            except OutcomeUnknown:
                assert len(lost) == 1
        assert len(lost) == 1
        payment = await gateway.read(created.reference)
        expected = Money(0, "GBP") if operation == "cancel" else Money(300, "GBP")
        assert payment.refunded == expected
        assert len([p async for p in gateway.payments() if p.order_id == request.order_id]) == 1


async def life_of_a_payment(
    gateway: StripePaymentGateway, created: ProviderPayment, *, voided: bool
) -> None:
    payment = await gateway.confirm(created.reference)
    if voided:
        await gateway.void(payment.reference)
        return
    await gateway.capture(payment.reference, GBP_10)
    await gateway.refund(payment.reference, Money(300, "GBP"), "refund-" + payment.order_id)


async def test_refunds_are_found_beyond_a_page(stripe_url: str) -> None:
    asked_for: list[str] = []

    async def paged(request: web.Request) -> web.Response:
        if request.method != "GET" or not request.path.endswith("/refunds"):
            return await forward(request)
        after = request.query.get("starting_after", "re_250")
        asked_for.append(after)
        top = int(after.removeprefix("re_"))
        names = range(top - 1, max(top - 101, 0), -1)
        data = [
            {"object": "refund", "id": f"re_{n}", "status": "succeeded", "amount": 1}
            | {"currency": "gbp", "payment_intent": "pi_1", "metadata": {KEY_FIELD: f"k{n}"}}
            for n in names
        ]
        more = bool(names) and names[-1] > 1
        return web.json_response(
            {"object": "list", "url": "/v1/refunds", "has_more": more, "data": data}
        )

    async with proxy(stripe_url, paged) as url, connected(url) as gateway:
        refunds = await gateway.refunds("pi_1")
        assert [refund.refund_id for refund in refunds] == [f"re_{n}" for n in range(1, 250)]
        found = await gateway.refund("pi_1", Money(1, "GBP"), "k3")
        assert found.refund_id == "re_3"


async def test_where_there_is_a_search_it_is_used_and_only_recent_payments_are_listed(
    stripe_url: str,
) -> None:
    request = payment_request("pm_card_visa")
    direct = StripePaymentGateway(KEY, stripe_url)
    payment = await charge(direct, request)
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
        assert await gateway.find("it's not there") is None
    assert queries[0] == f"metadata['idempotency_key']:'{request.idempotency_key}'"
    assert queries[-1] == r"metadata['idempotency_key']:'it\'s not there'"
    assert [p async for p in direct.payments() if p.order_id == request.order_id] == [payment]
    await direct.close()


@pytest.mark.parametrize("status", [400, 403])
async def test_without_the_right_to_search_a_key_is_looked_for_where_it_can_still_matter(
    stripe_url: str, status: int
) -> None:
    queries: list[str] = []

    async def no_search(asked: web.Request) -> web.Response:
        if asked.path.endswith("/search"):
            queries.append("search")
            body = {"error": {"message": "m", "type": "invalid_request_error"}}
            return web.json_response(body, status=status)
        if asked.method == "GET" and asked.path.endswith("/payment_intents"):
            queries.append(asked.query["created[gte]"])
        return await forward(asked)

    now = 2_000_000_000.0
    async with proxy(stripe_url, no_search) as url:
        gateway = StripePaymentGateway(KEY, url, clock=lambda: now)
        request = payment_request("pm_card_visa")
        payment = await charge(gateway, request)
        for _ in range(2):
            assert await gateway.find(request.idempotency_key) == payment
        await gateway.close()
    # Stripe forgets a key after a day, so an older payment cannot stand in its way.
    assert queries == ["search", str(int(now) - 25 * 3600), str(int(now) - 25 * 3600)]


async def test_payments_of_others_are_not_listed_and_say_that_they_are_nobodys(
    gateway: StripePaymentGateway, stripe_url: str
) -> None:
    url = f"{stripe_url}/v1/payment_intents"
    foreign = await ask("POST", url, amount="5", currency="gbp", payment_method="pm_card_visa")
    assert foreign["id"] not in [p.reference async for p in gateway.payments()]
    payment = await gateway.read(foreign["id"])
    assert (payment.installation, payment.order_id, payment.idempotency_key) == ("", "", "")


async def test_no_text_holds_the_api_key_or_the_token(
    gateway: StripePaymentGateway, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await charge(gateway, payment_request("pm_card_visa"))
        with pytest.raises(GatewayRejected) as caught:
            await charge(gateway, payment_request("pm_unknown_secret"))
    texts = repr(gateway) + str(caught.value) + repr(caught.value) + caplog.text
    for secret in (KEY, "pm_card_visa", "pm_unknown_secret"):
        assert secret not in texts


async def test_a_server_that_does_not_listen_is_unavailable() -> None:
    gateway = StripePaymentGateway(KEY, "http://127.0.0.1:1")
    with pytest.raises(GatewayUnavailable):
        await charge(gateway, payment_request("pm_card_visa"))
    await gateway.close()


@pytest.mark.parametrize(
    ("amount", "problem"),
    [
        (Money(29, "GBP"), "0.30 GBP"),
        (Money(500050, "MGA"), "5000.00 MGA and 5001.00 MGA"),
        (Money(500, "IRR"), "currency"),
    ],
    ids=str,
)
async def test_what_stripe_does_not_take_is_refused_without_asking_it(
    amount: Money, problem: str
) -> None:
    gateway = StripePaymentGateway(KEY, "http://127.0.0.1:1")
    with pytest.raises(GatewayRejected, match=problem):
        await gateway.create(payment_request("pm_card_visa", amount=amount))
    await gateway.close()


def test_a_missing_api_key_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="API key is missing"):
        StripePaymentGateway(" ")
