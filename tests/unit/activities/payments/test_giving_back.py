"""Refunds that the bank takes its time with, that fail, or that wait for the customer."""

from dataclasses import replace
from datetime import timedelta

import pytest

from activities.failures import pause_between_looks
from activities.messages import OperatorAction
from activities.payment_port import PaymentStatus, RefundStatus
from adapters.providers.faults import Fault, FaultKind
from domain.money import Money
from domain.payment.state import Captured, holds_money
from tests.support.sagas.bench import STEP, UNDO, Bench


@pytest.fixture
async def paid(reserved: Bench) -> Bench:
    await reserved.run(reserved.payments.process_payment, STEP)
    return reserved


async def recorded(bench: Bench) -> Captured:
    state = await bench.shop.payment("A1")
    assert isinstance(state, Captured)
    return state


async def statuses(bench: Bench) -> list[RefundStatus]:
    [made] = [p async for p in bench.shop.payments.payments()]
    return [refund.status for refund in await bench.shop.payments.refunds(made.reference)]


@pytest.mark.parametrize(
    ("kind", "error_type"),
    [
        (FaultKind.REFUND_PENDING, "refund_pending"),
        (FaultKind.REFUND_ACTION, "refund_needs_customer"),
    ],
)
async def test_a_refund_that_is_not_final_is_recorded_and_looked_at_again(
    paid: Bench, kind: FaultKind, error_type: str
) -> None:
    fault = paid.shop.payments.faults.add(Fault(kind, operation="refund"))
    for attempt in (1, 2, 3):
        error = await paid.refused(paid.refunds.undo_payment, UNDO, attempt)
        assert (error.type, error.non_retryable) == (error_type, False)
        assert error.next_retry_delay == timedelta(minutes=6)
    state = await recorded(paid)
    assert len(state.pending) == 1
    assert holds_money(state)
    paid.shop.payments.faults.remove(fault.number)
    assert (await paid.run(paid.refunds.undo_payment, UNDO, attempt=4)).undone == "refunded"
    assert await statuses(paid) == [RefundStatus.SUCCEEDED]
    story = [name for name in await paid.shop.story("A1") if "Refund" in name]
    assert story == ["RefundPending", "PaymentRefunded"]


async def test_a_refund_that_fails_is_final_and_the_next_attempt_has_another_key(
    paid: Bench,
) -> None:
    paid.shop.payments.faults.add(Fault(FaultKind.REFUND_FAILED, operation="refund", times=1))
    error = await paid.refused(paid.refunds.undo_payment, UNDO)
    assert (error.type, error.non_retryable) == ("refund_failed", True)
    assert holds_money(await recorded(paid))
    assert (await paid.run(paid.refunds.undo_payment, UNDO, again="-2")).undone == "refunded"
    keys = [c.idempotency_key for c in paid.shop.payments.calls if c.operation == "refund"]
    assert keys == [keys[0], f"{keys[0]}-2"]
    assert await statuses(paid) == [RefundStatus.FAILED, RefundStatus.SUCCEEDED]


async def test_a_refund_that_was_pending_and_fails_leaves_the_money_to_be_given_back(
    paid: Bench,
) -> None:
    faults = paid.shop.payments.faults
    faults.add(Fault(FaultKind.REFUND_PENDING, operation="refund", times=1))
    assert (await paid.refused(paid.refunds.undo_payment, UNDO)).type == "refund_pending"
    faults.add(Fault(FaultKind.REFUND_FAILED, operation="refund", times=1))
    assert (await paid.refused(paid.refunds.undo_payment, UNDO, 2)).type == "refund_failed"
    assert (await recorded(paid)).pending == {}
    assert (await paid.run(paid.refunds.undo_payment, UNDO, again="-2")).undone == "refunded"
    assert not holds_money(await recorded(paid))


async def test_an_operator_may_vouch_for_a_refund_that_failed(paid: Bench) -> None:
    paid.shop.payments.faults.add(Fault(FaultKind.REFUND_FAILED, operation="refund"))
    await paid.refused(paid.refunds.undo_payment, UNDO)
    by = OperatorAction("anna", "resolve", "sent by bank transfer")
    undone = await paid.run(paid.refunds.undo_payment, replace(UNDO, settled_by=by), again="-2")
    assert undone.undone == "settled by hand by anna"
    assert not holds_money(await recorded(paid))


async def test_a_refund_whose_failure_is_kept_for_its_key_goes_on_under_another(
    paid: Bench,
) -> None:
    paid.shop.payments.faults.add(Fault(FaultKind.SAVED_ERROR, operation="refund", times=1))
    assert (await paid.refused(paid.refunds.undo_payment, UNDO)).type == "unknown_outcome"
    assert (await paid.run(paid.refunds.undo_payment, UNDO, attempt=2)).undone == "refunded"
    assert await statuses(paid) == [RefundStatus.SUCCEEDED]


async def test_what_somebody_gave_back_elsewhere_is_not_given_back_again(paid: Bench) -> None:
    state, gateway = await recorded(paid), paid.shop.payments
    part = state.amount - Money(100, state.amount.currency)
    await gateway.refund(state.reference, part, "in the dashboard")
    assert (await paid.run(paid.refunds.undo_payment, UNDO)).undone == "refunded"
    [made] = [p async for p in gateway.payments()]
    assert (made.status, made.refunded) == (PaymentStatus.REFUNDED, made.amount)
    assert (await recorded(paid)).refunded == made.amount


def test_looks_become_rare() -> None:
    pauses = [pause_between_looks(timedelta(minutes=m)) for m in (0, 59, 60, 1439, 1440, 10**6)]
    minutes = [pause.total_seconds() / 60 for pause in pauses]
    assert minutes == [6, 6, 60, 60, 360, 360]
