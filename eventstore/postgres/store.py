"""The event store on PostgreSQL."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from eventstore.encoding import MAX_VERSION, encode_json, is_name, prepare
from eventstore.envelopes import decode_json
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
from eventstore.postgres.append.queue import MAX_CALLS, AppendQueue
from eventstore.postgres.errors import translated
from eventstore.postgres.feed import Feed, events_of
from eventstore.postgres.pool import OwnedConnections
from eventstore.postgres.sql_files import statement
from eventstore.postgres.waking import Poker
from eventstore.store import EVERYTHING, check_limit

_READ_FORWARD: Final = statement("read_stream_forward")
_READ_BACKWARD: Final = statement("read_stream_backward")
_READ_FROM: Final = statement("read_stream_from")
_READ_STREAMS: Final = statement("read_streams")
_READ_FROM_SNAPSHOTS: Final = statement("read_from_snapshots")
_LOCATE: Final = statement("locate_events")
_HEAD: Final = statement("head")
_SAVE_SNAPSHOT: Final = statement("save_snapshot")
_PROBE: Final = statement("probe")
_END_OF_TIME: Final = datetime.max.replace(tzinfo=UTC)

_MAX_OWNED: Final = MAX_CALLS
"""Connections kept out of the pool for appends and reads; pokes use one more."""


class PostgresEventStore:
    """An `EventStore` in the schema `eventstore` of a migrated database.

    Args:
        pool: from `create_pool`. The store keeps up to three of its connections: close the store
            before the pool.
    """

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._connections = OwnedConnections(pool, _MAX_OWNED)
        self._queue = AppendQueue(self._connections)
        self._poker = Poker(OwnedConnections(pool, 1))
        self._feed = Feed(pool)

    async def close(self) -> None:
        """Wait for the appends that are under way, send the last poke, give connections back."""
        await self._queue.close()
        await self._poker.close()
        await self._connections.close()

    async def append(self, *appends: StreamAppend) -> AppendResult:
        """See `EventStore.append`."""
        result = await self._queue.append(prepare(appends))
        self._poker.poke()
        return result

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
        check_limit(limit)
        if not is_name(stream):
            return []
        last = MAX_VERSION if to_version is None else to_version
        rows = await self._fetch(
            _READ_BACKWARD if backward else _READ_FORWARD,
            stream,
            _bigint(from_version),
            _bigint(last),
            _END_OF_TIME if until is None else until,
            limit,
        )
        return events_of(rows)

    async def read_streams(
        self, streams: Sequence[str], *, after_versions: Mapping[str, int] | None = None
    ) -> Mapping[str, Sequence[StoredEvent]]:
        """See `EventStore.read_streams`."""
        after = after_versions or {}
        names = [name for name in dict.fromkeys(streams) if is_name(name)]
        if len(names) == 1:
            rows = await self._fetch(_READ_FROM, names[0], _bigint(after.get(names[0], 0) + 1))
        else:
            versions = [_bigint(after.get(name, 0)) for name in names]
            rows = await self._fetch(_READ_STREAMS, names, versions)
        return _by_stream(streams, events_of(rows))

    async def read_from_snapshots(
        self,
        streams: Sequence[str],
        *,
        schema_versions: Mapping[str, int],
        after_versions: Mapping[str, int] | None = None,
    ) -> SnapshotsAndEvents:
        """See `EventStore.read_from_snapshots`."""
        after = after_versions or {}
        names = [name for name in dict.fromkeys(streams) if is_name(name)]
        versions = [_bigint(after.get(name, 0)) for name in names]
        schemas = [schema_versions.get(name) for name in names]
        rows = await self._fetch(_READ_FROM_SNAPSHOTS, names, versions, schemas)
        snapshots = _snapshots_in(rows)
        events = events_of(rows[len(snapshots) :])
        return SnapshotsAndEvents(snapshots, _by_stream(streams, events))

    async def locate_events(self, event_ids: Sequence[UUID]) -> Mapping[UUID, EventLocation]:
        """See `EventStore.locate_events`."""
        if not event_ids:
            return {}
        rows = await self._fetch(_LOCATE, event_ids)
        return {event_id: EventLocation(*location) for event_id, *location in rows}

    async def read_feed(
        self, after: int, *, limit: int = 500, feed_filter: FeedFilter = EVERYTHING
    ) -> FeedPage:
        """See `EventStore.read_feed`."""
        check_limit(limit)
        return await self._feed.page(_position(after), limit, feed_filter)

    def feed_pages(
        self, after: int, *, limit: int = 500, feed_filter: FeedFilter = EVERYTHING
    ) -> AsyncGenerator[FeedPage, None]:
        """See `EventStore.feed_pages`."""
        check_limit(limit)
        return self._feed.pages(_position(after), limit, feed_filter)

    async def head(self) -> int:
        """See `EventStore.head`."""
        (row,) = await self._fetch(_HEAD)
        position: int = row[0]
        return position

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """See `EventStore.save_snapshot`."""
        data = encode_json(snapshot.data, "snapshot")
        await self._fetch(
            _SAVE_SNAPSHOT, snapshot.stream, snapshot.schema_version, snapshot.version, data
        )

    async def probe(self) -> None:
        """Show that an append would work now: its locks are free, the disk takes a row.

        Raises:
            StoreUnavailable: it would not.
        """
        await self._fetch(_PROBE)

    async def _fetch(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        with translated():
            return await self._connections.fetch(query, *arguments)


def _snapshots_in(rows: Sequence[asyncpg.Record]) -> dict[str, Snapshot]:
    """The snapshots that the rows begin with; unlike events they have no event id."""
    snapshots: dict[str, Snapshot] = {}
    for event_id, stream, version, _, _, schema_version, data, *_ in rows:
        if event_id is not None:
            break
        snapshots[stream] = Snapshot(stream, version, schema_version, decode_json(data))
    return snapshots


def _by_stream(streams: Sequence[str], events: list[StoredEvent]) -> dict[str, list[StoredEvent]]:
    """The events of each of the streams, all of which are keys."""
    by_stream: dict[str, list[StoredEvent]] = {name: [] for name in streams}
    if len(by_stream) == 1:
        return dict.fromkeys(by_stream, events)
    for event in events:
        by_stream[event.stream].append(event)
    return by_stream


def _bigint(number: int) -> int:
    """The nearest number that a bigint can hold."""
    return max(-MAX_VERSION, min(number, MAX_VERSION))


def _position(after: int) -> int:
    """The same for a position, of which the first is 1."""
    return max(0, _bigint(after))
