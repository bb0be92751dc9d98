"""Turning back, closing and operators: recorded once, and only when it is true."""

from activities.messages import (
    ChangeAddress,
    CloseCancelled,
    OperatorAction,
    RecordAttention,
    RecordOperator,
    TurnBack,
)
from adapters.providers.faults import Fault, FaultKind
from domain.values import FailureKind, Reason, Step
from tests.support.sagas.bench import A1, SAGA, STEP, UNDO, Bench
from tests.support.sagas.domain_samples import YORK


async def test_an_order_is_not_closed_while_money_stock_or_label_is_held(paid: Bench) -> None:
    held = Fault(FaultKind.UNAVAILABLE, operation="capture")
    paid.shop.payments.faults.add(held)
    close = CloseCancelled(SAGA, A1, Reason.OPERATOR_REQUEST, "because")
    error = await paid.refused(paid.orders.close_cancelled, close)
    assert (error.type, error.non_retryable) == ("still_held", True)
    assert "money" in error.message
    assert "stock of A1-sku" in error.message
    assert await paid.shop.status("A1") == "processing"
    await paid.run(paid.orders.turn_back, _turn_back(paid))
    await paid.run(paid.refunds.undo_payment, UNDO)
    await paid.run(paid.inventory.release_inventory, UNDO)
    closed = await paid.run(paid.orders.close_cancelled, close)
    assert closed.outcome == "cancelled"
    assert await paid.run(paid.orders.close_cancelled, close, attempt=2) == closed


def _turn_back(bench: Bench) -> TurnBack:
    return TurnBack(
        SAGA,
        A1,
        bench.reservation().document,
        Step.CREATE_SHIPMENT,
        FailureKind.UNAVAILABLE,
        Reason.PROVIDER_OUTAGE,
        "the carrier is down",
        (OperatorAction("anna", "cancel", "because"),),
    )


async def test_turning_back_submits_a_new_order_first_and_may_be_repeated(bench: Bench) -> None:
    for attempt in (1, 2):
        assert await bench.run(bench.orders.turn_back, _turn_back(bench), attempt) is None
    story = await bench.shop.story("A1")
    assert story[-4:] == [
        "FulfillmentStarted",
        "OperatorActed",
        "StepFailed",
        "CompensationStarted",
    ]
    assert story.count("CompensationStarted") == 1


async def test_turning_back_from_a_completed_order_returns_its_end(paid: Bench) -> None:
    await paid.run(paid.shipping.create_shipment, STEP)
    ended = await paid.run(paid.orders.turn_back, _turn_back(paid))
    assert ended.outcome == "completed"
    assert "CompensationStarted" not in await paid.shop.story("A1")


async def test_attention_is_recorded_once_and_announced(reserved: Bench) -> None:
    request = RecordAttention(SAGA, A1, "close_cancelled", "stuck", "somebody to look")
    reserved.shop.notifications.failures.append(RuntimeError("the pager is down"))
    failed = await reserved.refused(reserved.orders.record_attention, request)
    assert (failed.type, failed.non_retryable) == ("unexpected", False)
    await reserved.run(reserved.orders.record_attention, request, attempt=2)
    assert (await reserved.shop.story("A1")).count("AttentionRequired") == 1
    assert len(reserved.shop.notifications.notices) == 1


async def test_a_repeated_record_of_an_operator_action_stands_once(bench: Bench) -> None:
    actions = (OperatorAction("anna", "hold", "why"), OperatorAction("anna", "resume", "ok"))
    for attempt in (1, 2):
        await bench.run(bench.orders.record_operator, RecordOperator(SAGA, A1, actions), attempt)
    assert await bench.shop.story("A1") == ["FulfillmentStarted", "OperatorActed", "OperatorActed"]


async def test_an_address_changed_twice_by_a_repeated_attempt_is_changed_once(
    reserved: Bench,
) -> None:
    reserved.sagas.address = YORK
    request = ChangeAddress(SAGA, A1, OperatorAction("anna", "change_address", "moved"))
    for attempt in (1, 2):
        await reserved.run(reserved.orders.change_address, request, attempt)
    story = await reserved.shop.story("A1")
    assert story[-2:] == ["DeliveryAddressChanged", "OperatorActed"]
    assert story.count("DeliveryAddressChanged") == 1


async def test_an_address_cannot_change_once_a_label_is_bought(paid: Bench) -> None:
    await paid.run(paid.shipping.create_shipment, STEP)
    paid.sagas.address = YORK
    request = ChangeAddress(SAGA, A1, OperatorAction("anna", "change_address", "moved"))
    error = await paid.refused(paid.orders.change_address, request)
    assert (error.type, error.non_retryable) == ("not_fulfillable", True)
