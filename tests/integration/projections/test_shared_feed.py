"""Lanes that are close together share each read of the feed."""

import asyncio
from random import Random

import asyncpg

from eventstore.model import FeedFilter, FeedPage
from eventstore.postgres.store import PostgresEventStore
from eventstore.store import EVERYTHING, selects
from projections.engine import control
from projections.engine.feed import FeedReader, SharedFeed
from projections.registry import ALL
from tests.support.stores.read_models import Order, append_events, mixed_history, runner_of

Store = PostgresEventStore
ORDERS = FeedFilter(categories=frozenset({"order"}))


class Counting(Store):
    """Counts the events that were read for the feed."""

    read = 0

    async def read_feed(
        self, after: int, *, limit: int = 500, feed_filter: FeedFilter = EVERYTHING
    ) -> FeedPage:
        page = await super().read_feed(after, limit=limit, feed_filter=feed_filter)
        self.read += len(page.events)
        return page


async def read_all(reader: FeedReader, limit: int) -> list[int]:
    """The positions that a lane sees, with a pause like that of a commit after each page."""
    position, seen = 0, []
    while True:
        portion = await reader.read(position, limit)
        seen += [event.position for event in portion.events]
        position = portion.next_position
        if not portion.more:
            return seen
        await asyncio.sleep(0)


async def test_all_projections_read_every_event_once(pool: asyncpg.Pool, store: Store) -> None:
    await append_events(store, *mixed_history(Random(3)))
    counting = Counting(pool)
    await runner_of(pool, counting).catch_up()
    await counting.close()
    events = await pool.fetchval("SELECT count(*) FROM eventstore.all_events")
    assert len(ALL) > 1
    assert counting.read == events


async def test_each_lane_sees_its_own_part_whatever_the_window(
    pool: asyncpg.Pool, store: Store
) -> None:
    await append_events(store, *mixed_history(Random(6)))
    everything = (await store.read_feed(0, limit=100_000)).events
    for window in (1, 20, 1000):
        feed = SharedFeed(pool, store, EVERYTHING, window)
        first, second = await asyncio.gather(
            read_all(feed.reader(ORDERS), 7), read_all(feed.reader(EVERYTHING), 11)
        )
        assert first == [event.position for event in everything if selects(ORDERS, event)]
        assert second == [event.position for event in everything]


async def test_a_lane_far_behind_reads_by_itself_and_joins_later(
    pool: asyncpg.Pool, store: Store
) -> None:
    await append_events(store, *mixed_history(Random(6)))
    counting = Counting(pool)
    feed = SharedFeed(pool, counting, EVERYTHING, window=10)
    ahead, behind = feed.reader(EVERYTHING), feed.reader(EVERYTHING)
    front = await read_all(ahead, 10)
    assert await read_all(behind, 10) == front
    last = await append_events(store, Order("Z9").draft())
    counting.read = 0
    for reader in (ahead, behind):
        assert (await reader.read(front[-1], 100)).next_position == last
    assert counting.read == last - front[-1]


async def begin_another_era(pool: asyncpg.Pool) -> None:
    """Empty the unlogged table, as a crash of the server does."""
    await pool.execute("DELETE FROM read_models.era")
    await pool.execute(control.sql("begin_era"))


async def test_pages_of_an_earlier_era_are_dropped_on_request(
    pool: asyncpg.Pool, store: Store
) -> None:
    await append_events(store, *mixed_history(Random(6)))
    reader = SharedFeed(pool, store, EVERYTHING).reader(EVERYTHING)
    seen = await read_all(reader, 10_000)
    before = await reader.read(seen[5], 10_000)
    await begin_another_era(pool)
    stale = await reader.read(seen[5], 10_000)
    assert stale.era == before.era
    reader.drop(stale.era)
    fresh = await reader.read(seen[5], 10_000)
    assert fresh.era not in (None, stale.era)
    assert [event.position for event in fresh.events] == seen[6:]


async def test_a_lane_that_a_crash_moved_back_catches_up_from_an_idle_feed(
    pool: asyncpg.Pool, store: Store
) -> None:
    await append_events(store, *mixed_history(Random(3)))
    runner = runner_of(pool, store)
    head = await runner.catch_up()
    await begin_another_era(pool)
    await pool.execute("UPDATE read_models.checkpoints SET position = position - 3")
    async with asyncio.timeout(60):
        assert await runner.catch_up() == head
    lowest = await pool.fetchval("SELECT min(position) FROM read_models.checkpoints")
    assert lowest == head
