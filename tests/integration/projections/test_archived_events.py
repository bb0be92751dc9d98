"""Read models see archived events as all others, in order."""

import asyncpg

from eventstore.postgres.growth.archive import Archive
from eventstore.postgres.store import PostgresEventStore
from projections.operations import checking, rebuild
from projections.registry import ALL
from tests.support.stores.read_models import CODEC, Order, runner_of, tables, tell


async def test_a_rebuild_sees_archived_events_and_equals_what_was_there(
    pool: asyncpg.Pool, store: PostgresEventStore
) -> None:
    for order_id in ("A1", "A2", "A3"):
        await tell(store, *Order(order_id).completed())
    await runner_of(pool, store).catch_up()
    before = await tables(pool)
    streams = {one.stream for one in (await store.read_feed(0)).events if "A2" in one.stream}
    moved = await Archive(pool).archive(sorted(streams), "a test")
    assert moved.events > 0
    for projection in ALL:
        if not projection.side_effects:
            await rebuild.rebuild(pool, store, CODEC, projection)
    after = await tables(pool)
    told = {name for one in ALL if one.side_effects for name in one.tables}
    assert {name: rows for name, rows in after.items() if name not in told} == {
        name: rows for name, rows in before.items() if name not in told
    }
    assert await checking.check(pool, store, CODEC) == []


async def test_a_rebuild_without_the_archive_would_differ(
    pool: asyncpg.Pool, store: PostgresEventStore
) -> None:
    """The control: had the events gone, the check would say so."""
    for order_id in ("A1", "A2"):
        await tell(store, *Order(order_id).completed())
    await runner_of(pool, store).catch_up()
    await Archive(pool).archive(["order-A2"], "a test")
    await pool.execute("ALTER TABLE eventstore.archived_events DISABLE TRIGGER USER")
    await pool.execute("DELETE FROM eventstore.archived_events")
    assert any("A2" in line for line in await checking.check(pool, store, CODEC))
