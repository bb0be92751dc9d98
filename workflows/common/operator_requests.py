"""What operators can ask of every workflow, and how a workflow asks an operator.

Each request is an update, and a signal of the same name for use in bulk. An update is refused with
a reason if it is not possible now. A signal cannot be refused: one that is malformed or comes at
the wrong time is logged and ignored.

Handlers take their input unread, and `parse_message` reads it: whatever is wrong with it is
refused. Nothing that is sent can fail the workflow task, which Temporal would retry for ever.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, ApplicationError

from activities.messages import OperatorAction
from domain import faults
from domain.parcel_left import IfLeft
from workflows import policies
from workflows.common.renewal import RunIsFull
from workflows.common.search_attributes import Progress
from workflows.documents.answers import UpdateAnswer
from workflows.documents.messages import NO_INPUT, OperatorMessage, ResolveMessage, parse_message
from workflows.documents.validation import InvalidDocument

ACCEPTED: Final[UpdateAnswer] = {"accepted": True}
PENDING: Final[UpdateAnswer] = {"accepted": True, "pending": True}
"""It is noted and will be carried out; whether that succeeds is not certain yet."""
UNKNOWN: Final = "unknown"
"""Under this name signals are counted that have no handler."""
_TOLD: Final = 10


class NotPossibleNow(ApplicationError):
    """A request does not fit the workflow's present state; the text says why."""

    def __init__(self, why: str) -> None:
        super().__init__(why, type=faults.NOT_POSSIBLE.type, non_retryable=True)

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True, slots=True)
class OperatorDecision:
    """What an operator decided about a failure.

    `settled_by` is who settled it by hand; None: try again. `goods` is what becomes of the goods of
    a parcel that has left, if that was the question.
    """

    settled_by: OperatorAction | None
    goods: IfLeft | None = None


@dataclass(slots=True)
class OperatorAttention:
    """Asks operators to act, waits for their decisions, and records their actions.

    Attributes:
        progress: where the workflow stands; `attention` is changed here.
        show: shows a change of `progress`.
        record: writes actions of operators to the event store.
        unrecorded: actions that are not in the event store yet, oldest first.
        settled: what a person has settled by hand and is not carried out yet, by its step.
    """

    progress: Progress
    show: Callable[[], None]
    record: Callable[[tuple[OperatorAction, ...]], Awaitable[None]]
    unrecorded: list[OperatorAction] = field(default_factory=list, init=False)
    settled: dict[str, OperatorAction] = field(default_factory=dict, init=False)
    _recording: int = field(default=0, init=False)
    _asking_at: str | None = field(default=None, init=False)
    _can_be_settled: bool = field(default=True, init=False)
    _goods: tuple[IfLeft, ...] = field(default=(), init=False)
    _decision: OperatorDecision | None = field(default=None, init=False)

    @property
    def awaits_decision(self) -> bool:
        """Whether an operator was asked and has not decided yet."""
        return self._asking_at is not None and self._decision is None

    @property
    def can_be_settled(self) -> bool:
        """Whether an operator was asked, and may say that the problem is settled by hand."""
        return self.awaits_decision and self._can_be_settled

    @property
    def goods(self) -> tuple[IfLeft, ...]:
        """What an operator can say of the goods of a parcel that has left; empty: nobody asks."""
        return self._goods if self.awaits_decision else ()

    def check_goods(self, goods: IfLeft | None) -> None:
        """Raise NotPossibleNow unless `goods` answers the question."""
        if self.goods and goods not in self.goods:
            choices = ", ".join(self.goods)
            raise NotPossibleNow(f"the parcel has left: say what becomes of the goods ({choices})")
        if goods and not self.goods:
            raise NotPossibleNow("nobody asks about goods now: leave them out")

    def note(self, actor: str, action: str, reason: str) -> OperatorAction:
        """Keep an operator's action for the record."""
        by = OperatorAction(actor, action, reason)
        self.unrecorded.append(by)
        if len(self.unrecorded) == policies.MOST_WAITING // 2:
            # While an activity is waited for nothing is recorded; a new run does so first.
            self.progress.hands_over = True
        return by

    def check_room(self, others: int = 0) -> None:
        """Raise NotPossibleNow if too many requests wait already; `others` wait elsewhere."""
        waiting = len(self.unrecorded) + self._recording + others
        if waiting >= policies.MOST_WAITING:
            problem = "requests wait to be carried out: try again when they are"
            raise NotPossibleNow(f"{waiting} {problem}")

    def decide(self, settled_by: OperatorAction | None, goods: IfLeft | None = None) -> None:
        """Take an operator's decision; None: try again."""
        self._decision = OperatorDecision(settled_by, goods)
        if settled_by is not None and self._asking_at is not None and goods is None:
            self.settled[self._asking_at] = settled_by

    async def ask(
        self,
        at_step: str,
        problem: str,
        announcement: Coroutine[Any, Any, None],
        unless: Callable[[], bool] = lambda: False,
        *,
        can_be_settled: bool = True,
        goods: tuple[IfLeft, ...] = (),
    ) -> OperatorDecision | None:
        """Ask an operator and wait for the decision.

        Args:
            at_step: where the problem is.
            problem: what the operator must do.
            announcement: records and announces the problem; cancelled once nobody needs to act.
            unless: ends the wait when it becomes true.
            can_be_settled: whether a person can do by hand what fails.
            goods: what a person must choose from, if a parcel has left.

        Returns:
            The decision; None: `unless` became true first.

        Raises:
            RunIsFull: the next run asks again.
        """
        self._asking_at, self._decision, self._can_be_settled = at_step, None, can_be_settled
        self._goods = goods
        self.require(at_step, problem)
        announcing = asyncio.create_task(announcement)
        try:
            await workflow.wait_condition(
                lambda: self._decision is not None or unless() or self.progress.run_is_full
            )
        except asyncio.CancelledError:
            await self._stop_asking(at_step, announcing)
            raise
        over = unless()
        decision = await self._stop_asking(at_step, announcing)
        self.show()
        if decision is None and not over:
            raise RunIsFull
        with suppress(RunIsFull):  # what was decided is carried out first
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
            self._recording += len(actions)
            try:
                await self.record(actions)
            except (
                RunIsFull,
                ActivityError,
                asyncio.CancelledError,
            ):  # somebody records them later
                self.unrecorded[:0] = actions
                raise
            finally:
                self._recording -= len(actions)

    async def _stop_asking(
        self, at_step: str, announcing: "asyncio.Task[None]"
    ) -> OperatorDecision | None:
        # At once: the announcement may still run, and nobody can decide any more.
        self.progress.attention.pop(at_step, None)
        decision, self._decision, self._asking_at = self._decision, None, None
        await stop_announcing(announcing)
        return decision


