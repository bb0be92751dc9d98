"""Payments that a shop confirmed at checkout: taken up, captured, given back, or left alone."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from activities.messages import OperatorAction, ReserveInventory, SagaRef, StepRequest
from activities.payment_port import PaymentStatus, ProviderPayment
from activities.payments.messages import ReplacePayment
from activities.ports import Identity
from adapters.providers.faults import Fault, FaultKind
from domain.ids import OrderId, claim_stream
from domain.money import Money
from domain.payment.state import Authorised, Captured, NotClaimed, Prepared, Voided
from domain.values import CaptureMode, PaymentDue
from tests.support.sagas.bench import A1, SAGA, STEP, UNDO, Bench
from tests.support.sagas.shop import document
from workflows.documents.order import parse_document

TOTAL = Money(300, "GBP")
ASK = {"policy": "ask", "deadline_hours": 48}
SECOND = OrderId("A2")


@pytest.fixture
def bench() -> Bench:
    made = Bench()
    made.shop.payments.limits = None  # type: ignore[assignment]  # a confirmed one asks for none
    return made


async def _reserved(bench: Bench, reference: str, **payment: Any) -> None:
    await bench.shop.receive("A1-sku", 10)
    terms = {"confirmed": {"reference": reference}, **payment}
    await bench.run(bench.inventory.reserve_inventory, bench.reservation(payment=terms))


async def _held_by_checkout(bench: Bench, mode: CaptureMode) -> ProviderPayment:
    return bench.shop.payments.checkout(TOTAL, mode)


@pytest.mark.parametrize("at_checkout", CaptureMode)
@pytest.mark.parametrize("capture", ["automatic", "on_shipment"])
async def test_it_is_captured_once_and_carries_whose_it_is(
    bench: Bench, at_checkout: CaptureMode, capture: str
) -> None:
    payments, made = bench.shop.payments, await _held_by_checkout(bench, at_checkout)
    await _reserved(bench, made.reference, capture=capture)
    result = await bench.run(bench.payments.process_payment, STEP)
    is_held = capture == "on_shipment" and at_checkout is CaptureMode.ON_SHIPMENT
    assert (result.reference, result.captured) == (made.reference, not is_held)
    await bench.run(bench.shipping.create_shipment, STEP)
    if capture == "on_shipment":
        assert (await bench.run(bench.payments.capture_payment, STEP)).captured
    now = await payments.read(made.reference)
    assert (now.status, now.amount, now.order_id) == (PaymentStatus.CAPTURED, TOTAL, A1)
    assert now.idempotency_key.startswith(now.installation)
    assert (payments.count("create"), payments.count("confirm")) == (0, 0)
    assert payments.count("capture") == (at_checkout is CaptureMode.ON_SHIPMENT)
    story = await bench.shop.story("A1")
    assert story.count("PaymentClaimed") == story.count("PaymentCaptured") == 1
    assert story[-1] == "FulfillmentClosed"


async def _other_amount(bench: Bench) -> str:
    return bench.shop.payments.checkout(Money(301, "GBP")).reference


async def _other_currency(bench: Bench) -> str:
    return bench.shop.payments.checkout(Money(300, "EUR")).reference


async def _declined(bench: Bench) -> str:
    return bench.shop.payments.checkout(TOTAL, token="tok_declined").reference


async def _voided(bench: Bench) -> str:
    made = bench.shop.payments.checkout(TOTAL, CaptureMode.ON_SHIPMENT)
    return (await bench.shop.payments.void(made.reference)).reference


async def _of_another_order(bench: Bench) -> str:
    made = bench.shop.payments.checkout(TOTAL)
    theirs = Identity(bench.shop.installation.id, SECOND, "their key")
    return (await bench.shop.payments.claim(made.reference, theirs)).reference


async def _of_another_installation(bench: Bench) -> str:
    made = bench.shop.payments.checkout(TOTAL)
    return (await bench.shop.payments.claim(made.reference, Identity("x", A1, "k"))).reference


async def _unknown(_bench: Bench) -> str:
    return "pay_nobody_knows"


UNUSABLE: dict[str, Callable[[Bench], Awaitable[str]]] = {
    "payment_of_another_amount": _other_amount,
    "payment_in_another_currency": _other_currency,
    "payment_not_confirmed": _declined,
    "payment_is_over": _voided,
    "payment_of_another_order": _of_another_order,
    "payment_of_another_order ": _of_another_installation,
    "payment_unknown": _unknown,
}


@pytest.mark.parametrize("code", UNUSABLE)
async def test_one_that_cannot_be_used_declines_the_order_and_is_left_alone(
    bench: Bench, code: str
) -> None:
    payments, reference = bench.shop.payments, await UNUSABLE[code](bench)
    before = None if reference.endswith("knows") else await payments.read(reference)
    await _reserved(bench, reference)
    refused = await bench.refused(bench.payments.process_payment, STEP)
    assert refused.type == "payment_declined"
    assert reference in str(refused)
    assert code.strip() in str(refused)
    undone = await bench.run(bench.refunds.undo_payment, UNDO)
    assert undone.undone == f"left alone: {code.strip()}"
    assert isinstance(await bench.shop.payment("A1"), NotClaimed)
    assert before is None or await payments.read(reference) == before


async def test_two_orders_cannot_take_up_the_same_payment(bench: Bench) -> None:
    payments, made = bench.shop.payments, await _held_by_checkout(bench, CaptureMode.ON_SHIPMENT)
    await _reserved(bench, made.reference)
    # Another order has recorded its claim, and has not told the provider yet.
    payments.faults.add(Fault(FaultKind.UNAVAILABLE, operation="claim"))
    assert (await bench.refused(bench.payments.process_payment, STEP)).type == "unavailable"
    claimed = await bench.shop.store.read_stream(claim_stream(made.reference))
    assert [event.data for event in claimed] == [{"order_id": "A1"}]
    assert (await payments.read(made.reference)).order_id == ""

    step = await _second_order(bench, made.reference)
    refused = await bench.refused(bench.payments.process_payment, step)
    assert "payment_of_another_order" in str(refused)
    payments.faults.clear()
    assert (await bench.run(bench.payments.process_payment, STEP, attempt=2)).captured
    assert (await payments.read(made.reference)).order_id == A1


async def _second_order(bench: Bench, reference: str) -> StepRequest:
    await bench.shop.receive("A2-sku", 10)
    content = document("A2", payment={"confirmed": {"reference": reference}})
    saga = SagaRef("order-A2", "run-2")
    reserve = ReserveInventory(saga, parse_document(content, "order-A2"))
    await bench.run(bench.inventory.reserve_inventory, reserve)
    return StepRequest(saga, SECOND)


@pytest.mark.parametrize("at_checkout", CaptureMode)
async def test_an_order_that_ends_before_it_pays_gives_the_money_back(
    bench: Bench, at_checkout: CaptureMode
) -> None:
    made = await _held_by_checkout(bench, at_checkout)
    await _reserved(bench, made.reference)
    await bench.run(bench.refunds.undo_payment, UNDO)
    state, now = await bench.shop.payment("A1"), await bench.shop.payments.read(made.reference)
    if at_checkout is CaptureMode.ON_SHIPMENT:
        assert (type(state), now.status) == (Voided, PaymentStatus.VOIDED)
    else:
        assert (type(state), now.status) == (Captured, PaymentStatus.REFUNDED)
    assert now.order_id == A1


async def test_an_order_without_stock_is_not_cancelled_before_its_money_is_given_back(
    bench: Bench,
) -> None:
    made = await _held_by_checkout(bench, CaptureMode.AUTOMATIC)
    terms = {"confirmed": {"reference": made.reference}}
    result = await bench.run(bench.inventory.reserve_inventory, bench.reservation(payment=terms))
    assert (result.finished, result.turned_back.reason) == (None, "out_of_stock")
    assert await bench.shop.status("A1") == "submitted"


async def test_a_capture_that_the_bank_declines_ends_the_payment(bench: Bench) -> None:
    made = await _held_by_checkout(bench, CaptureMode.ON_SHIPMENT)
    await _reserved(bench, made.reference)
    bench.shop.payments.faults.add(Fault(FaultKind.DECLINED, operation="capture"))
    refused = await bench.refused(bench.payments.process_payment, STEP)
    assert "insufficient_funds" in str(refused)
    assert (await bench.shop.payments.read(made.reference)).status is PaymentStatus.VOIDED


async def test_a_lost_answer_to_the_capture_is_looked_up_and_not_captured_again(
    bench: Bench,
) -> None:
    made = await _held_by_checkout(bench, CaptureMode.ON_SHIPMENT)
    await _reserved(bench, made.reference)
    bench.shop.payments.faults.add(Fault(FaultKind.ANSWER_LOST, operation="capture", times=1))
    assert (await bench.run(bench.payments.process_payment, STEP)).captured
    assert bench.shop.payments.count("capture") == 1


async def test_somebody_else_who_claims_it_in_between_calls_a_person(bench: Bench) -> None:
    payments, made = bench.shop.payments, await _held_by_checkout(bench, CaptureMode.ON_SHIPMENT)
    await _reserved(bench, made.reference)
    payments.faults.add(Fault(FaultKind.UNAVAILABLE, operation="claim", times=1))
    await bench.refused(bench.payments.process_payment, STEP)
    assert isinstance(await bench.shop.payment("A1"), Prepared)
    await payments.claim(made.reference, Identity("another", A1, "k"))
    refused = await bench.refused(bench.payments.process_payment, STEP, attempt=2)
    assert refused.type == "not_ours"
    assert (await payments.read(made.reference)).status is PaymentStatus.AUTHORISED


async def test_another_confirmed_payment_replaces_one_that_was_left_alone(bench: Bench) -> None:
    payments, wrong = bench.shop.payments, bench.shop.payments.checkout(Money(301, "GBP"))
    await _reserved(bench, wrong.reference, on_decline=ASK)
    due = await bench.run(bench.payments.process_payment, STEP)
    assert isinstance(due, PaymentDue)
    assert due.code == "payment_of_another_amount"
    right = payments.checkout(TOTAL)
    by = OperatorAction("shop", "pay", "the right one")
    replace = ReplacePayment(SAGA, A1, by, right.reference)
    await bench.run(bench.replacement.replace_payment, replace)
    result = await bench.run(bench.payments.process_payment, STEP, again="-2")
    assert (result.reference, result.captured) == (right.reference, True)
    assert (await payments.read(wrong.reference)).order_id == ""


async def test_the_same_payment_can_be_handed_in_again_once_the_customer_has_confirmed_it(
    bench: Bench,
) -> None:
    wrong = bench.shop.payments.checkout(TOTAL, token="tok_declined")
    await _reserved(bench, wrong.reference, on_decline=ASK)
    assert isinstance(await bench.run(bench.payments.process_payment, STEP), PaymentDue)
    kept = bench.shop.payments._records[wrong.reference]
    bench.shop.payments.plant(kept.with_status(PaymentStatus.CAPTURED, decline_code=None))
    by = OperatorAction("shop", "pay", "confirmed now")
    await bench.run(
        bench.replacement.replace_payment, ReplacePayment(SAGA, A1, by, wrong.reference)
    )
    assert (await bench.run(bench.payments.process_payment, STEP, again="-2")).captured


async def test_an_authorisation_is_ended_before_another_payment_begins(bench: Bench) -> None:
    first = await _held_by_checkout(bench, CaptureMode.ON_SHIPMENT)
    await _reserved(bench, first.reference, capture="on_shipment", on_decline=ASK)
    await bench.run(bench.payments.process_payment, STEP)
    await bench.run(bench.shipping.create_shipment, STEP)
    bench.shop.payments.faults.add(Fault(FaultKind.DECLINED, operation="capture", times=1))
    due = await bench.run(bench.payments.capture_payment, STEP)
    assert isinstance(due, PaymentDue)
    assert isinstance(await bench.shop.payment("A1"), Authorised)
    second = await _held_by_checkout(bench, CaptureMode.ON_SHIPMENT)
    by = OperatorAction("shop", "pay", "another one")
    await bench.run(
        bench.replacement.replace_payment, ReplacePayment(SAGA, A1, by, second.reference)
    )
    assert (await bench.shop.payments.read(first.reference)).status is PaymentStatus.VOIDED
    await bench.run(bench.payments.process_payment, STEP, again="-2")
    result = await bench.run(bench.payments.capture_payment, STEP, again="-2")
    assert (result.reference, result.captured) == (second.reference, True)
    order: Any = await bench.shop.order("A1")
    assert order.payment_reference == second.reference
