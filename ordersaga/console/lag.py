"""How far pages are behind the log."""

from dataclasses import dataclass

from eventstore.postgres.errors import translated
from eventstore.postgres.feed_lag import age_after
from eventstore.store import EVERYTHING
from ordersaga.bootstrap.wiring import Services
from projections.engine.control import load_lanes
from projections.engine.projection import LIVE


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


async def measure_lag(services: Services) -> Lag:
    """The lag now.

    Raises:
        StoreUnavailable: the database does not answer.
    """
    with translated():
        lanes = await load_lanes(services.pool, LIVE)
    head = await services.log.head()
    reached = min((lane.position for lane in lanes), default=head)
    age = await age_after(services.pool, reached, EVERYTHING) if reached < head else None
    return Lag(age or 0.0, 0 if age is None else head - reached, head)
