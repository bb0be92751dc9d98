"""Leaving pieces out of an order, and giving back what was paid for them."""

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.inventory.activities import InventoryActivities
from activities.messages import (
    INVENTORY_QUEUE,
    PAYMENTS_QUEUE,
    AmendPieces,
    OperatorAction,
    ReservationResult,
    SettlePayment,
)
from activities.payments.refunds import RefundActivities
from workflows.common.failures import describe, is_refusal
from workflows.fulfillment.compensation import Undoing
from workflows.fulfillment.state import AMENDING, SETTLING
from workflows.policies import COMPENSATION, RECORD


class Amending(Undoing):
    """An order may have fewer pieces, until its label."""

    async def safe_point(self) -> None:
        """Between two steps: besides what every step allows, amend the order and settle it.

        So the next step is for what is left of the order, and a label is bought only when no more
        was paid than that.
        """
        await super().safe_point()
        while (self.state.amendments and self.state.claimed) or self.state.unsettled:
            await self._amend()
            await self._settle()
            await super().safe_point()

    def note_reservation(self, result: ReservationResult) -> None:
        """Remember what the stock ledger answered."""
        self.state.claimed = True
        self.state.shortage = result.shortage
        if result.amended:
            self.state.amended, self.state.amended_total = result.amended, result.total
            self.state.unsettled = self.state.paid
            self.visibility.follow(self.state)

    def note_refused(self, by: OperatorAction, error: ActivityError) -> None:
        """Remember that an accepted wish could not be carried out after all."""
        workflow.logger.warning("%s was refused: %s", by.action, describe(error))
        refused = OperatorAction(by.actor, f"{by.action} (refused)", by.reason)
        self.state.unrecorded.append(refused)

    async def _amend(self) -> None:
        while self.state.amendments:
            amendment = self.state.amendments.pop(0)
            self.enter(AMENDING, "the stock ledger to let pieces go")
            request = AmendPieces(self.ref, self.state.order_id, amendment.pieces, amendment.by)
            try:
                result = await self.run_activity(
                    InventoryActivities.amend_order, request, INVENTORY_QUEUE, AMENDING, RECORD
                )
            except ActivityError as error:
                self.stop_if_cancelled()
                if not is_refusal(error):
                    raise
                self.note_refused(amendment.by, error)
            else:
                self.note_reservation(result)

    async def _settle(self) -> None:
        """Give back what was paid too much; a person helps if that fails for good."""
        settled_by: OperatorAction | None = None
        while self.state.unsettled:
            self.enter(SETTLING, "the payment provider to give back what was paid too much")
            request = SettlePayment(self.ref, self.state.order_id, settled_by)
            try:
                await self.run_activity(
                    RefundActivities.settle_payment,
                    request,
                    PAYMENTS_QUEUE,
                    SETTLING,
                    COMPENSATION,
                )
            except ActivityError as error:
                self.stop_if_cancelled()
                settled_by = (await self.ask_operator(SETTLING, error)).settled_by
            else:
                self.state.unsettled = False
