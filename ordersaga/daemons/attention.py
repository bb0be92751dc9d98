"""The metric that pages somebody: how many sagas wait for a person.

Served by the process that runs the read models that it counts in, so it lags behind the event
store only as far as they do.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final

import structlog

from ordersaga.daemons.service import Loop

if TYPE_CHECKING:
    from temporalio.runtime import Runtime


METRIC: Final = "ordersaga_sagas_needing_attention"
EVERY_S: Final = 5.0
_MEANING: Final = "Sagas that wait for a person"

_log = structlog.stdlib.get_logger(__name__)


class AttentionGauge:
    """Counts again every few seconds and sets the gauge.

    Args:
        runtime: whose metrics address the gauge is served at.
        counts: how many sagas wait for a person right now, by what they carry: the label `of`.
    """

    def __init__(
        self, runtime: "Runtime", counts: Mapping[str, Callable[[], Awaitable[int]]]
    ) -> None:
        self._runtime = runtime  # the metrics page goes away with it
        self._gauge = runtime.metric_meter.create_gauge(METRIC, _MEANING)
        self._counts = counts
        self._failing = False

    def loop(self) -> Loop:
        """The work as a loop of a process."""
        return Loop("attention", self.run, problems=self._problems)

    async def run(self, stop: asyncio.Event) -> None:
        """Count until `stop` is set; a database that is away is waited for."""
        while not stop.is_set():
            await self._update()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), EVERY_S)

    async def _update(self) -> None:
        import asyncpg

        try:
            for of, count in self._counts.items():
                self._gauge.set(await count(), {"of": of})
        except (
            OSError,
            TimeoutError,
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
            asyncpg.InternalClientError,
        ) as error:
            if not self._failing:
                _log.warning("sagas that need attention not counted", error=type(error).__name__)
            self._failing = True
        else:
            self._failing = False

    def _problems(self) -> tuple[str, ...]:
        return ("the database does not answer",) if self._failing else ()
