"""Authorising and capturing, as Stripe documents it."""

from typing import Any

import pytest
import stripe

from adapters.providers.faults import Fault, FaultKind
from tests.support.stack.stripe_rules import Server, body_of, documented, refused

PAGE = "/payments/place-a-hold-on-a-payment-method"
WEEK_S = 7 * 86_400


@documented(
    PAGE,
    "The PaymentIntent transitions to a status of requires_capture",
    localstripe="shows no amount_capturable",
)
async def test_a_manual_capture_holds_the_money(server: Server) -> None:
    intent = await server.held()
    assert (intent.status, intent.amount_capturable) == ("requires_capture", 1000)
    charge = await server.charge_of(intent.id)
    assert (charge.status, charge.captured) == ("succeeded", False)


@documented(
    PAGE,
    "By default, you capture the full authorized amount",
    localstripe="shows no amount_capturable",
)
async def test_a_capture_takes_the_whole_amount(server: Server) -> None:
    held = await server.held()
    intent = await server.client.payment_intents.capture_async(held.id)
    assert (intent.status, intent.amount_received) == ("succeeded", 1000)
    assert intent.amount_capturable == 0


@documented(
    PAGE,
    "A partial capture automatically releases the remaining amount",
    localstripe="captures all of it and gives the rest back",
)
async def test_a_partial_capture_releases_the_rest(server: Server) -> None:
    held = await server.held()
    capture = server.client.payment_intents.capture_async
    intent = await capture(held.id, {"amount_to_capture": 700})
    assert (intent.status, intent.amount_received, intent.amount) == ("succeeded", 700, 1000)
    charge = await server.charge_of(held.id)
    assert (charge.amount_captured, charge.amount_refunded) == (700, 300)
    assert (await server.refund(held.id)).amount == 700
    charge = await server.charge_of(held.id)
    assert (charge.amount_refunded, charge.refunded) == (1000, True)


@documented(
    "/api/payment_intents/capture#capture_payment_intent-amount_to_capture",
    "must be less than or equal to the original amount",
    localstripe="has other codes",
)
@pytest.mark.parametrize("amount", [1001, 0, -1])
async def test_no_more_than_what_is_held_is_captured(server: Server, amount: int) -> None:
    held = await server.held()
    capture = server.client.payment_intents.capture_async
    error = await refused(capture(held.id, {"amount_to_capture": amount}))
    assert (error.http_status, body_of(error)["param"]) == (400, "amount_to_capture")
    intent = await server.client.payment_intents.retrieve_async(held.id)
    assert intent.status == "requires_capture"


@documented(
    "/api/payment_intents/capture",
    "Capture the funds of an existing uncaptured PaymentIntent when its status is requires_capture",
    localstripe="captures what was captured again",
)
async def test_only_a_hold_is_captured(server: Server) -> None:
    paid, unpaid = await server.paid(), await server.intent()
    for intent in (paid, unpaid):
        error = await refused(server.client.payment_intents.capture_async(intent.id))
        assert error.code == "payment_intent_unexpected_state"
        assert body_of(error)["payment_intent"]["id"] == intent.id


@documented(
    "/api/payment_intents/cancel",
    "For PaymentIntents with a status of requires_capture, the remaining amount_capturable is"
    " automatically refunded",
    localstripe="shows no amount_capturable",
)
async def test_cancelling_a_hold_releases_it(server: Server) -> None:
    held = await server.held()
    intent = await server.client.payment_intents.cancel_async(held.id)
    assert (intent.status, intent.amount_capturable) == ("canceled", 0)
    charge = await server.charge_of(held.id)
    assert (charge.captured, charge.amount_refunded) == (False, 1000)


@documented(
    PAGE,
    "If the authorization expires before you capture the funds, the funds are released and the"
    " payment status changes to canceled",
    localstripe="holds money for ever",
)
@pytest.mark.parametrize("reason", ["automatic", "expired"])
async def test_a_hold_expires_after_seven_days(server: Server, reason: str) -> None:
    await server.control.settings(expiry_reason=reason)
    held = await server.held()
    charge = await server.charge_of(held.id)
    until: Any = charge.payment_method_details.card.capture_before
    assert 0 <= until - held.created - WEEK_S <= 1
    await server.control.advance(WEEK_S - 10)
    retrieve = server.client.payment_intents.retrieve_async
    assert (await retrieve(held.id)).status == "requires_capture"
    await server.control.advance(20)
    expired = await retrieve(held.id)
    assert (expired.status, expired.cancellation_reason) == ("canceled", reason)
    charge = await server.charge_of(held.id)
    assert (charge.amount_refunded, charge.captured) == (1000, False)
    error = await refused(server.client.payment_intents.capture_async(held.id))
    assert error.code == "payment_intent_unexpected_state"
    assert body_of(error)["payment_intent"]["status"] == "canceled"


@documented(
    "/api/errors", "card_error: a card cannot be charged", localstripe="cannot decline a capture"
)
async def test_a_bank_can_decline_a_capture(server: Server) -> None:
    held = await server.held()
    await server.control.add(Fault(FaultKind.DECLINED, operation="capture", times=1))
    error = await refused(server.client.payment_intents.capture_async(held.id))
    assert isinstance(error, stripe.CardError)
    intent = await server.client.payment_intents.retrieve_async(held.id)
    assert intent.status == "requires_capture"
    assert intent.last_payment_error is not None
    assert (await server.client.payment_intents.capture_async(held.id)).status == "succeeded"


@documented(
    "/upgrades#2024-04-10",
    "the default value of capture_method is automatic_async",
    localstripe="knows no automatic_async",
)
async def test_capture_is_automatic_and_asynchronous_by_default(server: Server) -> None:
    assert (await server.intent()).capture_method == "automatic_async"
    assert (await server.intent(capture_method="automatic")).capture_method == "automatic"
