"""Refunds, as Stripe documents them."""

import pytest
import stripe

from tests.support.stack.stripe_rules import Server, body_of, documented, refused

PAGE = "/refunds"
API = "/api/refunds"


@documented(
    API + "/create",
    "You can optionally refund only part of a charge",
    localstripe="refunds the whole amount where the rest is meant, and so more than there is",
)
async def test_a_payment_is_refunded_in_parts_until_nothing_is_left(server: Server) -> None:
    paid = await server.paid()
    first = await server.refund(paid.id, amount=400)
    assert (first.status, first.amount, first.payment_intent) == ("succeeded", 400, paid.id)
    assert (await server.charge_of(paid.id)).amount_refunded == 400
    assert (await server.refund(paid.id)).amount == 600
    charge = await server.charge_of(paid.id)
    assert (charge.amount_refunded, charge.refunded) == (1000, True)
    intent = await server.client.payment_intents.retrieve_async(paid.id)
    assert (intent.status, intent.amount_received) == ("succeeded", 1000)


@documented(
    API + "/create",
    "Once entirely refunded, a charge can't be refunded again. This method raises an error",
    localstripe="has no code for this",
)
async def test_what_is_refunded_entirely_is_not_refunded_again(server: Server) -> None:
    paid = await server.paid()
    await server.refund(paid.id)
    error = await refused(server.refund(paid.id))
    assert (error.http_status, error.code) == (400, "charge_already_refunded")


@documented(
    API + "/create",
    "or when trying to refund more money than is left on a charge",
    localstripe="says it in other words",
)
async def test_no_more_is_refunded_than_is_left(server: Server) -> None:
    paid = await server.paid()
    await server.refund(paid.id, amount=400)
    error = await refused(server.refund(paid.id, amount=601))
    assert isinstance(error, stripe.InvalidRequestError)
    assert body_of(error)["param"] == "amount"
    assert (await server.charge_of(paid.id)).amount_refunded == 400


@documented(
    API + "/create",
    "you must specify a Charge or a PaymentIntent object on which to create it",
    localstripe="checks less",
)
async def test_only_a_charge_that_was_captured_is_refunded(server: Server) -> None:
    held, unpaid = await server.held(), await server.intent()
    for intent in (held, unpaid):
        error = await refused(server.refund(intent.id))
        assert "does not have a successful charge to refund" in str(error)
    error = await refused(server.client.refunds.create_async({}))
    assert error.http_status == 400
    error = await refused(server.refund("pi_unknown"))
    assert error.code == "resource_missing"


@documented(
    "/testing#refunds",
    "The charge succeeds. If you initiate a refund, its status begins as pending. Some time later,"
    " its status transitions to succeeded",
    localstripe="has no such card",
)
async def test_a_refund_can_be_pending_first(server: Server) -> None:
    paid = await server.paid("pm_card_pendingRefund")
    refund = await server.refund(paid.id, amount=400)
    assert refund.status == "pending"
    assert (await server.charge_of(paid.id)).amount_refunded == 400
    await server.control.advance(3_700)
    refund = await server.client.refunds.retrieve_async(refund.id)
    assert refund.status == "succeeded"


@documented(
    "/testing#refunds",
    "The charge succeeds. If you initiate a refund, its status begins as succeeded. Some time"
    " later, its status transitions to failed",
    localstripe="has no such card",
)
async def test_a_refund_can_fail_later_and_the_money_comes_back(server: Server) -> None:
    paid = await server.paid("pm_card_refundFail")
    refund = await server.refund(paid.id)
    assert refund.status == "succeeded"
    assert (await server.charge_of(paid.id)).refunded
    await server.control.advance(3_700)
    refund = await server.client.refunds.retrieve_async(refund.id)
    assert (refund.status, refund.failure_reason) == ("failed", "expired_or_canceled_card")
    charge = await server.charge_of(paid.id)
    assert (charge.amount_refunded, charge.refunded) == (0, False)
    assert (await server.refund(paid.id)).amount == 1000


@documented(
    API + "/cancel",
    "Cancels a refund with a status of requires_action. You can't cancel refunds in other states",
    localstripe="has no such refunds",
)
async def test_a_refund_that_waits_for_the_customer_can_be_cancelled(server: Server) -> None:
    paid = await server.paid("pm_sandbox_refundRequiresAction")
    refund = await server.refund(paid.id)
    assert refund.status == "requires_action"
    assert (await server.client.refunds.cancel_async(refund.id)).status == "canceled"
    assert (await server.charge_of(paid.id)).amount_refunded == 0
    done = await server.refund((await server.paid()).id)
    error = await refused(server.client.refunds.cancel_async(done.id))
    assert error.http_status == 400


@documented(
    API + "/create#create_refund-metadata",
    "Set of key-value pairs that you can attach to an object",
)
async def test_a_refund_carries_metadata(server: Server) -> None:
    paid = await server.paid()
    refund = await server.refund(paid.id, metadata={"order_id": "A1"})
    found = await server.client.refunds.retrieve_async(refund.id)
    assert found.metadata is not None
    assert found.metadata["order_id"] == "A1"


@documented(
    "/error-codes",
    "charge_disputed: the charge you're attempting to refund has been charged back",
    localstripe="has no such card",
)
async def test_what_was_charged_back_is_not_refunded(server: Server) -> None:
    paid = await server.paid("pm_card_createDispute")
    error = await refused(server.refund(paid.id))
    assert (error.http_status, error.code) == (400, "charge_disputed")


@documented(
    API + "/list",
    "Returns a list of all refunds you created … in sorted order, with the most recent refunds"
    " appearing first",
    localstripe="lists the refunds of all payments",
)
async def test_more_than_a_hundred_refunds_are_listed_in_pages(server: Server) -> None:
    paid, other = await server.paid(), await server.paid()
    await server.refund(other.id)
    made = [(await server.refund(paid.id, amount=1)).id for _ in range(103)]
    listing = await server.client.refunds.list_async({"payment_intent": paid.id, "limit": 100})
    assert listing.has_more
    listed = [refund.id async for refund in listing.auto_paging_iter()]
    assert listed == made[::-1]


@documented(API + "/create", "idempotency", localstripe="ignores idempotency keys")
@pytest.mark.parametrize("amount", [100, 1000])
async def test_a_refund_happens_once_per_key(server: Server, amount: int) -> None:
    paid = await server.paid()
    first = await server.refund(paid.id, f"refund {paid.id}", amount=amount)
    assert (await server.refund(paid.id, f"refund {paid.id}", amount=amount)).id == first.id
    assert (await server.charge_of(paid.id)).amount_refunded == amount
