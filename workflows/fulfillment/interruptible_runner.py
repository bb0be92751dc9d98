"""How a saga runs an activity: interruptible, visible, and patient with the event store."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, CancelledError

from workflows.common.activity_runner import ActivityRunner
from workflows.common.failures import is_store_down, ran_out
from workflows.fulfillment.state import SagaState
from workflows.fulfillment.visibility import SagaVisibility
from workflows.policies import Policy

A = TypeVar("A")
P = TypeVar("P")
R = TypeVar("R")


def is_cancel_requested(state: SagaState) -> bool:
    """Whether anybody asked to cancel the order, here or through Temporal."""
    return state.requests.cancel is not None or workflow.cancellation_reason() is not None


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
    _cancel_activity: Callable[[], object] | None = field(default=None, init=False)
    _retry_now: bool = field(default=False, init=False)

    @property
    def is_running(self) -> bool:
        """Whether an activity is running or waits for its next attempt."""
        return self._cancel_activity is not None

    def interrupt(self) -> None:
        """End the wait for the next attempt; an attempt that is running still finishes first."""
        if self._cancel_activity:
            self._cancel_activity()

    def retry(self) -> None:
        """Interrupt the activity and start it again with a fresh budget."""
        self._retry_now = True
        self.interrupt()

    async def run(
        self,
        method: Callable[[A, P], Awaitable[R]],
        request: P,
        queue: str,
        policy: Policy,
    ) -> R:
        """Run an activity, again with a fresh budget each time an operator asks for a retry.

        Raises:
            ActivityError: it failed for good, or was interrupted by a cancel.
        """
        while True:
            self._retry_now = False
            budget = self._budget(policy)
            summary = f"wait for {self.state.progress.waits_for}"
            handle = self.activities.start(method, request, queue, budget, summary)
            self._cancel_activity = handle.cancel
            try:
                return await handle
            except ActivityError as error:
                if not self._starts_again(error, budget):
                    raise
            finally:
                self._cancel_activity = None

    def _budget(self, policy: Policy) -> Policy:
        """The short first try until the saga is known to be slow; then the whole budget."""
        undecided = self.visibility.notices_by_first_try
        undecided = undecided and not self.visibility.shows_every_change
        return policy.first if policy.first and undecided else policy

    def _starts_again(self, error: ActivityError, budget: Policy) -> bool:
        """Whether to start the activity again although it failed."""
        if self._retry_now:
            return True
        if not self.state.compensation.turning_back and is_cancel_requested(self.state):
            return False
        if is_store_down(error):  # compensating needs the store too, so the saga can only wait
            self.state.progress.waits_for = "the event store, which does not answer"
        elif budget.waiting is None or not ran_out(error):
            return False
        self.visibility.show_every_change()
        return True