async def stop_announcing(announcing: "asyncio.Task[None]") -> None:
    """Cancel an announcement that nobody needs any more; it may be retrying for a long time."""
    announcing.cancel()
    with suppress(ActivityError, asyncio.CancelledError, RunIsFull):
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
            ignore(self.progress, name, refusal)
        else:
            act(self, raw)

    return workflow.signal(name=name, description="The same as the update, for use in bulk")(handle)


def ignore(progress: Progress, signal: str, why: object) -> None:
    """Count a signal that cannot be refused, and say why it is ignored; not 10,000 times."""
    times = progress.ignore(signal)
    if times <= _TOLD:
        last = "; further ones are only counted" if times == _TOLD else ""
        workflow.logger.warning("ignored the signal %s: %s%s", signal, why, last)


@dataclass(eq=False)
class OperatorRequests:
    """The base of all workflows: the requests that operators can make of each of them."""

    progress: Progress
    attention: OperatorAttention

    @workflow.update(description='Retry now what fails: {"actor", "reason"}')
    def retry(self, raw: RawValue = NO_INPUT) -> UpdateAnswer:
        """Retry at once what fails."""
        message = parse_message(OperatorMessage, raw)
        self.attention.note(message.actor, "retry", message.reason)
        self.retry_now()
        return ACCEPTED

    @retry.validator
    def _can_retry(self, raw: RawValue = NO_INPUT) -> None:
        # The cheap questions come first: there may be thousands of signals.
        self.attention.check_room()
        self.check_retry()
        parse_message(OperatorMessage, raw)

    retry_signal = signal_twin("retry", _can_retry, retry)

    @workflow.update(
        description="What needs attention was settled by hand; say how, and what became of goods "
        'that have left: {"actor", "note", "goods": "lost"|"coming_back"|"ship_and_collect"}'
    )
    def resolve(self, raw: RawValue = NO_INPUT) -> UpdateAnswer:
        """Accept a person's statement that the problem is settled, and continue."""
        message = parse_message(ResolveMessage, raw)
        action = f"resolve as {message.goods}" if message.goods else "resolve"
        by = self.attention.note(message.actor, action, message.note)
        self.attention.decide(by, message.goods)
        return ACCEPTED

    @resolve.validator
    def _can_resolve(self, raw: RawValue = NO_INPUT) -> None:
        self.check_awaits_decision()
        message = parse_message(ResolveMessage, raw)
        if not self.attention.can_be_settled:
            raise NotPossibleNow("no person can do this step: repair what is wrong, then retry")
        self.attention.check_goods(message.goods)

    resolve_signal = signal_twin("resolve", _can_resolve, resolve)

    @workflow.signal(dynamic=True, description="Counted and ignored: there is no such signal")
    def unknown_signal(self, _name: str, _inputs: Sequence[RawValue]) -> None:
        """Count a signal of another name; Temporal would keep it, and not wake the workflow."""
        ignore(self.progress, UNKNOWN, "there is no such signal")

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
