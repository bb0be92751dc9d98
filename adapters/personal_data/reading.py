"""Reads from another store and transforms the personal fields of every event."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from adapters.personal_data.fields import Fields, Path, value_at, with_value
from adapters.personal_data.sealing import is_sealed, redacted
from domain.values import Redaction
from eventstore.errors import InvalidAppend
from eventstore.model import (
    AppendResult,
    EventLocation,
    FeedFilter,
    FeedPage,
    JsonObject,
    Snapshot,
    SnapshotsAndEvents,
    StoredEvent,
    StreamAppend,
)
from eventstore.store import EVERYTHING, EventStore


class ReadingThrough(ABC):
    """The reading half of an `EventStore` that wraps another one.

    Args:
        inner: the store with the events.
        fields: which fields are personal.
    """

    def __init__(self, inner: EventStore, fields: Fields) -> None:
        self._inner = inner
        self._fields = fields

    @abstractmethod
    async def _opened(self, events: Sequence[StoredEvent]) -> Sequence[StoredEvent]:
        """The same events as readers may see them."""

    @abstractmethod
    def _may_have_snapshot(self, stream: str) -> bool:
        """Whether snapshots of the stream are free of personal data."""

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
        """See `EventStore.read_stream`."""
        return await self._opened(
            await self._inner.read_stream(
                stream,
                from_version=from_version,
                to_version=to_version,
                until=until,
                backward=backward,
                limit=limit,
            )
        )

    async def read_streams(
        self, streams: Sequence[str], *, after_versions: Mapping[str, int] | None = None
    ) -> Mapping[str, Sequence[StoredEvent]]:
        """See `EventStore.read_streams`."""
        events = await self._inner.read_streams(streams, after_versions=after_versions)
        return await self._opened_streams(events)

    async def read_from_snapshots(
        self,
        streams: Sequence[str],
        *,
        schema_versions: Mapping[str, int],
        after_versions: Mapping[str, int] | None = None,
    ) -> SnapshotsAndEvents:
        """See `EventStore.read_from_snapshots`; ignores snapshots that may hold personal data."""
        harmless = {
            stream: schema_version
            for stream, schema_version in schema_versions.items()
            if self._may_have_snapshot(stream)
        }
        loaded = await self._inner.read_from_snapshots(
            streams, schema_versions=harmless, after_versions=after_versions
        )
        return SnapshotsAndEvents(loaded.snapshots, await self._opened_streams(loaded.events))

    async def locate_events(self, event_ids: Sequence[UUID]) -> Mapping[UUID, EventLocation]:
        """See `EventStore.locate_events`."""
        return await self._inner.locate_events(event_ids)

    async def _opened_streams(
        self, streams: Mapping[str, Sequence[StoredEvent]]
    ) -> Mapping[str, Sequence[StoredEvent]]:
        opened = iter(
            await self._opened([event for events in streams.values() for event in events])
        )
        return {name: [next(opened) for _ in events] for name, events in streams.items()}

    async def read_feed(
        self, after: int, *, limit: int = 500, feed_filter: FeedFilter = EVERYTHING
    ) -> FeedPage:
        """See `EventStore.read_feed`."""
        page = await self._inner.read_feed(after, limit=limit, feed_filter=feed_filter)
        return replace(page, events=await self._opened(page.events))

    async def feed_pages(
        self, after: int, *, limit: int = 500, feed_filter: FeedFilter = EVERYTHING
    ) -> AsyncGenerator[FeedPage, None]:
        """See `EventStore.feed_pages`."""
        async with aclosing(
            self._inner.feed_pages(after, limit=limit, feed_filter=feed_filter)
        ) as pages:
            async for page in pages:
                yield replace(page, events=await self._opened(page.events))

    async def head(self) -> int:
        """See `EventStore.head`."""
        return await self._inner.head()

    def _sealed_in(self, event: StoredEvent) -> list[tuple[Path, JsonObject]]:
        """The sealed fields of an event."""
        paths = self._fields.get(event.event_type, ())
        values = ((path, value_at(event.data, path)) for path in paths)
        return [(path, value) for path, value in values if is_sealed(value)]


class RedactedStore(ReadingThrough):
    """Shows everything except personal data, and needs no keys.

    For projections and other readers that do not need personal data. Data that was stored before
    encryption was switched on is withheld too.
    """

    async def _opened(self, events: Sequence[StoredEvent]) -> Sequence[StoredEvent]:
        fields = self._fields
        return [event if event.event_type not in fields else self._bare(event) for event in events]

    def _bare(self, event: StoredEvent) -> StoredEvent:
        data: Any = event.data
        for path in self._fields[event.event_type]:
            if value_at(data, path) is not None:
                data = with_value(data, path, redacted(Redaction.WITHHELD))
        return event.with_data(data)

    async def append(self, *_appends: StreamAppend) -> AppendResult:
        """Refused.

        Raises:
            InvalidAppend: always.
        """
        raise InvalidAppend("this view of the event store is read-only")

    def _may_have_snapshot(self, _stream: str) -> bool:
        return False  # it cannot redact the content of a snapshot

    async def save_snapshot(self, _snapshot: Snapshot) -> None:
        """Refused; raises InvalidAppend."""
        raise InvalidAppend("this view of the event store is read-only")
