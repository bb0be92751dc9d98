"""Charges, captures and refunds: repeated, interrupted, declined, unknown."""

from typing import Any

import pytest
from temporalio.exceptions import ApplicationErrorCategory

from activities.messages import SagaRef, StepRequest
from activities.ports import PaymentStatus
from adapters.providers.faults import Fault, FaultKind
from domain.payment.payment import holds_money
from eventstore.errors import StoreUnavailable
from tests.support.sagas.bench import A1, STEP, UNDO, Bench


async def test_an_ordinary_outcome_is_a_benign_failure(bench: Bench) -> None:
    payment = {"token": "tok_declined"}
    await bench.run(bench.inventory.reserve_inventory, bench.reservation(payment=payment))
    error = await bench.refused(bench.payments.process_payment, STEP)
    assert error.category is ApplicationErrorCategory.BENIGN  # workers log no stack trace for it


async def test_the_second_attempt_looks_the_charge_up_before_it_charges(reserved: Bench) -> None:
    reserved.shop.payments.faults.add(Fault(FaultKind.UNAVAILABLE, operation="find", times=1))
    reserved.shop.payments.faults.add(Fault(FaultKind.ANSWER_LOST, operation="charge", times=1))
    error = await reserved.refused(reserved.payments.process_payment, STEP)
    assert (error.type, error.non_retryable) == ("unavailable", False)
    result = await reserved.run(reserved.payments.process_payment, STEP, attempt=2)
    assert result.captured
    assert reserved.shop.payments.count("charge") == 1


@pytest.mark.parametrize(
    ("run_id", "again"), [("run-1", "-2"), ("run-2", "")], ids=["retried", "another run"]
)
async def test_a_charge_that_an_earlier_activity_may_have_made_is_looked_up_first(
    reserved: Bench, run_id: str, again: str
) -> None:
    payments = reserved.shop.payments
    payments.faults.add(Fault(FaultKind.UNAVAILABLE, operation="find", times=1))
    payments.faults.add(Fault(FaultKind.ANSWER_LOST, operation="charge", times=1))
    await reserved.refused(reserved.payments.process_payment, STEP)
    payments.forget_answers()  # as providers do with keys after some time
    request = StepRequest(SagaRef("order-A1", run_id), A1)
    assert (await reserved.run(reserved.payments.process_payment, request, again=again)).captured
    assert payments.count("charge") == 1
    assert len([made async for made in payments.payments()]) == 1


async def test_a_first_attempt_charges_without_looking(reserved: Bench) -> None:
    await reserved.run(reserved.payments.process_payment, STEP)
    assert reserved.shop.payments.count("find") == 0


async def test_an_unknown_outcome_is_retried(reserved: Bench) -> None:
    reserved.shop.payments.faults.add(Fault(FaultKind.REQUEST_LOST, operation="charge", times=1))
    error = await reserved.refused(reserved.payments.process_payment, STEP)
    assert (error.type, error.non_retryable) == ("unknown_outcome", False)


async def test_a_decline_is_final_recorded_and_not_asked_again(bench: Bench) -> None:
    payment = {"token": "tok_declined"}
    await bench.run(bench.inventory.reserve_inventory, bench.reservation(payment=payment))
    for attempt in (1, 2):
        error = await bench.refused(bench.payments.process_payment, STEP, attempt)
        assert (error.type, error.non_retryable) == ("payment_declined", True)
    assert bench.shop.payments.count("charge") == 1
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
    assert reserved.shop.payments.count("charge") == 1


async def test_a_payment_of_an_unknown_order_is_refused(bench: Bench) -> None:
    error = await bench.refused(bench.payments.process_payment, STEP)
    assert (error.type, error.non_retryable) == ("not_fulfillable", True)
    assert bench.shop.payments.calls == []


async def test_undoing_an_unrecorded_payment_records_capture_and_refund(reserved: Bench) -> None:
    payments = reserved.shop.payments
    charged = reserved.shop.payments.faults.add(Fault(FaultKind.ANSWER_LOST, operation="charge"))
    blind = payments.faults.add(Fault(FaultKind.UNAVAILABLE, operation="find"))
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
