"""Orders that are paid by a payment which the shop confirmed at checkout."""

from typing import Any

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.testing import WorkflowEnvironment

from activities.payment_port import PaymentStatus, ProviderPayment
from adapters.providers.rules import POSTAL_CODE_MARKER
from domain.money import Money
from domain.values import CaptureMode
from tests.support.sagas.sagas import (
    Handle,
    new_order_id,
    result,
    start,
    stocked_saga,
    until_status,
)
from tests.support.sagas.shop import Shop, document
from tests.workflow.fulfillment.test_foreign_records import verified

TOTAL = Money(300, "GBP")
BY = {"actor": "anna", "reason": "the customer paid again"}
ASK = {"policy": "ask", "deadline_hours": 48}
UNSHIPPABLE = {**document("any")["address"], "postal_code": f"{POSTAL_CODE_MARKER} 1"}

pytestmark = pytest.mark.usefixtures("few_attempts")


def handed_in(made: ProviderPayment, **more: Any) -> dict[str, Any]:
    return {"confirmed": {"reference": made.reference}, **more}


async def _books_agree(shop: Shop) -> None:
    report = await verified(shop)
    assert (report.findings, [x for x in report.comparisons if not x.equal]) == ([], [])


@pytest.mark.parametrize("at_checkout", CaptureMode)
@pytest.mark.parametrize("capture", ["automatic", "on_shipment"])
async def test_it_is_captured_once_for_the_whole_order(
    client: Client, shop: Shop, at_checkout: CaptureMode, capture: str
) -> None:
    made = shop.payments.checkout(TOTAL, at_checkout)
    payment = handed_in(made, capture=capture)
    order_id, handle = await stocked_saga(client, shop, payment=payment)
    outcome = await result(handle)
    assert (outcome["outcome"], outcome["payment_reference"]) == ("completed", made.reference)
    now = await shop.payments.read(made.reference)
    assert (now.status, now.amount, now.order_id) == (PaymentStatus.CAPTURED, TOTAL, order_id)
    assert shop.payments.count("confirm") == shop.payments.count("create") == 0
    await _books_agree(shop)


@pytest.mark.parametrize("at_checkout", CaptureMode)
@pytest.mark.parametrize("course", ["no stock", "no label", "cancelled before anything"])
async def test_an_order_that_ends_gives_the_money_back(
    client: Client, shop: Shop, at_checkout: CaptureMode, course: str
) -> None:
    made, order_id = shop.payments.checkout(TOTAL, at_checkout), new_order_id()
    if course != "no stock":
        await shop.receive(f"{order_id}-sku", 10)
    content = document(order_id, payment=handed_in(made))
    if course == "no label":
        content["address"] = UNSHIPPABLE
    options: dict[str, Any] = {}
    if course == "cancelled before anything":
        options = {"start_signal": "cancel", "start_signal_args": [BY]}
    handle = await start(client, order_id, content, **options)
    ended = await result(handle)
    reasons = {"no stock": "out_of_stock", "no label": "address_refused"}
    assert (ended["outcome"], ended["reason"]) == (
        "cancelled",
        reasons.get(course, "operator_request"),
    )
    now = await shop.payments.read(made.reference)
    held = at_checkout is CaptureMode.ON_SHIPMENT and course != "no label"
    assert now.status is (PaymentStatus.VOIDED if held else PaymentStatus.REFUNDED)
    assert (await shop.stock(f"{order_id}-sku")).reserved == 0
    await _books_agree(shop)


async def test_a_payment_that_does_not_fit_ends_the_order_and_stays_as_it_is(
    client: Client, shop: Shop
) -> None:
    made = shop.payments.checkout(Money(299, "GBP"))
    order_id, handle = await stocked_saga(client, shop, payment=handed_in(made))
    ended = await result(handle)
    assert (ended["outcome"], ended["reason"]) == ("cancelled", "payment_declined")
    assert made.reference in ended["detail"]
    assert "left alone: payment_of_another_amount" in ended["detail"]
    assert await shop.payments.read(made.reference) == made
    assert (await shop.stock(f"{order_id}-sku")).reserved == 0
    await _books_agree(shop)


async def test_of_two_orders_with_the_same_payment_one_is_paid(client: Client, shop: Shop) -> None:
    made = shop.payments.checkout(TOTAL, CaptureMode.ON_SHIPMENT)
    runs = [await stocked_saga(client, shop, payment=handed_in(made)) for _ in range(2)]
    ends = {order_id: await result(handle) for order_id, handle in runs}
    now = await shop.payments.read(made.reference)
    paid, unpaid = ends.pop(now.order_id), ends.popitem()[1]
    assert (paid["outcome"], unpaid["outcome"]) == ("completed", "cancelled")
    assert "payment_of_another_order" in unpaid["detail"]
    assert (now.status, now.amount, now.refunded.minor) == (PaymentStatus.CAPTURED, TOTAL, 0)
    await _books_agree(shop)


@pytest.mark.parametrize("at_checkout", CaptureMode)
async def test_an_order_that_ships_less_keeps_less(
    client: Client, shop: Shop, at_checkout: CaptureMode
) -> None:
    made = shop.payments.checkout(TOTAL, at_checkout)
    ships = {"policy": "ship_available"}
    _, handle = await stocked_saga(
        client, shop, stock=1, payment=handed_in(made), unavailable=ships
    )
    assert (await result(handle))["outcome"] == "completed"
    now = await shop.payments.read(made.reference)
    assert now.amount.minor - now.refunded.minor == 150
    assert now.amount.minor == (150 if at_checkout is CaptureMode.ON_SHIPMENT else 300)
    await _books_agree(shop)


async def _asking(
    temporal: WorkflowEnvironment, shop: Shop, made: ProviderPayment
) -> tuple[str, Handle, dict[str, Any]]:
    """A saga that waits for another payment; its clock does not skip time."""
    with temporal.with_time_skipping_disabled():
        payment = handed_in(made, on_decline=ASK)
        order_id, handle = await stocked_saga(temporal.client, shop, payment=payment)
    return order_id, handle, await until_status(handle, step="awaiting_payment")


async def test_another_confirmed_payment_or_a_token_can_come(
    temporal: WorkflowEnvironment, shop: Shop
) -> None:
    wrong = shop.payments.checkout(Money(1, "GBP"))
    _, first, status = await _asking(temporal, shop, wrong)
    assert status["declined"] == "payment_of_another_amount"
    right = shop.payments.checkout(TOTAL)
    await first.execute_update("pay", {**BY, "confirmed": {"reference": right.reference}})
    assert (await result(first))["payment_reference"] == right.reference
    _, second, _ = await _asking(temporal, shop, wrong)
    for unclear in ({}, {"token": "tok_visa", **handed_in(right)}, {"confirmed": {}}):
        with pytest.raises(WorkflowUpdateFailedError):
            await second.execute_update("pay", {**BY, **unclear})
    await second.execute_update("pay", {**BY, "token": "tok_visa"})
    assert (await result(second))["outcome"] == "completed"
    assert await shop.payments.read(wrong.reference) == wrong
    await _books_agree(shop)


async def test_an_order_that_was_asked_for_another_payment_and_none_came_is_cancelled(
    client: Client, shop: Shop
) -> None:
    wrong = shop.payments.checkout(Money(1, "GBP"))
    _, handle = await stocked_saga(client, shop, payment=handed_in(wrong, on_decline=ASK))
    ended = await result(handle)
    assert (ended["outcome"], ended["reason"]) == ("cancelled", "payment_declined")
    assert await shop.payments.read(wrong.reference) == wrong
