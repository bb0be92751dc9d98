"""The course of a payment intent, as Stripe documents it."""

from typing import Any

import pytest
import stripe

from tests.support.stack.stripe_rules import Server, body_of, documented, refused

LIFECYCLE = "/payments/paymentintents/lifecycle"


@documented(
    LIFECYCLE,
    "When the PaymentIntent is created, it has a status of requires_payment_method",
    localstripe="shows no amount_received",
)
async def test_a_new_intent_requires_a_payment_method(server: Server) -> None:
    intent = await server.intent()
    assert intent.status == "requires_payment_method"
    assert intent.latest_charge is None
    assert (intent.amount_received, intent.amount_capturable) == (0, 0)


@documented(
    LIFECYCLE,
    "After the customer provides their payment information, the PaymentIntent is ready to be"
    " confirmed",
)
async def test_an_intent_with_a_payment_method_requires_confirmation(server: Server) -> None:
    intent = await server.intent(payment_method="pm_card_visa", metadata={"order_id": "A1"})
    assert intent.status == "requires_confirmation"
    assert intent.metadata.to_dict() == {"order_id": "A1"}
    assert str(intent.payment_method).startswith("pm_")


@documented(
    "/api/payment_intents/confirm",
    "If payment succeeds, the PaymentIntent will transition to the succeeded status",
    localstripe="shows no amount_received",
)
@pytest.mark.parametrize("at_once", [True, False], ids=["created confirmed", "confirmed later"])
async def test_confirming_charges(server: Server, at_once: bool) -> None:
    if at_once:
        intent = await server.paid()
    else:
        created = await server.intent(payment_method="pm_card_visa")
        intent = await server.client.payment_intents.confirm_async(created.id)
    assert (intent.status, intent.amount_received) == ("succeeded", 1000)
    charge = await server.charge_of(intent.id)
    assert (charge.status, charge.captured, charge.amount_captured) == ("succeeded", True, 1000)
    assert (charge.amount_refunded, charge.refunded) == (0, False)


@documented(
    "/api/payment_intents/confirm",
    "Confirm that your customer intends to pay with current or provided payment method",
    localstripe="takes a payment method at the creation only",
)
async def test_a_payment_method_can_come_with_the_confirmation(server: Server) -> None:
    created = await server.intent()
    intent = await server.client.payment_intents.confirm_async(
        created.id, {"payment_method": "pm_card_visa"}
    )
    assert intent.status == "succeeded"


@documented(
    "/api/payment_intents/confirm",
    "If payment fails, the PaymentIntent transitions to the requires_payment_method status",
    localstripe="has no such card, and takes no payment method at the confirmation",
)
async def test_a_decline_is_an_error_and_leaves_the_intent_to_be_paid_again(
    server: Server,
) -> None:
    created = await server.intent(payment_method="pm_card_chargeDeclinedInsufficientFunds")
    error = await refused(server.client.payment_intents.confirm_async(created.id))
    assert isinstance(error, stripe.CardError)
    assert (error.http_status, error.code) == (402, "card_declined")
    body = body_of(error)
    assert (body["type"], body["decline_code"]) == ("card_error", "insufficient_funds")
    assert body["payment_intent"]["id"] == created.id
    intent = await server.client.payment_intents.retrieve_async(created.id)
    assert (intent.status, intent.payment_method) == ("requires_payment_method", None)
    failure: Any = intent.last_payment_error
    assert (failure.code, failure.decline_code) == ("card_declined", "insufficient_funds")
    again = await server.client.payment_intents.confirm_async(
        created.id, {"payment_method": "pm_card_visa"}
    )
    assert (again.status, again.last_payment_error) == ("succeeded", None)


@documented(
    "/api/errors",
    "payment_intent: the PaymentIntent object for errors returned on a request involving a"
    " PaymentIntent",
    localstripe="makes no payment intent of a declined creation",
)
async def test_a_declined_creation_has_made_an_intent(server: Server) -> None:
    error = await refused(server.paid("pm_card_visa_chargeDeclined", metadata={"order_id": "A2"}))
    inside = body_of(error)["payment_intent"]
    found = await server.client.payment_intents.retrieve_async(inside["id"])
    assert (found.status, found.metadata["order_id"]) == ("requires_payment_method", "A2")
    charge = await server.charge_of(found.id)
    assert (charge.status, charge.paid, charge.failure_code) == ("failed", False, "card_declined")


@documented(
    "/api/payment_intents/cancel",
    "After it's canceled, no additional charges are made by the PaymentIntent and any operations on"
    " the PaymentIntent fail with an error",
    localstripe="confirms a cancelled payment intent",
)
async def test_a_cancelled_intent_cannot_be_confirmed(server: Server) -> None:
    created = await server.intent(payment_method="pm_card_visa")
    cancelled = await server.client.payment_intents.cancel_async(
        created.id, {"cancellation_reason": "abandoned"}
    )
    assert (cancelled.status, cancelled.cancellation_reason) == ("canceled", "abandoned")
    assert cancelled.canceled_at is not None
    error = await refused(server.client.payment_intents.confirm_async(created.id))
    assert (error.http_status, error.code) == (400, "payment_intent_unexpected_state")
    assert body_of(error)["payment_intent"]["status"] == "canceled"


