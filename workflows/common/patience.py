"""How a workflow waits for one activity: what it shows meanwhile, and what happens after a time."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ActivityError, CancelledError

from activities.failures import ACCESS_REFUSED, Trouble
from workflows import policies
from workflows.common.failures import describe, type_of
from workflows.common.operator_requests import OperatorDecision
from workflows.common.search_attributes import Progress, Waiting


@dataclass(frozen=True, slots=True, eq=False)
class Alarm:
    """What happens once an activity has met one kind of trouble for a time.

    The time counts only while the trouble is of this kind.

    Attributes:
        trouble: the kind.
        after: the time.
        ring: what happens; cancelled when the activity ends.
        plan: what will happen, for people: completes "…; until {time}: …".
        survives_retry: an operator's retry does not set it back.
    """

    trouble: Trouble
    after: timedelta
    ring: Callable[[], Coroutine[Any, Any, None]]
    plan: str = ""
    survives_retry: bool = False


@dataclass(slots=True, eq=False)
class Patience:
    """The wait for one activity, however often it is started.

    Attributes:
        name: names the wait among others of the workflow.
        progress: where the workflow stands; `waiting` is changed here.
        show: shows a change of `progress`.
        alarms: what happens after a time.
        is_over: whether nobody wants the result any more.
        ends_with: the troubles that are not waited out: the first try is the only one.
        ended_early: somebody ended the wait, or nobody wants the result any more.
        decision: what an operator decided about the trouble.
        gave_up: the wait was ended because it took too long.
        cause: the latest trouble, as a failure.
    """

    name: str
    progress: Progress
    show: Callable[[], None]
    alarms: list[Alarm] = field(default_factory=list)
    is_over: Callable[[], bool] = lambda: False
    ends_with: frozenset[Trouble] = frozenset()
    ended_early: bool = field(default=False, init=False)
    decision: OperatorDecision | None = field(default=None, init=False)
    gave_up: bool = field(default=False, init=False)
    cause: ActivityError | None = field(default=None, init=False)
    _handle: "workflow.ActivityHandle[Any] | None" = field(default=None, init=False)
    _interrupted: bool = field(default=False, init=False)
    _retry: bool = field(default=False, init=False)
    _since: datetime | None = field(default=None, init=False)
    _spent: dict[Alarm, timedelta] = field(default_factory=dict, init=False)
    _ticking: "dict[Alarm, asyncio.Task[None]]" = field(default_factory=dict, init=False)
    _rung: "dict[Alarm, asyncio.Task[None]]" = field(default_factory=dict, init=False)

    # --- what others ask of it -------------------------------------------------------------------

    def interrupt(self) -> None:
        """End the wait; an attempt that is running still finishes first."""
        self._interrupted = True
        self._cancel()

    def interrupt_if_in_trouble(self) -> None:
        """End the wait if something keeps the activity from its end."""
        if self.in_trouble:
            self.interrupt()

    def retry(self) -> None:
        """Start the activity again at once."""
        self._retry = True
        self._cancel()

    def decide(self, decision: OperatorDecision) -> None:
        """Take what an operator decided: try again, or somebody has settled it."""
        self.decision = decision
        if decision.settled_by is None:
            self.retry()
        else:
            self.interrupt()

    @property
    def in_trouble(self) -> bool:
        """Whether something keeps the activity from its end."""
        return self._since is not None

    @property
    def _is_full(self) -> bool:
        return self.progress.run_is_full

    async def give_up(self) -> None:
        """End the wait because it took too long."""
        self.gave_up = True
        self.interrupt()

    async def show_long(self) -> None:
        """Show that the wait takes long."""
        if waiting := self.progress.waiting.get(self.name):
            waiting.long = True
            self.show()

    async def _cancel_when_full(self) -> None:
        await workflow.wait_condition(lambda: self._is_full)
        self._cancel()

    def _cancel(self) -> None:
        if self._handle is not None:
            self._handle.cancel()

    # --- what the runner of activities tells it --------------------------------------------------

    async def beside(self, handle: "workflow.ActivityHandle[Any]") -> Any:
        """The result of the activity that was started.

        If something keeps it from its end, and the run is full, the wait ends.
        """
        self._handle = handle
        watch = asyncio.create_task(self._cancel_when_full()) if self.in_trouble else None
        try:
            return await handle
        finally:
            self._handle = None
            if watch:
                watch.cancel()

    async def pause(self, changes: int) -> bool:
        """Wait before the activity is started again; True if somebody wants it at once or never."""
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: self._retry or self._interrupted or self.is_over() or self._is_full,
                timeout=policies.pause_after(changes),
                timeout_summary="then it is tried again",
            )
            return True
        return False

    def goes_on(self) -> bool:
        """Whether to start the activity again after it has failed."""
        task = asyncio.current_task()
        stopped = self._interrupted or (task is not None and task.cancelling() > 0)
        self.ended_early = stopped or self.is_over()
        return not self.ended_early

    def takes_retry(self) -> bool:
        """Whether an operator asked for a retry; then all clocks start again."""
        asked, self._retry, self.decision = self._retry, False, None
        if asked:
            self._leave()
            for alarm in self.alarms:
                if not alarm.survives_retry:
                    self._spent[alarm] = timedelta()
            # They ring again if the retry does not help, else nobody would be asked any more.
            self._rung = {
                alarm: task
                for alarm, task in self._rung.items()
                if alarm.survives_retry or not task.done()
            }
        return asked

    def enter(self, trouble: Trouble | None, error: ActivityError) -> None:
        """Note what the activity waits for now, and let the clocks of this trouble run."""
        self._leave()
        if trouble is None:
            self.show()
            return
        self.cause, self._since = error, workflow.now()
        clocks = [alarm for alarm in self.alarms if alarm.trouble is trouble]
        plans = [f"{self._until(a):%Y-%m-%d %H:%M} UTC: {a.plan}" for a in clocks if a.plan]
        at_once = type_of(error) == ACCESS_REFUSED
        self.progress.waiting[self.name] = Waiting(
            trouble, self._since, describe(error), "; ".join(plans), long=at_once
        )
        for alarm in clocks:
            if alarm not in self._rung:
                self._ticking[alarm] = asyncio.create_task(self._tick(alarm))
        self.show()

    async def end(self, *, hands_over: bool = False) -> None:
        """Show that nothing is waited for any more, and end everything that was going on.

        Args:
            hands_over: the wait goes on in another run, which is told how long it lasted.
        """
        shown = self._since is not None
        self._leave()
        for alarm in self.alarms:
            self.progress.spent.pop(self._key(alarm), None)
            if hands_over:
                spent = alarm.after if alarm in self._rung else self._spent_on(alarm)
                self.progress.spent[self._key(alarm)] = spent
        for task in self._rung.values():
            task.cancel()
        await asyncio.gather(*self._rung.values(), return_exceptions=True)
        if shown:
            self.show()

    # --- clocks ----------------------------------------------------------------------------------

    def _until(self, alarm: Alarm) -> datetime:
        return workflow.now() + max(alarm.after - self._spent_on(alarm), timedelta())

    def _spent_on(self, alarm: Alarm) -> timedelta:
        before = self.progress.spent.get(self._key(alarm), timedelta())
        return self._spent.get(alarm, before)

    def _key(self, alarm: Alarm) -> str:
        return f"{self.name}/{alarm.trouble}/{alarm.plan}"

    async def _tick(self, alarm: Alarm) -> None:
        left = alarm.after - self._spent_on(alarm)
        if left > timedelta():
            await workflow.sleep(left, summary=f"then: {alarm.plan or 'somebody is told'}")
        self._rung[alarm] = self._ticking.pop(alarm)
        try:
            await alarm.ring()
        except CancelledError:  # the order is to be cancelled: nobody needs to be told any more
            return

    def _leave(self) -> None:
        """Stop the clocks that have not rung."""
        if self._since is None:
            return
        for alarm, task in self._ticking.items():
            self._spent[alarm] = self._spent_on(alarm) + (workflow.now() - self._since)
            task.cancel()
        self._ticking.clear()
        self._since = None
        self.progress.waiting.pop(self.name, None)
