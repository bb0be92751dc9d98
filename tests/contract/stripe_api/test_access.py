"""Keys, rights, rate limits, locks and versions, as Stripe documents them."""

import asyncio
from typing import Any

import aiohttp
import pytest
import stripe

from adapters.providers.faults import Fault, FaultKind
from tests.support.stack.stripe_rules import Server, code_of, documented, refused
from tests.support.stack.stripe_sandbox import KEY, stripe_package

ONE_ACCOUNT = "takes any key and has no limits"


@documented("/api/errors", "401 Unauthorized: no valid API key provided", localstripe=ONE_ACCOUNT)
@pytest.mark.parametrize("state", ["expired", "revoked"])
async def test_a_key_that_is_not_valid_any_more_is_refused(server: Server, state: str) -> None:
    await server.control.key(f"sk_test_{state}", state=state)
    async with stripe_package(server.url, f"sk_test_{state}") as client:
        error = await refused(client.payment_intents.list_async())
    assert isinstance(error, stripe.AuthenticationError)
    assert (error.http_status, code_of(error)) == (
        401,
        "api_key_expired" if state == "expired" else None,
    )
    assert f"sk_test_{state}" not in str(error)


@documented("/keys", "sk_test, sk_live, rk_test", localstripe=ONE_ACCOUNT)
@pytest.mark.parametrize("key", ["sk_live_of_somebody", "rk_test_unknown", "pk_test_public"])
async def test_an_unknown_key_is_refused(server: Server, key: str) -> None:
    async with stripe_package(server.url, key) as client:
        error = await refused(client.payment_intents.list_async())
    assert isinstance(error, stripe.AuthenticationError)


@documented(
    "/keys/restricted-api-keys",
    "403 Forbidden: the API key doesn't have permissions to perform the request",
    localstripe=ONE_ACCOUNT,
)
async def test_a_restricted_key_may_do_what_its_rights_say(server: Server) -> None:
    await server.control.key("rk_test_reader", rights=["rak_payment_intent_read"])
    intent = await server.paid()
    async with stripe_package(server.url, "rk_test_reader") as client:
        assert (await client.payment_intents.retrieve_async(intent.id)).id == intent.id
        usual: Any = {"amount": 100, "currency": "gbp"}
        for call in (
            client.payment_intents.create_async(usual),
            client.payment_intents.cancel_async(intent.id),
            client.refunds.create_async({"payment_intent": intent.id}),
            client.balance.retrieve_async(),
            client.payment_intents.retrieve_async(intent.id, {"expand": ["latest_charge"]}),
        ):
            error = await refused(call)
            assert isinstance(error, stripe.PermissionError)
            assert "required permissions" in str(error)
    await server.control.key("rk_test_writer", rights=["rak_payment_intent_write"])
    async with stripe_package(server.url, "rk_test_writer") as client:
        assert (await client.payment_intents.retrieve_async(intent.id)).id == intent.id


@documented(
    "/rate-limits",
    "you receive 429 Too Many Requests … the Stripe-Rate-Limited-Reason header",
    localstripe=ONE_ACCOUNT,
)
async def test_too_many_requests_in_a_second_are_refused(server: Server) -> None:
    await server.control.settings(requests_per_second=5)
    try:
        tries = (server.client.balance.retrieve_async() for _ in range(8))
        results = await asyncio.gather(*tries, return_exceptions=True)
    finally:
        await server.control.settings(requests_per_second=0)
    limited = [result for result in results if isinstance(result, stripe.RateLimitError)]
    assert len(limited) >= 2
    assert code_of(limited[0]) == "rate_limit"
    assert limited[0].headers is not None
    assert limited[0].headers["Stripe-Rate-Limited-Reason"] == "global-rate"


@documented(
    "/rate-limits", "Individual API endpoints: 25 requests per second", localstripe=ONE_ACCOUNT
)
async def test_an_endpoint_has_a_limit_of_its_own(server: Server) -> None:
    await server.control.settings(requests_per_endpoint=2)
    try:
        tries = (server.client.balance.retrieve_async() for _ in range(4))
        results = await asyncio.gather(*tries, return_exceptions=True)
        assert (await server.client.accounts.retrieve_current_async()).id
    finally:
        await server.control.settings(requests_per_endpoint=0)
    assert any(isinstance(result, stripe.RateLimitError) for result in results)


