"""Appends inside transactions that the test controls, and a naive reader as a control."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from eventstore.encoding import PreparedAppend, prepare
from eventstore.model import AppendResult, Expected, ExpectedVersion, FeedPage, StreamAppend
from eventstore.postgres.append.fast_path import fast_append
from eventstore.postgres.append.queue import MAX_CALLS
from eventstore.postgres.append.slow_path import APPEND_EVENTS, arguments
from eventstore.postgres.store import PostgresEventStore
from eventstore.store import EventStore
from tests.support.stores.event_store import event, events


async def append_in(
    connection: Any,
    counts: dict[str, int],
    *,
    fast: bool = True,
    apart: bool = False,
    expected: Expected = Expected.ANY,
) -> None:
    """Append so many events to each stream in the connection's open transaction.

    On the fast path or the slow one; `apart`: as a request for each stream.
    """
    appends = [StreamAppend(name, expected, events(n)) for name, n in counts.items()]
    requests = [prepare([one]) for one in appends] if apart else [prepare(appends)]
    if fast:
        append = fast_append(requests)
        assert append is not None
        assert await connection.fetchval(append.statement, *append.arguments) is not None
    else:
        await connection.fetch(APPEND_EVENTS, *arguments(requests), False)


@asynccontextmanager
async def blocked(
    store: PostgresEventStore, pool: asyncpg.Pool, calls: int = MAX_CALLS
) -> AsyncIterator[asyncio.Task[AppendResult]]:
    """So many calls of this store are under way and cannot end before the block does.

    All of them append to the stream `hot-1`; the first one is returned.
    """
    async with pool.acquire() as other:
        await other.execute("BEGIN")
        await append_in(other, {"hot-1": 1})
        under_way = [
            start(store.append(StreamAppend("hot-1", Expected.ANY, [event()])))
            for _ in range(calls)
        ]
        await lock_waiters(pool, calls)
        yield under_way[0]
        await other.execute("COMMIT")
    await asyncio.wait(under_way)


def start(append: Awaitable[AppendResult]) -> asyncio.Task[AppendResult]:
    """The append as a task."""

    async def run() -> AppendResult:
        return await append

    return asyncio.create_task(run())


async def transactions(pool: asyncpg.Pool, category: str) -> int:
    """How many transactions the events of a category were stored in."""
    count: int = await pool.fetchval(
        "SELECT count(DISTINCT tx::text) FROM eventstore.events WHERE category = $1", category
    )
    return count


def prepared(expected: dict[str, ExpectedVersion]) -> PreparedAppend:
    """A request of one event for each stream."""
    return prepare([StreamAppend(name, one, events(1)) for name, one in expected.items()])


@dataclass
class StoreReader:
    """Follows the feed as the store offers it."""

    store: EventStore
    after: int = 0
    seen: list[int] = field(default_factory=list)
    order: dict[str, list[int]] = field(default_factory=dict)

    async def read(self, limit: int = 500) -> int:
        """Read a page; returns how many events it held."""
        page = await self.store.read_feed(self.after, limit=limit)
        self.take(page)
        return len(page.events)

    def take(self, page: FeedPage) -> None:
        self.after = page.next_position
        self.seen += [stored.position for stored in page.events]
        for stored in page.events:
            self.order.setdefault(stored.stream, []).append(stored.version)


@dataclass
class PagesReader(StoreReader):
    """Follows the feed by pages that are read ahead, again and again from where they ended."""

    pages: AsyncGenerator[FeedPage, None] | None = None

    async def read(self, limit: int = 500) -> int:
        """Read a page of the size that was asked for first; returns how many events it held."""
        if self.pages is None:
            self.pages = self.store.feed_pages(self.after, limit=limit)
        page = await anext(self.pages, None)
        if page is None:
            self.pages = None
            return await self.read(limit)
        self.take(page)
        return len(page.events)


@dataclass
class NaiveReader:
    """Remembers the highest position it saw, as a reader without a watermark does."""

    pool: asyncpg.Pool
    after: int = 0
    seen: list[int] = field(default_factory=list)

    async def read(self, limit: int = 500) -> int:
        """Read a page; returns how many events it held."""
        rows = await self.pool.fetch(
            "SELECT position FROM eventstore.events WHERE position > $1 ORDER BY 1 LIMIT $2",
            self.after,
            limit,
        )
        self.seen += [row["position"] for row in rows]
        self.after = max([self.after, *self.seen[-1:]])
        return len(rows)


async def stored_positions(pool: asyncpg.Pool) -> list[int]:
    rows = await pool.fetch("SELECT position FROM eventstore.events ORDER BY position")
    return [row["position"] for row in rows]


async def lock_waiters(pool: asyncpg.Pool, count: int = 1) -> None:
    """Return once so many backends of this database wait for a lock."""
    query = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    while await pool.fetchval(query) < count:  # noqa: ASYNC110  the server has no event for it
        await asyncio.sleep(0.005)
