"""The interface of every event store; `tests/contract` checks each implementation against it."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from eventstore.model import (
    AppendResult,
    EventLocation,
    FeedFilter,
    FeedPage,
    Snapshot,
    SnapshotsAndEvents,
    StoredEvent,
    StreamAppend,
)

EVERYTHING = FeedFilter()


class EventStore(Protocol):
    """Append-only streams with optimistic concurrency and one feed over all of them."""

    async def append(self, *appends: StreamAppend) -> AppendResult:
        """Append to one or several streams, all or nothing.

        Raises:
            VersionConflict: a stream is not at its expected version.
            DuplicateEventId: event ids of this append are stored already, but in another append.
            InvalidAppend: the request is malformed.
            StoreUnavailable: the outcome is unknown; append the same ids again.
        """
        ...

    async def read_stream(
        self,
        stream: str,
        *,
        from_version: int = 1,
        to_version: int | None = None,
        until: datetime | None = None,
        backward: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Events of a stream, forward or backward; empty if there is no such stream.

        `from_version` and `to_version` are inclusive bounds whatever the direction; `until` keeps
        events recorded at or before that time.
        """
        ...

    async def read_streams(
        self, streams: Sequence[str], *, after_versions: Mapping[str, int] | None = None
    ) -> Mapping[str, Sequence[StoredEvent]]:
        """Several streams in one round trip; every requested name is a key of the result.

        `after_versions` skips the events of a stream up to and including a version.
        """
        ...

    async def read_from_snapshots(
        self,
        streams: Sequence[str],
        *,
        schema_versions: Mapping[str, int],
        after_versions: Mapping[str, int] | None = None,
    ) -> SnapshotsAndEvents:
        """Several streams in one round trip, each from its snapshot if it has one.

        Args:
            streams: the names; each is a key of the events.
            schema_versions: the streams that may be read from a snapshot, with the schema version
                that it must have. A stream without one is read from its first event.
            after_versions: skips events as in `read_streams`. A snapshot at or below such a
                version is not used.
        """
        ...

    async def locate_events(self, event_ids: Sequence[UUID]) -> Mapping[UUID, EventLocation]:
        """Where events are stored, by event id; ids that are not stored are left out."""
        ...

    async def read_feed(
        self, after: int, *, limit: int = 500, feed_filter: FeedFilter = EVERYTHING
    ) -> FeedPage:
        """The next events of all streams after a position; no committed event is ever skipped.

        A page need not be full: whether to read on at once is told by its `more`.
        """
        ...

    def feed_pages(
        self, after: int, *, limit: int = 500, feed_filter: FeedFilter = EVERYTHING
    ) -> AsyncGenerator[FeedPage, None]:
        """The feed after a position up to its present end, page by page, for catching up.

        The last page is the one without `more`: it shows the end of the feed as it is when the
        caller gets there. Other pages may be read ahead, while the caller works on the previous
        one. Close the generator (`contextlib.aclosing`) when leaving before the end.
        """
        ...

    async def head(self) -> int:
        """The last position drawn so far, 0 for an empty store."""
        ...

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """Store a snapshot in place of an older one of the same stream and schema version."""
        ...


def selects(feed_filter: FeedFilter, event: StoredEvent) -> bool:
    """Whether a feed with this filter shows the event."""
    if feed_filter.categories and event.category not in feed_filter.categories:
        return False
    if feed_filter.event_types and event.event_type not in feed_filter.event_types:
        return False
    return (
        feed_filter.buckets is None
        or feed_filter.buckets[0] <= event.bucket < feed_filter.buckets[1]
    )


def check_limit(limit: int | None) -> int | None:
    """The limit itself.

    Raises:
        ValueError: below 1.
    """
    if limit is not None and limit < 1:
        raise ValueError(f"a limit must be at least 1, not {limit}")
    return limit
