"""Running activities: one way for all workflows, whatever is down meanwhile."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar, cast

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError

from activities.failures import Trouble
from activities.messages import SagaRef
from workflows import policies
from workflows.common.answers import NoAnswer, answer_in, seen_in
from workflows.common.failures import by_hand, is_final, never_began, trouble_of
from workflows.common.patience import Alarm, Patience
from workflows.common.renewal import RunIsFull
from workflows.common.search_attributes import Progress

_QUICK_CHANGES: Final = 3
"""So often the trouble may change without a pause; whoever changes it for ever fills no history."""

A = TypeVar("A")
P = TypeVar("P")
R = TypeVar("R")


def saga_ref() -> SagaRef:
    """The running workflow, for the metadata of events."""
    info = workflow.info()
    return SagaRef(info.workflow_id, info.run_id)


class ActivityRunner:
    """Runs the activities of one workflow under readable ids.

    Args:
        progress: where the workflow stands.
        show: shows a change of `progress`.
    """

    def __init__(self, progress: Progress, show: Callable[[], None]) -> None:
        self._progress = progress
        self._show = show
        self._uses: Counter[str] = Counter()

    async def run(
        self,
        method: Callable[[A, P], Awaitable[R]],
        request: P,
        queue: str,
        policy: policies.Policy,
        summary: str,
        patience: Patience | None = None,
    ) -> R:
        """Run an activity until it succeeds or gives a final answer.

        Whatever else fails, it waits: for a provider, for the event store, for a worker, for a
        repair.

        Args:
            method: the activity.
            request: its input.
            queue: its task queue.
            policy: its limits.
            summary: what it does, for people.
            patience: how to wait for it; by default it is only shown.

        Raises:
            ActivityError: it failed for good, or the wait for it was ended.
            RunIsFull: it goes on in a new run.
        """
        patience = patience or self._quiet(method.__name__)
        ask = _Asked(method, request, queue, policy, summary, self.next_id(method.__name__))
        try:
            result = await _until_it_ends(ask, patience)
        except RunIsFull:
            await patience.end(hands_over=True)
            raise
        except (ActivityError, asyncio.CancelledError):
            await patience.end()
            raise
        await patience.end()
        return cast("R", result)

    def next_id(self, name: str) -> str:
        """The method's name with hyphens, and a number from its second use on."""
        self._uses[name] += 1
        number = self._uses[name]
        return name.replace("_", "-") if number == 1 else f"{name.replace('_', '-')}-{number}"

    def _quiet(self, name: str) -> Patience:
        """Shows what is waited for, and that a person must act if it fails for no known reason."""
        patience = Patience(name, self._progress, self._show)
        problem = f"{name} fails again and again: find out why, and repair it"

        async def call() -> None:
            self._progress.attention[name] = problem
            self._show()
            try:
                await workflow.wait_condition(lambda: False)  # until it is cancelled
            finally:
                self._progress.attention.pop(name, None)

        patience.alarms.append(Alarm(Trouble.UNEXPECTED, policies.ATTENTION_AFTER, call))
        return patience


@dataclass(slots=True)
class _Asked:
    """What an activity is asked; `starts` counts how often it was started."""

    method: Callable[[Any, Any], Awaitable[Any]]
    request: object
    queue: str
    policy: policies.Policy
    summary: str
    request_id: str
    starts: int = 0

    @property
    def name(self) -> str:
        """The activity's type."""
        return self.method.__name__

    @property
    def activity_id(self) -> str:
        """The id of the latest start."""
        return self.request_id + (f".{self.starts}" if self.starts > 1 else "")

    def start(
        self, trouble: Trouble | None, changes: int, seen_up_to: int
    ) -> "workflow.ActivityHandle[Any]":
        """Start the activity: a first try, or with patience for a trouble."""
        self.starts += 1
        return workflow.start_activity(
            self.name,
            args=[_with_seen(self.request, seen_up_to)],
            result_type=RawValue,  # a result that was entered by hand may be anything
            task_queue=self.queue,
            activity_id=self.activity_id,
            summary=self.summary,
            schedule_to_start_timeout=None if trouble is Trouble.WORKER else policies.NO_WORKER_FOR,
            start_to_close_timeout=self.policy.attempt,
            retry_policy=policies.patience(trouble, changes) if trouble else self.policy.first,
            # A running charge must end before anything is undone. By default a cancel would not
            # wait for it, and the refund would start beside the charge.
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        )

    def answer_in(self, result: RawValue) -> Any:
        """What the activity returned; raises ActivityError if somebody else completed it."""
        try:
            return answer_in(result, self.method, self.activity_id)
        except NoAnswer:
            raise by_hand(self.name, self.activity_id) from None


def _with_seen(request: Any, seen_up_to: int) -> Any:
    """The request, with what the run knows; an activity on less would undo what was done."""
    saga = getattr(request, "saga", None)
    if not seen_up_to or not isinstance(saga, SagaRef):
        return request
    return replace(request, saga=replace(saga, seen_up_to=seen_up_to))


async def _answer(asked: _Asked, patience: Patience, trouble: Trouble | None, changes: int) -> Any:
    """What one start of the activity answers; the run knows then what the answer rests on.

    Raises:
        ActivityError: it failed, or was cancelled. If that happens before its task has made a step,
            asyncio tells it like a cancellation of the workflow itself.
    """
    progress = patience.progress
    try:
        result = await patience.beside(asked.start(trouble, changes, progress.seen_up_to))
    except asyncio.CancelledError as error:
        waiting = asyncio.current_task()
        if waiting is None or waiting.cancelling():
            raise
        raise never_began(asked.name, asked.activity_id) from error
    answer = asked.answer_in(result)
    progress.seen_up_to = max(progress.seen_up_to, seen_in(result))
    return answer


async def _until_it_ends(asked: _Asked, patience: Patience) -> Any:
    trouble: Trouble | None = None
    changes = 0
    while True:
        try:
            return await _answer(asked, patience, trouble, changes)
        except ActivityError as error:
            if not patience.goes_on():
                raise
            met, again = trouble_of(error), patience.takes_retry()
            is_answer = is_final(error) or (met is None and trouble is None)
            if not again and (is_answer or met in patience.ends_with):
                raise
            patience.progress.stop_if_full()
            if again:
                trouble, changes = None, 0
                continue
            trouble, changes = met, changes + 1
            patience.enter(met, error)
            if changes > _QUICK_CHANGES and await patience.pause(changes):
                if not patience.goes_on():
                    raise
                patience.progress.stop_if_full()
                patience.takes_retry()
                trouble, changes = None, 0
