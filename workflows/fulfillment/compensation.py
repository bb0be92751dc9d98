"""Turning back: record why, undo in reverse, prove that nothing is held, cancel the order."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, FailureError, is_cancelled_exception

from activities.inventory.activities import InventoryActivities
from activities.messages import (
    INVENTORY_QUEUE,
    NOTHING,
    PAYMENTS_QUEUE,
    SHIPPING_QUEUE,
    ClosedSaga,
    CompensationRequest,
    CompensationResult,
    EarlierRun,
    OperatorAction,
)
from activities.payments.refunds import RefundActivities
from activities.shipping.activities import ShippingActivities
from domain.notes import cut
from domain.values import Compensation, FailureKind, Outcome, Reason
from workflows import policies
from workflows.common.activity_runner import saga_ref
from workflows.common.failures import Cause, MustTurnBack, cause_of_failure
from workflows.common.operator_requests import OperatorAttention
from workflows.fulfillment.escalation import Escalation
from workflows.fulfillment.interruptible_runner import InterruptibleRunner, is_cancel_requested
from workflows.fulfillment.state import CLOSING, TURNING_BACK, SagaState
from workflows.fulfillment.trail import Trail
from workflows.fulfillment.visibility import SagaVisibility

_Undo = Callable[[Any, CompensationRequest], Awaitable[CompensationResult]]

_ACTIVITIES: dict[Compensation, tuple[_Undo, str, str]] = {
    Compensation.CANCEL_SHIPMENT: (
        ShippingActivities.cancel_shipment,
        SHIPPING_QUEUE,
        "the carrier to cancel the label",
    ),
    Compensation.UNDO_PAYMENT: (
        RefundActivities.undo_payment,
        PAYMENTS_QUEUE,
        "the payment provider to give the money back",
    ),
    Compensation.RELEASE_INVENTORY: (
        InventoryActivities.release_inventory,
        INVENTORY_QUEUE,
        "the stock ledger to release the reservation",
    ),
}


@dataclass(frozen=True, slots=True)
class Compensations:
    """Carries out the compensations."""

    state: SagaState
    visibility: SagaVisibility
    runner: InterruptibleRunner
    trail: Trail
    attention: OperatorAttention
    escalation: Escalation

    async def turn_back(self, cause: Cause) -> ClosedSaga:
        """Undo everything that is registered and end the order as cancelled.

        Returns:
            How the order ended; completed if the last step had succeeded but seemed to fail.

        Raises:
            ApplicationError: the input itself was refused and nothing was done.
        """
        state = self.state
        state.compensation.turning_back, state.reason = True, cause.detail
        state.reservation.shortage = None
        self.visibility.enter(TURNING_BACK, "the event store to record why the order is undone")
        self.visibility.show_every_change()
        operators = (*self.attention.take_unrecorded(), *state.requests.drop())
        earlier = await self.trail.turn_back(cause, operators)
        if isinstance(earlier, ClosedSaga):
            return self._had_ended(earlier)
        state.compensation.recorded = True
        if earlier is not None:
            self._register_earlier(earlier, cause)
        return await self._undo_and_close(cause)

    def _had_ended(self, closed: ClosedSaga) -> ClosedSaga:
        """The step that seemed to have failed had ended the order: there is nothing to undo."""
        self.state.compensation.recorded = closed.outcome is Outcome.CANCELLED
        self.state.compensation.turning_back, self.state.steps.past_pivot = False, True
        return closed

    def _register_earlier(self, earlier: EarlierRun, cause: Cause) -> None:
        """Undo also what a lost run may have done; this run knows only its own steps."""
        record = self.state.compensation
        record.registered = list(earlier.compensations)
        if cause.kind is not FailureKind.REFUSED:  # a refusal is the provider's answer for this key
            record.payment_in_doubt |= earlier.charge_in_doubt
            record.label_in_doubt |= earlier.label_in_doubt

    async def _undo_and_close(self, cause: Cause) -> ClosedSaga:
        settled_by: OperatorAction | None = None
        undone_twice = False
        while True:
            await self._undo_all(cause, settled_by)
            try:
                self.visibility.enter(CLOSING, "the event store to close the order")
                return await self.trail.close(cause)
            except ActivityError as error:
                # A charge or label may have arrived after its compensation: undo everything again.
                if not undone_twice:
                    undone_twice = True
                    continue
                settled_by = (await self.escalation.ask(CLOSING, error)).settled_by

    async def _undo_all(self, cause: Cause, settled_by: OperatorAction | None) -> None:
        record = self.state.compensation
        for compensation in reversed(record.registered):
            await self._undo(compensation, cause, settled_by)
        if record.payment_in_doubt and self._found_nothing(Compensation.UNDO_PAYMENT):
            record.payment_in_doubt = False
            await self._undo_late(Compensation.UNDO_PAYMENT, "charge", cause, settled_by)
        if record.label_in_doubt and self._found_nothing(Compensation.CANCEL_SHIPMENT):
            record.label_in_doubt = False
            await self._undo_late(Compensation.CANCEL_SHIPMENT, "label", cause, settled_by)

    def _found_nothing(self, compensation: Compensation) -> bool:
        return self.state.compensation.undone.get(compensation.value) == NOTHING

    async def _undo_late(
        self,
        compensation: Compensation,
        late: str,
        cause: Cause,
        settled_by: OperatorAction | None,
    ) -> None:
        """Wait for a charge or a label that may still arrive, then undo it."""
        self.visibility.enter(compensation.value, f"a {late} that may still arrive late")
        summary = f"a late {late} may still arrive"
        await workflow.sleep(policies.LOOK_AGAIN_AFTER, summary=summary)
        await self._undo(compensation, cause, settled_by)

    async def _undo(
        self, compensation: Compensation, cause: Cause, settled_by: OperatorAction | None
    ) -> None:
        method, queue, waits_for = _ACTIVITIES[compensation]
        while True:
            self.visibility.enter(compensation.value, waits_for)
            request = CompensationRequest(saga_ref(), self.state.order_id, cause.reason, settled_by)
            patience = self.escalation.patience(compensation.value, compensation)
            try:
                result = await self.runner.run(method, request, queue, policies.USUAL, patience)
            except ActivityError as error:
                decision = patience.decision or await self.escalation.ask(
                    compensation.value, error, compensation
                )
                settled_by = decision.settled_by
            else:
                self.state.compensation.undone[compensation.value] = result.undone
                return


def cause_of(state: SagaState, failure: BaseException) -> Cause:
    """Why the saga turns back, from the exception that ended its steps.

    Raises:
        ApplicationError: the input itself was refused and nothing was done.
        BaseException: `failure` itself: a bug, or the worker evicts the workflow.
    """
    if isinstance(failure, MustTurnBack):
        return failure.cause
    cancelled = is_cancel_requested(state) and isinstance(failure, FailureError)
    if cancelled or is_cancelled_exception(failure):
        return _cause_of_cancel(state, failure)
    return cause_of_failure(state.steps.current, failure)


def _cause_of_cancel(state: SagaState, failure: BaseException) -> Cause:
    if request := state.requests.cancel:
        reason = Reason.CUSTOMER_REQUEST if request.customer else Reason.OPERATOR_REQUEST
        return Cause(reason, request.by.reason, operator=(request.by,))
    text = workflow.cancellation_reason()
    if text is None:  # nobody cancelled: the worker evicts the workflow
        raise failure
    by = OperatorAction("temporal", "cancel", cut(text) or "cancelled through Temporal")
    return Cause(Reason.OPERATOR_REQUEST, by.reason, operator=(by,))
