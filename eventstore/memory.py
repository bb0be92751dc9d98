"""An event store in memory, with the same promises: for tests, examples and small tools."""

from bisect import bisect_right
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from eventstore.encoding import (
    ANY,
    STREAM_EXISTS,
    PreparedAppend,
    PreparedStream,
    encode_json,
    expected_text,
    prepare,
)
from eventstore.envelopes import StoredRow, envelopes
from eventstore.errors import DuplicateEventId, VersionConflict
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
from eventstore.reading.waking import LocalWaker
from eventstore.store import EVERYTHING, check_limit, selects


def utc_now() -> datetime:
    """The system's clock, with time zone."""
    return datetime.now(UTC)


class InMemoryEventStore:
    """Keeps everything in this process.

    Args:
        clock: gives the time at which events are recorded, with time zone.
        waker: woken after each append, for subscriptions on this store.
    """

    def __init__(
        self, clock: Callable[[], datetime] = utc_now, waker: LocalWaker | None = None
    ) -> None:
        self._clock = clock
        self._waker = waker
        self._events: list[StoredEvent] = []
        self._streams: dict[str, list[StoredEvent]] = {}
        self._results: dict[UUID, tuple[frozenset[tuple[str, UUID]], AppendResult]] = {}
        self._locations: dict[UUID, EventLocation] = {}
        self._snapshots: dict[tuple[str, int], Snapshot] = {}

    async def append(self, *appends: StreamAppend) -> AppendResult:
        """See `EventStore.append`."""
        request = prepare(appends)
        first_result = self._first_result(request)
        if first_result is not None:
            return first_result
        self._check_versions(request)
        result = self._store(request)
        if self._waker is not None:
            self._waker.poke()
        return result

    def _first_result(self, request: PreparedAppend) -> AppendResult | None:
        """The result of the first append; None if none of the event ids is stored."""
        events = _events_of(request)
        stored = [self._results[event_id] for _, event_id in events if event_id in self._results]
        if not stored:
            return None
        if any(stored_events != events for stored_events, _ in stored):
            raise DuplicateEventId("an event id is stored already, in another append")
        first = stored[0][1]
        return AppendResult(first.versions, first.last_position, repeated=True)

    def _check_versions(self, request: PreparedAppend) -> None:
        for prepared in request.streams:
            actual = len(self._streams.get(prepared.stream, ()))
            fits = prepared.expected in (ANY, actual) or (
                prepared.expected == STREAM_EXISTS and actual > 0
            )
            if not fits:
                raise VersionConflict(prepared.stream, expected_text(prepared.expected), actual)

    def _store(self, request: PreparedAppend) -> AppendResult:
        now = self._clock()
        versions = {}
        for prepared in request.streams:
            stored = self._streams.setdefault(prepared.stream, [])
            added = envelopes(self._rows(prepared, len(stored), now), _unchanged)
            stored += added
            self._events += added
            self._locations.update(
                (event.event_id, EventLocation(event.stream, event.version, event.position))
                for event in added
            )
            versions[prepared.stream] = len(stored)
        result = AppendResult(versions, len(self._events))
        events = _events_of(request)
        self._results.update((event_id, (events, result)) for _, event_id in events)
        return result

    def _rows(self, prepared: PreparedStream, version: int, now: datetime) -> Iterable[StoredRow]:
        for place, event in enumerate(prepared.events, 1):
            yield (
                event.event_id,
                prepared.stream,
                version + place,
                len(self._events) + place,
                event.event_type,
                event.schema_version,
                event.data,
                event.metadata,
                now,
            )

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
        events = [
            event
            for event in self._streams.get(stream, ())
            if event.version >= from_version
            and (to_version is None or event.version <= to_version)
            and (until is None or event.recorded_at <= until)
        ]
        if backward:
            events.reverse()
        return events[: check_limit(limit)]

    async def read_streams(
        self, streams: Sequence[str], *, after_versions: Mapping[str, int] | None = None
    ) -> Mapping[str, Sequence[StoredEvent]]:
        """See `EventStore.read_streams`."""
        after = after_versions or {}
        return {name: self._streams.get(name, [])[after.get(name, 0) :] for name in streams}

    async def read_from_snapshots(
        self,
        streams: Sequence[str],
        *,
        schema_versions: Mapping[str, int],
        after_versions: Mapping[str, int] | None = None,
    ) -> SnapshotsAndEvents:
        """See `EventStore.read_from_snapshots`."""
        after = dict(after_versions or {})
        keys = [(name, schema_versions[name]) for name in streams if name in schema_versions]
        stored = [self._snapshots[key] for key in keys if key in self._snapshots]
        snapshots = {one.stream: one for one in stored if one.version > after.get(one.stream, 0)}
        after.update((name, one.version) for name, one in snapshots.items())
        return SnapshotsAndEvents(snapshots, await self.read_streams(streams, after_versions=after))

    async def locate_events(self, event_ids: Sequence[UUID]) -> Mapping[UUID, EventLocation]:
        """See `EventStore.locate_events`."""
        locations = self._locations
        return {one: locations[one] for one in event_ids if one in locations}

    async def read_feed(
        self, after: int, *, limit: int = 500, feed_filter: FeedFilter = EVERYTHING
    ) -> FeedPage:
        """See `EventStore.read_feed`."""
        check_limit(limit)
        start = bisect_right(self._events, after, key=lambda event: event.position)
        head = len(self._events)
        page = _first(limit, (e for e in self._events[start:] if selects(feed_filter, e)))
        full = len(page) == limit
        return FeedPage(page, page[-1].position if full else max(after, head), head, more=full)

    async def feed_pages(
        self, after: int, *, limit: int = 500, feed_filter: FeedFilter = EVERYTHING
    ) -> AsyncGenerator[FeedPage, None]:
        """See `EventStore.feed_pages`."""
        page = await self.read_feed(after, limit=limit, feed_filter=feed_filter)
        while page.more:
            yield page
            page = await self.read_feed(page.next_position, limit=limit, feed_filter=feed_filter)
        yield page

    async def head(self) -> int:
        """See `EventStore.head`."""
        return len(self._events)

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """See `EventStore.save_snapshot`."""
        encode_json(snapshot.data, "snapshot")
        key = (snapshot.stream, snapshot.schema_version)
        older = self._snapshots.get(key)
        if older is None or older.version < snapshot.version:
            self._snapshots[key] = snapshot


def _unchanged(time: datetime) -> datetime:
    return time


def _events_of(request: PreparedAppend) -> frozenset[tuple[str, UUID]]:
    """Streams and ids of the events: these distinguish a repeated append from another one."""
    return frozenset(
        (prepared.stream, event.event_id)
        for prepared in request.streams
        for event in prepared.events
    )


def _first(limit: int, events: Iterable[StoredEvent]) -> list[StoredEvent]:
    page: list[StoredEvent] = []
    for event in events:
        page.append(event)
        if len(page) == limit:
            break
    return page
