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
    GoesOn,
    OperatorAction,
    PaymentResult,
    ShipmentResult,
)
from activities.payments.refunds import RefundActivities
from activities.shipping.activities import ShippingActivities
from domain.notes import cut
from domain.parcel_left import IfLeft
from domain.values import Compensation, FailureKind, Outcome, Reason
from workflows import policies
from workflows.common.activity_runner import saga_ref
from workflows.common.failures import Cause, MustTurnBack, cause_of_failure, describe
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
    """Carries out the compensations.

    Nothing that refuses ends it: a person is called, and what a person settles is settled, whatever
    an activity says afterwards.

    Attributes:
        finish: does the last step of an order whose parcel has left.
    """

    state: SagaState
    visibility: SagaVisibility
    runner: InterruptibleRunner
    trail: Trail
    attention: OperatorAttention
    escalation: Escalation
    finish: Callable[[], Awaitable[ShipmentResult | PaymentResult]]

    async def turn_back(self, cause: Cause) -> ClosedSaga:
        """Undo everything that is registered and end the order as cancelled.

        Returns:
            How the order ended; completed if the last step had succeeded but seemed to fail, or if
            the parcel had left and the shop, or a person, wants it shipped and paid.

        Raises:
            ApplicationError: the input itself was refused and nothing was done.
            RunIsFull: a new run goes on with the cause in the state.
        """
        record = self.state.compensation
        record.cause = record.cause or cause
        while True:
            if not self._is_shipping and (closed := await self._go_back(record.cause)):
                return closed
            await self._ship_and_collect()

    @property
    def _is_shipping(self) -> bool:
        """Whether the order goes on because its parcel has left; an earlier run may have begun."""
        steps = self.state.steps
        goes_on = steps.parcel_left and not steps.past_pivot
        return goes_on and self.state.if_left is IfLeft.SHIP_AND_COLLECT

    async def _go_back(self, cause: Cause) -> ClosedSaga | None:
        """Record why the order is undone, and undo it; None: its parcel has left, and it goes on.

        An earlier run may have recorded it.
        """
        state = self.state
        state.reason = cause.detail
        state.compensation.turning_back, state.reservation.shortage = True, None
        state.steps.due = None
        if not state.compensation.recorded:
            earlier = await self._record(cause)
            if isinstance(earlier, ClosedSaga):
                return self._had_ended(earlier)
            if isinstance(earlier, GoesOn):
                return None
        return await self._undo_and_close(state.compensation.cause or cause)

    async def _record(self, cause: Cause) -> ClosedSaga | GoesOn | EarlierRun | None:
        """Record why the order is undone, unless it has ended or goes on."""
        state, record = self.state, self.state.compensation
        self.visibility.enter(TURNING_BACK, "the event store to record why the order is undone")
        self.visibility.show_every_change()
        operators = (*self.attention.take_unrecorded(), *state.requests.drop())
        try:
            earlier = await self.trail.turn_back(cause, operators)
        except RunIsFull:
            self.attention.unrecorded[:0] = operators
            raise
        state.intake.note(created=earlier is None)
        if isinstance(earlier, ClosedSaga):  # nothing was recorded
            self.attention.unrecorded.extend((*operators, *cause.operator))
            return earlier
        state.document, state.progress.may_hand_over = None, True
        record.cause = replace(cause, operator=())
        if isinstance(earlier, GoesOn):
            return earlier
        record.recorded = True
        if earlier is not None:
            self._register_earlier(earlier, cause)
            before = earlier.turned_back
            record.cause = replace(record.cause, reason=before.reason, detail=before.detail)
            state.reason = before.detail
        return earlier

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
            record.label_in_doubt |= earlier.label_in_doubt

    async def _ship_and_collect(self) -> None:
        """Complete the order, whose parcel has left, or let a person give the parcel up."""
        state = self.state
        state.compensation.turning_back, state.compensation.recorded = False, False
        state.steps.parcel_left, state.reason = True, None
        while state.if_left is IfLeft.SHIP_AND_COLLECT:
            try:
                done = await self.finish()
            except ActivityError as error:
                problem = describe(error)
            except MustTurnBack as end:
                problem = end.cause.detail
            else:
                state.steps.past_pivot = True
                state.requests.unsent += [done.scan] if done.scan else []
                return
            await self._ask_about_goods(state.steps.last.value, problem)

    async def _ask_about_goods(
        self, at_step: str, problem: str, compensation: Compensation | None = None
    ) -> None:
        decision = await self.escalation.ask_about_goods(at_step, problem, compensation)
        if decision.settled_by and decision.goods:
            self.state.if_left = decision.goods
            self.attention.settled[Compensation.CANCEL_SHIPMENT.value] = decision.settled_by

    # --- undoing ---------------------------------------------------------------------------------

    async def _undo_and_close(self, cause: Cause) -> ClosedSaga | None:
        """Undo everything and end the order; None: it goes on, and nothing was undone."""
        undone_twice = False
        while True:
            if not await self._undo_all(cause, again=undone_twice):
                return None
            try:
                self.visibility.enter(CLOSING, "the event store to close the order")
                return await self.trail.close(cause, self._settled)
            except ActivityError as error:
                # A label may have arrived after its compensation: undo everything again.
                if not undone_twice:
                    undone_twice = True
                    continue
                await self.escalation.ask(CLOSING, error)

    async def _undo_all(self, cause: Cause, *, again: bool) -> bool:
        """Undo everything, the latest first; False: the order goes on, nothing was undone."""
        record = self.state.compensation
        for compensation in reversed(record.registered):
            done_before = not again and compensation.value in record.undone  # by an earlier run
            if not done_before and not await self._undo(compensation, cause):
                return False
            if not await self._undo_late_label(compensation, cause):
                return False
        return True

    async def _undo_late_label(self, compensation: Compensation, cause: Cause) -> bool:
        """If the label may still arrive, wait for it and cancel it, before money and stock go back.

        False: it has arrived and its parcel has left, so the order goes on.
        """
        record, label = self.state.compensation, Compensation.CANCEL_SHIPMENT
        found_nothing = record.undone.get(label.value) == NOTHING
        if compensation is not label or not record.label_in_doubt or not found_nothing:
            return True
        self.visibility.enter(label.value, "a label that may still arrive late")
        await workflow.sleep(policies.LOOK_AGAIN_AFTER, summary="a late label may still arrive")
        if not await self._undo(label, cause):
            return False
        record.label_in_doubt = False
        return True

    async def _undo(self, compensation: Compensation, cause: Cause) -> bool:
        """Undo a step; False: the order goes on, because its parcel has left."""
        while True:
            result = await self._attempt(compensation, cause)
            if result is None:
                continue
            if result.left is IfLeft.SHIP_AND_COLLECT:
                return False
            if result.left is not IfLeft.ASK:
                self.state.compensation.undone[compensation.value] = result.undone
                return True
            await self._ask_about_goods(compensation.value, result.undone, compensation)

    async def _attempt(self, compensation: Compensation, cause: Cause) -> CompensationResult | None:
        """What came of undoing a step; None: a person was asked, and it is to be tried again."""
        method, queue, waits_for = _ACTIVITIES[compensation]
        state, by = self.state, self._settled_by(compensation)
        self.visibility.enter(compensation.value, waits_for)
        request = CompensationRequest(
            saga_ref(),
            state.order_id,
            cause.reason,
            by,
            state.if_left,
            tuple(state.requests.scans.values()),
        )
        patience = self.escalation.patience(compensation.value, compensation, settled=bool(by))
        try:
            return await self.runner.run(method, request, queue, policies.USUAL, patience)
        except ActivityError as error:
            if by:
                return CompensationResult(f"settled by hand by {by.actor}")
            if not patience.decision:
                await self.escalation.ask(compensation.value, error, compensation)
            return None

    @property
    def _settled(self) -> tuple[Compensation, ...]:
        """What people state to have been undone by hand."""
        return tuple(one for one in self.state.compensation.registered if self._settled_by(one))

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
