"""Activities on their own: repeated, interrupted, and told things that do not fit."""

from dataclasses import replace
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.testing import ActivityEnvironment

from activities.inventory.activities import InventoryActivities
from activities.messages import (
    ChangeAddress,
    CloseCancelled,
    CompensationRequest,
    OperatorAction,
    RecordAttention,
    RecordOperator,
    ReserveInventory,
    SagaRef,
    StepRequest,
    TurnBack,
)
from activities.orders.activities import OrderActivities
from activities.payments.activities import PaymentActivities
from activities.payments.refunds import RefundActivities
from activities.ports import LabelStatus, PaymentStatus
from activities.shipping.activities import ShippingActivities
from adapters.providers.faults import Fault, FaultKind
from domain.ids import OrderId
from domain.payment.payment import holds_money
from domain.values import FailureKind, Reason, Step
from eventstore.errors import StoreUnavailable
from tests.support.sagas.shop import Shop, document
from workflows.documents.order import parse_document

A1 = OrderId("A1")
SAGA = SagaRef("order-A1", "run-1")
STEP = StepRequest(SAGA, A1)
UNDO = CompensationRequest(SAGA, A1, Reason.OPERATOR_REQUEST)


class Bench:
    """The activities over one shop, each call as a given attempt of a given activity."""

    def __init__(self) -> None:
        self.shop = Shop()
        self.inventory = InventoryActivities(self.shop.handler)
        self.payments = PaymentActivities(self.shop.handler, self.shop.payments)
        self.refunds = RefundActivities(self.shop.handler, self.shop.payments)
        self.shipping = ShippingActivities(self.shop.handler, self.shop.carrier)
        self.orders = OrderActivities(self.shop.handler, self.shop.notifications)

    async def run(self, method: Any, request: Any, attempt: int = 1, again: str = "") -> Any:
        environment = ActivityEnvironment()
        name = method.__name__.replace("_", "-") + again
        environment.info = replace(environment.info, activity_id=name, attempt=attempt)
        return await environment.run(method, request)

    async def refused(self, method: Any, request: Any, attempt: int = 1) -> ApplicationError:
        with pytest.raises(ApplicationError) as refusal:
            await self.run(method, request, attempt)
        return refusal.value

    def reservation(self, **changes: Any) -> ReserveInventory:
        return ReserveInventory(SAGA, parse_document(document("A1", **changes), "order-A1"))


@pytest.fixture
async def bench() -> Bench:
    bench = Bench()
    await bench.shop.receive("A1-sku", 10)
    return bench


@pytest.fixture
async def reserved(bench: Bench) -> Bench:
    await bench.run(bench.inventory.reserve_inventory, bench.reservation())
    return bench


@pytest.fixture
async def paid(reserved: Bench) -> Bench:
    await reserved.run(reserved.payments.process_payment, STEP)
    return reserved


async def test_every_forward_activity_may_be_repeated(bench: Bench) -> None:
    for method, request in (
        (bench.inventory.reserve_inventory, bench.reservation()),
        (bench.payments.process_payment, STEP),
        (bench.shipping.create_shipment, STEP),
    ):
        first = await bench.run(method, request)
        events = await bench.shop.store.head()
        assert await bench.run(method, request, attempt=2) == first
        assert await bench.shop.store.head() == events
    assert bench.shop.payments.count("charge") == 1
    assert bench.shop.carrier.count("buy_label") == 1


async def test_a_reservation_of_a_finished_order_returns_its_end(paid: Bench) -> None:
    await paid.run(paid.shipping.create_shipment, STEP)
    result = await paid.run(paid.inventory.reserve_inventory, paid.reservation())
    assert result.finished.outcome == "completed"
    assert result.finished.tracking_number


async def test_an_order_that_gets_nothing_ends_with_its_reservation() -> None:
    bench = Bench()
    result = await bench.run(bench.inventory.reserve_inventory, bench.reservation())
    assert (result.finished.outcome, result.finished.reason) == ("cancelled", "out_of_stock")
    assert await bench.shop.status("A1") == "cancelled"
    events = await bench.shop.store.head()
    again = await bench.run(bench.inventory.reserve_inventory, bench.reservation(), attempt=2)
    assert again.finished == result.finished
    assert await bench.shop.store.head() == events


async def test_what_the_business_expects_is_a_benign_failure(bench: Bench) -> None:
    payment = {"token": "tok_declined"}
    await bench.run(bench.inventory.reserve_inventory, bench.reservation(payment=payment))
    error = await bench.refused(bench.payments.process_payment, STEP)
    assert error.category is ApplicationErrorCategory.BENIGN  # workers log no stack trace for it


