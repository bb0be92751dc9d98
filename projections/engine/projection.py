"""What a projection is: the tables of one read model and how a batch of events changes them."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, get_args

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from msgspec import Struct

from domain import events as domain_events
from eventstore.model import BUCKETS, FeedFilter, StoredEvent

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

LIVE: Final = "read_models"
"""The schema that queries read."""

_KNOWN_TYPES: Final = frozenset(event.__name__ for event in get_args(domain_events.Event))


# Nothing for the collector of cyclic garbage, as the envelope in it.
class Recorded(Struct, frozen=True, gc=False):
    """An event and its envelope; `event` is None in projections that do not decode."""

    stored: StoredEvent
    event: Any


Apply = Callable[[Connection, str, Sequence[Recorded]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Projection:
    """A read model that follows the feed.

    Lanes are applied side by side: events of one stream come in order, those of different
    streams in any order. So either a row is fed by one stream only, or the change is commutative
    (a sum, an insert) and the statement locks shared rows in one order, for example sorted.

    Attributes:
        name: also the folder of its SQL files, where `tables.sql` makes its tables and indexes.
        version: raised whenever tables or meaning change; the tables are then rebuilt.
        tables: the names of its tables.
        categories: the streams it follows; empty for all.
        handles: names of the event types that change it; others that are known are passed by,
            unknown ones are parked. Empty: it wants every type and works on envelopes alone.
        apply: changes the tables of a schema (second argument) by a batch, in few statements.
            Must depend on the events and the tables only: no clock, no chance, no other tables.
        side_effects: its rows are acted on outside. So no event is applied again: a rebuild only
            notes the new version, and it begins at the present of a store that has a history.
            Its tables are made by migrations and outlive it.
    """

    name: str
    version: int
    tables: tuple[str, ...]
    categories: frozenset[str]
    handles: frozenset[str]
    apply: Apply
    side_effects: bool = False

    def wanted(self, buckets: tuple[int, int]) -> FeedFilter:
        """The part of the feed that a lane of this projection follows."""
        every = buckets == (0, BUCKETS)
        return FeedFilter(categories=self.categories, buckets=None if every else buckets)

    def passes_by(self, event_type: str) -> bool:
        """True for an event type that is known and does not change this read model."""
        if not self.handles or event_type in self.handles:
            return False
        return event_type in _KNOWN_TYPES


def names(*event_classes: type) -> frozenset[str]:
    """The stored type names of event classes, for `Projection.handles`."""
    return frozenset(event.__name__ for event in event_classes)


def own_id(item: Recorded) -> str:
    """The part of the event's stream name behind the category: an order id, a SKU."""
    return item.stored.stream.partition("-")[2]
