"""Failures that only an operator can settle."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from temporalio.exceptions import ActivityError

from activities.failures import Trouble
from domain.parcel_left import CHOICES, IfLeft
from domain.values import Compensation
from workflows import policies
from workflows.common.failures import describe
from workflows.common.operator_requests import OperatorAttention, OperatorDecision
from workflows.common.patience import Alarm, Patience
from workflows.fulfillment.interruptible_runner import (
    InterruptibleRunner,
    is_overtaken,
    stop_if_cancelled,
)
from workflows.fulfillment.state import SagaState
from workflows.fulfillment.trail import Trail
from workflows.fulfillment.visibility import SagaVisibility

_SETTLED: Final = (Trouble.PROVIDER, Trouble.FOREIGN, Trouble.UNEXPECTED)
"""Troubles that do not matter any more once a person has done by hand what fails."""


@dataclass(frozen=True, slots=True)
class Escalation:
    """Hands a failure to an operator and waits for the decision."""

    state: SagaState
    visibility: SagaVisibility
    trail: Trail
    attention: OperatorAttention
    runner: InterruptibleRunner

    async def ask(
        self, at_step: str, error: ActivityError, compensation: Compensation | None = None
    ) -> OperatorDecision:
        """Say that an operator must act, and wait for the decision.

        Raises:
            CancelledError: the order is to be cancelled; only if the saga is not turning back yet.
        """
        self.visibility.enter(at_step, "an operator: retry, or resolve with a note")
        return await self._ask(at_step, describe(error), compensation)

    async def ask_about_goods(
        self, at_step: str, problem: str, compensation: Compensation | None = None
    ) -> OperatorDecision:
        """Say that a person must decide about a parcel that has left, and wait for the decision.

        It names what becomes of the goods, unless it is to try again.
        """
        self.visibility.enter(at_step, "an operator: say what becomes of the goods, or retry")
        return await self._ask(at_step, problem, compensation, goods=CHOICES)

    def patience(
        self,
        at_step: str,
        compensation: Compensation | None = None,
        *,
        can_be_settled: bool = True,
        until_held: bool = False,
        settled: bool = False,
    ) -> Patience:
        """A wait during which an operator is asked, if it takes too long, while it goes on.

        Args:
            at_step: what is waited for.
            compensation: the compensation that it is.
            can_be_settled: whether a person can do it by hand. If not, an operator is asked about
                failures that nobody expects, not about an outage of a provider. What somebody else
                holds at a provider is asked about at once, and always settled by a person.
            until_held: see `InterruptibleRunner.patience`.
            settled: a person has done it by hand already: nobody is asked again, and only the event
                store and a worker are waited for.
        """
        if settled:
            patience = self.runner.patience(at_step)
            patience.ends_with = frozenset(_SETTLED)
            return patience
        troubles = dict.fromkeys((Trouble.FOREIGN, Trouble.BANK, Trouble.CUSTOMER), True)
        troubles[Trouble.UNEXPECTED] = can_be_settled
        if can_be_settled:
            troubles[Trouble.PROVIDER] = True
        patience = self.runner.patience(at_step, until_held=until_held)

        async def ask(*, can_be_settled: bool) -> None:
            if (error := patience.cause) is None:
                return
            decision = await self._ask(
                at_step, describe(error), compensation, can_be_settled=can_be_settled
            )
            patience.decide(decision)

        patience.alarms += [
            Alarm(
                trouble,
                policies.attention_after(trouble),
                partial(ask, can_be_settled=settles),
                "an operator is called",
            )
            for trouble, settles in troubles.items()
        ]
        return patience

    async def _ask(
        self,
        at_step: str,
        message: str,
        compensation: Compensation | None,
        *,
        can_be_settled: bool = True,
        goods: tuple[IfLeft, ...] = (),
    ) -> OperatorDecision:
        decision = await self.attention.ask(
            at_step,
            f"{at_step} failed: {message}{self.state.compensation.to_undo}",
            self.trail.record_attention(at_step, message, compensation, goods),
            unless=lambda: is_overtaken(self.state),
            can_be_settled=can_be_settled,
            goods=goods,
        )
        if decision is None:
            stop_if_cancelled(self.state)
            raise RuntimeError("the wait for an operator ended without a decision")
        return decision
