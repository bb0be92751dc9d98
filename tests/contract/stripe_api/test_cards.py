"""Test cards, as Stripe documents them."""

from typing import Any

import pytest
import stripe

from tests.support.stack.stripe_rules import Server, body_of, documented, refused

PAGE = "/testing"
FEW_CARDS = "knows few of the cards, and no off-session payments"


@documented(
    PAGE,
    "To simulate a successful payment, use test cards from the following list",
    localstripe="knows pm_card_visa only",
)
@pytest.mark.parametrize("card", ["pm_card_visa", "pm_card_mastercard"])
async def test_a_good_card_pays(server: Server, card: str) -> None:
    assert (await server.paid(card)).status == "succeeded"


@documented(PAGE, "tok_visa", localstripe=FEW_CARDS)
@pytest.mark.parametrize("token", ["tok_visa", "tok_amex", "tok_gb"])
async def test_a_token_becomes_a_payment_method(server: Server, token: str) -> None:
    data: Any = {"type": "card", "card": {"token": token}}
    method = await server.client.payment_methods.create_async(data)
    assert method.card is not None
    assert (await server.paid(method.id)).status == "succeeded"
    paid = await server.intent(payment_method_data=data, confirm=True)
    assert paid.status == "succeeded"


@documented(
    PAGE,
    "To test your integration's error-handling logic by simulating payments that the issuer"
    " declines for various reasons",
    localstripe=FEW_CARDS,
)
@pytest.mark.parametrize(
    ("card", "code", "decline_code"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error"),
        (
            "pm_card_visa_chargeDeclinedVelocityLimitExceeded",
            "card_declined",
            "card_velocity_exceeded",
        ),
        ("pm_card_radarBlock", "card_declined", "fraudulent"),
    ],
)
@pytest.mark.parametrize("capture", ["automatic", "manual"])
async def test_a_card_is_declined_with_its_code(
    server: Server, card: str, code: str, decline_code: str, capture: str
) -> None:
    error = await refused(server.paid(card, capture_method=capture))
    assert isinstance(error, stripe.CardError)
    assert (error.code, body_of(error)["decline_code"]) == (code, decline_code)
    assert body_of(error)["charge"].startswith("ch_")


@documented(
    PAGE,
    "This card requires authentication on all transactions",
    localstripe=FEW_CARDS,
)
@pytest.mark.parametrize(
    "card", ["pm_card_authenticationRequired", "pm_card_threeDSecure2Required"]
)
async def test_a_card_that_must_authenticate_is_declined_off_session(
    server: Server, card: str
) -> None:
    error = await refused(server.paid(card, off_session=True))
    assert (error.http_status, error.code) == (402, "authentication_required")
    assert body_of(error)["payment_intent"]["status"] == "requires_payment_method"


@documented(
    "/payments/paymentintents/lifecycle",
    "If the payment requires additional actions, such as authenticating with 3D Secure, the"
    " PaymentIntent has a status of requires_action",
    localstripe="has no such card",
)
async def test_a_customer_authenticates_on_session(server: Server) -> None:
    intent = await server.paid("pm_card_authenticationRequired")
    assert intent.status == "requires_action"
    assert intent.next_action is not None
    assert intent.latest_charge is None
    await server.control.authenticate(intent.id)
    intent = await server.client.payment_intents.retrieve_async(intent.id)
    assert (intent.status, intent.next_action) == ("succeeded", None)


@documented(
    "/payments/3d-secure/authentication-flow",
    "When authentication fails, the PaymentIntent's status reverts to requires_payment_method",
    localstripe="has no such card",
)
@pytest.mark.parametrize("course", ["failed", "declined"])
async def test_an_authentication_that_fails_leaves_the_payment_unpaid(
    server: Server, course: str
) -> None:
    declined = "pm_card_threeDSecureRequiredChargeDeclined"
    card = declined if course == "declined" else "pm_card_authenticationRequired"
    intent = await server.paid(card)
    await server.control.authenticate(intent.id, succeeded=course == "declined")
    intent = await server.client.payment_intents.retrieve_async(intent.id)
    assert intent.status == "requires_payment_method"
    failure: Any = intent.last_payment_error
    expected = "card_declined" if course == "declined" else "payment_intent_authentication_failure"
    assert failure.code == expected


@documented(
    "/api/payment_intents/create#create_payment_intent-error_on_requires_action",
    "Set to true to fail the payment attempt if the PaymentIntent transitions into requires_action",
    localstripe=FEW_CARDS,
)
async def test_an_attempt_can_fail_instead_of_asking_the_customer(server: Server) -> None:
    error = await refused(
        server.paid("pm_card_authenticationRequired", error_on_requires_action=True)
    )
    assert (error.http_status, error.code) == (402, "authentication_required")


@documented(
    PAGE,
    "This card is already set up for off-session use. It requires authentication on all one-time"
    " on-session payments. However, all off-session payments succeed",
    localstripe=FEW_CARDS,
)
async def test_a_card_that_is_set_up_pays_off_session(server: Server) -> None:
    card = "pm_card_authenticationRequiredSetupForOffSession"
    assert (await server.paid(card, off_session=True)).status == "succeeded"
    assert (await server.paid(card)).status == "requires_action"
