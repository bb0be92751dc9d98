"""Providers that fail: for a while, for good, or without telling whether they did it."""

import pytest
from temporalio.client import Client

from activities.payment_port import PaymentStatus
from activities.ports import LabelStatus
from adapters.providers.faults import Fault, FaultKind
from domain.payment.state import holds_money
from tests.support.sagas.sagas import activities_of, result, stocked_saga, until, until_status
from tests.support.sagas.shop import Shop

pytestmark = pytest.mark.usefixtures("few_attempts")

SOON = {"cancel_after": "PT2M"}


async def test_a_gateway_that_is_down_for_a_while_only_costs_time(
    client: Client, shop: Shop
) -> None:
    shop.payments.faults.add(Fault(FaultKind.UNAVAILABLE, times=3))
    _, handle = await stocked_saga(client, shop)
    assert (await result(handle))["outcome"] == "completed"
    assert shop.payments.count("confirm") >= 1
    assert len([p async for p in shop.payments.payments()]) == 1


async def test_a_gateway_whose_charges_fail_for_longer_than_the_order_waits_cancels_it(
    client: Client, shop: Shop
) -> None:
    shop.payments.faults.add(Fault(FaultKind.UNAVAILABLE, operation="confirm"))
    order_id, handle = await stocked_saga(client, shop, on_outage=SOON)
    outcome = await result(handle)
    assert (outcome["outcome"], outcome["reason"]) == ("cancelled", "provider_outage")
    assert (await shop.stock(f"{order_id}-sku")).reserved == 0
    # The confirmation may still have been on its way: now it comes too late.
    [payment] = [p async for p in shop.payments.payments()]
    assert payment.status is PaymentStatus.VOIDED
    assert "undo-payment-2" not in await activities_of(handle)


async def test_an_undo_that_a_provider_keeps_from_its_end_needs_attention_and_goes_on_trying(
    client: Client, shop: Shop
) -> None:
    for operation in ("confirm", "read"):
        shop.payments.faults.add(Fault(FaultKind.UNAVAILABLE, operation=operation))
    order_id, handle = await stocked_saga(client, shop, on_outage=SOON)
    status = await until_status(handle, needs_attention=True)
    assert status["step"] == "undo_payment"
    assert "operator" in status["waits_for"]
    assert await shop.status(order_id) == "reserved"

    async def announced() -> bool:
        return [notice.at_step for notice in shop.notifications.notices] == ["undo_payment"]

    await until(announced)
    shop.payments.faults.clear()  # nobody acts: the saga itself notices
    outcome = await result(handle)
    assert (outcome["outcome"], outcome["reason"]) == ("cancelled", "provider_outage")
    assert not (await handle.query("status"))["needs_attention"]


@pytest.mark.parametrize("kind", [FaultKind.ANSWER_LOST, FaultKind.REQUEST_LOST])
async def test_a_charge_with_unknown_outcome_is_looked_up_and_made_once(
    client: Client, shop: Shop, kind: FaultKind
) -> None:
    shop.payments.faults.add(Fault(kind, operation="confirm", times=1))
    _, handle = await stocked_saga(client, shop)
    assert (await result(handle))["outcome"] == "completed"
    [payment] = [p async for p in shop.payments.payments()]
    assert payment.status is PaymentStatus.CAPTURED
    assert shop.payments.count("read") >= 1


async def test_a_charge_whose_answers_are_all_lost_is_found_by_its_reference(
    client: Client, shop: Shop
) -> None:
    shop.payments.faults.add(Fault(FaultKind.ANSWER_LOST, operation="confirm"))
    _, handle = await stocked_saga(client, shop)
    assert (await result(handle))["outcome"] == "completed"
    assert shop.payments.count("confirm") == 1


async def test_a_label_whose_answer_is_lost_is_found_by_its_key(client: Client, shop: Shop) -> None:
    shop.carrier.faults.add(Fault(FaultKind.ANSWER_LOST, operation="buy_label"))
    _, handle = await stocked_saga(client, shop)
    assert (await result(handle))["outcome"] == "completed"
    assert len([label async for label in shop.carrier.labels()]) == 1


@pytest.mark.parametrize(
    ("capture", "undone"),
    [("automatic", PaymentStatus.REFUNDED), ("on_shipment", PaymentStatus.VOIDED)],
)
async def test_a_carrier_that_fails_after_the_payment_gives_the_money_back(
    client: Client, shop: Shop, capture: str, undone: PaymentStatus
) -> None:
    shop.carrier.faults.add(Fault(FaultKind.UNAVAILABLE, operation="buy_label"))
    payment = {"token": "tok_visa", "capture": capture}
    order_id, handle = await stocked_saga(client, shop, payment=payment, on_outage=SOON)
    outcome = await result(handle)
    assert (outcome["outcome"], outcome["reason"]) == ("cancelled", "provider_outage")
    [payment] = [p async for p in shop.payments.payments()]
    assert payment.status is undone
    assert not holds_money(await shop.payment(order_id))


async def test_a_request_that_the_provider_rejects_is_not_repeated(
    client: Client, shop: Shop
) -> None:
    shop.payments.faults.add(Fault(FaultKind.INVALID, operation="confirm"))
    _, handle = await stocked_saga(client, shop)
    outcome = await result(handle)
    assert outcome["reason"] == "not_fulfillable"
    assert "rejected" in outcome["detail"]
    assert shop.payments.count("confirm") == 1


async def test_a_capture_that_fails_cancels_the_label_and_voids_the_money(
    client: Client, shop: Shop
) -> None:
    shop.payments.faults.add(Fault(FaultKind.UNAVAILABLE, operation="capture"))
    payment = {"token": "tok_visa", "capture": "on_shipment"}
    order_id, handle = await stocked_saga(client, shop, payment=payment, on_outage=SOON)
    outcome = await result(handle)
    assert (outcome["outcome"], outcome["reason"]) == ("cancelled", "provider_outage")
    [label] = [label async for label in shop.carrier.labels()]
    assert label.status is LabelStatus.CANCELLED
    [payment] = [p async for p in shop.payments.payments()]
    assert payment.status is PaymentStatus.VOIDED
    assert (await shop.stock(f"{order_id}-sku")).reserved == 0


async def test_a_capture_whose_answer_is_lost_completes_the_order(
    client: Client, shop: Shop
) -> None:
    shop.payments.faults.add(Fault(FaultKind.ANSWER_LOST, operation="capture"))
    payment = {"token": "tok_visa", "capture": "on_shipment"}
    _, handle = await stocked_saga(client, shop, payment=payment)
    assert (await result(handle))["outcome"] == "completed"


async def test_a_lost_answer_to_a_refund_does_not_refund_twice(client: Client, shop: Shop) -> None:
    shop.carrier.faults.add(Fault(FaultKind.INVALID, operation="buy_label"))
    shop.payments.faults.add(Fault(FaultKind.ANSWER_LOST, operation="refund", times=1))
    _, handle = await stocked_saga(client, shop)
    assert (await result(handle))["outcome"] == "cancelled"
    [payment] = [p async for p in shop.payments.payments()]
    assert (payment.status, payment.refunded) == (PaymentStatus.REFUNDED, payment.amount)
