"""The loops of a long-running process: each shows that it moves, and is started again if it hangs.

An error of ours in a loop ends the process. An outage does not: the loop is started again, and what
it had not finished comes again.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from ordersaga.daemons.outages import is_outage
from projections.errors import describe

_log = structlog.stdlib.get_logger("ordersaga.loops")

BEAT_EVERY_S: Final = 1.0
"""A loop that waits beats this often."""

_LATE_AFTER_S: Final = 10.0
_CANCEL_WITHIN_S: Final = 5.0
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 5.0


class Heartbeat:
    """When a loop last came round."""

    def __init__(self) -> None:
        self._at = time.monotonic()

    def beat(self) -> None:
        """Say that the loop moves."""
        self._at = time.monotonic()

    def age_s(self) -> float:
        """The seconds since the last beat."""
        return time.monotonic() - self._at

    async def pause(self, seconds: float, stop: asyncio.Event) -> None:
        """Wait for some seconds, or until `stop` is set; beats meanwhile."""
        end = time.monotonic() + seconds
        while not stop.is_set() and (left := end - time.monotonic()) > 0:
            self.beat()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), min(left, BEAT_EVERY_S))
        self.beat()


@dataclass(frozen=True, slots=True)
class Loop:
    """Work that a process does until it is stopped.

    Attributes:
        name: in logs, metrics and the health check.
        run: works until the event is set, then finishes running work and returns. It is called
            again if it hangs or an outage ends it.
        age_s: the seconds since it last moved, such as the age of a `Heartbeat`.
        is_ready: whether it accepts work.
        problems: what prevents it from working right now, in words; empty if nothing does.
        notices: what somebody should look at although it works; shown, and no reason to be unready.
    """

    name: str
    run: Callable[[asyncio.Event], Awaitable[None]]
    age_s: Callable[[], float]
    is_ready: Callable[[], bool] = field(default=lambda: True)
    problems: Callable[[], Sequence[str]] = field(default=lambda: ())
    notices: Callable[[], Sequence[str]] = field(default=lambda: ())


class LoopEnded(Exception):
    """A loop returned before it was asked to."""


class RunningLoop:
    """Runs a loop, and starts it again if it hangs or an outage ends it.

    Args:
        loop: the work.
        stuck_after_s: a loop whose heartbeat is older hangs.
        cancel_within_s: how long it may take to end after it was cancelled.

    Attributes:
        restarts: how often it was started again.
        is_lost: it hangs and cannot be cancelled, or an error of ours has ended it: only a restart
            of the process helps.
    """

    def __init__(
        self, loop: Loop, stuck_after_s: float, *, cancel_within_s: float = _CANCEL_WITHIN_S
    ) -> None:
        self.loop = loop
        self.restarts = 0
        self.is_lost = False
        self._stuck_after_s = stuck_after_s
        self._cancel_within_s = cancel_within_s
        self._begun = time.monotonic()
        self._outage: str | None = None

    def age_s(self) -> float:
        """The seconds since it last moved or was started."""
        return min(self.loop.age_s(), time.monotonic() - self._begun)

    def problems(self) -> Sequence[str]:
        """What prevents it from working right now; empty if nothing does."""
        problems = list(self.loop.problems())
        if self.is_lost:
            problems.append("is dead")
        elif self._outage is not None:
            problems.append(f"was ended by an outage: {self._outage}")
        elif self.age_s() > min(_LATE_AFTER_S, self._stuck_after_s):
            problems.append(f"has not moved for {self.age_s():.0f} s")
        elif not self.loop.is_ready():
            problems.append("has not begun")
        return problems

    async def run(self, stop: asyncio.Event) -> None:
        """Run it until `stop` is set and its running work is finished.

        Raises:
            Exception: an error of ours in the loop.
        """
        pause_s = _FIRST_PAUSE_S
        while True:
            begun = time.monotonic()
            await self._run_once(stop)
            if stop.is_set():
                return
            self.restarts += 1
            if time.monotonic() - begun > self._stuck_after_s:
                pause_s = _FIRST_PAUSE_S
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def _run_once(self, stop: asyncio.Event) -> None:
        """Run it until it ends or hangs."""
        self._begun = time.monotonic()
        task = asyncio.ensure_future(self.loop.run(stop))
        try:
            while not task.done() and (stop.is_set() or self.age_s() <= self._stuck_after_s):
                await asyncio.wait({task}, timeout=min(BEAT_EVERY_S, self._stuck_after_s / 4))
                self._forget_outage()
            if task.done():
                self._look_at_end(task, stop)
            else:
                await self._cancel(task)
        finally:
            task.cancel()

    def _forget_outage(self) -> None:
        if self._outage is not None and time.monotonic() - self._begun > _LATE_AFTER_S:
            self._outage = None

    def _look_at_end(self, task: asyncio.Future[None], stop: asyncio.Event) -> None:
        error = LoopEnded(self.loop.name) if task.cancelled() else task.exception()
        if stop.is_set() and error is None:
            return
        if error is not None and is_outage(error):
            if self._outage is None:
                _log.warning(
                    "an outage ended a loop; it is started again",
                    loop=self.loop.name,
                    reason=describe(error),
                )
            self._outage = describe(error)
            return
        self.is_lost = True
        _log.error("a loop ended unexpectedly", loop=self.loop.name)
        raise error or LoopEnded(self.loop.name)

    async def _cancel(self, task: asyncio.Future[None]) -> None:
        name, age_s = self.loop.name, round(self.age_s())
        _log.error("a loop hangs; it is started again", loop=name, heartbeat_age_s=age_s)
        task.cancel()
        await asyncio.wait({task}, timeout=self._cancel_within_s)
        if not task.done():
            self.is_lost = True
            _log.error("a loop hangs and cannot be cancelled", loop=name)
            await asyncio.wait({task})
            self.is_lost = False
        if not task.cancelled():
            task.exception()  # whatever it was: the loop is started again
