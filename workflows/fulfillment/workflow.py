"""The saga: one durable workflow carries one order to completed or cancelled.

`run` is the story. How it ends:

- completed or cancelled: the run completes with a JSON result;
- cancelled through Temporal itself (its UI, its CLI): the same is undone, and then the run shows
  as *Canceled* there, as whoever asked for it expects; the outcome stands in the event store;
- a bad document, or an order id that belongs to another order: the run fails and nothing changed.
"""

import asyncio
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError

from activities.failures import INVALID_DOCUMENT
from activities.inventory.activities import InventoryActivities
from activities.messages import (
    INVENTORY_QUEUE,
    PAYMENTS_QUEUE,
    SHIPPING_QUEUE,
    WORKFLOW_TYPE,
    ClosedSaga,
    OrderDocument,
    PaymentResult,
    ReservationResult,
    ReserveInventory,
    ShipmentResult,
    StepRequest,
)
from activities.payments.activities import PaymentActivities
from activities.shipping.activities import ShippingActivities
from domain.ids import OrderId
from domain.values import CaptureMode, Compensation, Outcome, Step
from workflows.common.failures import Cause, TurnedBackBefore, is_refusal
from workflows.common.run_to_completion import to_its_end
from workflows.documents.messages import NO_INPUT, json_of
from workflows.documents.order import parse_document
from workflows.documents.validation import InvalidDocument
from workflows.fulfillment.scans import hand_over
from workflows.fulfillment.shortage import Backorders
from workflows.fulfillment.state import CLOSED, result_json
from workflows.policies import SLOW_AFTER


@workflow.defn(name=WORKFLOW_TYPE)
class OrderFulfillment(Backorders):
    """Carries an order through reserve, pay and ship, or undoes what was done."""

    @workflow.run
    async def run(self, given: RawValue = NO_INPUT) -> dict[str, Any]:
        """Fulfil the order that the one JSON input describes; returns the outcome."""
        try:
            return await self._fulfil(given)
        except ApplicationError:  # refused, but the order id may have a parcel all the same
            await to_its_end(self._hand_over_scans())
            raise

    async def _fulfil(self, given: RawValue) -> dict[str, Any]:
        self._begin(_accepted(given))
        try:
            closed = await self._go_forward()
        except GeneratorExit:  # this run was terminated and is let go of: nothing may be asked now
            raise
        except BaseException as failure:  # noqa: BLE001  a cancel is no Exception; see cause_of
            closed = await to_its_end(self.turn_back(self.cause_of(failure)))
        return await self._finish(closed)

    async def _go_forward(self) -> ClosedSaga:
        reservation = await self._reserve_inventory()
        if reservation.finished:
            # The order ended here; what operators asked for in vain is recorded all the same.
            self.state.unrecorded.extend(self.state.drop_wishes())
            return reservation.finished
        await self.wait_for_items()
        paid = await self._process_payment()
        shipped = await self._create_shipment()
        if not shipped.order_completed:
            paid = await self._capture_payment()
        return ClosedSaga(Outcome.COMPLETED, None, "", paid.reference, shipped.tracking_number)

    # --- steps -----------------------------------------------------------------------------------

    async def _reserve_inventory(self) -> ReservationResult:
        result: ReservationResult = await self.step(
            Step.RESERVE_INVENTORY,
            InventoryActivities.reserve_inventory,
            ReserveInventory(self.ref, self.state.order),
            INVENTORY_QUEUE,
            "the stock ledger to reserve the items",
            undo=Compensation.RELEASE_INVENTORY,
        )
        if not result.finished:  # else nothing is set aside, or not any more
            self.state.order_status = "reserved"
        self.state.reserved_at = workflow.now()
        if before := result.turned_back:
            self.state.compensations = list(Compensation)
            raise TurnedBackBefore(Cause(before.reason, before.detail))
        self.note_reservation(result)
        return result

    async def _process_payment(self) -> PaymentResult:
        try:
            result: PaymentResult = await self.step(
                Step.PROCESS_PAYMENT,
                PaymentActivities.process_payment,
                StepRequest(self.ref, self.state.order_id),
                PAYMENTS_QUEUE,
                "the payment provider to take or hold the money",
                undo=Compensation.UNDO_PAYMENT,
            )
        except ActivityError as error:
            self.state.payment_in_doubt = not is_refusal(error)
            raise
        self.state.order_status = "processing"
        self.state.paid = True
        self.state.unsettled = result.overpaid
        return result

    async def _create_shipment(self) -> ShipmentResult:
        try:
            result: ShipmentResult = await self.step(
                Step.CREATE_SHIPMENT,
                ShippingActivities.create_shipment,
                StepRequest(self.ref, self.state.order_id),
                SHIPPING_QUEUE,
                "the carrier to issue a label",
                undo=Compensation.CANCEL_SHIPMENT,
            )
        except ActivityError as error:
            self.state.label_in_doubt = not is_refusal(error)
            raise
        return result

    async def _capture_payment(self) -> PaymentResult:
        result: PaymentResult = await self.step(
            Step.CAPTURE_PAYMENT,
            PaymentActivities.capture_payment,
            StepRequest(self.ref, self.state.order_id),
            PAYMENTS_QUEUE,
            "the payment provider to take the money that is held",
        )
        return result

    # --- begin and end ---------------------------------------------------------------------------

    def _begin(self, document: OrderDocument) -> None:
        self.state.document = document
        if document.payment.capture is CaptureMode.ON_SHIPMENT:
            self.state.last_step = Step.CAPTURE_PAYMENT
        self.visibility.begin(document)
        if not self.visibility.by_first_try:
            self._slow = asyncio.create_task(self._show_when_slow())

    async def _show_when_slow(self) -> None:
        await workflow.sleep(SLOW_AFTER, summary="then show each step in the search attributes")
        self.visibility.follow(self.state)

    async def _finish(self, closed: ClosedSaga) -> dict[str, Any]:
        await to_its_end(self._record_to_the_last())
        self.state.outcome = closed.outcome
        self.state.reason = closed.detail or None
        self.enter(CLOSED, "nothing")
        self.visibility.follow(self.state)
        await to_its_end(workflow.wait_condition(workflow.all_handlers_finished))
        await to_its_end(self._hand_over_scans())
        if closed.outcome is Outcome.CANCELLED and workflow.cancellation_reason() is not None:
            raise CancelledError("cancelled as requested; everything was undone")
        return result_json(self.state.order_id, closed)

    async def _record_to_the_last(self) -> None:
        """Record what operators did, also what comes in while that is under way."""
        while self.state.unrecorded:
            await self.record_operators()

    async def _hand_over_scans(self) -> None:
        order_id = OrderId(workflow.info().workflow_id.partition("-")[2])
        await hand_over(order_id, self.state.scans)


def _accepted(given: RawValue) -> OrderDocument:
    """The order that the input describes.

    Raises:
        ApplicationError: the input is refused: the run fails at once.
    """
    try:
        return parse_document(json_of(given), workflow.info().workflow_id)
    except InvalidDocument as error:
        raise ApplicationError(str(error), type=INVALID_DOCUMENT, non_retryable=True) from None
