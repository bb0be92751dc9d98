"""Waiting for items that are not there: for the stock, for the customer's choice, or the deadline.

What wakes the saga: a choice, an amendment, a cancel, the signal that stock has arrived. Signals
can be lost, so it also looks by itself LOOKS times until the deadline.
"""

from datetime import timedelta
from typing import Final

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.inventory.activities import InventoryActivities
from activities.messages import INVENTORY_QUEUE, OperatorAction, ReviewShortage, Shortage
from domain.order.unavailable import DeadlineDefault, ShortageChoice
from domain.values import Reason
from workflows.common.failures import Cause, MustTurnBack, is_refusal
from workflows.fulfillment.amendment import Amending
from workflows.fulfillment.state import AWAITING_CHOICE, AWAITING_STOCK, Choice
from workflows.policies import LOOKS, RECORD

_CHOICES: Final = "ship_available, wait or cancel"


class Backorders(Amending):
    """The wait between a reservation that fell short and the next step."""

    async def wait_for_items(self) -> None:
        """Wait until everything is there, or what is there is enough.

        Raises:
            MustTurnBack: the order is to end, by choice or by its default.
            ActivityError: the deadline came and nothing is there to be shipped; or a cancel.
            CancelledError: the order is to be cancelled.
        """
        while shortage := self.state.shortage:
            self.state.order_status, self.state.reserved_at = "backordered", None
            await self.safe_point()
            if self.state.shortage is shortage:
                await self._go_on(shortage)
        self.state.order_status, self.state.reserved_at = "reserved", workflow.now()
        if self.state.choice:  # it came too late, all is there
            self.state.unrecorded.append(self.state.choice.by)
            self.state.choice = None

    async def _go_on(self, shortage: Shortage) -> None:
        if choice := self.state.choice:
            self.state.choice = None
            await self._do(choice)
        elif self.state.stock_moved:
            await self._review()
        elif workflow.now() >= shortage.deadline:
            await self._end_waiting(shortage)
        else:
            await self._wait(shortage)

    async def _do(self, choice: Choice) -> None:
        if choice.what is ShortageChoice.CANCEL:
            by = choice.by
            raise MustTurnBack(Cause(Reason.CUSTOMER_REQUEST, by.reason, operator=(by,)))
        try:
            await self._review(choice.what, choice.by)
        except ActivityError as error:
            if not is_refusal(error):
                raise
            self.note_refused(choice.by, error)

    async def _end_waiting(self, shortage: Shortage) -> None:
        """Do as the order's default says, unless the items are there at the last moment."""
        goes_on = self.state.order.unavailable.default is DeadlineDefault.SHIP_AVAILABLE
        await self._review(ShortageChoice.SHIP_AVAILABLE if goes_on else None)
        if self.state.shortage:
            detail = f"out of stock until the deadline: {shortage}"
            raise MustTurnBack(Cause(Reason.OUT_OF_STOCK, detail))

    async def _review(
        self, choice: ShortageChoice | None = None, by: OperatorAction | None = None
    ) -> None:
        self.state.stock_moved = False
        self.enter(self.state.stage, "the stock ledger to say what is there")
        request = ReviewShortage(self.ref, self.state.order_id, choice, by)
        result = await self.run_activity(
            InventoryActivities.review_shortage, request, INVENTORY_QUEUE, "review_shortage", RECORD
        )
        self.note_reservation(result)

    async def _wait(self, shortage: Shortage) -> None:
        self.enter(*_waiting(shortage))
        self.visibility.follow(self.state)
        left = shortage.deadline - workflow.now()
        hours = self.state.order.unavailable.deadline_hours
        try:
            await workflow.wait_condition(
                self._woken,
                timeout=min(left, timedelta(hours=hours) / LOOKS),
                timeout_summary="then look whether the stock is there",
            )
        except TimeoutError:
            self.state.stock_moved = workflow.now() < shortage.deadline

    def _woken(self) -> bool:
        state = self.state
        asked = state.choice or state.amendments or state.address_changes or state.unrecorded
        return bool(asked) or state.stock_moved or self.cancel_wanted()


def _waiting(shortage: Shortage) -> tuple[str, str]:
    until = f"until {shortage.deadline:%Y-%m-%d %H:%M} UTC ({shortage})"
    if not shortage.asking:
        return AWAITING_STOCK, f"missing items to arrive, {until}"
    possible = _CHOICES if shortage.held else "wait or cancel; nothing is there to be shipped"
    return AWAITING_CHOICE, f"the customer to choose {possible}, or the items, {until}"
