"""How far pages are behind the log: one look serves all requests of a moment."""

import time
from dataclasses import dataclass
from typing import Final

from fastapi import Request

from eventstore.postgres.errors import translated
from eventstore.postgres.feed_lag import age_after
from eventstore.store import EVERYTHING
from ordersaga.api.context import context_of
from ordersaga.bootstrap.wiring import Services
from projections.engine.control import load_lanes
from projections.engine.projection import LIVE

_LASTS_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Lag:
    """How far the read models are behind.

    Attributes:
        seconds: age of the oldest event that is not applied; 0 if there is none.
        events: positions that are not applied by the last of them.
        head: the position of the last event.
    """

    seconds: float
    events: int
    head: int


def lag_meter(request: Request) -> "LagMeter":
    """The meter of the process."""
    state = request.app.state
    if not hasattr(state, "lag"):
        state.lag = LagMeter(context_of(request).services)
    meter: LagMeter = state.lag
    return meter


class LagMeter:
    """Measures the lag, at most twice a second.

    Args:
        services: of the composition root.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._until = 0.0
        self._lag = Lag(0.0, 0, 0)

    async def read(self) -> Lag:
        """The lag now.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        if time.monotonic() >= self._until:
            self._lag = await self._measure()
            self._until = time.monotonic() + _LASTS_S
        return self._lag

    async def _measure(self) -> Lag:
        pool = self._services.pool
        with translated():
            lanes = await load_lanes(pool, LIVE)
        head = await self._services.log.head()
        reached = min((lane.position for lane in lanes), default=head)
        age = await age_after(pool, reached, EVERYTHING) if reached < head else None
        return Lag(age or 0.0, 0 if age is None else head - reached, head)
