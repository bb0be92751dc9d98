"""The steps of an order's way forward: reserve, pay, ship, capture."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.inventory.activities import InventoryActivities
from activities.messages import (
    INVENTORY_QUEUE,
    PAYMENTS_QUEUE,
    SHIPPING_QUEUE,
    PaymentResult,
    ReservationResult,
    ReserveInventory,
    ShipmentResult,
    StepRequest,
)
from activities.payments.activities import PaymentActivities
from activities.shipping.activities import ShippingActivities
from domain.values import Compensation, Step
from workflows import policies
from workflows.common.activity_runner import saga_ref
from workflows.common.failures import Cause, TurnedBackBefore, is_refusal
from workflows.fulfillment.amendment import Amendments
from workflows.fulfillment.cancellation import stop_if_cancelled
from workflows.fulfillment.interruptible_runner import InterruptibleRunner
from workflows.fulfillment.safe_point import SafePoint
from workflows.fulfillment.state import SagaState
from workflows.fulfillment.visibility import SagaVisibility

A = TypeVar("A")
P = TypeVar("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class ForwardSteps:
    """Each step starts at a safe point, and registers its compensation before it starts.

    All raise ActivityError if they fail for good, and CancelledError if the order is to be
    cancelled and the last step is not done.
    """

    state: SagaState
    visibility: SagaVisibility
    runner: InterruptibleRunner
    safe_point: SafePoint
    amendments: Amendments

    async def reserve_inventory(self) -> ReservationResult:
        """Reserve the items.

        Raises:
            TurnedBackBefore: an earlier run had begun to undo the order.
        """
        result = await self._run(
            Step.RESERVE_INVENTORY,
            InventoryActivities.reserve_inventory,
            ReserveInventory(saga_ref(), self.state.order),
            INVENTORY_QUEUE,
            "the stock ledger to reserve the items",
            Compensation.RELEASE_INVENTORY,
        )
        if not result.finished:  # else the order holds no stock
            self.state.progress.order_status = "reserved"
        self.state.reservation.since = workflow.now()
        if earlier := result.turned_back:
            self.state.compensation.registered = list(Compensation)
            raise TurnedBackBefore(Cause(earlier.reason, earlier.detail))
        self.amendments.note_reservation(result)
        return result

    async def process_payment(self) -> PaymentResult:
        """Capture or authorise the money."""
        try:
            result = await self._run(
                Step.PROCESS_PAYMENT,
                PaymentActivities.process_payment,
                self._request(),
                PAYMENTS_QUEUE,
                "the payment provider to take or hold the money",
                Compensation.UNDO_PAYMENT,
            )
        except ActivityError as error:
            self.state.compensation.payment_in_doubt = not is_refusal(error)
            raise
        self.state.progress.order_status = "processing"
        self.state.steps.paid = True
        self.state.steps.overpaid = result.overpaid
        return result

    async def create_shipment(self) -> ShipmentResult:
        """Buy the label."""
        try:
            return await self._run(
                Step.CREATE_SHIPMENT,
                ShippingActivities.create_shipment,
                self._request(),
                SHIPPING_QUEUE,
                "the carrier to issue a label",
                Compensation.CANCEL_SHIPMENT,
            )
        except ActivityError as error:
            self.state.compensation.label_in_doubt = not is_refusal(error)
            raise

    async def capture_payment(self) -> PaymentResult:
        """Capture the money that is authorised."""
        return await self._run(
            Step.CAPTURE_PAYMENT,
            PaymentActivities.capture_payment,
            self._request(),
            PAYMENTS_QUEUE,
            "the payment provider to take the money that is held",
        )

    def _request(self) -> StepRequest:
        return StepRequest(saga_ref(), self.state.order_id)

    async def _run(
        self,
        step: Step,
        method: Callable[[A, P], Awaitable[R]],
        request: P,
        queue: str,
        waits_for: str,
        compensation: Compensation | None = None,
    ) -> R:
        steps, registered = self.state.steps, self.state.compensation.registered
        steps.current = step
        await self.safe_point.reach()
        if compensation and compensation not in registered:
            registered.append(compensation)
        result = await self._run_or_hold(step, method, request, queue, waits_for)
        if step is steps.last:
            steps.past_pivot = True
        else:
            stop_if_cancelled(self.state)
        return result

    async def _run_or_hold(
        self,
        step: Step,
        method: Callable[[A, P], Awaitable[R]],
        request: P,
        queue: str,
        waits_for: str,
    ) -> R:
        while True:
            self.visibility.enter(step.value, waits_for)
            try:
                return await self.runner.run(method, request, queue, policies.STEP)
            except ActivityError as error:
                if not await self.safe_point.hold_after(error):
                    raise
