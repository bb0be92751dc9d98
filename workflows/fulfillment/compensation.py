"""Turning back: record why, undo in reverse, prove that nothing is held, cancel the order."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
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
from workflows.common.renewal import RunIsFull
from workflows.fulfillment.escalation import Escalation
from workflows.fulfillment.interruptible_runner import (
    InterruptibleRunner,
    is_cancel_requested,
    native_cancel,
)
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
            RunIsFull: a new run goes on with the cause in the state.
        """
        state = self.state
        self._because_of(cause)
        state.compensation.turning_back, state.reservation.shortage = True, None
        if not state.compensation.recorded and (closed := await self._record(cause)):
            return self._had_ended(closed)
        return await self._undo_and_close(state.compensation.cause or cause)

    def _because_of(self, cause: Cause) -> None:
        self.state.compensation.cause, self.state.reason = cause, cause.detail

    async def _record(self, cause: Cause) -> ClosedSaga | None:
        """Record why the order is undone; returns how it ended if it has ended."""
        state = self.state
        self.visibility.enter(TURNING_BACK, "the event store to record why the order is undone")
        self.visibility.show_every_change()
        operators = (*self.attention.take_unrecorded(), *state.requests.drop())
        try:
            earlier = await self.trail.turn_back(cause, operators)
        except RunIsFull:
            self.attention.unrecorded[:0] = operators
            raise
        if isinstance(earlier, ClosedSaga):
            return earlier
        state.compensation.recorded = True
        state.document, state.progress.may_hand_over = None, True
        if earlier is not None:
            self._register_earlier(earlier, cause)
            recorded = earlier.turned_back
            self._because_of(replace(cause, reason=recorded.reason, detail=recorded.detail))
        return None

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
        undone_twice = False
        while True:
            await self._undo_all(cause, again=undone_twice)
            try:
                self.visibility.enter(CLOSING, "the event store to close the order")
                return await self.trail.close(cause)
            except ActivityError as error:
                # A charge or label may have arrived after its compensation: undo everything again.
                if not undone_twice:
                    undone_twice = True
                    continue
                await self.escalation.ask(CLOSING, error)

    async def _undo_all(self, cause: Cause, *, again: bool) -> None:
        record = self.state.compensation
        for compensation in reversed(record.registered):
            if again or compensation.value not in record.undone:  # an earlier run may have done it
                await self._undo(compensation, cause)
        if record.payment_in_doubt and self._found_nothing(Compensation.UNDO_PAYMENT):
            await self._undo_late(Compensation.UNDO_PAYMENT, "charge", cause)
            record.payment_in_doubt = False
        if record.label_in_doubt and self._found_nothing(Compensation.CANCEL_SHIPMENT):
            await self._undo_late(Compensation.CANCEL_SHIPMENT, "label", cause)
            record.label_in_doubt = False

    def _found_nothing(self, compensation: Compensation) -> bool:
        return self.state.compensation.undone.get(compensation.value) == NOTHING

    async def _undo_late(
        self,
        compensation: Compensation,
        late: str,
        cause: Cause,
    ) -> None:
        """Wait for a charge or a label that may still arrive, then undo it."""
        self.visibility.enter(compensation.value, f"a {late} that may still arrive late")
        summary = f"a late {late} may still arrive"
        await workflow.sleep(policies.LOOK_AGAIN_AFTER, summary=summary)
        await self._undo(compensation, cause)

    async def _undo(self, compensation: Compensation, cause: Cause) -> None:
        method, queue, waits_for = _ACTIVITIES[compensation]
        while True:
            self.visibility.enter(compensation.value, waits_for)
            settled_by = self._settled_by(compensation)
            request = CompensationRequest(saga_ref(), self.state.order_id, cause.reason, settled_by)
            patience = self.escalation.patience(compensation.value, compensation)
            try:
                result = await self.runner.run(method, request, queue, policies.USUAL, patience)
            except ActivityError as error:
                if not patience.decision:
                    self.attention.settled.pop(compensation.value, None)
                    await self.escalation.ask(compensation.value, error, compensation)
            else:
                self.state.compensation.undone[compensation.value] = result.undone
                self.attention.settled.pop(compensation.value, None)
                return

    def _settled_by(self, compensation: Compensation) -> OperatorAction | None:
        """Who has settled it by hand, or everything that is still held; None: nobody."""
        settled = self.attention.settled
        return settled.get(compensation.value) or settled.get(CLOSING)


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
    text = native_cancel(state)
    if text is None:  # nobody cancelled: the worker evicts the workflow
        raise failure
    by = OperatorAction("temporal", "cancel", cut(text) or "cancelled through Temporal")
    return Cause(Reason.OPERATOR_REQUEST, by.reason, operator=(by,))