@documented(
    "/api/payment_intents/cancel",
    "You can cancel a PaymentIntent object when it's in one of these statuses:"
    " requires_payment_method, requires_capture, requires_confirmation, requires_action or, in rare"
    " cases, processing",
    localstripe="answers without a code, or cancels again",
)
async def test_only_what_is_not_ended_can_be_cancelled(server: Server) -> None:
    paid = await server.paid()
    error = await refused(server.client.payment_intents.cancel_async(paid.id))
    assert (error.http_status, error.code) == (400, "payment_intent_unexpected_state")
    unpaid = await server.intent()
    await server.client.payment_intents.cancel_async(unpaid.id)
    error = await refused(server.client.payment_intents.cancel_async(unpaid.id))
    assert error.code == "payment_intent_unexpected_state"


@documented(
    "/api/payment_intents/confirm",
    "payment_intent_unexpected_state: the PaymentIntent's state was incompatible with the operation"
    " you were trying to perform",
    localstripe="confirms again",
)
async def test_a_paid_intent_cannot_be_confirmed_again(server: Server) -> None:
    paid = await server.paid()
    error = await refused(server.client.payment_intents.confirm_async(paid.id))
    assert error.code == "payment_intent_unexpected_state"
    charges = await server.client.charges.list_async({"payment_intent": paid.id})
    assert len(charges.data) == 1


@documented(
    "/api/payment_intents/confirm",
    "missing a payment method",
    localstripe="answers without a code",
)
async def test_nothing_is_confirmed_without_a_payment_method(server: Server) -> None:
    created = await server.intent()
    error = await refused(server.client.payment_intents.confirm_async(created.id))
    assert error.code == "payment_intent_unexpected_state"
    error = await refused(server.intent(confirm=True))
    assert isinstance(error, stripe.InvalidRequestError)


@documented(
    "/api/payment_intents/create#create_payment_intent-return_url",
    "return_url: can only be used with confirm=true",
    localstripe="ignores what it does not know",
)
@pytest.mark.parametrize("name", ["off_session", "error_on_requires_action", "return_url"])
async def test_some_parameters_need_a_confirmation(server: Server, name: str) -> None:
    value: Any = "https://shop.example/" if name == "return_url" else True
    error = await refused(server.intent(payment_method="pm_card_visa", **{name: value}))
    assert (error.http_status, body_of(error)["param"]) == (400, name)


@documented(
    "/payments/payment-methods/dynamic-payment-methods",
    "you must provide a return_url",
    localstripe="has no automatic payment methods",
)
async def test_without_types_a_confirmation_needs_a_return_url(server: Server) -> None:
    usual: Any = {"amount": 1000, "currency": "gbp", "payment_method": "pm_card_visa"}
    create = server.client.payment_intents.create_async
    error = await refused(create({**usual, "confirm": True}))
    assert body_of(error)["param"] == "return_url"
    cards_only: Any = {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
    assert (await create({**usual, **cards_only, "confirm": True})).status == "succeeded"
    url = "https://shop.example/"
    assert (await create({**usual, "confirm": True, "return_url": url})).status == "succeeded"


@documented(
    "/api/metadata",
    "You can specify up to 50 keys, with key names up to 40 characters long and values up to 500"
    " characters long",
    localstripe="has other limits",
)
async def test_metadata_has_limits_and_is_merged(server: Server) -> None:
    intent = await server.intent(metadata={"a": "1", "b": "2"})
    update = server.client.payment_intents.update_async
    merged = await update(intent.id, {"metadata": {"b": "", "c": "3"}})
    assert merged.metadata.to_dict() == {"a": "1", "c": "3"}
    assert (await update(intent.id, {"metadata": ""})).metadata.to_dict() == {}
    for wrong in ({"k" * 41: "v"}, {"k": "v" * 501}, {f"k{n}": "v" for n in range(51)}):
        error = await refused(server.intent(metadata=wrong))
        assert error.http_status == 400


@documented(
    "/payments/payment-methods#reuse",
    "a PaymentMethod that is not attached to a Customer can be used once",
    localstripe="lets it be used again",
)
async def test_a_payment_method_without_a_customer_works_once(server: Server) -> None:
    card: Any = {"type": "card", "card": {"token": "tok_visa"}}
    method = await server.client.payment_methods.create_async(card)
    unconfirmed = await server.intent(payment_method=method.id)
    assert (await server.paid(method.id)).status == "succeeded"
    error = await refused(server.paid(method.id))
    assert "may not be used again" in str(error)
    await refused(server.client.payment_intents.confirm_async(unconfirmed.id))


@documented(
    "/api/errors",
    "resource_missing",
    localstripe="names other parameters",
)
async def test_what_does_not_exist_is_missing(server: Server) -> None:
    error = await refused(server.client.payment_intents.retrieve_async("pi_unknown"))
    assert (error.http_status, error.code) == (404, "resource_missing")
    error = await refused(server.intent(payment_method="pm_unknown"))
    assert (error.http_status, error.code) == (400, "resource_missing")
    assert body_of(error)["param"] == "payment_method"
    error = await refused(server.intent(payment_method="tok_visa"))
    assert error.code == "resource_missing"


@documented(
    "/api/payment_intents/update",
    "Updates properties on a PaymentIntent object without confirming",
)
@pytest.mark.parametrize("status", ["requires_capture", "succeeded", "canceled"])
async def test_metadata_can_be_written_once_a_payment_is_confirmed(
    server: Server, status: str
) -> None:
    intents = server.client.payment_intents
    intent = await (server.paid() if status == "succeeded" else server.held())
    if status == "canceled":
        await intents.cancel_async(intent.id)
    changed = await intents.update_async(intent.id, {"metadata": {"order_id": "A1"}})
    assert (changed.status, changed.metadata.to_dict()) == (status, {"order_id": "A1"})
