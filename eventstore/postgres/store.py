"""The event store on PostgreSQL."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import asyncpg

from eventstore.encoding import MAX_VERSION, encode_json, is_name, prepare
from eventstore.envelopes import decode_json, envelopes
from eventstore.model import (
    BUCKETS,
    AppendResult,
    FeedFilter,
    FeedPage,
    Snapshot,
    StoredEvent,
    StreamAppend,
)
from eventstore.postgres.errors import translated
from eventstore.postgres.group_append import GroupAppender, SingleAppender
from eventstore.postgres.poking import Poker
from eventstore.postgres.sql_files import statement
from eventstore.selection import check_limit
from eventstore.store import EVERYTHING

_FORWARD: Final = statement("read_stream_forward")
_BACKWARD: Final = statement("read_stream_backward")
_AFTER: Final = statement("read_stream_after")
_STREAMS: Final = statement("read_streams")
_FEED: Final = statement("read_feed")
_FEED_FILTERED: Final = statement("read_feed_filtered")
_MARK: Final = statement("feed_mark")
_HEAD: Final = statement("head")
_LOAD_SNAPSHOTS: Final = statement("load_snapshots")
_SAVE_SNAPSHOT: Final = statement("save_snapshot")
_ALL: Final = (0, BUCKETS)
_Y2K: Final = datetime(2000, 1, 1, tzinfo=UTC)
_END_OF_TIME: Final = datetime.max.replace(tzinfo=UTC)


class PostgresEventStore:
    """An `EventStore` in the schema `eventstore` of a migrated database.

    Args:
        pool: from `create_pool`; it stays the caller's.
        group_append: appends asked for at the same moment share a round trip and a commit.
    """

    def __init__(self, pool: asyncpg.Pool, *, group_append: bool = True) -> None:
        self._pool = pool
        self._appender = GroupAppender(pool) if group_append else SingleAppender(pool)
        self._poker = Poker(pool)

    async def close(self) -> None:
        """Answer what is under way and send the last poke."""
        await self._appender.close()
        await self._poker.close()

    async def append(self, *appends: StreamAppend) -> AppendResult:
        """See `EventStore.append`."""
        result = await self._appender.append(prepare(appends))
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
            _BACKWARD if backward else _FORWARD,
            stream,
            _bigint(from_version),
            _bigint(last),
            _END_OF_TIME if until is None else until,
            limit,
        )
        return envelopes(rows, _time_of)

    async def read_streams(
        self, streams: Sequence[str], *, after_versions: Mapping[str, int] | None = None
    ) -> Mapping[str, Sequence[StoredEvent]]:
        """See `EventStore.read_streams`."""
        after = after_versions or {}
        names = [name for name in dict.fromkeys(streams) if is_name(name)]
        found: dict[str, list[StoredEvent]] = {name: [] for name in streams}
        if len(names) == 1:
            (name,) = names
            rows = await self._fetch(_AFTER, name, _bigint(after.get(name, 0)))
            found[name] = envelopes(rows, _time_of)
            return found
        rows = await self._fetch(_STREAMS, names, [_bigint(after.get(name, 0)) for name in names])
        for event in envelopes(rows, _time_of):
            found[event.stream].append(event)
        return found

    async def read_feed(
        self, after: int, *, limit: int = 500, wanted: FeedFilter = EVERYTHING
    ) -> FeedPage:
        """See `EventStore.read_feed`."""
        check_limit(limit)
        after = _bigint(after)
        with translated():
            # One session: if the database crashes between the two statements, both are lost.
            async with self._pool.acquire() as connection:
                # The mark and the page must be two statements: each needs a snapshot of its own.
                # An older mark is never used again: a crash can take the sequence back.
                head, mark = (await connection.fetch(_MARK))[0]
                if mark <= after:
                    return FeedPage((), after, head)
                query, arguments = _page(after, mark, limit, wanted)
                rows = await connection.fetch(query, *arguments)
        events = envelopes(rows, _time_of)
        full = len(events) == limit
        return FeedPage(events, events[-1].position if full else mark, head)

    async def head(self) -> int:
        """See `EventStore.head`."""
        (row,) = await self._fetch(_HEAD)
        position: int = row[0]
        return position

    async def load_snapshots(
        self, streams: Sequence[str], *, schema_version: int
    ) -> Mapping[str, Snapshot]:
        """See `EventStore.load_snapshots`."""
        rows = await self._fetch(_LOAD_SNAPSHOTS, list(streams), schema_version)
        return {row[0]: Snapshot(row[0], row[1], row[2], decode_json(row[3])) for row in rows}

    async def save_snapshot(self, snapshot: Snapshot) -> None:
        """See `EventStore.save_snapshot`."""
        data = encode_json(snapshot.data, "snapshot")
        await self._fetch(
            _SAVE_SNAPSHOT, snapshot.stream, snapshot.schema_version, snapshot.version, data
        )

    async def _fetch(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        with translated():
            return await self._pool.fetch(query, *arguments)


def _page(after: int, mark: int, limit: int, wanted: FeedFilter) -> tuple[str, tuple[Any, ...]]:
    """The statement that reads a page, and its arguments."""
    if wanted == EVERYTHING:
        return _FEED, (after, mark, limit)
    categories = sorted(wanted.categories) or None
    types = sorted(wanted.event_types) or None
    return _FEED_FILTERED, (after, mark, limit, categories, types, *(wanted.buckets or _ALL))


def _time_of(sent: bytes) -> datetime:
    """The time that PostgreSQL sends in these bytes: microseconds since 2000."""
    return _Y2K + timedelta(0, 0, int.from_bytes(sent, "big", signed=True))


def _bigint(number: int) -> int:
    """The nearest number that a bigint can hold."""
    return max(-MAX_VERSION, min(number, MAX_VERSION))
