"""The safe points between the steps of a saga."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, CancelledError

from activities.messages import OperatorAction
from domain.values import Compensation
from workflows import policies
from workflows.common.failures import ReservationExpired, describe, is_refusal
from workflows.common.operator_requests import OperatorAttention
from workflows.fulfillment.amendment import Amendments
from workflows.fulfillment.interruptible_runner import is_cancel_requested, stop_if_cancelled
from workflows.fulfillment.state import ON_HOLD, SagaState
from workflows.fulfillment.trail import Trail
from workflows.fulfillment.visibility import SagaVisibility


@dataclass(frozen=True, slots=True)
class SafePoint:
    """A point between steps at which the saga may wait, turn back, or change the order."""

    state: SagaState
    visibility: SagaVisibility
    trail: Trail
    attention: OperatorAttention
    amendments: Amendments

    async def reach(self) -> None:
        """Carry out every request, and wait while on hold.

        So the next step uses the amended order, and no label is bought before an overpayment
        is refunded.

        Raises:
            CancelledError: the order is to be cancelled.
            ReservationExpired: on hold for too long with stock reserved and nothing paid.
            RunIsFull: the saga goes on in a new run.
        """
        await self._carry_out()
        while self.state.amendment_is_due:
            await self.amendments.carry_out()
            await self._carry_out()
        self.state.progress.stop_if_full()

    async def hold_instead(self) -> bool:
        """If the saga is on hold, wait there instead of trying on, or of turning back.

        Returns:
            Whether it was on hold, and the order is not to be cancelled.
        """
        if self.state.requests.held_by is None:
            return False
        try:
            await self.reach()
        except (asyncio.CancelledError, CancelledError):
            if not is_cancel_requested(self.state):
                raise  # the worker evicts the workflow
            return False
        return True

    async def _carry_out(self) -> None:
        state = self.state
        stop_if_cancelled(state)
        while self.attention.unrecorded or state.requests.held_by or self._address_is_due():
            await self._change_addresses()
            await self.attention.record_operators()
            if state.requests.held_by:
                await self._wait_for_resume(state.requests.held_by)
            stop_if_cancelled(state)
            if state.requests.held_by:
                state.progress.stop_if_full()

    async def _wait_for_resume(self, by: OperatorAction) -> None:
        self.visibility.enter(ON_HOLD, f"{by.actor} to resume it: {by.reason}")
        self.visibility.show_every_change()
        requests = self.state.requests
        try:
            await workflow.wait_condition(
                lambda: (
                    requests.held_by is None
                    or requests.cancel is not None
                    or self._address_is_due()
                    or self.state.progress.run_is_full
                ),
                timeout=self._reservation_left(),
                timeout_summary="then the reserved stock goes back",
            )
        except TimeoutError:
            raise ReservationExpired from None

    def _reservation_left(self) -> timedelta | None:
        """How long the order may still keep its stock unpaid; None: without a limit."""
        reservation, due = self.state.reservation, self.state.steps.due
        waits = reservation.shortage or due
        since = waits.deadline if waits else reservation.since
        is_paid = Compensation.UNDO_PAYMENT in self.state.compensation.registered and not due
        if since is None or is_paid:
            return None
        left = since + policies.RESERVATION_HELD_FOR - workflow.now()
        return max(left, timedelta())

    def _address_is_due(self) -> bool:
        """Whether an address is to be changed, and the order exists in the event store."""
        state = self.state
        return bool(state.requests.address_changes) and state.reservation.answered

    async def _change_addresses(self) -> None:
        while self._address_is_due():
            change = self.state.requests.address_changes[0]
            try:
                await self.trail.change_address(change)
            except ActivityError as error:
                if not is_refusal(error):
                    raise
                workflow.logger.warning("the address was not changed: %s", describe(error))
            del self.state.requests.address_changes[:1]
