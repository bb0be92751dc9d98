"""The metric to alert on: how many sagas need a person.

The process that runs the counted read models serves it, so it lags exactly as far as they do.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final

from ordersaga.daemons.loops import Heartbeat, Loop
from ordersaga.daemons.outages import is_outage

if TYPE_CHECKING:
    from temporalio.runtime import Runtime


METRIC: Final = "ordersaga_sagas_needing_attention"
EVERY_S: Final = 5.0
_DESCRIPTION: Final = "Sagas that wait for a person"


class AttentionGauge:
    """Counts every few seconds and sets the gauge.

    Args:
        runtime: its metrics endpoint serves the gauge.
        counts: a query for each value of the label `of`: how many need a person now.
    """

    def __init__(
        self, runtime: "Runtime", counts: Mapping[str, Callable[[], Awaitable[int]]]
    ) -> None:
        self._runtime = runtime  # without it the endpoint would close
        self._gauge = runtime.metric_meter.create_gauge(METRIC, _DESCRIPTION)
        self._counts = counts
        self._failing = False
        self._heartbeat = Heartbeat()

    def loop(self) -> Loop:
        """The work as a loop of a process."""
        return Loop("attention", self.run, self._heartbeat.age_s, problems=self._problems)

    async def run(self, stop: asyncio.Event) -> None:
        """Count until `stop` is set; wait through outages of the database."""
        while not stop.is_set():
            await self._update()
            await self._heartbeat.pause(EVERY_S, stop)

    async def _update(self) -> None:
        try:
            for of, count in self._counts.items():
                self._gauge.set(await count(), {"of": of})
        except Exception as error:
            if not is_outage(error):
                raise
            self._failing = True
        else:
            self._failing = False

    def _problems(self) -> tuple[str, ...]:
        return ("the database does not answer",) if self._failing else ()
