"""Removing pieces from an order, and giving back what was paid for them."""

from dataclasses import dataclass

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
from workflows import policies
from workflows.common.activity_runner import saga_ref
from workflows.common.failures import describe, is_refusal
from workflows.common.operator_requests import OperatorAttention
from workflows.fulfillment.escalation import Escalation
from workflows.fulfillment.interruptible_runner import InterruptibleRunner, stop_if_cancelled
from workflows.fulfillment.requests import Amendment
from workflows.fulfillment.state import AMENDING, SETTLING, SagaState
from workflows.fulfillment.visibility import SagaVisibility


@dataclass(slots=True)
class Amendments:
    """Carries out amendments before the label is requested."""

    state: SagaState
    visibility: SagaVisibility
    runner: InterruptibleRunner
    attention: OperatorAttention
    escalation: Escalation

    async def carry_out(self) -> None:
        """Amend the order, then give back what is overpaid.

        If the refund fails while the saga is on hold, returns with the money still due.

        Raises:
            CancelledError: the order is to be cancelled.
        """
        while self.state.requests.amendments:
            await self._amend(self.state.requests.amendments[0])
            del self.state.requests.amendments[:1]
        await self._settle()

    def note_reservation(self, result: ReservationResult) -> None:
        """Note an answer of the stock ledger, and show the order if it was amended."""
        if self.state.note_reservation(result):
            self.visibility.show_every_change()

    def note_refused(self, by: OperatorAction, error: ActivityError) -> None:
        """Record that an accepted request could not be carried out after all."""
        workflow.logger.warning("%s was refused: %s", by.action, describe(error))
        self.attention.note(by.actor, f"{by.action} (refused)", by.reason)

    async def _amend(self, amendment: Amendment) -> None:
        self.visibility.enter(AMENDING, "the stock ledger to let pieces go")
        request = AmendPieces(saga_ref(), self.state.order_id, amendment.pieces, amendment.by)
        try:
            result = await self.runner.run(
                InventoryActivities.amend_order,
                request,
                INVENTORY_QUEUE,
                policies.USUAL,
                self.escalation.patience(AMENDING, can_be_settled=False),
            )
        except ActivityError as error:
            stop_if_cancelled(self.state)
            if not is_refusal(error):
                raise
            self.note_refused(amendment.by, error)
        else:
            self.note_reservation(result)

    async def _settle(self) -> None:
        while self.state.steps.overpaid:
            self.visibility.enter(
                SETTLING, "the payment provider to give back what was paid too much"
            )
            settled_by = self.attention.settled.get(SETTLING)
            request = SettlePayment(saga_ref(), self.state.order_id, settled_by)
            patience = self.escalation.patience(SETTLING, until_held=True)
            try:
                await self.runner.run(
                    RefundActivities.settle_payment,
                    request,
                    PAYMENTS_QUEUE,
                    policies.USUAL,
                    patience,
                )
            except ActivityError as error:
                stop_if_cancelled(self.state)
                if self.state.requests.held_by and not is_refusal(error):
                    return
                if not patience.decision:
                    self.attention.settled.pop(SETTLING, None)
                    await self.escalation.ask(SETTLING, error)
            else:
                self.state.steps.overpaid = False
                self.attention.settled.pop(SETTLING, None)
