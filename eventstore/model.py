"""The data that goes into and comes out of an event store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID
from zlib import crc32

from msgspec import Struct, field
from msgspec.structs import replace

JsonObject = Mapping[str, Any]
"""A JSON object as Python values: str, int, bool, None, list and dict; never float for money."""

BUCKETS = 1024
"""Streams are spread over this many buckets; lanes are ranges of buckets."""


class Expected(Enum):
    """The expected versions that are not numbers."""

    NO_STREAM = "no_stream"
    STREAM_EXISTS = "stream_exists"
    ANY = "any"


ExpectedVersion = int | Expected
"""An exact version (the number of events already in the stream, at least 1), or an `Expected`."""


# There are hundreds of thousands of envelopes, appends and results. A frozen dataclass sets its
# fields one by one in Python, and the cyclic garbage collector visits every instance. These structs
# are made by one call in C and are not visited: they hold only what has a JSON form, so they are
# never part of a cycle.


class Metadata(Struct, frozen=True, gc=False, omit_defaults=True):
    """Where an event comes from.

    Attributes:
        correlation_id: the business transaction, for sagas the workflow id.
        causation_id: what led to the event directly: a command id, an activity, an event id.
        actor: who acted: a service, an operator, a customer.
        traceparent: W3C trace context, if there was one.
        extra: free keys; for sagas `run_id`.
    """

    correlation_id: str
    causation_id: str
    actor: str
    traceparent: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)

    def with_traceparent(self, traceparent: str) -> "Metadata":
        """The same metadata with another trace context."""
        return replace(self, traceparent=traceparent)


class NewEvent(Struct, frozen=True, gc=False):
    """An event to append; `event_id` makes it safe to repeat the append."""

    event_id: UUID
    event_type: str
    data: JsonObject
    metadata: Metadata
    schema_version: int = 1

    def with_data(self, data: JsonObject) -> "NewEvent":
        """The same event with other data, such as data with sealed fields."""
        return replace(self, data=data)


class StoredEvent(Struct, frozen=True, gc=False):
    """An event as the store returns it: the envelope.

    Attributes:
        category: the part of `stream` before its first ``-``.
        version: its number in the stream, from 1.
        position: its place in the feed of all streams; grows, but has gaps.
        recorded_at: the store's clock at the append, with time zone.
        bucket: 0 to BUCKETS-1, the same for all events of a stream.
    """

    event_id: UUID
    stream: str
    category: str
    version: int
    position: int
    event_type: str
    schema_version: int
    data: JsonObject
    metadata: Metadata
    recorded_at: datetime
    bucket: int

    def with_data(self, data: JsonObject) -> "StoredEvent":
        """The same event with other data, such as data without personal fields."""
        return replace(self, data=data)


class StreamAppend(Struct, frozen=True, gc=False):
    """Events for one stream (at least one) and the version the stream must have."""

    stream: str
    expected: ExpectedVersion
    events: Sequence[NewEvent]


class AppendResult(Struct, frozen=True, gc=False):
    """What an append did.

    Attributes:
        versions: the last version of each stream that the append wrote.
        last_position: the highest position of its events.
        repeated: True if the same event ids were stored before and nothing was written now.
    """

    versions: Mapping[str, int]
    last_position: int
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class FeedFilter:
    """Selects events of the feed; an empty set means no restriction.

    `buckets` is a half-open range (first, end) of bucket numbers.
    """

    categories: frozenset[str] = frozenset()
    event_types: frozenset[str] = frozenset()
    buckets: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class FeedPage:
    """A part of the feed, in order of position.

    Attributes:
        events: at most `limit` events.
        next_position: where to read on; beyond the last event if the page was not full, but
            never beyond the part of the feed that is complete.
        head: the last position drawn so far; `head - next_position` is the lag in positions.
        more: whether the page ended before the complete part did, because it was full, or because
            a filter had it scan far enough. Such a page may be empty.
    """

    events: Sequence[StoredEvent]
    next_position: int
    head: int
    more: bool


@dataclass(frozen=True, slots=True)
class EventLocation:
    """Where an event is stored: its stream, its version there, and its position in the feed."""

    stream: str
    version: int
    position: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A folded state: `data` is the state at `version`, in the form `schema_version`."""

    stream: str
    version: int
    schema_version: int
    data: JsonObject


@dataclass(frozen=True, slots=True)
class SnapshotsAndEvents:
    """Streams as they are read from their snapshots.

    Attributes:
        snapshots: the snapshot of each stream that was read from one.
        events: the events after the snapshot, oldest first; every requested stream is a key.
    """

    snapshots: Mapping[str, Snapshot]
    events: Mapping[str, Sequence[StoredEvent]]


def category_of(stream: str) -> str:
    """The part of a stream name before its first ``-``."""
    return stream.partition("-")[0]


def bucket_of(stream: str) -> int:
    """The bucket of all events of a stream; it never changes."""
    return crc32(stream.encode()) % BUCKETS
