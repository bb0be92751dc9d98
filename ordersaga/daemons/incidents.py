"""Watches the providers that a worker calls: an incident is recorded and told once, not per order.

Every process of workers reports what it sees itself; which one begins an incident, and which one
ends it, the table decides.
"""

import asyncio
import os
import socket
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from adapters.providers.provider import Condition, Provider
from ordersaga.daemons.loops import Heartbeat, Loop
from ordersaga.daemons.outages import is_outage
from ordersaga.incidents import table
from projections.engine.projection import Pool

if TYPE_CHECKING:
    from temporalio.runtime import Runtime

FAILING: Final = "ordersaga_provider_failing"
WAITING: Final = "ordersaga_provider_waiting_sagas"
EVERY_S: Final = 2.0
STEADY_S: Final = 30.0
"""Without an incident it says so often how it sees the providers that it has called."""


class ProviderWatch:
    """Reports how providers do.

    Args:
        pool: connections to PostgreSQL.
        runtime: its metrics endpoint serves the gauges.
        providers: as this process sees them.
        process: what it works on, for people.
    """

    def __init__(
        self, pool: Pool, runtime: "Runtime", providers: Sequence[Provider], process: str
    ) -> None:
        meter = runtime.metric_meter
        self._runtime = runtime  # without it the endpoint would close
        self._failing = meter.create_gauge(FAILING, "1 while calls of this process to it fail")
        self._waiting = meter.create_gauge(WAITING, "Sagas that this process told to wait for it")
        self._pool = pool
        self._providers = providers
        self._process = uuid4()
        self._name = f"{process} on {socket.gethostname()}, process {os.getpid()}"
        self._said_at = -STEADY_S
        self._heartbeat = Heartbeat()

    def loop(self) -> Loop:
        """The work as a loop of a process."""
        return Loop("providers", self.run, self._heartbeat.age_s, notices=self._notices)

    async def run(self, stop: asyncio.Event) -> None:
        """Report until `stop` is set; wait through outages of the database."""
        while not stop.is_set():
            await self._report()
            await self._heartbeat.pause(EVERY_S, stop)

    async def _report(self) -> None:
        conditions = [each.condition() for each in self._providers]
        for seen in conditions:
            label = {"provider": seen.provider}
            self._failing.set(int(seen.failing_s is not None), label)
            self._waiting.set(seen.waiting, label)
        try:
            with_incident = await table.providers_with_incident(self._pool)
            is_time = time.monotonic() - self._said_at >= STEADY_S
            for seen in conditions:
                matters = seen.is_incident or seen.provider in with_incident
                if matters or (is_time and _was_called(seen)):
                    await table.report(self._pool, self._process, seen, self._name)
            if is_time:
                await table.forget_reports(self._pool)
                self._said_at = time.monotonic()
        except Exception as error:
            if not is_outage(error):  # its own trouble, which the process says elsewhere
                raise

    def _notices(self) -> Sequence[str]:
        return [
            _notice(seen)
            for each in self._providers
            if (seen := each.condition()).failing_s is not None
        ]


def _was_called(seen: Condition) -> bool:
    return seen.failed_s is not None or seen.worked_s is not None


def _notice(seen: Condition) -> str:
    return (
        f"{seen.provider}: fails for {seen.failing_s or 0:.0f} s, {seen.waiting} sagas wait for it "
        f"({seen.failure})"
    )
