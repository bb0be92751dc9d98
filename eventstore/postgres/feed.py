"""The feed on PostgreSQL: single pages, or page after page with the next one read ahead."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from struct import Struct
from typing import Any, Final

import asyncpg

from eventstore.envelopes import envelopes
from eventstore.model import BUCKETS, FeedFilter, FeedPage, StoredEvent
from eventstore.postgres.errors import translated
from eventstore.postgres.pool import session_of
from eventstore.postgres.sql_files import statement
from eventstore.store import EVERYTHING
from eventstore.tasks import finish

_MARK: Final = statement("feed_mark")
_NEXT: Final = statement("next_position")
_FEED: Final = statement("read_feed")
_FEED_FILTERED: Final = statement("read_feed_filtered")
_ALL: Final = (0, BUCKETS)
_Y2K: Final = datetime(2000, 1, 1, tzinfo=UTC)
_BIGINT: Final = Struct(">q").unpack

SPAN: Final = 20_000
"""Positions that one statement with a filter looks at: it ends in time, however rare a match is."""

_ROWS_BETWEEN_TASKS: Final = 250
"""Rows decoded before other tasks of the event loop may run."""


@dataclass(frozen=True, slots=True)
class _Mark:
    """The feed is complete up to `position`; read in one session with the server.

    That stays true, with one exception: a crash can set the sequence back, so that positions of
    transactions that never committed are drawn again. No session outlives a crash, so a mark is
    used only in the session that read it.
    """

    head: int
    position: int
    session: object | None
    read_at: float

    def holds_in(self, session: object | None) -> bool:
        """Whether a page may still be read up to the mark in this session."""
        return session is not None and session is self.session


@dataclass(frozen=True, slots=True)
class _RawPage:
    """A page before its rows are decoded; see `FeedPage`."""

    rows: Sequence[asyncpg.Record]
    next_position: int
    mark: _Mark
    more: bool

    def with_events(self, events: Sequence[StoredEvent]) -> FeedPage:
        """The page as callers get it."""
        return FeedPage(events, self.next_position, self.mark.head, self.more)


class Feed:
    """Reads the feed of an event store.

    Args:
        mark_lasts_s: how long a mark is reused for further pages; their `head` is at most this old.
    """

    def __init__(self, pool: asyncpg.Pool, *, mark_lasts_s: float = 0.25) -> None:
        self._pool = pool
        self._mark_lasts_s = mark_lasts_s

    async def page(self, after: int, limit: int, feed_filter: FeedFilter) -> FeedPage:
        """The events after a position."""
        page = await self._read(after, limit, feed_filter)
        return page.with_events(events_of(page.rows))

    async def pages(
        self, after: int, limit: int, feed_filter: FeedFilter
    ) -> AsyncGenerator[FeedPage, None]:
        """Page after page; the next one is read while the caller works on the current one."""
        page = await self._read(after, limit, feed_filter)
        while page.more:
            after = page.next_position
            next_read = asyncio.create_task(self._read(after, limit, feed_filter, page.mark))
            try:
                yield page.with_events(await _events_in_steps(page.rows))
                page = await next_read
            finally:
                await _end(next_read)
            if not page.more:
                # The end as it is now, not as it was before the caller worked.
                page = await self._read(after, limit, feed_filter)
        yield page.with_events(events_of(page.rows))

    async def _read(
        self, after: int, limit: int, feed_filter: FeedFilter, mark: _Mark | None = None
    ) -> _RawPage:
        """A page up to `mark` if it still holds, otherwise up to a new one."""
        with translated():
            async with self._pool.acquire() as connection:
                # The mark and the page must be two statements: each needs a snapshot of its own.
                # And one session: a crash between the two must be noticed.
                session = session_of(connection)
                if mark is None or not self._holds(mark, session):
                    head, position = (await connection.fetch(_MARK))[0]
                    mark = _Mark(head, position, session, time.monotonic())
                if mark.position <= after:
                    return _RawPage((), after, mark, more=False)
                upto = end_of_look(after, mark.position, feed_filter)
                query, arguments = _statement(after, upto, limit, feed_filter)
                rows = await connection.fetch(query, *arguments)
                if not rows and upto < mark.position:
                    upto = await before_next(connection, upto, mark.position)
        if len(rows) == limit:
            return _RawPage(rows, rows[-1]["position"], mark, more=True)
        return _RawPage(rows, upto, mark, more=upto < mark.position)

    def _holds(self, mark: _Mark, session: object | None) -> bool:
        return mark.holds_in(session) and time.monotonic() - mark.read_at < self._mark_lasts_s


def events_of(rows: Sequence[asyncpg.Record]) -> list[StoredEvent]:
    """The events of the rows of a reading statement."""
    return envelopes(rows, _time_of)


async def _events_in_steps(rows: Sequence[asyncpg.Record]) -> list[StoredEvent]:
    """The same; other tasks of the event loop may run in between."""
    events: list[StoredEvent] = []
    for first in range(0, len(rows), _ROWS_BETWEEN_TASKS):
        await asyncio.sleep(0)
        events += events_of(rows[first : first + _ROWS_BETWEEN_TASKS])
    return events


async def _end(task: asyncio.Task[_RawPage]) -> None:
    """End a read that is no longer needed, so that its connection goes back to the pool."""
    await finish([task], 0)
    if task.done() and not task.cancelled():
        task.exception()


def end_of_look(after: int, end: int, feed_filter: FeedFilter) -> int:
    """The last position that one statement may look at, on its way to an end."""
    return end if feed_filter == EVERYTHING else min(end, after + SPAN)


async def before_next(
    connection: "asyncpg.Connection | asyncpg.pool.PoolConnectionProxy | asyncpg.Pool",
    position: int,
    end: int,
) -> int:
    """The last position before the next event, at most `end`: positions may have leapt."""
    following = await connection.fetchval(_NEXT, position, end)
    return end if following is None else int(following) - 1


def _statement(
    after: int, upto: int, limit: int, feed_filter: FeedFilter
) -> tuple[str, tuple[Any, ...]]:
    """The statement that reads a page, and its arguments."""
    if feed_filter == EVERYTHING:
        return _FEED, (after, upto, limit)
    return _FEED_FILTERED, (after, upto, limit, *selection(feed_filter))


def selection(feed_filter: FeedFilter) -> tuple[Any, ...]:
    """A filter as arguments of a statement: categories, types, first bucket, end of buckets."""
    categories = sorted(feed_filter.categories) or None
    types = sorted(feed_filter.event_types) or None
    return (categories, types, *(feed_filter.buckets or _ALL))


def _time_of(sent: bytes) -> datetime:
    """The time in PostgreSQL's binary form: microseconds since 2000."""
    return _Y2K + timedelta(0, 0, *_BIGINT(sent))
