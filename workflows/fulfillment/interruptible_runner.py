"""How a saga runs its steps and compensations: operators can interrupt them."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import CancelledError

from domain.values import Step
from workflows.common.activity_runner import ActivityRunner
from workflows.common.patience import Patience
from workflows.fulfillment.state import SagaState
from workflows.fulfillment.visibility import SagaVisibility
from workflows.policies import Policy

A = TypeVar("A")
P = TypeVar("P")
R = TypeVar("R")


def is_cancel_requested(state: SagaState) -> bool:
    """Whether anybody asked to cancel the order, here or through Temporal, and it is possible."""
    if state.steps.parcel_left:
        return False
    return state.requests.cancel is not None or native_cancel(state) is not None


def native_cancel(state: SagaState) -> str | None:
    """Why this run, or one that it continues, was cancelled through Temporal; None: it was not."""
    reason = workflow.cancellation_reason()
    return state.requests.cancelled_natively if reason is None else reason


def is_overtaken(state: SagaState) -> bool:
    """Whether the order is to be cancelled, and the saga is not turning back yet."""
    return not state.compensation.turning_back and is_cancel_requested(state)


def stop_if_cancelled(state: SagaState) -> None:
    """Raise CancelledError if the order is to be cancelled.

    A cancel that arrives while an activity finishes interrupts nothing; only this notices it.
    """
    if is_cancel_requested(state):
        raise CancelledError("the order is to be cancelled")


@dataclass(slots=True)
class InterruptibleRunner:
    """Runs one activity at a time; operators can interrupt it to retry or to cancel."""

    state: SagaState
    visibility: SagaVisibility
    activities: ActivityRunner
    _patience: Patience | None = field(default=None, init=False)

    @property
    def is_running(self) -> bool:
        """Whether an activity is running or waits for its next attempt."""
        return self._patience is not None

    def interrupt(self) -> None:
        """End the wait for the next attempt; an attempt that is running still finishes first."""
        if self._patience:
            self._patience.interrupt()

    def interrupt_if_unwanted(self) -> None:
        """End the wait if something keeps a step from its end, and nobody wants it now.

        Nothing is tried on hold, and no label before another payment that came.
        """
        if self._patience and self._patience.is_over():
            self._patience.interrupt_if_in_trouble()

    def retry(self) -> None:
        """Try again at once."""
        if self._patience:
            self._patience.retry()

    def patience(self, name: str, *, until_held: bool = False) -> Patience:
        """A wait that ends when the order is to be cancelled.

        Args:
            name: what is waited for.
            until_held: it also ends when the saga is put on hold, or fails while it is; the wait
                for a label also when another payment came.
        """
        state, is_label = self.state, name == Step.CREATE_SHIPMENT.value

        def is_unwanted() -> bool:
            came = is_label and state.requests.payment is not None
            return until_held and (came or state.requests.held_by is not None)

        return Patience(
            name,
            state.progress,
            self.visibility.show_every_change,
            is_over=lambda: is_overtaken(state) or is_unwanted(),
        )

    async def run(
        self,
        method: Callable[[A, P], Awaitable[R]],
        request: P,
        queue: str,
        policy: Policy,
        patience: Patience,
    ) -> R:
        """Run an activity, however long it takes.

        Raises:
            ActivityError: it failed for good, or the wait for it was ended.
        """
        summary = f"wait for {self.state.progress.waits_for}"
        self._patience = patience
        try:
            return await self.activities.run(method, request, queue, policy, summary, patience)
        finally:
            self._patience = None