@documented(
    "/rate-limits",
    "Payment Intents API: 1,000 update requests per PaymentIntent object, per hour",
    localstripe=ONE_ACCOUNT,
)
async def test_one_payment_intent_can_be_changed_so_often_in_an_hour(server: Server) -> None:
    await server.control.settings(updates_per_hour=3)
    try:
        intent = await server.intent()
        update = server.client.payment_intents.update_async
        for number in range(3):
            await update(intent.id, {"metadata": {"n": str(number)}})
        error = await refused(update(intent.id, {"metadata": {"n": "3"}}))
        assert isinstance(error, stripe.RateLimitError)
        await server.control.advance(3_601)
        assert (await update(intent.id, {"metadata": {"n": "3"}})).metadata["n"] == "3"
    finally:
        await server.control.settings(updates_per_hour=1000)


@documented(
    "/rate-limits#object-lock-timeouts",
    "lock_timeout: this object cannot be accessed right now because another API request or Stripe"
    " process is currently accessing it",
    localstripe="has no locks",
)
async def test_an_object_in_work_is_locked_for_changes_but_can_be_read(server: Server) -> None:
    await server.control.settings(lock_wait_s=0)
    intent = await server.intent(payment_method="pm_card_visa")
    fault = await server.control.add(Fault(FaultKind.HOLD_BEFORE, operation="bank"))
    confirming = asyncio.create_task(server.client.payment_intents.confirm_async(intent.id))
    await server.control.wait_until_holding(fault)
    error = await refused(server.client.payment_intents.cancel_async(intent.id))
    assert isinstance(error, stripe.RateLimitError)
    assert code_of(error) == "lock_timeout"
    found = await server.client.payment_intents.retrieve_async(intent.id)
    assert (found.status, found.last_payment_error) == ("requires_confirmation", None)
    await server.control.remove(fault)
    assert (await confirming).status == "succeeded"
    await server.control.settings(lock_wait_s=2)


@documented(
    "/payments/paymentintents/lifecycle",
    "processing: once required actions are handled, the PaymentIntent moves to processing",
    localstripe="never is in processing",
)
async def test_a_bank_may_think_for_long(server: Server) -> None:
    fault = Fault(FaultKind.PROCESSING, operation="bank", times=1, delay_s=600)
    await server.control.add(fault)
    intent = await server.paid()
    assert (intent.status, intent.latest_charge) == ("processing", None)
    error = await refused(server.client.payment_intents.confirm_async(intent.id))
    assert code_of(error) == "payment_intent_unexpected_state"
    await server.control.advance(601)
    found = await server.client.payment_intents.retrieve_async(intent.id)
    assert (found.status, found.amount_received) == ("succeeded", 1000)


@documented(
    "/api/request_ids", "Each API request has an associated request identifier in Request-Id"
)
async def test_each_answer_has_an_id(server: Server) -> None:
    intent = await server.intent()
    response: Any = intent.last_response
    assert response.request_id is None or response.request_id.startswith("req_")


@documented(
    "/api/request_ids",
    "You can find this value in the response headers, under Request-Id",
    localstripe="sends none",
)
async def test_errors_have_an_id_and_a_version_too(server: Server) -> None:
    error = await refused(server.client.payment_intents.retrieve_async("pi_unknown"))
    assert error.headers is not None
    assert str(error.request_id).startswith("req_")
    assert error.headers["Stripe-Version"] == "2024-06-20"


@documented("/api/versioning", "set the Stripe-Version header", localstripe="ignores versions")
@pytest.mark.parametrize("version", ["yesterday", "2019-01-01"])
async def test_a_version_that_is_not_there_is_refused(server: Server, version: str) -> None:
    async with stripe_package(server.url, version=version) as client:
        error = await refused(client.payment_intents.list_async())
    assert error.http_status == 400


@documented("/api", "accepts form-encoded request bodies", localstripe="takes JSON as well")
async def test_other_bodies_and_addresses_are_refused(server: Server) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    async with aiohttp.ClientSession(server.url, headers=headers) as session:
        async with session.post("/v1/payment_intents", json={"amount": 1000}) as answer:
            assert answer.status == 400
        async with session.get("/v1/unicorns") as answer:
            assert answer.status == 404
            assert (await answer.json())["error"]["type"] == "invalid_request_error"
        async with session.delete("/v1/payment_intents") as answer:
            assert answer.status == 404
