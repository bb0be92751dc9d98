"""Failures that only an operator can settle."""

from dataclasses import dataclass

from temporalio.exceptions import ActivityError

from domain.values import Compensation
from workflows.common.failures import describe
from workflows.common.operator_requests import OperatorAttention, OperatorDecision
from workflows.fulfillment.interruptible_runner import is_cancel_requested, stop_if_cancelled
from workflows.fulfillment.state import SagaState
from workflows.fulfillment.trail import Trail
from workflows.fulfillment.visibility import SagaVisibility


@dataclass(frozen=True, slots=True)
class Escalation:
    """Hands a failure to an operator and waits for the decision."""

    state: SagaState
    visibility: SagaVisibility
    trail: Trail
    attention: OperatorAttention

    async def ask(
        self, at_step: str, error: ActivityError, compensation: Compensation | None = None
    ) -> OperatorDecision:
        """Say that an operator must act, and wait for the decision.

        Raises:
            CancelledError: the order is to be cancelled; only if the saga is not turning back yet.
        """
        message = describe(error)
        self.visibility.enter(at_step, "an operator: retry, or resolve with a note")
        decision = await self.attention.ask(
            at_step,
            f"{at_step} failed: {message}",
            self.trail.record_attention(at_step, message, compensation),
            unless=self._is_overtaken,
        )
        if decision is None:
            stop_if_cancelled(self.state)
            raise RuntimeError("the wait for an operator ended without a decision")
        return decision

    def _is_overtaken(self) -> bool:
        return not self.state.compensation.turning_back and is_cancel_requested(self.state)
