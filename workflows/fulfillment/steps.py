"""The steps of a saga."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.failures import Trouble
from activities.inventory.activities import InventoryActivities
from activities.messages import (
    INVENTORY_QUEUE,
    PAYMENTS_QUEUE,
    SHIPPING_QUEUE,
    OrderDocument,
    PaymentResult,
    ReservationResult,
    ReserveInventory,
    ShipmentResult,
    Shortage,
    StepRequest,
)
from activities.payments.activities import PaymentActivities
from activities.shipping.activities import ShippingActivities
from domain.values import Compensation, PaymentDue, Reason, Step
from workflows import policies
from workflows.common.activity_runner import saga_ref
from workflows.common.failures import (
    Cause,
    MustTurnBack,
    ProviderOutage,
    TurnedBackBefore,
    describe,
    is_refusal,
)
from workflows.common.patience import Alarm, Patience
from workflows.common.renewal import RunIsFull
from workflows.fulfillment.amendment import Amendments
from workflows.fulfillment.authorisation import AuthorisationWatch
from workflows.fulfillment.declined import PaymentWait
from workflows.fulfillment.escalation import Escalation
from workflows.fulfillment.interruptible_runner import (
    InterruptibleRunner,
    is_cancel_requested,
    stop_if_cancelled,
)
from workflows.fulfillment.safe_point import SafePoint
from workflows.fulfillment.shortage import ShortageWait
from workflows.fulfillment.state import SagaState
from workflows.fulfillment.visibility import SagaVisibility

A = TypeVar("A")
P = TypeVar("P")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class ForwardSteps:
    """Each step starts at a safe point, and registers its compensation before it starts.

    All raise ActivityError if they are refused, ProviderOutage if a provider failed for longer than
    the order or the shop wants to wait, and CancelledError if the order is to be cancelled before
    the last step is done.
    """

    state: SagaState
    visibility: SagaVisibility
    runner: InterruptibleRunner
    safe_point: SafePoint
    shortage: ShortageWait
    payment: PaymentWait
    authorisation: AuthorisationWatch
    amendments: Amendments
    escalation: Escalation

    async def reserve_inventory(self) -> ReservationResult:
        """Reserve the items. From here on, a payment that was confirmed at checkout is undone.

        Raises:
            TurnedBackBefore: an earlier run had begun to undo the order.
        """
        if self.state.order.is_handed_in:
            undo = [Compensation.RELEASE_INVENTORY, Compensation.UNDO_PAYMENT]
            self.state.compensation.registered = undo
        result = await self._run(
            Step.RESERVE_INVENTORY,
            InventoryActivities.reserve_inventory,
            ReserveInventory(saga_ref(), self._document),
            INVENTORY_QUEUE,
            "the stock ledger to reserve the items",
            Compensation.RELEASE_INVENTORY,
        )
        if not result.finished:  # else the order holds no stock
            self.state.progress.order_status = "reserved"
        self.state.reservation.since = self.state.reservation.since or workflow.now()
        self.state.note_settings(result)
        self.state.intake.note(created=result.created)
        if earlier := result.turned_back:
            if not result.created:
                self.state.compensation.registered = list(Compensation)
            raise TurnedBackBefore(Cause(earlier.reason, earlier.detail))
        self.amendments.note_reservation(result)
        return result

    async def process_payment(self) -> PaymentResult:
        """Capture or authorise the money."""
        result = await self._run(
            Step.PROCESS_PAYMENT,
            PaymentActivities.process_payment,
            self._request(Step.PROCESS_PAYMENT),
            PAYMENTS_QUEUE,
            "the payment provider to take or hold the money",
            Compensation.UNDO_PAYMENT,
        )
        self.state.progress.order_status = "processing"
        self.state.steps.payment, self.state.steps.paid = result, True
        self.state.steps.overpaid = result.overpaid
        return result

    async def create_shipment(self) -> ShipmentResult:
        """Buy the label."""
        try:
            result = await self._run(
                Step.CREATE_SHIPMENT,
                ShippingActivities.create_shipment,
                self._request(Step.CREATE_SHIPMENT),
                SHIPPING_QUEUE,
                "the carrier to issue a label",
                Compensation.CANCEL_SHIPMENT,
            )
        except (ActivityError, ProviderOutage, RunIsFull) as error:
            self.state.compensation.label_in_doubt = not is_refusal(error)
            raise
        self.state.compensation.label_in_doubt = False
        self.state.steps.shipment = result
        return result

    async def capture_payment(self) -> PaymentResult:
        """Capture the money that is authorised."""
        return await self._run(
            Step.CAPTURE_PAYMENT,
            PaymentActivities.capture_payment,
            self._request(Step.CAPTURE_PAYMENT),
            PAYMENTS_QUEUE,
            _CAPTURE,
        )

    async def finish(self) -> ShipmentResult | PaymentResult:
        """Do the last step of an order whose parcel has left, whatever anybody wishes meanwhile.

        Raises:
            ActivityError: it is refused.
        """
        if self.state.steps.last is Step.CAPTURE_PAYMENT:
            return await self._finish(PaymentActivities.capture_payment, PAYMENTS_QUEUE, _CAPTURE)
        return await self._finish(ShippingActivities.create_shipment, SHIPPING_QUEUE, _COMPLETE)

    async def _finish(
        self,
        method: Callable[[A, StepRequest], Awaitable[R | Shortage | PaymentDue]],
        queue: str,
        waits_for: str,
    ) -> R:
        step = self.state.steps.last
        request = replace(self._request(step), again=True)
        while True:
            self.visibility.enter(step.value, waits_for)
            patience = self.escalation.patience(step.value, can_be_settled=False)
            shown = Alarm(Trouble.PROVIDER, policies.ATTENTION_AFTER, patience.show_long)
            patience.alarms.append(shown)
            try:
                result = await self.runner.run(method, request, queue, policies.USUAL, patience)
            except ActivityError as error:
                if not patience.ended_early or is_refusal(error):
                    raise
                request = _settled(request, patience)
                continue
            if isinstance(result, PaymentDue):  # none is asked for once the parcel has left
                raise MustTurnBack(Cause(Reason.PAYMENT_DECLINED, result.code))
            if not isinstance(result, Shortage):
                return result
            await self.shortage.until_items_return(result)

    @property
    def _document(self) -> OrderDocument:
        if self.state.document is None:
            raise RuntimeError("the order is in the event store already")
        return self.state.document

    def _request(self, step: Step) -> StepRequest:
        settled_by = self.escalation.attention.settled.get(step.value)
        return StepRequest(saga_ref(), self.state.order_id, settled_by)

    async def _run(
        self,
        step: Step,
        method: Callable[[A, P], Awaitable[R | Shortage | PaymentDue]],
        request: P,
        queue: str,
        waits_for: str,
        compensation: Compensation | None = None,
    ) -> R:
        steps, registered = self.state.steps, self.state.compensation.registered
        while True:
            steps.current = step
            await self.safe_point.reach()
            if due := self._another_came(step):
                await self._pay_in_another_way(step, due)
                continue
            if compensation and compensation not in registered:
                registered.append(compensation)
            result = await self._run_or_hold(step, method, request, queue, waits_for)
            if isinstance(result, PaymentDue):
                await self._pay_in_another_way(step, result)
                continue
            if not isinstance(result, Shortage):
                break
            if compensation is Compensation.CANCEL_SHIPMENT and not result.labelled:
                registered.remove(compensation)  # no label was requested: all can be changed still
            await self.shortage.until_items_return(result)
        self.escalation.attention.settled.pop(step.value, None)
        if step is steps.last:
            steps.past_pivot = True
        else:
            stop_if_cancelled(self.state)
        return result

    def _another_came(self, step: Step) -> PaymentDue | None:
        """What was due, if another payment came before the one that is held lapses."""
        is_before_label = step is Step.CREATE_SHIPMENT
        return self.state.steps.due if is_before_label and self.state.requests.payment else None

    async def _pay_in_another_way(self, step: Step, due: PaymentDue) -> None:
        """Let another payment take the place of the one before.

        A label is not waited with: it may be bought before the one that is held lapses.
        """
        if step is not Step.CREATE_SHIPMENT:
            await self.payment.until_another_came(due)
        elif not await self.payment.take():
            return
        if step is not Step.PROCESS_PAYMENT:
            await self._pay_again()

    async def _pay_again(self) -> None:
        """Have another payment taken or held for an order that had one."""
        await self.authorisation.end()
        self.state.steps.payment = None
        result = await self.process_payment()
        self.authorisation.begin(result.lapses_at)

    async def _run_or_hold(
        self,
        step: Step,
        method: Callable[[A, P], Awaitable[R]],
        request: P,
        queue: str,
        waits_for: str,
    ) -> R | PaymentDue:
        while True:
            self.visibility.enter(step.value, waits_for)
            patience = self._patience(step)
            try:
                return await self.runner.run(method, request, queue, policies.USUAL, patience)
            except ActivityError as error:
                if not patience.ended_early or is_refusal(error):
                    raise
                request = _settled(request, patience)
                was_on_hold = await self.safe_point.hold_instead()
                if is_cancel_requested(self.state):
                    raise
                if patience.gave_up and not was_on_hold:
                    raise self._outage(step, patience) from error
                if due := self._another_came(step):
                    return due

    def _patience(self, step: Step) -> Patience:
        """The wait for a step: shown if it takes long, ended only if somebody wants that."""
        patience = self.escalation.patience(step.value, can_be_settled=False, until_held=True)
        shown = Alarm(Trouble.PROVIDER, policies.ATTENTION_AFTER, patience.show_long)
        patience.alarms.append(shown)
        if after := self.state.cancel_after:
            plan = "the order is cancelled"
            end = Alarm(Trouble.PROVIDER, after, patience.give_up, plan, survives_retry=True)
            patience.alarms.append(end)
        return patience

    def _outage(self, step: Step, patience: Patience) -> ProviderOutage:
        failure = describe(patience.cause) if patience.cause else "no answer"
        detail = f"a provider failed for {self.state.cancel_after}: {failure}"
        return ProviderOutage(step, detail, patience.cause)


_CAPTURE: Final = "the payment provider to take the money that is held"
_COMPLETE: Final = "the event store to complete the order, whose parcel has left"


def _settled(request: P, patience: Patience) -> P:
    """The request once an operator has looked at what somebody else holds: go on past it."""
    decision = patience.decision
    if decision is None or decision.settled_by is None or not isinstance(request, StepRequest):
        return request
    return replace(request, settled_by=decision.settled_by)
