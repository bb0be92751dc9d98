"""Pages that are read ahead: connections, and marks that hold for one session only."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import asyncpg
import pytest

from eventstore.errors import StoreUnavailable
from eventstore.model import FeedFilter
from eventstore.postgres import feed
from eventstore.postgres.feed import Feed
from eventstore.postgres.sql_files import statement
from eventstore.postgres.store import PostgresEventStore
from eventstore.store import EVERYTHING
from tests.support.stores.event_store import new_stream, opened_pool
from tests.support.stores.raw_appends import append_in, lock_waiters


class Asked:
    """Counts the statements that a pool's connections send, by their text."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, record: asyncpg.connection.LoggedQuery) -> None:
        self.texts.append(record.query)

    @property
    def marks(self) -> int:
        return self.texts.count(statement("feed_mark"))


async def watch(pool: asyncpg.Pool, asked: Asked) -> None:
    async with pool.acquire() as connection:
        connection.add_query_logger(asked)


async def end_sessions(pool: asyncpg.Pool, other: asyncpg.Connection) -> None:
    """End all sessions of the pool, as a crash does, and return when it has noticed."""
    await other.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND application_name = 'ordersaga'"
    )
    while pool.get_size() > 0:  # noqa: ASYNC110  it has no event for it
        await asyncio.sleep(0.001)


async def page_is_read(pool: asyncpg.Pool) -> None:
    """Return when the only connection of the pool is not in use."""
    while pool.get_idle_size() == 0:  # noqa: ASYNC110  it has no event for it
        await asyncio.sleep(0.001)


@pytest.fixture
async def other(database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database)
    yield connection
    await connection.close()


async def test_one_mark_serves_several_pages_of_one_session(database: str) -> None:
    async with opened_pool(database, max_size=1) as pool:
        store, asked = PostgresEventStore(pool), Asked()
        await store.append(new_stream("cart-1", 9))
        await watch(pool, asked)
        pages = [page async for page in Feed(pool, mark_lasts_s=60).pages(0, 2, EVERYTHING)]
        assert [len(page.events) for page in pages] == [2, 2, 2, 2, 1]
        assert asked.marks == 2, "the first, and one for the end"
        await store.close()


async def test_a_new_session_asks_for_the_mark_again(
    database: str, other: asyncpg.Connection
) -> None:
    async with opened_pool(database, max_size=1) as pool:
        store, asked = PostgresEventStore(pool), Asked()
        await store.append(new_stream("cart-1", 9))
        async with aclosing(Feed(pool, mark_lasts_s=60).pages(0, 2, EVERYTHING)) as pages:
            seen = [await anext(pages)]
            await page_is_read(pool)
            await end_sessions(pool, other)
            await watch(pool, asked)
            seen += [page async for page in pages]
        assert [len(page.events) for page in seen] == [2, 2, 2, 2, 1]
        assert asked.marks == 2, "the first in the new session, and one for the end"
        await store.close()


async def test_a_page_whose_session_ends_while_it_is_read_is_an_outage(
    database: str, other: asyncpg.Connection, pool: asyncpg.Pool
) -> None:
    async with opened_pool(database, max_size=1) as single:
        store = PostgresEventStore(single)
        await store.append(new_stream("cart-1", 9))
        pages = store.feed_pages(0, limit=2)
        await anext(pages)
        await page_is_read(single)
        async with other.transaction():
            await other.execute("LOCK TABLE eventstore.events")
            await anext(pages)  # was read before; the one after it waits for the lock
            await lock_waiters(pool)
            await pool.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
        with pytest.raises(StoreUnavailable):
            await anext(pages)
        assert len((await store.read_feed(0)).events) == 9
        await store.close()


async def test_a_page_with_a_filter_looks_at_a_bounded_span_and_moves_on_without_a_match(
    pool: asyncpg.Pool, store: PostgresEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "SPAN", 3)
    await store.append(new_stream("cart-1", 5))
    await draw_in_vain(pool, 7)
    await store.append(new_stream("rare-1"))
    rare = FeedFilter(categories=frozenset({"rare"}))
    pages = [page async for page in Feed(pool).pages(0, 500, rare)]
    assert [page.next_position for page in pages] == [3, 12, 13], "a gap is passed in one step"
    assert [len(page.events) for page in pages] == [0, 0, 1]
    assert len((await store.read_feed(0)).events) == 6, "the whole feed in one page"


async def draw_in_vain(pool: asyncpg.Pool, count: int) -> None:
    """Leave a gap of so many positions, as appends do that are rolled back."""
    async with pool.acquire() as connection:
        await connection.execute("BEGIN")
        await append_in(connection, {"gap-1": count})
        await connection.execute("ROLLBACK")


async def test_leaving_early_gives_the_connection_back(database: str) -> None:
    async with opened_pool(database, max_size=1) as pool:
        store = PostgresEventStore(pool)
        await store.append(new_stream("cart-1", 9))
        async with aclosing(store.feed_pages(0, limit=2)) as pages:
            page = await anext(pages)
        assert page.next_position == 2
        await page_is_read(pool)  # the one that was coming was cancelled
        assert len((await store.read_feed(0)).events) == 9
        await store.close()


async def test_whoever_works_on_a_page_can_use_the_same_single_connection(database: str) -> None:
    async with opened_pool(database, max_size=1) as pool:
        store = PostgresEventStore(pool)
        await store.append(new_stream("cart-1", 9))
        found = [
            len(await store.read_stream(event.stream))
            async for page in store.feed_pages(0, limit=2)
            for event in page.events
        ]
        assert found == [9] * 9
        await store.close()


async def test_a_pool_from_elsewhere_gets_a_mark_for_every_page(database: str) -> None:
    async with asyncpg.create_pool(database, min_size=1, max_size=1) as pool:
        store, asked = PostgresEventStore(pool), Asked()
        await store.append(new_stream("cart-1", 9))
        async with pool.acquire() as connection:
            connection.add_query_logger(asked)
        pages = [page async for page in store.feed_pages(0, limit=3)]
        assert [len(page.events) for page in pages] == [3, 3, 3, 0]
        assert asked.marks > 1
        await store.close()
