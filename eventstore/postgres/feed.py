"""The feed on PostgreSQL: one page, or one after the other with the next one already on its way."""

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

_MARK: Final = statement("feed_mark")
_FEED: Final = statement("read_feed")
_FEED_FILTERED: Final = statement("read_feed_filtered")
_ALL: Final = (0, BUCKETS)
_Y2K: Final = datetime(2000, 1, 1, tzinfo=UTC)
_BIGINT: Final = Struct(">q").unpack

_AT_ONCE: Final = 250
"""Rows that are made events before the event loop gets a turn."""


@dataclass(frozen=True, slots=True)
class _Mark:
    """The feed is complete up to `position`, as far as the session knows that told it.

    What is complete stays so, except that a crash can take the sequence back: positions that were
    drawn for nothing are drawn again. No session outlives a crash, so a mark is of use only where
    it was told.
    """

    head: int
    position: int
    session: object | None
    told_at: float

    def holds_in(self, session: object | None) -> bool:
        """Whether a page may be read up to it in this session."""
        return session is not None and session is self.session


@dataclass(frozen=True, slots=True)
class _Portion:
    """A page as the driver gives it; `full` if there may be more at once."""

    rows: Sequence[asyncpg.Record]
    next_position: int
    mark: _Mark
    full: bool


class Feed:
    """Reads the feed of an event store.

    Args:
        mark_lasts_s: so long a mark is used for further pages, so the head they tell is no older.
    """

    def __init__(self, pool: asyncpg.Pool, *, mark_lasts_s: float = 0.25) -> None:
        self._pool = pool
        self._mark_lasts_s = mark_lasts_s

    async def page(self, after: int, limit: int, wanted: FeedFilter) -> FeedPage:
        """What comes after a position."""
        portion = await self._portion(after, limit, wanted)
        return FeedPage(events_of(portion.rows), portion.next_position, portion.mark.head)

    async def pages(
        self, after: int, limit: int, wanted: FeedFilter
    ) -> AsyncGenerator[FeedPage, None]:
        """Page after page, the next one read while the last one is decoded and worked on."""
        portion = await self._portion(after, limit, wanted)
        while portion.full:
            after = portion.next_position
            coming = asyncio.create_task(self._portion(after, limit, wanted, portion.mark))
            try:
                events = await _events_in_turns(portion.rows)
                yield FeedPage(events, after, portion.mark.head)
                portion = await coming
            finally:
                await _end(coming)
            if not portion.full:
                # The end must be as it is now, not as it was before the caller worked.
                portion = await self._portion(after, limit, wanted)
        yield FeedPage(events_of(portion.rows), portion.next_position, portion.mark.head)

    async def _portion(
        self, after: int, limit: int, wanted: FeedFilter, known: _Mark | None = None
    ) -> _Portion:
        """A page up to the mark, or up to one that is known if it still holds."""
        with translated():
            async with self._pool.acquire() as connection:
                # The mark and the page must be two statements: each needs a snapshot of its own.
                # And one session: a crash between the two must be noticed.
                session = session_of(connection)
                if known is None or not self._holds(known, session):
                    head, position = (await connection.fetch(_MARK))[0]
                    known = _Mark(head, position, session, time.monotonic())
                if known.position <= after:
                    return _Portion((), after, known, full=False)
                query, arguments = _statement(after, known.position, limit, wanted)
                rows = await connection.fetch(query, *arguments)
        full = len(rows) == limit
        return _Portion(rows, rows[-1]["position"] if full else known.position, known, full)

    def _holds(self, mark: _Mark, session: object | None) -> bool:
        return mark.holds_in(session) and time.monotonic() - mark.told_at < self._mark_lasts_s


def events_of(rows: Sequence[asyncpg.Record]) -> list[StoredEvent]:
    """The events of rows that one of the reading statements returned."""
    return envelopes(rows, _time_of)


async def _events_in_turns(rows: Sequence[asyncpg.Record]) -> list[StoredEvent]:
    """The same, and what else waits for the event loop goes on in between."""
    events: list[StoredEvent] = []
    for first in range(0, len(rows), _AT_ONCE):
        await asyncio.sleep(0)
        events += events_of(rows[first : first + _AT_ONCE])
    return events


async def _end(task: asyncio.Task[_Portion]) -> None:
    """Nobody waits for it any more: give its connection back, and what it raised is nobody's."""
    if not task.done():
        task.cancel()
        await asyncio.wait({task})
    if not task.cancelled():
        task.exception()


def _statement(
    after: int, mark: int, limit: int, wanted: FeedFilter
) -> tuple[str, tuple[Any, ...]]:
    """What reads a page, and its arguments."""
    if wanted == EVERYTHING:
        return _FEED, (after, mark, limit)
    categories = sorted(wanted.categories) or None
    types = sorted(wanted.event_types) or None
    return _FEED_FILTERED, (after, mark, limit, categories, types, *(wanted.buckets or _ALL))


def _time_of(sent: bytes) -> datetime:
    """The time that PostgreSQL sends in these bytes: microseconds since 2000."""
    return _Y2K + timedelta(0, 0, *_BIGINT(sent))