async def test_other_content_is_a_conflict(reserved: Bench) -> None:
    request = reserved.reservation(customer_id="somebody-else")
    error = await reserved.refused(reserved.inventory.reserve_inventory, request)
    assert (error.type, error.non_retryable) == ("OrderConflict", True)


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
async def test_a_charge_is_looked_up_first_where_an_earlier_activity_may_have_made_it(
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


async def test_an_outcome_that_stays_unknown_is_tried_again(reserved: Bench) -> None:
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


async def test_an_unreachable_event_store_is_tried_again(
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


async def test_compensations_find_nothing_where_nothing_happened(reserved: Bench) -> None:
    for method in (reserved.shipping.cancel_shipment, reserved.refunds.undo_payment):
        undone = (await reserved.run(method, UNDO)).undone
        assert undone == "nothing, and it cannot happen any more"
    released = await reserved.run(reserved.inventory.release_inventory, UNDO)
    assert released.undone == "1 reservations"
    assert (await reserved.run(reserved.inventory.release_inventory, UNDO)).undone == "nothing"


async def test_undoing_a_payment_we_never_heard_of_records_both(reserved: Bench) -> None:
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
        bench.reservation().document,
        Step.CREATE_SHIPMENT,
        FailureKind.UNAVAILABLE,
        Reason.CARRIER_UNAVAILABLE,
        "the carrier is down",
        (OperatorAction("anna", "cancel", "because"),),
    )


async def test_turning_back_takes_a_new_order_in_first_and_may_be_repeated(bench: Bench) -> None:
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


async def test_a_label_is_cancelled_once_and_recorded(bench: Bench) -> None:
    payment = {"token": "tok_visa", "capture": "on_shipment"}
    await bench.run(bench.inventory.reserve_inventory, bench.reservation(payment=payment))
    await bench.run(bench.payments.process_payment, STEP)
    result = await bench.run(bench.shipping.create_shipment, STEP)
    assert not result.order_completed
    for _ in range(2):
        undone = await bench.run(bench.shipping.cancel_shipment, UNDO)
        assert undone.undone == "cancelled"
    [label] = [label async for label in bench.shop.carrier.labels()]
    assert label.status is LabelStatus.CANCELLED
    assert (await bench.shop.story("A1")).count("LabelCancelled") == 1
    error = await bench.refused(bench.shipping.create_shipment, STEP)
    assert error.type == "not_fulfillable"


async def test_a_shipment_before_the_payment_is_refused_and_nothing_leaves(
    reserved: Bench,
) -> None:
    error = await reserved.refused(reserved.shipping.create_shipment, STEP)
    assert error.type == "not_fulfillable"
    assert (await reserved.shop.stock("A1-sku")).on_hand == 10


async def test_a_declined_capture_leaves_the_authorisation_to_be_voided(bench: Bench) -> None:
    payment = {"token": "tok_visa", "capture": "on_shipment"}
    await bench.run(bench.inventory.reserve_inventory, bench.reservation(payment=payment))
    await bench.run(bench.payments.process_payment, STEP)
    await bench.run(bench.shipping.create_shipment, STEP)
    bench.shop.payments.faults.add(Fault(FaultKind.REJECTED, operation="capture"))
    error = await bench.refused(bench.payments.capture_payment, STEP)
    assert error.type == "payment_unavailable"
    assert error.category is ApplicationErrorCategory.UNSPECIFIED  # somebody must look at this one
    await bench.run(bench.refunds.undo_payment, UNDO)
    [made] = [p async for p in bench.shop.payments.payments()]
    assert made.status is PaymentStatus.VOIDED


async def test_attention_is_recorded_once_and_announced(reserved: Bench) -> None:
    request = RecordAttention(SAGA, A1, "close_cancelled", "stuck", "somebody to look")
    reserved.shop.notifications.failures.append(RuntimeError("the pager is down"))
    with pytest.raises(RuntimeError):
        await reserved.run(reserved.orders.record_attention, request)
    await reserved.run(reserved.orders.record_attention, request, attempt=2)
    assert (await reserved.shop.story("A1")).count("AttentionRequired") == 1
    assert len(reserved.shop.notifications.notices) == 1


async def test_an_operators_act_whose_record_was_repeated_stands_once(bench: Bench) -> None:
    actions = (OperatorAction("anna", "hold", "why"), OperatorAction("anna", "resume", "ok"))
    for attempt in (1, 2):
        await bench.run(bench.orders.record_operator, RecordOperator(SAGA, A1, actions), attempt)
    assert await bench.shop.story("A1") == ["FulfillmentStarted", "OperatorActed", "OperatorActed"]


async def test_an_address_changed_twice_by_a_repeated_attempt_is_changed_once(
    reserved: Bench,
) -> None:
    address = replace(reserved.reservation().document.address, city="York")
    request = ChangeAddress(SAGA, A1, address, OperatorAction("anna", "change_address", "moved"))
    for attempt in (1, 2):
        await reserved.run(reserved.orders.change_address, request, attempt)
    story = await reserved.shop.story("A1")
    assert story[-2:] == ["DeliveryAddressChanged", "OperatorActed"]
    assert story.count("DeliveryAddressChanged") == 1


async def test_an_address_cannot_change_under_a_label(paid: Bench) -> None:
    await paid.run(paid.shipping.create_shipment, STEP)
    address = replace(paid.reservation().document.address, city="York")
    request = ChangeAddress(SAGA, A1, address, OperatorAction("anna", "change_address", "moved"))
    error = await paid.refused(paid.orders.change_address, request)
    assert (error.type, error.non_retryable) == ("not_fulfillable", True)
