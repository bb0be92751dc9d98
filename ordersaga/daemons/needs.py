"""What a process needs to work: waited for at the start, then watched.

Each change is said once, and shows in the health check and in a gauge.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol

import structlog

from eventstore.deadline import within
from eventstore.errors import EventStoreError
from ordersaga.daemons.loops import Heartbeat, Loop
from ordersaga.daemons.outages import is_outage
from ordersaga.errors import Unreachable
from projections.errors import describe

_log = structlog.stdlib.get_logger("ordersaga.needs")

_LOOK_EVERY_S: Final = 2.0
_LOOK_AGAIN_S: Final = 0.5
_LOOK_WITHIN_S: Final = 4.0
_BEYOND_THE_LIMIT_S: Final = 0.5
_FAILURES_TOLERATED: Final = 1
_MEET_WITHIN_S: Final = 15.0
_FIRST_PAUSE_S: Final = 0.5
_LONGEST_PAUSE_S: Final = 5.0


class Need(Protocol):
    """Something without which a process cannot work.

    Attributes:
        name: in the health check and in metrics.
        place: what it is and where, for people.
    """

    name: str
    place: str

    async def meet(self) -> None:
        """Connect to it and check that it is set up; called until it succeeds.

        Raises:
            Exception: it is away or not set up; the text says where it is and what to do.
        """

    async def probe(self) -> None:
        """Use it once, as the work does.

        Raises:
            Exception: it cannot be used now.
        """

    async def close(self) -> None:
        """Close what `meet` connected."""


class Watch:
    """Knows whether something that the process needs can be used now.

    Args:
        need: what it is.
        changed: called with each new answer.

    Attributes:
        problem: why it cannot be used; None if it can.
    """

    def __init__(self, need: Need, changed: Callable[[bool], None] = lambda _: None) -> None:
        self.need = need
        self.problem: str | None = "was not looked at yet"
        self._changed = changed
        self._failures = 0
        self._since = time.monotonic()
        self._heartbeat = Heartbeat()
        changed(False)

    def loop(self) -> Loop:
        """The watching as a loop of the process."""
        return Loop(f"probe of {self.need.name}", self.run, self._heartbeat.age_s)

    async def meet(self) -> None:
        """Try until the process has what it needs; each problem is said once.

        Raises:
            Exception: an error that waiting does not cure, such as a wrong setting.
        """
        said, pause_s = set[str](), _FIRST_PAUSE_S
        while True:
            try:
                async with asyncio.timeout(_MEET_WITHIN_S):
                    await self.need.meet()
            except Exception as error:
                if not _may_pass(error):
                    raise
                self._say_once(self._reason(error), said)
            else:
                self._set(None, silently=not said)
                return
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def run(self, stop: asyncio.Event) -> None:
        """Look every few seconds until `stop` is set."""
        while not stop.is_set():
            await self.look()
            pause_s = _LOOK_AGAIN_S if self._failures else _LOOK_EVERY_S
            await self._heartbeat.pause(pause_s, stop)

    async def look(self) -> None:
        """Use it once and remember the answer; a single failure may be chance."""
        self._heartbeat.beat()
        try:
            # Who observes the deadline says what did not answer; the limit is for who does not.
            async with asyncio.timeout(_LOOK_WITHIN_S + _BEYOND_THE_LIMIT_S):
                with within(_LOOK_WITHIN_S):
                    await self.need.probe()
        except Exception as error:  # noqa: BLE001  whatever it is, it cannot be used
            self._failures += 1
            if self._failures > _FAILURES_TOLERATED:
                self._set(self._reason(error))
        else:
            self._failures = 0
            self._set(None)

    def _reason(self, error: Exception) -> str:
        """What to do, where the error says so; never a value of the database."""
        if isinstance(error, Unreachable | EventStoreError):
            return str(error)
        if isinstance(error, TimeoutError):
            return f"{self.need.place} does not answer in time"
        return describe(error)

    def _say_once(self, problem: str, said: set[str]) -> None:
        self.problem = problem
        if problem not in said:
            said.add(problem)
            _log.warning("waiting", needs=self.need.name, at=self.need.place, problem=problem)

    def _set(self, problem: str | None, *, silently: bool = False) -> None:
        was_usable, self.problem = self.problem is None, problem
        if was_usable == (problem is None):
            return
        self._changed(problem is None)
        now = time.monotonic()
        if problem is not None:
            _log.warning("unavailable", needs=self.need.name, problem=problem)
        elif not silently:
            _log.info("available", needs=self.need.name, after_s=round(now - self._since, 1))
        self._since = now


def _may_pass(error: Exception) -> bool:
    """Whether waiting can help; an error of ours is not waited for."""
    return isinstance(error, Unreachable | EventStoreError) or is_outage(error)
