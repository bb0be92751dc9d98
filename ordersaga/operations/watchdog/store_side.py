"""The side of the event store: which open orders are quiet, and what the events say of an order.

The read model only proposes orders; the events decide. So a read model that lags delays a finding
and never makes one up.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

from domain.ids import OrderId, streams_of_order
from eventstore.model import StoredEvent
from eventstore.store import EventStore
from ordersaga.operations.watchdog.comparison import QUIET_AFTER, OrderFacts
from projections.engine import control
from projections.engine.projection import Pool
from projections.engine.sql_files import statement
from projections.operations.status import status
from projections.read_models.current_orders.model import PROJECTION

_sql: Final = partial(statement, __package__)
_LAG_TOLERATED_S: Final = 10.0
_ENDED: Final = frozenset({"OrderCompleted", "OrderCancelled"})


@dataclass(frozen=True, slots=True)
class Place:
    """A place among the orders, which are sorted by their last event."""

    at: datetime = datetime(2000, 1, 1, tzinfo=UTC)
    order_id: str = ""


FIRST: Final = Place()


async def clock(pool: Pool) -> datetime:
    """The time of the database."""
    now: datetime = await pool.fetchval(control.sql("clock"))
    return now


async def quiet_orders(pool: Pool, after: Place, limit: int) -> list[Place]:
    """Open orders of the read model that are quiet, longest quiet first."""
    rows = await pool.fetch(_sql("quiet_orders"), after.at, after.order_id, QUIET_AFTER, limit)
    return [Place(row["updated_at"], row["order_id"]) for row in rows]


async def lag_of_orders(pool: Pool, store: EventStore) -> str | None:
    """What is said about a read model that lags; None if it does not."""
    lanes = await status(pool, store, [PROJECTION])
    lag = max(lane.lag_seconds for lane in lanes)
    if lag < _LAG_TOLERATED_S:
        return None
    return f"the read model {PROJECTION.name} is {lag:.0f} s behind: newer orders are not judged"


async def read_orders(
    store: EventStore, order_ids: Collection[OrderId]
) -> Mapping[OrderId, OrderFacts | None]:
    """What the events say of each order; None if there are none."""
    streams = await store.read_streams(
        [name for order_id in order_ids for name in streams_of_order(order_id)]
    )
    return {
        order_id: facts_of([streams.get(name, ()) for name in streams_of_order(order_id)])
        for order_id in order_ids
    }


_WAITS: Final = frozenset({"ItemsUnavailable", "PaymentAsked"})
_STAGES: Final = _WAITS | {"OrderReserved", "PaymentReplaced"}
"""Events after which an order waits, or goes on."""


def facts_of(streams: Sequence[Sequence[StoredEvent]]) -> OrderFacts | None:
    """An order from its streams, its own first."""
    events = [event for stream in streams for event in stream]
    if not events:
        return None
    types = [event.event_type for event in streams[0]]
    stage = [name for name in types if name in _STAGES]
    return OrderFacts(
        is_open="OrderSubmitted" in types and not _ENDED & set(types),
        is_waiting=bool(_WAITS.intersection(stage[-1:])),
        last_event_at=max(event.recorded_at for event in events),
    )
