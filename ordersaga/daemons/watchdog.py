"""The watchdog: looks every few seconds for orders and queues that nobody would notice otherwise.

Any number may run; one looks at a time, and another takes over seconds after it dies. While a
server is away the findings stay as they are, with the time at which they were last seen.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import structlog
from temporalio.service import RPCError

from ordersaga.daemons.loops import Heartbeat, Loop
from ordersaga.findings import table
from ordersaga.operations.watchdog.look import Observer
from projections.engine.projection import Pool
from projections.errors import describe, is_outage

if TYPE_CHECKING:
    from temporalio.runtime import Runtime

METRIC: Final = "ordersaga_findings"
EVERY_S: Final = 3.0
_DESCRIPTION: Final = "Findings of the watchdog that hold now"
_LONGEST_LOOK_S: Final = 9.0
_LEASE: Final = timedelta(seconds=15)
_LEAVE_S: Final = 2.0
_FAILURES_TOLERATED: Final = 2  # on a busy machine a single look may take too long

_log = structlog.stdlib.get_logger("ordersaga.watchdog")


class Watchdog:
    """Looks, keeps the table of findings, and shows their number.

    Args:
        pool: connections to PostgreSQL.
        observer: looks at both sides.
        runtime: its metrics endpoint serves the gauge; None: there is none.
    """

    def __init__(self, pool: Pool, observer: Observer, runtime: "Runtime | None" = None) -> None:
        self._pool = pool
        self._observer = observer
        self._holder = uuid4()
        self._problem: str | None = None
        self._failures = 0
        self._heartbeat = Heartbeat()
        self._runtime = runtime  # without it the endpoint would close
        self._gauge = runtime and runtime.metric_meter.create_gauge(METRIC, _DESCRIPTION)

    def loop(self) -> Loop:
        """The work as a loop of a process."""
        return Loop("watchdog", self.run, self._heartbeat.age_s, problems=self._problems)

    async def run(self, stop: asyncio.Event) -> None:
        """Look until `stop` is set, through outages of either side; then leave at once."""
        looking = asyncio.create_task(self._look_again_and_again(stop))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({looking, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (looking, stopping):
                task.cancel()
            await asyncio.gather(looking, stopping, return_exceptions=True)
        await self._leave()

    async def _look_again_and_again(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            await self._look()
            await self._heartbeat.pause(EVERY_S, stop)

    async def _look(self) -> None:
        try:
            async with asyncio.timeout(_LONGEST_LOOK_S):
                await self._look_or_stand_by()
        except Exception as error:  # noqa: BLE001  whatever a look meets, the process goes on
            self._report(error)
            self._observer.restart()
        else:
            self._problem, self._failures = None, 0

    async def _look_or_stand_by(self) -> None:
        if await table.take_watch(self._pool, self._holder, _LEASE):
            await self._observer.look(self._holder)
        else:
            self._observer.restart()
        if self._gauge:
            for kind, count in (await table.count_findings(self._pool)).items():
                self._gauge.set(count, {"kind": kind.value})

    def _report(self, error: Exception) -> None:
        is_away = isinstance(error, RPCError) or is_outage(error)
        problem = (
            f"{self._observer.asks} does not answer" if is_away else f"fails: {describe(error)}"
        )
        if problem != self._problem:
            _log.warning("cannot look; the findings stay as they are", problem=problem)
        self._problem = problem
        self._failures += 1

    async def _leave(self) -> None:
        try:
            async with asyncio.timeout(_LEAVE_S):
                await table.leave_watch(self._pool, self._holder)
        except Exception as error:  # noqa: BLE001  the lease ends by itself
            _log.info("the watch ends with its lease", problem=describe(error))

    def _problems(self) -> Sequence[str]:
        lasts = self._failures >= _FAILURES_TOLERATED
        return (self._problem,) if self._problem and lasts else ()
