"""Undoing an order: record why, undo in reverse, prove it, close; or wait for a person."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, FailureError, is_cancelled_exception

from activities.inventory.activities import InventoryActivities
from activities.messages import (
    INVENTORY_QUEUE,
    NOTHING,
    PAYMENTS_QUEUE,
    SHIPPING_QUEUE,
    CloseCancelled,
    ClosedSaga,
    CompensationRequest,
    CompensationResult,
    EarlierRun,
    OperatorAction,
    RecordAttention,
    TurnBack,
)
from activities.orders.activities import OrderActivities
from activities.payments.refunds import RefundActivities
from activities.shipping.activities import ShippingActivities
from domain.values import Compensation, FailureKind, Outcome, Reason
from workflows.common.failures import (
    Cause,
    MustTurnBack,
    cause_of_failure,
    describe,
    raise_if_fatal,
)
from workflows.fulfillment.state import CLOSING, SETTLING, TURNING_BACK, Decision
from workflows.fulfillment.steps import Steps
from workflows.policies import COMPENSATION, LOOK_AGAIN_AFTER

_UNDO: dict[
    Compensation,
    tuple[Callable[[Any, CompensationRequest], Awaitable[CompensationResult]], str, str],
] = {
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


class Undoing(Steps):
    """The way back."""

    async def turn_back(self, cause: Cause) -> ClosedSaga:
        """Undo everything that was registered and end the order as cancelled."""
        self.state.turning_back, self.state.reason = True, cause.detail
        self.state.shortage = None
        self.enter(TURNING_BACK, "the event store to record why the order is undone")
        self.visibility.follow(self.state)
        before = await self._record_why(cause)
        if isinstance(before, ClosedSaga):
            return self._had_ended(before)
        self.state.turned_back = True
        if before is not None:
            self._undo_earlier(before, cause)
        settled_by: OperatorAction | None = None
        looked_again = False
        while True:
            await self._undo_all(cause, settled_by)
            try:
                return await self._close(cause)
            except ActivityError as error:
                # Something may have come in late, behind its undoing: undo once more.
                if not looked_again:
                    looked_again = True
                    continue
                settled_by = (await self.ask_operator(CLOSING, error)).settled_by

    def _had_ended(self, closed: ClosedSaga) -> ClosedSaga:
        """The step that seemed to fail had ended the order after all: there is no way back."""
        self.state.turned_back = closed.outcome is Outcome.CANCELLED
        self.state.turning_back, self.state.past_pivot = False, True
        return closed

    def cause_of(self, failure: BaseException) -> Cause:
        """Why the forward way ended.

        Raises:
            ApplicationError: the input itself was refused and nothing was done.
            BaseException: `failure` itself, if it is a bug or the end of this worker.
        """
        if isinstance(failure, MustTurnBack):
            return failure.cause
        cancelled = self.cancel_wanted() and isinstance(failure, FailureError)
        if cancelled or is_cancelled_exception(failure):
            return self._cause_of_cancel(failure)
        return cause_of_failure(self.state.step, failure)

    def _cause_of_cancel(self, failure: BaseException) -> Cause:
        if wish := self.state.cancel:
            reason = Reason.CUSTOMER_REQUEST if wish.customer else Reason.OPERATOR_REQUEST
            return Cause(reason, wish.by.reason, operator=(wish.by,))
        why = workflow.cancellation_reason()
        if why is None:  # nobody asked: this worker is letting go of the saga
            raise failure
        by = OperatorAction("temporal", "cancel", why or "cancelled through Temporal")
        return Cause(Reason.OPERATOR_REQUEST, by.reason, operator=(by,))

    def _undo_earlier(self, earlier: EarlierRun, cause: Cause) -> None:
        """Undo what a run that was lost may have done; this run only knows its own steps."""
        self.state.compensations = list(earlier.compensations)
        if cause.kind is not FailureKind.REFUSED:  # a refusal is the answer to the same key
            self.state.payment_in_doubt |= earlier.charge_in_doubt
            self.state.label_in_doubt |= earlier.label_in_doubt

    async def _record_why(self, cause: Cause) -> ClosedSaga | EarlierRun | None:
        request = TurnBack(
            self.ref,
            self.state.order,
            cause.step,
            cause.kind,
            cause.reason,
            cause.detail,
            (
                *self.state.take_unrecorded(),
                *self.state.drop_wishes(),
                *cause.operator,
            ),
        )
        try:
            return await self.record(
                OrderActivities.turn_back, request, "record why the order is undone"
            )
        except ActivityError as error:
            raise_if_fatal(error)
            raise

    async def _undo_all(self, cause: Cause, settled_by: OperatorAction | None) -> None:
        for compensation in reversed(self.state.compensations):
            await self._undo(compensation, cause, settled_by)
        if self._charge_may_still_arrive():
            self.state.payment_in_doubt = False
            self.enter(Compensation.UNDO_PAYMENT.value, "a charge that may still arrive late")
            await workflow.sleep(LOOK_AGAIN_AFTER, summary="a late charge may still arrive")
            await self._undo(Compensation.UNDO_PAYMENT, cause, settled_by)
        if self._label_may_still_arrive():
            self.state.label_in_doubt = False
            self.enter(Compensation.CANCEL_SHIPMENT.value, "a label that may still arrive late")
            await workflow.sleep(LOOK_AGAIN_AFTER, summary="a late label may still arrive")
            await self._undo(Compensation.CANCEL_SHIPMENT, cause, settled_by)

    def _charge_may_still_arrive(self) -> bool:
        undone = self.state.undone.get(Compensation.UNDO_PAYMENT.value)
        return self.state.payment_in_doubt and undone == NOTHING

    def _label_may_still_arrive(self) -> bool:
        undone = self.state.undone.get(Compensation.CANCEL_SHIPMENT.value)
        return self.state.label_in_doubt and undone == NOTHING

    async def _undo(
        self, compensation: Compensation, cause: Cause, settled_by: OperatorAction | None
    ) -> None:
        method, queue, waits_for = _UNDO[compensation]
        while True:
            self.enter(compensation.value, waits_for)
            request = CompensationRequest(self.ref, self.state.order_id, cause.reason, settled_by)
            try:
                result = await self.run_activity(
                    method, request, queue, compensation.value, COMPENSATION
                )
            except ActivityError as error:
                decision = await self.ask_operator(compensation.value, error, compensation)
                settled_by = decision.settled_by
            else:
                self.state.undone[compensation.value] = result.undone
                return

    async def _close(self, cause: Cause) -> ClosedSaga:
        self.enter(CLOSING, "the event store to close the order")
        return await self.record(
            OrderActivities.close_cancelled,
            CloseCancelled(self.ref, self.state.order_id, cause.reason, cause.detail),
            "check that nothing is held and cancel the order",
        )

    async def ask_operator(
        self, at_step: str, error: ActivityError, compensation: Compensation | None = None
    ) -> Decision:
        """Say that a person must act, and wait until one has."""
        message = describe(error)
        self.state.decision = None
        self.state.attention = f"{at_step} failed: {message}"
        self.enter(at_step, "an operator: retry, or resolve with a note")
        announcing = asyncio.create_task(self._record_attention(at_step, message, compensation))
        try:
            decision = await self._decision()
        finally:
            # An operator who acts need not be called, if the pager is still down.
            announcing.cancel()
            with suppress(ActivityError, asyncio.CancelledError):
                await announcing
            self.state.attention = None
        self.visibility.show(self.state)
        await self.record_operators()
        return decision

    async def _decision(self) -> Decision:
        while (decision := self.state.decision) is None:
            if not self.state.turning_back:
                self.stop_if_cancelled()
            await workflow.wait_condition(
                lambda: (
                    self.state.decision is not None
                    or (not self.state.turning_back and self.cancel_wanted())
                )
            )
        self.state.decision = None
        return decision

    async def _record_attention(
        self, at_step: str, message: str, compensation: Compensation | None
    ) -> None:
        money = (Compensation.UNDO_PAYMENT.value, SETTLING)
        pending = "refund pending: " if at_step in money else ""
        waiting_for = (
            f"{pending}{at_step} could not be done ({message}): retry, or resolve with a note"
        )
        await self.record(
            OrderActivities.record_attention,
            RecordAttention(
                self.ref, self.state.order_id, at_step, message, waiting_for, compensation
            ),
            "record and announce that a person must act",
        )
