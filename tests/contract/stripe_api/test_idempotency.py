"""Idempotency keys, as Stripe documents them."""

import asyncio
from typing import Any

import pytest
import stripe

from adapters.providers.faults import Fault, FaultKind
from tests.support.stack.stripe_rules import Server, code_of, documented, refused
from tests.support.stack.stripe_sandbox import KEY, stripe_package

PAGE = "/api/idempotent_requests"
LOW_LEVEL = "/error-low-level"
NO_KEYS = "ignores idempotency keys"


async def count(server: Server) -> int:
    listed = await server.client.payment_intents.list_async({"limit": 100})
    return len(listed.data)


@documented(PAGE, "Retries with the same key return the saved response", localstripe=NO_KEYS)
async def test_the_same_key_gives_the_saved_answer_even_after_changes(server: Server) -> None:
    first = await server.intent("same", payment_method="pm_card_visa")
    await server.client.payment_intents.cancel_async(first.id)
    again = await server.intent("same", payment_method="pm_card_visa")
    assert (again.id, again.status) == (first.id, "requires_confirmation")
    response: Any = again.last_response
    assert response.headers["Idempotent-Replayed"] == "true"
    original: Any = first.last_response
    assert response.headers["Original-Request"] == original.headers["Request-Id"]


@documented(
    PAGE,
    "The idempotency layer compares incoming parameters to those of the original request and errors"
    " if they're not the same",
    localstripe=NO_KEYS,
)
async def test_a_key_with_other_parameters_is_an_error(server: Server) -> None:
    first = await server.intent("other")
    error = await refused(server.intent("other", amount=999))
    assert isinstance(error, stripe.IdempotencyError)
    assert error.http_status == 400
    error = await refused(
        server.client.payment_intents.cancel_async(first.id, {}, {"idempotency_key": "other"})
    )
    assert isinstance(error, stripe.IdempotencyError)
    assert (await server.client.payment_intents.retrieve_async(first.id)).status != "canceled"


@documented(
    LOW_LEVEL,
    "Stripe caches the results of requests with idempotency keys, regardless of what they are, as"
    " long as an API method started execution",
    localstripe=NO_KEYS,
)
async def test_a_decline_is_the_answer_of_its_key(server: Server) -> None:
    before = await count(server)
    declined = {"payment_method": "pm_card_chargeDeclined", "confirm": True}
    for _ in range(2):
        error = await refused(server.intent("declined", **declined))
        assert isinstance(error, stripe.CardError)
    assert await count(server) == before + 1


@documented(
    PAGE,
    "If incoming parameters fail validation … no idempotent result is saved because no API endpoint"
    " initiates the execution",
    localstripe=NO_KEYS,
)
@pytest.mark.parametrize(
    "wrong", [{"amount": 1}, {"currency": "xyz"}, {"metadata": {"k": "v" * 501}}, {"colour": "red"}]
)
async def test_wrong_parameters_do_not_use_up_a_key(server: Server, wrong: dict[str, Any]) -> None:
    key = f"wrong {sorted(wrong)}"
    error = await refused(server.intent(key, **wrong))
    assert error.http_status == 400
    assert (await server.intent(key)).status == "requires_payment_method"


@documented(PAGE, "including 500 errors", localstripe="has no faults to be injected")
async def test_a_500_is_saved_under_its_key_and_only_another_key_helps(server: Server) -> None:
    before = await count(server)
    await server.control.add(Fault(FaultKind.SAVED_ERROR, operation="create", times=1))
    for should_retry in (None, "false"):
        error = await refused(server.intent("broken"))
        assert (error.http_status, type(error)) == (500, stripe.APIError)
        assert error.headers is not None
        assert error.headers.get("Stripe-Should-Retry") == should_retry
    error = await refused(server.intent("broken", amount=999))
    assert isinstance(error, stripe.IdempotencyError)
    assert await count(server) == before
    assert (await server.intent("broken-2")).id


