"""Charges, captures and refunds: repeated, interrupted, declined, unknown."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from temporalio.exceptions import ApplicationErrorCategory

from activities.keys import OrderKeys
from activities.messages import NOTHING_FOR_GOOD, AmendPieces, OperatorAction, SagaRef, StepRequest
from activities.payment_port import PaymentRequest, PaymentStatus
from activities.payments.messages import ReplacePayment
from adapters.providers.faults import Fault, FaultKind
from adapters.providers.payment_rules import ASKING_TOKEN, KeptPayment
from domain.ids import LineId
from domain.lines import Pieces
from domain.order.state import submitted_order
from domain.payment.state import Prepared, holds_money
from domain.values import CaptureMode, PaymentDue
from eventstore.errors import StoreUnavailable
from tests.support.sagas.bench import A1, STEP, UNDO, Bench
from tests.support.sagas.sagas import until


async def test_an_ordinary_outcome_is_a_benign_failure(bench: Bench) -> None:
    payment = {"token": "tok_declined"}
    await bench.run(bench.inventory.reserve_inventory, bench.reservation(payment=payment))
    error = await bench.refused(bench.payments.process_payment, STEP)
    assert error.category is ApplicationErrorCategory.BENIGN  # workers log no stack trace for it


async def test_the_second_attempt_looks_by_reference_before_it_confirms(reserved: Bench) -> None:
    reserved.shop.payments.faults.add(Fault(FaultKind.UNAVAILABLE, operation="read", times=1))
    reserved.shop.payments.faults.add(Fault(FaultKind.ANSWER_LOST, operation="confirm", times=1))
    error = await reserved.refused(reserved.payments.process_payment, STEP)
    assert (error.type, error.non_retryable) == ("unavailable", False)
    result = await reserved.run(reserved.payments.process_payment, STEP, attempt=2)
    assert result.captured
    assert reserved.shop.payments.count("confirm") == 1


@pytest.mark.parametrize(
    ("run_id", "again"), [("run-1", "-2"), ("run-2", "")], ids=["retried", "another run"]
)
async def test_whoever_goes_on_confirms_the_payment_that_is_recorded(
    reserved: Bench, run_id: str, again: str
) -> None:
    payments = reserved.shop.payments
    payments.faults.add(Fault(FaultKind.UNAVAILABLE, operation="read", times=1))
    payments.faults.add(Fault(FaultKind.ANSWER_LOST, operation="confirm", times=1))
    await reserved.refused(reserved.payments.process_payment, STEP)
    payments.forget_answers()  # as providers do with keys after some time
    request = StepRequest(SagaRef("order-A1", run_id), A1)
    assert (await reserved.run(reserved.payments.process_payment, request, again=again)).captured
    assert payments.count("confirm") == 1
    assert len([made async for made in payments.payments()]) == 1


async def test_another_run_finds_a_payment_that_a_restored_database_does_not_have(
    reserved: Bench,
) -> None:
    payments, keys = reserved.shop.payments, OrderKeys(reserved.shop.installation.id, A1)
    total = submitted_order(await reserved.shop.order("A1"), A1).total
    lost = PaymentRequest(
        A1, total, "tok_visa", CaptureMode.AUTOMATIC, keys.payment, keys.installation
    )
    made = await payments.confirm((await payments.create(lost)).reference)
    payments.forget_answers()
    request = StepRequest(SagaRef("order-A1", "run-2"), A1)
    result = await reserved.run(reserved.payments.process_payment, request)
    assert (result.reference, result.captured) == (made.reference, True)
    assert [each async for each in payments.payments()] == [made]


@pytest.mark.parametrize("capture", ["automatic", "on_shipment"])
async def test_a_payment_takes_two_calls_and_a_capture_one(bench: Bench, capture: str) -> None:
    payment = {"token": "tok_visa", "capture": capture}
    await bench.run(bench.inventory.reserve_inventory, bench.reservation(payment=payment))
    await bench.run(bench.payments.process_payment, STEP)
    await bench.run(bench.shipping.create_shipment, STEP)
    calls = ["create", "confirm"]
    if capture == "on_shipment":
        await bench.run(bench.payments.capture_payment, STEP)
        calls.append("capture")
    assert [call.operation for call in bench.shop.payments.calls] == calls


async def test_the_reference_is_recorded_before_the_payment_is_confirmed(reserved: Bench) -> None:
    reserved.shop.payments.faults.add(Fault(FaultKind.UNAVAILABLE, operation="confirm", times=1))
    await reserved.refused(reserved.payments.process_payment, STEP)
    state = await reserved.shop.payment("A1")
    [made] = [p async for p in reserved.shop.payments.payments()]
    assert isinstance(state, Prepared)
    assert (state.reference, made.status) == (made.reference, PaymentStatus.UNCONFIRMED)


async def test_a_creation_whose_failure_is_kept_goes_on_under_another_recorded_key(
    reserved: Bench,
) -> None:
    payments = reserved.shop.payments
    payments.faults.add(Fault(FaultKind.SAVED_ERROR, operation="create", times=1))
    error = await reserved.refused(reserved.payments.process_payment, STEP)
    assert error.type == "unknown_outcome"
    assert (await reserved.run(reserved.payments.process_payment, STEP, attempt=2)).captured
    story = [name for name in await reserved.shop.story("A1") if name.startswith("Payment")]
    assert story == ["PaymentKeyTaken", "PaymentPrepared", "PaymentCaptured"]
    keys = [call.idempotency_key for call in payments.calls if call.operation == "create"]
    assert keys == [keys[0], keys[0], f"{keys[0]}-2"]


async def test_an_attempt_that_was_overtaken_by_the_undo_never_confirms(reserved: Bench) -> None:
    """The control: without the record of the undo it would take the money."""
    payments = reserved.shop.payments
    hold = payments.faults.add(Fault(FaultKind.HOLD_AFTER, operation="create"))
    late = asyncio.create_task(reserved.refused(reserved.payments.process_payment, STEP))

    async def holds() -> bool:
        return hold.holding > 0

    await until(holds)
    undone = await reserved.run(reserved.refunds.undo_payment, UNDO)
    assert undone.undone == NOTHING_FOR_GOOD
    payments.faults.clear()
    assert (await late).type == "not_fulfillable"
    assert payments.count("confirm") == 0
    assert not holds_money(await reserved.shop.payment("A1"))


async def test_the_undo_of_a_payment_that_was_never_made_needs_no_provider(
    reserved: Bench,
) -> None:
    reserved.shop.payments.faults.add(Fault(FaultKind.INVALID, operation="create"))
    error = await reserved.refused(reserved.payments.process_payment, STEP)
    assert error.type == "not_fulfillable"
    reserved.shop.payments.faults.clear()
    reserved.shop.payments.faults.add(Fault(FaultKind.UNAVAILABLE))
    undone = await reserved.run(reserved.refunds.undo_payment, UNDO)
    assert undone.undone == NOTHING_FOR_GOOD


async def test_a_prepared_payment_is_ended_by_its_reference(reserved: Bench) -> None:
    reserved.shop.payments.faults.add(Fault(FaultKind.REQUEST_LOST, operation="confirm"))
    await reserved.refused(reserved.payments.process_payment, STEP)
    assert (await reserved.run(reserved.refunds.undo_payment, UNDO)).undone == "voided"
    reserved.shop.payments.faults.clear()
    [made] = [p async for p in reserved.shop.payments.payments()]
    assert made.status is PaymentStatus.VOIDED
    assert (await reserved.shop.payments.confirm(made.reference)).status is PaymentStatus.VOIDED


async def test_a_customer_who_would_have_to_act_counts_as_declined_and_cannot_act_later(
    bench: Bench,
) -> None:
    payment = {"token": ASKING_TOKEN}
    await bench.run(bench.inventory.reserve_inventory, bench.reservation(payment=payment))
    error = await bench.refused(bench.payments.process_payment, STEP)
    assert error.type == "payment_declined"
    assert "requires_action" in error.message
    [made] = [p async for p in bench.shop.payments.payments()]
    assert made.status is PaymentStatus.VOIDED


@pytest.mark.parametrize("amended", [False, True])
async def test_a_key_that_stands_for_another_amount_gives_way_to_another(
    reserved: Bench, amended: bool
) -> None:
    payments = reserved.shop.payments
    payments.faults.add(Fault(FaultKind.ANSWER_LOST, operation="create", times=1))
    await reserved.refused(reserved.payments.process_payment, STEP)
    if amended:
        by = OperatorAction("anna", "amend", "the customer asked")
        pieces = AmendPieces(STEP.saga, A1, (Pieces(LineId("1"), 1),), by)
        await reserved.run(reserved.inventory.amend_order, pieces)
    result = await reserved.run(reserved.payments.process_payment, STEP, attempt=2)
    assert (result.captured, result.overpaid) == (True, False)
    statuses = [p.status async for p in payments.payments()]
    ended = [PaymentStatus.VOIDED] if amended else []
    assert statuses == [*ended, PaymentStatus.CAPTURED]


async def test_an_unknown_outcome_is_retried(reserved: Bench) -> None:
    reserved.shop.payments.faults.add(Fault(FaultKind.REQUEST_LOST, operation="confirm", times=1))
    error = await reserved.refused(reserved.payments.process_payment, STEP)
    assert (error.type, error.non_retryable) == ("unknown_outcome", False)


async def test_a_decline_is_final_recorded_and_not_asked_again(bench: Bench) -> None:
    payment = {"token": "tok_declined"}
    await bench.run(bench.inventory.reserve_inventory, bench.reservation(payment=payment))
    for attempt in (1, 2):
        error = await bench.refused(bench.payments.process_payment, STEP, attempt)
        assert (error.type, error.non_retryable) == ("payment_declined", True)
    assert bench.shop.payments.count("confirm") == 1
    assert (await bench.shop.story("A1"))[-1] == "PaymentDeclined"


async def test_an_unreachable_event_store_is_retried(
    reserved: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(*_: Any, **__: Any) -> None:
        raise StoreUnavailable("postgresql://user:secret@host refused the connection")

    monkeypatch.setattr(reserved.shop.store, "append", down)
    error = await reserved.refused(reserved.payments.process_payment, STEP)
    assert (error.type, error.non_retryable) == ("store_unavailable", False)
    assert "secret" not in error.message
    assert error.cause is None
    monkeypatch.undo()
    await reserved.run(reserved.payments.process_payment, STEP, attempt=2)
    assert reserved.shop.payments.count("confirm") == 1


async def test_a_payment_of_an_unknown_order_is_refused(bench: Bench) -> None:
    error = await bench.refused(bench.payments.process_payment, STEP)
    assert (error.type, error.non_retryable) == ("not_fulfillable", True)
    assert bench.shop.payments.calls == []


async def test_undoing_an_unrecorded_capture_records_capture_and_refund(reserved: Bench) -> None:
    payments = reserved.shop.payments
    charged = reserved.shop.payments.faults.add(Fault(FaultKind.ANSWER_LOST, operation="confirm"))
    blind = payments.faults.add(Fault(FaultKind.UNAVAILABLE, operation="read"))
    await reserved.refused(reserved.payments.process_payment, STEP)
    payments.faults.remove(charged.number)
    payments.faults.remove(blind.number)
    assert (await reserved.run(reserved.refunds.undo_payment, UNDO)).undone == "refunded"
    assert (await reserved.shop.story("A1"))[-2:] == ["PaymentCaptured", "PaymentRefunded"]
    assert not holds_money(await reserved.shop.payment("A1"))
    assert (await reserved.run(reserved.refunds.undo_payment, UNDO)).undone == "refunded"
    assert payments.count("refund") == 1


async def test_a_declined_payment_has_nothing_to_undo(bench: Bench) -> None:
    payment = {"token": "tok_declined"}
    await bench.run(bench.inventory.reserve_inventory, bench.reservation(payment=payment))
    await bench.refused(bench.payments.process_payment, STEP)
    assert (await bench.run(bench.refunds.undo_payment, UNDO)).undone == "declined"


async def test_a_declined_capture_leaves_the_authorisation_to_be_voided(bench: Bench) -> None:
    payment = {"token": "tok_visa", "capture": "on_shipment"}
    await bench.run(bench.inventory.reserve_inventory, bench.reservation(payment=payment))
    await bench.run(bench.payments.process_payment, STEP)
    await bench.run(bench.shipping.create_shipment, STEP)
    bench.shop.payments.faults.add(Fault(FaultKind.INVALID, operation="capture"))
    error = await bench.refused(bench.payments.capture_payment, STEP)
    assert error.type == "not_fulfillable"
    assert error.category is ApplicationErrorCategory.UNSPECIFIED  # somebody must look at this one
    await bench.run(bench.refunds.undo_payment, UNDO)
    [made] = [p async for p in bench.shop.payments.payments()]
    assert made.status is PaymentStatus.VOIDED


async def test_a_declined_payment_that_succeeded_late_counts_and_no_other_is_made(
    bench: Bench,
) -> None:
    payments = bench.shop.payments
    asking = {"token": "tok_declined", "on_decline": {"policy": "ask"}}
    await bench.run(bench.inventory.reserve_inventory, bench.reservation(payment=asking))
    assert isinstance(await bench.run(bench.payments.process_payment, STEP), PaymentDue)
    [declined] = [made async for made in payments.payments()]
    late = replace(declined, status=PaymentStatus.CAPTURED, decline_code=None)
    payments.plant(KeptPayment(late, CaptureMode.AUTOMATIC))
    bench.sagas.token = "tok_visa"
    pay = ReplacePayment(STEP.saga, A1, OperatorAction("shop", "pay", "another card"))
    for attempt in (1, 2):  # its answer was lost
        await bench.run(bench.replacement.replace_payment, pay, attempt=attempt)
    result = await bench.run(bench.payments.process_payment, STEP, again="-2")
    assert (result.reference, result.captured) == (declined.reference, True)
    assert [made async for made in payments.payments()] == [late]
