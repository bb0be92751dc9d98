"""Carries out the replays and rebuilds that people asked for, in the process of the projections."""

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from ordersaga.bootstrap.wiring import Services
from ordersaga.daemons.loops import Heartbeat, Loop
from projections.engine.projection import Projection
from projections.errors import Stalled, describe, is_outage
from projections.operations.repairs.carrying_out import Repairer

EVERY_S: Final = 2.0

_log = structlog.stdlib.get_logger("ordersaga.repairs")


class Repairs:
    """Looks every few seconds whether somebody asked for something."""

    def __init__(self, services: Services, projections: Sequence[Projection]) -> None:
        self._repairer = Repairer(
            services.pool, services.redacted_store, services.codec, projections
        )
        self._heartbeat = Heartbeat()

    def loop(self) -> Loop:
        """The work as a loop of a process."""
        return Loop("repairs", self.run, self._heartbeat.age_s)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; what an outage ends is taken up again."""
        while not stop.is_set():
            if not await self._work(stop):
                await self._heartbeat.pause(EVERY_S, stop)

    async def _work(self, stop: asyncio.Event) -> bool:
        try:
            return await self._repairer.work(stop, self._heartbeat.beat)
        except Exception as error:
            if not is_outage(error) and not isinstance(error, Stalled):
                raise
            _log.warning("a repair waits for an outage to end", reason=describe(error))
            return False
