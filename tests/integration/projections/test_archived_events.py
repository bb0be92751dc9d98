"""Read models see archived events like all others, in order."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from eventstore.postgres.growth.archive import Archive
from eventstore.postgres.store import PostgresEventStore
from projections.operations import checking, rebuild
from projections.registry import ALL
from tests.support.stores.event_store import opened_operator_pool
from tests.support.stores.read_models import CODEC, Order, append_events, runner_of, tables


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    """Of an operator: moves events and makes tables."""
    async with opened_operator_pool(database, max_size=20) as opened:
        yield opened


async def test_a_rebuild_from_archived_events_gives_the_same_tables(
    pool: asyncpg.Pool, store: PostgresEventStore
) -> None:
    for order_id in ("A1", "A2", "A3"):
        await append_events(store, *Order(order_id).completed())
    await runner_of(pool, store).catch_up()
    before = await tables(pool)
    streams = {one.stream for one in (await store.read_feed(0)).events if "A2" in one.stream}
    moved = await Archive(pool).archive(sorted(streams), "a test")
    assert moved.events > 0
    for projection in ALL:
        if not projection.side_effects:
            await rebuild.rebuild(pool, store, CODEC, projection)
    after = await tables(pool)
    outbox = {name for one in ALL if one.side_effects for name in one.tables}
    assert {name: rows for name, rows in after.items() if name not in outbox} == {
        name: rows for name, rows in before.items() if name not in outbox
    }
    assert await checking.check(pool, store, CODEC) == []


async def test_a_rebuild_without_the_archive_would_differ(
    pool: asyncpg.Pool, store: PostgresEventStore
) -> None:
    """The control: without the archived events the check fails."""
    for order_id in ("A1", "A2"):
        await append_events(store, *Order(order_id).completed())
    await runner_of(pool, store).catch_up()
    await Archive(pool).archive(["order-A2"], "a test")
    await pool.execute("ALTER TABLE eventstore.archived_events DISABLE TRIGGER USER")
    await pool.execute("DELETE FROM eventstore.archived_events")
    assert any("A2" in line for line in await checking.check(pool, store, CODEC))
