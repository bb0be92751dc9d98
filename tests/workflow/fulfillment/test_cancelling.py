"""Cancelling a saga: by update, by signal, through Temporal itself; early, in a step, too late."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowUpdateFailedError,
)
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.service import RPCError

from activities.payment_port import PaymentStatus
from activities.ports import LabelStatus
from adapters.providers.faults import ActiveFault, Fault, FaultKind
from domain.notes import MAX_NOTE
from domain.order.state import Cancelled
from tests.support.sagas.sagas import (
    Handle,
    activities_of,
    new_order_id,
    result,
    start,
    stocked_saga,
    until,
    until_activity,
    until_status,
)
from tests.support.sagas.shop import Shop, document, running_workers

BY = {"actor": "anna", "reason": "the customer changed her mind", "requested_by": "customer"}

BY_HAND = {"actor": "anna", "reason": "to look at it"}


async def _by_update(handle: Handle) -> None:
    await handle.execute_update("cancel", BY)


async def _by_signal(handle: Handle) -> None:
    await handle.signal("cancel", BY)


async def _by_temporal(handle: Handle) -> None:
    await handle.cancel()


WAYS = pytest.mark.parametrize("cancel", [_by_update, _by_signal, _by_temporal])
Cancel = Callable[[Handle], Coroutine[Any, Any, None]]


async def _outcome(handle: Handle) -> str:
    """``cancelled`` if Temporal shows the run as canceled, else the outcome in the result."""
    try:
        return str((await result(handle))["outcome"])
    except WorkflowFailureError as error:
        if isinstance(error.cause, CancelledError):
            return "cancelled"
        raise


async def _held(fault: ActiveFault) -> None:
    async def holding() -> bool:
        return fault.holding > 0

    await until(holding)


@WAYS
async def test_a_cancel_while_the_card_is_charged_waits_and_then_refunds(
    client: Client, shop: Shop, cancel: Cancel
) -> None:
    held = shop.payments.faults.add(Fault(FaultKind.HOLD_AFTER, operation="confirm"))
    order_id, handle = await stocked_saga(client, shop)
    await _held(held)
    cancelling = asyncio.create_task(cancel(handle))
    await until_activity(handle, "process-payment", "cancel_requested")
    assert "undo-payment" not in await activities_of(handle)
    assert shop.payments.count("refund") == 0
    shop.payments.faults.clear()
    assert await _outcome(handle) == "cancelled"
    await cancelling
    [payment] = [p async for p in shop.payments.payments()]
    assert payment.status is PaymentStatus.REFUNDED
    assert shop.carrier.count("buy_label") == 0
    assert await shop.status(order_id) == "cancelled"
    assert (await shop.stock(f"{order_id}-sku")).reserved == 0
    assert "OperatorActed" in await shop.story(order_id)


@WAYS
async def test_a_cancel_on_hold_gives_everything_back(
    client: Client, shop: Shop, cancel: Cancel
) -> None:
    held = shop.payments.faults.add(Fault(FaultKind.HOLD_BEFORE, operation="confirm"))
    order_id, handle = await stocked_saga(client, shop)
    await _held(held)
    await handle.execute_update("hold", {"actor": "anna", "reason": "fraud check"})
    shop.payments.faults.clear()
    await until_status(handle, step="on_hold")
    await cancel(handle)
    assert await _outcome(handle) == "cancelled"
    assert await shop.status(order_id) == "cancelled"
    [payment] = [p async for p in shop.payments.payments()]
    assert payment.status is PaymentStatus.REFUNDED


@WAYS
async def test_a_cancel_between_two_attempts_does_not_wait_for_the_next(
    client: Client, shop: Shop, cancel: Cancel
) -> None:
    shop.carrier.faults.add(Fault(FaultKind.UNAVAILABLE, operation="buy_label"))
    order_id, handle = await stocked_saga(client, shop)
    await until_status(handle, step="create_shipment")
    await cancel(handle)
    assert await _outcome(handle) == "cancelled"
    story = await shop.story(order_id)
    assert "StepFailed" not in story
    assert "PaymentRefunded" in story


@pytest.mark.parametrize("cancel", [_by_signal, _by_temporal])
async def test_a_cancel_before_the_first_step_reserves_nothing(
    client: Client, cancel: Cancel
) -> None:
    shop, order_id = Shop(), new_order_id()
    await shop.receive(f"{order_id}-sku", 10)
    handle = await start(client, order_id)
    await cancel(handle)
    async with running_workers(client, shop):
        assert await _outcome(handle) == "cancelled"
    story = await shop.story(order_id)
    assert "OrderSubmitted" in story
    assert story[-1] == "FulfillmentClosed"
    assert [e.event_type for e in await shop.store.read_stream(f"stock-{order_id}-sku")] == [
        "StockReceived"
    ]


async def test_a_cancelled_saga_says_on_whose_wish_and_completes_with_a_result(
    client: Client, shop: Shop
) -> None:
    held = shop.payments.faults.add(Fault(FaultKind.HOLD_BEFORE, operation="confirm"))
    _, handle = await stocked_saga(client, shop)
    await _held(held)
    await handle.signal("cancel", BY)
    shop.payments.faults.clear()
    outcome = await result(handle)
    assert (outcome["outcome"], outcome["reason"]) == ("cancelled", "customer_request")
    assert outcome["detail"] == BY["reason"]


async def test_a_saga_cancelled_through_temporal_compensates_and_shows_as_canceled(
    client: Client, shop: Shop
) -> None:
    held = shop.payments.faults.add(Fault(FaultKind.HOLD_AFTER, operation="confirm"))
    order_id, handle = await stocked_saga(client, shop)
    await _held(held)
    await handle.cancel()
    await handle.cancel()
    shop.payments.faults.clear()
    assert await _outcome(handle) == "cancelled"
    description = await handle.describe()
    assert description.status is WorkflowExecutionStatus.CANCELED
    state = await shop.order(order_id)
    assert getattr(state, "reason", None) == "operator_request"


async def test_a_cancel_during_compensation_changes_nothing(client: Client, shop: Shop) -> None:
    held = shop.payments.faults.add(Fault(FaultKind.HOLD_BEFORE, operation="refund"))
    shop.carrier.faults.add(Fault(FaultKind.INVALID, operation="buy_label"))
    order_id, handle = await stocked_saga(client, shop)
    await _held(held)
    await handle.cancel()
    with pytest.raises(WorkflowUpdateFailedError):
        await handle.execute_update("cancel", BY)
    shop.payments.faults.clear()
    assert await _outcome(handle) == "cancelled"
    assert "undo-payment-2" not in await activities_of(handle)
    assert await shop.status(order_id) == "cancelled"


async def test_a_cancel_that_loses_against_the_last_step_says_that_it_is_too_late(
    client: Client, shop: Shop
) -> None:
    held = shop.carrier.faults.add(Fault(FaultKind.HOLD_AFTER, operation="buy_label"))
    order_id, handle = await stocked_saga(client, shop)
    await _held(held)
    cancelling = asyncio.create_task(handle.execute_update("cancel", BY))
    await until_activity(handle, "create-shipment", "cancel_requested")
    shop.carrier.faults.clear()
    with pytest.raises(WorkflowUpdateFailedError) as refusal:
        await cancelling
    assert isinstance(refusal.value.cause, ApplicationError)
    assert refusal.value.cause.type == "NotPossibleNow"
    assert (await result(handle))["outcome"] == "completed"
    [label] = [label async for label in shop.carrier.labels()]
    assert label.status is LabelStatus.LIVE
    assert await shop.status(order_id) == "completed"


async def test_a_native_cancel_that_loses_against_the_last_step_completes_the_order(
    client: Client, shop: Shop
) -> None:
    held = shop.carrier.faults.add(Fault(FaultKind.HOLD_AFTER, operation="buy_label"))
    _, handle = await stocked_saga(client, shop)
    await _held(held)
    await handle.cancel()
    await until_activity(handle, "create-shipment", "cancel_requested")
    shop.carrier.faults.clear()
    assert (await result(handle))["outcome"] == "completed"


async def test_a_cancel_after_the_end_is_refused_and_changes_nothing(
    client: Client, shop: Shop
) -> None:
    order_id, handle = await stocked_saga(client, shop)
    await result(handle)
    with pytest.raises(RPCError, match="already completed"):
        await handle.execute_update("cancel", BY)
    assert await shop.status(order_id) == "completed"


async def test_a_cancel_during_the_capture_cancels_label_and_authorisation(
    client: Client, shop: Shop
) -> None:
    held = shop.payments.faults.add(Fault(FaultKind.UNAVAILABLE, operation="capture"))
    content = document("x", payment={"token": "tok_visa", "capture": "on_shipment"})
    order_id, handle = await stocked_saga(client, shop, payment=content["payment"])
    await until_status(handle, step="capture_payment")
    await handle.execute_update("cancel", BY)
    shop.payments.faults.remove(held.number)
    assert (await result(handle))["reason"] == "customer_request"
    [label] = [label async for label in shop.carrier.labels()]
    [payment] = [p async for p in shop.payments.payments()]
    assert (label.status, payment.status) == (LabelStatus.CANCELLED, PaymentStatus.VOIDED)
    assert await shop.status(order_id) == "cancelled"


async def test_a_reason_that_is_far_too_long_still_undoes_the_order(
    client: Client, shop: Shop
) -> None:
    order_id = new_order_id()
    await shop.receive(f"{order_id}-sku", 10)
    handle = await start(client, order_id, start_signal="hold", start_signal_args=[BY_HAND])
    await until_status(handle, step="on_hold")
    await handle.cancel(reason="a reason of many words " * 1_000)
    with pytest.raises(WorkflowFailureError) as ended:
        await result(handle)
    assert isinstance(ended.value.cause, CancelledError)
    order = await shop.order(order_id)
    assert isinstance(order, Cancelled)
    assert order.detail.startswith("a reason of many words a reason")
    assert len(order.detail) == MAX_NOTE
