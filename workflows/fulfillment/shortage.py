"""Waiting for missing items: for stock, for the customer's choice, or for the deadline.

The saga goes on when a choice, an amendment or a cancel arrives, or a signal that stock has
arrived. Signals can be lost, so it also checks the stock ledger `policies.LOOKS` times before
the deadline.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.inventory.activities import InventoryActivities
from activities.messages import INVENTORY_QUEUE, OperatorAction, ReviewShortage, Shortage
from domain.order.terms import DeadlineDefault, ShortageChoice
from domain.values import Reason
from workflows import policies
from workflows.common.activity_runner import saga_ref
from workflows.common.failures import Cause, MustTurnBack, is_refusal
from workflows.common.operator_requests import OperatorAttention
from workflows.fulfillment.amendment import Amendments
from workflows.fulfillment.escalation import Escalation
from workflows.fulfillment.interruptible_runner import InterruptibleRunner, is_cancel_requested
from workflows.fulfillment.requests import Choice
from workflows.fulfillment.safe_point import SafePoint
from workflows.fulfillment.state import AWAITING_CHOICE, AWAITING_STOCK, SagaState
from workflows.fulfillment.visibility import SagaVisibility

_CHOICES: Final = "ship_available, wait or cancel"


@dataclass(frozen=True, slots=True)
class ShortageWait:
    """The wait of an order whose reservation lacks items."""

    state: SagaState
    visibility: SagaVisibility
    runner: InterruptibleRunner
    attention: OperatorAttention
    safe_point: SafePoint
    amendments: Amendments
    escalation: Escalation

    async def until_items_return(self, shortage: Shortage) -> None:
        """Wait for pieces that a count has taken away; raises as `until_items_are_there`."""
        self.state.reservation.shortage = shortage
        self.state.requests.stock_arrived |= not shortage.missing
        await self.until_items_are_there()

    async def until_items_are_there(self) -> None:
        """Wait until all items are reserved, or the order is reduced to the available ones.

        Raises:
            MustTurnBack: the choice, or the default at the deadline, ends the order.
            ActivityError: nothing is available to ship at the deadline, or a cancel interrupted
                an activity.
            CancelledError: a cancel was requested between activities.
        """
        state = self.state
        while shortage := state.reservation.shortage:
            state.progress.order_status, state.reservation.since = "backordered", None
            await self.safe_point.reach()
            if state.reservation.shortage is shortage:
                await self._go_on(shortage)
        state.progress.order_status = "processing" if state.steps.paid else "reserved"
        state.reservation.since = state.reservation.since or workflow.now()
        if state.requests.choice:  # too late: everything is there
            self.attention.unrecorded.append(state.requests.choice.by)
            state.requests.choice = None

    async def _go_on(self, shortage: Shortage) -> None:
        requests = self.state.requests
        if choice := requests.choice:
            await self._carry_out(choice)
            requests.choice = None
        elif requests.stock_arrived:
            await self._review()
        elif workflow.now() >= shortage.deadline:
            await self._end(shortage)
        else:
            await self._wait(shortage)

    async def _carry_out(self, choice: Choice) -> None:
        by = choice.by
        if choice.choice is ShortageChoice.CANCEL:
            self.state.requests.choice = None
            raise MustTurnBack(Cause(Reason.CUSTOMER_REQUEST, by.reason, operator=(by,)))
        try:
            await self._review(choice.choice, by)
        except ActivityError as error:
            if not is_refusal(error):
                raise
            self.amendments.note_refused(by, error)

    async def _end(self, shortage: Shortage) -> None:
        """Do what the order's default says, unless the items have arrived at the last moment."""
        terms = self.state.order.unavailable
        ships = DeadlineDefault.SHIP_AVAILABLE in (terms.default, terms.policy)
        await self._review(ShortageChoice.SHIP_AVAILABLE if ships else None)
        if self.state.reservation.shortage:
            detail = f"out of stock until the deadline: {shortage}"
            raise MustTurnBack(Cause(Reason.OUT_OF_STOCK, detail))

    async def _review(
        self, choice: ShortageChoice | None = None, by: OperatorAction | None = None
    ) -> None:
        self.state.requests.stock_arrived = False
        stage = self.state.progress.stage
        self.visibility.enter(stage, "the stock ledger to say what is there")
        request = ReviewShortage(saga_ref(), self.state.order_id, choice, by)
        result = await self.runner.run(
            InventoryActivities.review_shortage,
            request,
            INVENTORY_QUEUE,
            policies.USUAL,
            self.escalation.patience(stage, can_be_settled=False),
        )
        self.amendments.note_reservation(result)

    async def _wait(self, shortage: Shortage) -> None:
        self.visibility.enter(*_stage_of(shortage))
        self.visibility.show_every_change()
        left = shortage.deadline - workflow.now()
        hours = self.state.order.unavailable.deadline_hours
        try:
            await workflow.wait_condition(
                self._has_something_to_do,
                timeout=min(left, timedelta(hours=hours) / policies.LOOKS),
                timeout_summary="then look whether the stock is there",
            )
        except TimeoutError:
            self.state.requests.stock_arrived = workflow.now() < shortage.deadline

    def _has_something_to_do(self) -> bool:
        requests = self.state.requests
        asked = requests.choice or requests.amendments or requests.address_changes
        recordable = self.attention.unrecorded
        must_go_on = is_cancel_requested(self.state) or self.state.progress.run_is_full
        return bool(asked or recordable or requests.stock_arrived or must_go_on)


def _stage_of(shortage: Shortage) -> tuple[str, str]:
    until = f"until {shortage.deadline:%Y-%m-%d %H:%M} UTC ({shortage})"
    if not shortage.asking:
        return AWAITING_STOCK, f"missing items to arrive, {until}"
    possible = _CHOICES if shortage.held else "wait or cancel; nothing is there to be shipped"
    return AWAITING_CHOICE, f"the customer to choose {possible}, or the items, {until}"
