"""What operators can ask of every workflow, and how a workflow asks an operator.

Each request is an update, and a signal of the same name for use in bulk. An update is refused with
a reason if it is not possible now. A signal cannot be refused: one that is malformed or comes at
the wrong time is logged and ignored.

Handlers take their input unread, and `parse_message` reads it: whatever is wrong with it is
refused. Nothing that is sent can fail the workflow task, which Temporal would retry for ever.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError

from activities.messages import OperatorAction
from workflows.common.search_attributes import Progress
from workflows.documents.messages import NO_INPUT, OperatorMessage, ResolveMessage, parse_message
from workflows.documents.validation import InvalidDocument

ACCEPTED: Final = {"accepted": True}


class NotPossibleNow(Exception):
    """A request does not fit the workflow's present state; the text says why."""


@dataclass(frozen=True, slots=True)
class OperatorDecision:
    """What an operator decided about a failure.

    `settled_by` is who settled it by hand; None: try again.
    """

    settled_by: OperatorAction | None


@dataclass(slots=True)
class OperatorAttention:
    """Asks operators to act, waits for their decisions, and records their actions.

    Attributes:
        progress: where the workflow stands; `attention` is changed here.
        show: shows a change of `progress`.
        record: writes actions of operators to the event store.
        unrecorded: actions that are not in the event store yet, oldest first.
    """

    progress: Progress
    show: Callable[[], None]
    record: Callable[[tuple[OperatorAction, ...]], Awaitable[None]]
    unrecorded: list[OperatorAction] = field(default_factory=list, init=False)
    _asking: bool = field(default=False, init=False)
    _can_be_settled: bool = field(default=True, init=False)
    _decision: OperatorDecision | None = field(default=None, init=False)

    @property
    def awaits_decision(self) -> bool:
        """Whether an operator was asked and has not decided yet."""
        return self._asking and self._decision is None

    @property
    def can_be_settled(self) -> bool:
        """Whether an operator was asked, and may say that the problem is settled by hand."""
        return self.awaits_decision and self._can_be_settled

    def note(self, actor: str, action: str, reason: str) -> OperatorAction:
        """Keep an operator's action for the record."""
        by = OperatorAction(actor, action, reason)
        self.unrecorded.append(by)
        return by

    def decide(self, settled_by: OperatorAction | None) -> None:
        """Take an operator's decision; None: try again."""
        self._decision = OperatorDecision(settled_by)

    async def ask(
        self,
        at_step: str,
        problem: str,
        announcement: Coroutine[Any, Any, None],
        unless: Callable[[], bool] = lambda: False,
        *,
        can_be_settled: bool = True,
    ) -> OperatorDecision | None:
        """Ask an operator and wait for the decision.

        Args:
            at_step: where the problem is.
            problem: what the operator must do.
            announcement: records and announces the problem; cancelled once nobody needs to act.
            unless: ends the wait when it becomes true.
            can_be_settled: whether a person can do by hand what fails.

        Returns:
            The decision; None: `unless` became true first.
        """
        self._asking, self._decision, self._can_be_settled = True, None, can_be_settled
        self.require(at_step, problem)
        announcing = asyncio.create_task(announcement)
        try:
            await workflow.wait_condition(lambda: self._decision is not None or unless())
        except asyncio.CancelledError:
            await self._stop_asking(at_step, announcing)
            raise
        decision = await self._stop_asking(at_step, announcing)
        self.show()
        await self.record_operators()
        return decision

    def require(self, at_step: str, problem: str) -> None:
        """Show that an operator must act."""
        self.progress.attention[at_step] = problem
        self.show()

    def settle(self, at_step: str) -> None:
        """Show that nobody needs to act at this step any more."""
        self.progress.attention.pop(at_step, None)
        self.show()

    def take_unrecorded(self) -> tuple[OperatorAction, ...]:
        """Take all unrecorded actions; the caller must record them."""
        actions, self.unrecorded = tuple(self.unrecorded), []
        return actions

    async def record_operators(self) -> None:
        """Record the actions of operators, if there are any."""
        if actions := self.take_unrecorded():
            await self.record(actions)

    async def _stop_asking(
        self, at_step: str, announcing: "asyncio.Task[None]"
    ) -> OperatorDecision | None:
        await stop_announcing(announcing)
        self.progress.attention.pop(at_step, None)
        decision, self._decision, self._asking = self._decision, None, False
        return decision


async def stop_announcing(announcing: "asyncio.Task[None]") -> None:
    """Cancel an announcement that nobody needs any more; it may be retrying for a long time."""
    announcing.cancel()
    with suppress(ActivityError, asyncio.CancelledError):
        await announcing


def signal_twin(
    name: str, check: Callable[..., None], act: Callable[..., object]
) -> Callable[..., None]:
    """The signal of the same name as an update.

    Args:
        name: the update's.
        check: the update's validator, a method of the workflow.
        act: carries out a request that passed `check`, a method of the workflow.
    """

    # An annotated `self` would count as an argument, and Temporal would decode the input.
    def handle(self, raw: RawValue = NO_INPUT) -> None:  # type: ignore[no-untyped-def] # see above
        try:
            check(self, raw)
        except (InvalidDocument, NotPossibleNow) as refusal:
            workflow.logger.warning("ignored the signal %s: %s", name, refusal)
        else:
            act(self, raw)

    return workflow.signal(name=name, description="The same as the update, for use in bulk")(handle)


@dataclass(eq=False)
class OperatorRequests:
    """The base of all workflows: the requests that operators can make of each of them."""

    progress: Progress
    attention: OperatorAttention

    @workflow.update(description='Retry now what fails: {"actor", "reason"}')
    def retry(self, raw: RawValue = NO_INPUT) -> dict[str, Any]:
        """Retry at once what fails."""
        message = parse_message(OperatorMessage, raw)
        self.attention.note(message.actor, "retry", message.reason)
        self.retry_now()
        return ACCEPTED

    @retry.validator
    def _can_retry(self, raw: RawValue = NO_INPUT) -> None:
        parse_message(OperatorMessage, raw)
        self.check_retry()

    retry_signal = signal_twin("retry", _can_retry, retry)

    @workflow.update(
        description='What needs attention was settled by hand; say how: {"actor", "note"}'
    )
    def resolve(self, raw: RawValue = NO_INPUT) -> dict[str, Any]:
        """Accept a person's statement that the problem is settled, and continue."""
        message = parse_message(ResolveMessage, raw)
        self.attention.decide(self.attention.note(message.actor, "resolve", message.note))
        return ACCEPTED

    @resolve.validator
    def _can_resolve(self, raw: RawValue = NO_INPUT) -> None:
        parse_message(ResolveMessage, raw)
        self.check_awaits_decision()
        if not self.attention.can_be_settled:
            raise NotPossibleNow("no person can do this step: repair what is wrong, then retry")

    resolve_signal = signal_twin("resolve", _can_resolve, resolve)

    def check_retry(self) -> None:
        """Raise NotPossibleNow unless there is something to retry."""
        self.check_awaits_decision()

    def retry_now(self) -> None:
        """Carry out an accepted request to retry."""
        self.attention.decide(settled_by=None)

    def check_awaits_decision(self) -> None:
        """Raise NotPossibleNow unless an operator was asked and has not decided yet."""
        if not self.attention.awaits_decision:
            raise NotPossibleNow(f"nothing needs attention: {self.progress.where}")
