"""What a projection is: the tables of a read model and how a batch of events changes them."""

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

_DOMAIN_TYPES: Final = frozenset(event.__name__ for event in get_args(domain_events.Event))


# gc=False is safe: like its envelope, it is never part of a reference cycle.
class Recorded(Struct, frozen=True, gc=False):
    """An event and its envelope; `event` is None in projections that do not decode."""

    stored: StoredEvent
    event: Any


Apply = Callable[[Connection, str, Sequence[Recorded]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Projection:
    """A read model that follows the feed.

    Lanes are applied concurrently. Events of one stream come in order, those of different streams
    in any order. So either each row is fed by one stream only, or the change is commutative (a
    sum, an insert) and the statement locks shared rows in a fixed order, for example sorted.

    Attributes:
        name: also the name of its folder, where `tables.sql` creates its tables and indexes.
        version: raised whenever tables or their meaning change; the tables are then rebuilt.
        tables: the names of its tables.
        categories: the stream categories it follows; empty means all.
        handles: names of the event types that change it. Other types of the domain are ignored;
            unknown types are parked. Empty: it takes every type and reads only envelopes.
        apply: changes the tables of a schema (second argument) by a batch, in few statements.
            It must depend on the events and these tables only: no clock, no random values.
        side_effects: other systems act on its rows, so no event may be applied twice. A rebuild
            only records the new version. Installed on a store that has a history, it starts at
            the present. The migrations create its tables.
    """

    name: str
    version: int
    tables: tuple[str, ...]
    categories: frozenset[str]
    handles: frozenset[str]
    apply: Apply
    side_effects: bool = False

    def feed_filter(self, buckets: tuple[int, int] = (0, BUCKETS)) -> FeedFilter:
        """The part of the feed that a lane with these buckets follows; by default all lanes."""
        all_buckets = buckets == (0, BUCKETS)
        return FeedFilter(categories=self.categories, buckets=None if all_buckets else buckets)

    def ignores(self, event_type: str) -> bool:
        """True for a type of the domain that does not change this read model."""
        if not self.handles or event_type in self.handles:
            return False
        return event_type in _DOMAIN_TYPES


def names(*event_classes: type) -> frozenset[str]:
    """The stored type names of event classes, for `Projection.handles`."""
    return frozenset(event.__name__ for event in event_classes)


def own_id(item: Recorded) -> str:
    """The id in the stream's name, after the category: an order id, a SKU."""
    return item.stored.stream.partition("-")[2]
