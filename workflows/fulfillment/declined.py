"""Waiting for another payment, after one gave nothing and the order asks for another."""

from dataclasses import dataclass
from typing import Final

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.messages import PAYMENTS_QUEUE
from activities.payments.another import PaymentReplacement
from activities.payments.messages import ReplacePayment
from domain.values import FailureKind, PaymentDue, Reason, Step
from workflows import policies
from workflows.common.activity_runner import saga_ref
from workflows.common.failures import Cause, MustTurnBack, describe, is_refusal
from workflows.common.operator_requests import OperatorAttention
from workflows.fulfillment.amendment import Amendments
from workflows.fulfillment.escalation import Escalation
from workflows.fulfillment.interruptible_runner import (
    InterruptibleRunner,
    is_cancel_requested,
    stop_if_cancelled,
)
from workflows.fulfillment.requests import OtherPayment
from workflows.fulfillment.safe_point import SafePoint
from workflows.fulfillment.state import AWAITING_PAYMENT, SagaState
from workflows.fulfillment.visibility import SagaVisibility

_NOTING: Final = "the event store to note the other payment"


@dataclass(frozen=True, slots=True)
class PaymentWait:
    """The wait of an order whose payment was declined."""

    state: SagaState
    visibility: SagaVisibility
    runner: InterruptibleRunner
    attention: OperatorAttention
    safe_point: SafePoint
    amendments: Amendments
    escalation: Escalation

    async def until_another_came(self, due: PaymentDue) -> None:
        """Wait until another payment is to be tried, or nothing is to be paid any more.

        Raises:
            MustTurnBack: the deadline has passed.
            ActivityError: a cancel interrupted an activity.
            CancelledError: a cancel was requested between activities.
        """
        steps, progress = self.state.steps, self.state.progress
        status, steps.due = progress.order_status, due
        progress.order_status = AWAITING_PAYMENT
        came = False
        while not (came or self._is_free):
            if self.state.requests.payment:  # first, so that no other run gets a token
                came = await self.take()
                continue
            await self.safe_point.reach()
            if not (self.state.requests.payment or self._is_free):
                await self._go_on(due)
        steps.due, steps.refused_payment = None, ""
        if late := self.state.requests.payment:  # nothing is to be paid any more
            self.attention.unrecorded.append(late.by)
            self.state.requests.payment = None
        progress.order_status = "reserved" if status == AWAITING_PAYMENT else status

    async def take(self) -> bool:
        """Record the payment that came; False: none did, or it was refused."""
        if (payment := self.state.requests.payment) is None:
            return False
        came = await self._note(payment)
        self.state.requests.payment = None
        return came

    @property
    def _is_free(self) -> bool:
        """Whether the order was amended to one that costs nothing."""
        total = self.state.reservation.amended_total
        return total is not None and total.minor == 0

    async def _go_on(self, due: PaymentDue) -> None:
        if workflow.now() < due.deadline:
            await self._wait(due)
            return
        until = f"{due.deadline:%Y-%m-%d %H:%M} UTC"
        detail = f"the payment was declined: {due.code}; no other one came until {until}"
        refused = FailureKind.REFUSED
        step = Step.PROCESS_PAYMENT
        raise MustTurnBack(Cause(Reason.PAYMENT_DECLINED, detail, step, refused))

    async def _note(self, payment: OtherPayment) -> bool:
        """Record a payment method; False: it was refused."""
        self.visibility.enter(AWAITING_PAYMENT, _NOTING)
        request = ReplacePayment(saga_ref(), self.state.order_id, payment.by, payment.confirmed)
        try:
            await self.runner.run(
                PaymentReplacement.replace_payment,
                request,
                PAYMENTS_QUEUE,
                policies.USUAL,
                self.escalation.patience(AWAITING_PAYMENT, can_be_settled=False),
            )
        except ActivityError as error:
            stop_if_cancelled(self.state)
            if not is_refusal(error):
                raise
            self.state.steps.refused_payment = describe(error)
            self.amendments.note_refused(payment.by, error)
            return False
        return True

    async def _wait(self, due: PaymentDue) -> None:
        self.visibility.enter(AWAITING_PAYMENT, waits_for(due, self.state.steps.refused_payment))
        self.visibility.show_every_change()
        try:
            await workflow.wait_condition(
                self._has_something_to_do,
                timeout=due.deadline - workflow.now(),
                timeout_summary="then the order is cancelled",
            )
        except TimeoutError:
            return

    def _has_something_to_do(self) -> bool:
        requests = self.state.requests
        asked = requests.payment or requests.amendments or requests.address_changes
        must_go_on = is_cancel_requested(self.state) or self.state.progress.run_is_full
        return bool(asked or requests.held_by or self.attention.unrecorded or must_go_on)


def waits_for(due: PaymentDue, refused: str) -> str:
    """What the customer has to do, and until when; completes the sentence "Waits for ..."."""
    last = f"; the last one that came was refused: {refused}" if refused else ""
    until = f"{due.deadline:%Y-%m-%d %H:%M} UTC"
    return f"the customer to pay in another way until {until} (declined: {due.code}){last}"
