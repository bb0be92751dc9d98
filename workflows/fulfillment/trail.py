"""Records what a saga and its operators do; every write is retried until it succeeds."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from temporalio.exceptions import ActivityError

from activities.messages import (
    ORDERS_QUEUE,
    ChangeAddress,
    CloseCancelled,
    ClosedSaga,
    EarlierRun,
    GoesOn,
    OperatorAction,
    RecordAttention,
    RecordOperator,
    TurnBack,
)
from activities.orders.activities import OrderActivities
from activities.orders.messages import AskForPayment
from domain.parcel_left import IfLeft
from domain.values import Compensation, PaymentDue
from workflows import policies
from workflows.common.activity_runner import ActivityRunner, saga_ref
from workflows.common.failures import Cause, raise_if_fatal
from workflows.fulfillment.requests import AddressChange
from workflows.fulfillment.state import SETTLING, SagaState
from workflows.fulfillment.visibility import SagaVisibility

P = TypeVar("P")
R = TypeVar("R")

_MONEY = (Compensation.UNDO_PAYMENT.value, SETTLING)


@dataclass(frozen=True, slots=True)
class Trail:
    """Writes the saga's own events."""

    state: SagaState
    visibility: SagaVisibility
    activities: ActivityRunner

    async def record_operators(self, actions: tuple[OperatorAction, ...]) -> None:
        """Record the actions of operators."""
        request = RecordOperator(saga_ref(), self.state.order_id, actions)
        summary = "record what an operator did"
        await self._run(OrderActivities.record_operator, request, summary)

    async def change_address(self, change: AddressChange) -> None:
        """Change the order's delivery address; raises ActivityError if the order refuses."""
        request = ChangeAddress(saga_ref(), self.state.order_id, change.by)
        self.state.requests.address_in_work = change.address
        try:
            await self._run(OrderActivities.change_address, request, "change the delivery address")
        finally:
            self.state.requests.address_in_work = None

    async def record_attention(
        self,
        at_step: str,
        message: str,
        compensation: Compensation | None,
        goods: Sequence[IfLeft] = (),
    ) -> None:
        """Record and announce that an operator must act."""
        pending = "refund pending: " if at_step in _MONEY else ""
        how = f"what becomes of the goods ({', '.join(goods)})" if goods else "a note"
        waiting_for = (
            f"{pending}{at_step} could not be done ({message}): retry, or resolve with {how}"
            f"{self.state.compensation.to_undo}"
        )
        request = RecordAttention(
            saga_ref(), self.state.order_id, at_step, message, waiting_for, compensation
        )
        summary = "record and announce that a person must act"
        await self._run(OrderActivities.record_attention, request, summary)

    async def announce(self, at_step: str, waiting_for: str) -> None:
        """Record and announce that a person must act although nothing failed."""
        request = RecordAttention(
            saga_ref(), self.state.order_id, at_step, waiting_for, waiting_for
        )
        summary = "record and announce that a person must act"
        await self._run(OrderActivities.record_attention, request, summary)

    async def ask_for_payment(self, code: str) -> PaymentDue | None:
        """Record that another payment is wanted; None: it is not any more."""
        request = AskForPayment(saga_ref(), self.state.order_id, code)
        summary = "ask for another payment"
        return await self._run(OrderActivities.ask_for_payment, request, summary)

    async def turn_back(
        self, cause: Cause, operators: tuple[OperatorAction, ...]
    ) -> ClosedSaga | GoesOn | EarlierRun | None:
        """Record why the saga turns back, and what operators did until then.

        Returns:
            How the order had ended before, that it goes on because its parcel has left, or what an
            earlier run may have done; None: none of these.

        Raises:
            ApplicationError: the input itself was refused and nothing was done.
        """
        request = TurnBack(
            saga_ref(),
            self.state.order_id,
            self.state.document,
            cause.step,
            cause.kind,
            cause.reason,
            cause.detail,
            (*operators, *cause.operator),
            self.state.if_left,
            tuple(self.state.requests.scans.values()),
        )
        summary = "record why the order is undone"
        try:
            return await self._run(OrderActivities.turn_back, request, summary)
        except ActivityError as error:
            raise_if_fatal(error)
            raise

    async def close(self, cause: Cause, settled: tuple[Compensation, ...]) -> ClosedSaga:
        """Cancel the order; raises ActivityError if something is still held.

        Args:
            cause: why it is cancelled.
            settled: what people state to have been undone by hand; it is left out.
        """
        request = CloseCancelled(
            saga_ref(), self.state.order_id, cause.reason, cause.detail, settled
        )
        summary = "check that nothing is held and cancel the order"
        return await self._run(OrderActivities.close_cancelled, request, summary)

    async def _run(
        self, method: Callable[[OrderActivities, P], Awaitable[R]], request: P, summary: str
    ) -> R:
        # An operator or a failure is involved: show every change from now on.
        self.visibility.show_every_change()
        return await self.activities.run(method, request, ORDERS_QUEUE, policies.USUAL, summary)
