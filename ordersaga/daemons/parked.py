"""Shows how many streams each read model could not apply, in health and as a metric."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ordersaga.daemons.loops import Heartbeat, Loop
from projections.engine import control
from projections.engine.projection import LIVE, Pool, Projection
from projections.errors import is_outage

if TYPE_CHECKING:
    from temporalio.runtime import Runtime

METRIC: Final = "ordersaga_parked_streams"
EVERY_S: Final = 5.0


class ParkedStreams:
    """Counts the parked streams of some read models every few seconds.

    Args:
        runtime: its metrics endpoint serves the gauge; None: no metrics.
    """

    def __init__(
        self, pool: Pool, runtime: "Runtime | None", projections: Sequence[Projection]
    ) -> None:
        self._pool = pool
        self._runtime = runtime  # without it the endpoint would close
        text = "Streams that a read model could not apply"
        self._gauge = runtime.metric_meter.create_gauge(METRIC, text) if runtime else None
        self._parked = {projection.name: 0 for projection in projections}
        self._heartbeat = Heartbeat()

    def loop(self) -> Loop:
        """The work as a loop of a process."""
        return Loop("parked streams", self.run, self._heartbeat.age_s, notices=self.notices)

    async def run(self, stop: asyncio.Event) -> None:
        """Count until `stop` is set; in an outage the last count stays."""
        while not stop.is_set():
            try:
                await self._count()
            except Exception as error:
                if not is_outage(error):
                    raise
            await self._heartbeat.pause(EVERY_S, stop)

    def notices(self) -> Sequence[str]:
        """A line for each read model with parked streams."""
        return [
            f"{name}: {count} parked streams, see `ordersaga projections dead-letters {name}`"
            for name, count in self._parked.items()
            if count
        ]

    async def _count(self) -> None:
        lanes = await control.load_lanes(self._pool, LIVE, list(self._parked))
        for name in self._parked:
            self._parked[name] = sum(lane.parked for lane in lanes if lane.projection == name)
            if self._gauge:
                self._gauge.set(self._parked[name], {"projection": name})