@documented(
    LOW_LEVEL,
    "You should treat the result of a 500 request as indeterminate",
    localstripe="has no faults to be injected",
)
async def test_what_a_500_has_done_is_unknown(server: Server) -> None:
    before = await count(server)
    await server.control.add(Fault(FaultKind.SAVED_ERROR_AFTER, operation="create", times=1))
    for _ in range(2):
        error = await refused(server.intent("half"))
        assert error.http_status == 500
    assert await count(server) == before + 1


@documented(
    PAGE,
    "or the request conflicts with another request that's executing concurrently",
    localstripe=NO_KEYS,
)
async def test_a_key_that_is_in_work_is_a_conflict_and_later_has_one_answer(
    server: Server,
) -> None:
    fault = await server.control.add(Fault(FaultKind.HOLD_BEFORE, operation="bank"))
    paying: dict[str, Any] = {"payment_method": "pm_card_visa", "confirm": True}
    running = asyncio.create_task(server.intent("running", **paying))
    await server.control.wait_until_holding(fault)
    error = await refused(server.intent("running", **paying))
    assert (error.http_status, code_of(error)) == (409, "idempotency_key_in_use")
    await server.control.remove(fault)
    first = await running
    assert (await server.intent("running", **paying)).id == first.id
    charges = await server.client.charges.list_async({"payment_intent": first.id})
    assert len(charges.data) == 1


@documented(
    LOW_LEVEL,
    "a request that's rate limited with a 429 can produce a different result with the same"
    " idempotency key because rate limiters run before the API's idempotency layer",
    localstripe="has no rate limits",
)
@pytest.mark.parametrize("kind", [FaultKind.RATE_LIMITED, FaultKind.REJECTED])
async def test_what_is_refused_before_the_key_is_read_is_not_saved(
    server: Server, kind: FaultKind
) -> None:
    await server.control.add(Fault(kind, operation="create", times=1))
    await refused(server.intent(f"before {kind}"))
    assert (await server.intent(f"before {kind}")).id


@documented(PAGE, "Idempotency keys are up to 255 characters long", localstripe=NO_KEYS)
async def test_a_key_has_at_most_255_characters(server: Server) -> None:
    assert (await server.intent("k" * 255)).id
    error = await refused(server.intent("k" * 256))
    assert error.http_status == 400


@documented(
    PAGE,
    "You can remove keys from the system automatically after they're at least 24 hours old. We"
    " generate a new request if a key is reused after the original is pruned",
    localstripe=NO_KEYS,
)
async def test_a_key_is_forgotten_after_24_hours(server: Server) -> None:
    first = await server.intent("old")
    await server.control.advance(86_390)
    assert (await server.intent("old")).id == first.id
    await server.control.advance(20)
    assert (await server.intent("old", amount=999)).id != first.id


@documented(
    PAGE,
    "Don't send idempotency keys in GET and DELETE requests because it has no effect",
    localstripe=NO_KEYS,
)
async def test_a_key_of_a_read_has_no_effect(server: Server) -> None:
    one, two = await server.intent(), await server.intent()
    retrieve = server.client.payment_intents.retrieve_async
    assert (await retrieve(one.id, {}, {"idempotency_key": "read"})).id == one.id
    assert (await retrieve(two.id, {}, {"idempotency_key": "read"})).id == two.id


@documented(
    PAGE,
    "use an idempotency key … if a connection error occurs, you can safely repeat the request",
    localstripe=NO_KEYS,
)
async def test_many_at_once_with_one_key_make_one_object(server: Server) -> None:
    before = await count(server)
    results = await asyncio.gather(
        *(server.intent("many") for _ in range(20)), return_exceptions=True
    )
    ids = {result.id for result in results if isinstance(result, stripe.PaymentIntent)}
    conflicts = [r.http_status for r in results if isinstance(r, stripe.StripeError)]
    assert len(ids) == 1
    assert set(conflicts) <= {409}
    assert await count(server) == before + 1


@documented("/api/authentication", "API keys of the same account share its objects")
async def test_two_clients_of_an_account_see_the_same(server: Server) -> None:
    first = await server.intent()
    async with stripe_package(server.url, f"{KEY}_2") as other:
        assert (await other.payment_intents.retrieve_async(first.id)).id == first.id
