"""A rebuild fills new tables beside the live ones, can be stopped, and switches at once."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from random import Random

import asyncpg
import pytest

from eventstore.postgres.store import PostgresEventStore
from projections.engine.lane import LaneOptions
from projections.engine.runner import LaneDelays
from projections.errors import Interrupted, NotInstalled, VersionMismatch
from projections.operations import operate as operations
from projections.operations.checking import check
from projections.operations.rebuild import NEXT, Progress, rebuild
from projections.operations.status import status as lane_status
from projections.read_models.current_orders import model as current_orders
from projections.read_models.product_demand import model as product_demand
from projections.registry import ALL
from tests.support.stores.event_store import opened_app_pool, opened_operator_pool
from tests.support.stores.read_models import (
    CODEC,
    Order,
    append_events,
    append_raw,
    caught_up,
    mixed_history,
    row_of,
    runner_of,
    tables,
)

Store = PostgresEventStore
SMALL = LaneOptions(batch=10)


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    """Of an operator: a rebuild makes tables."""
    async with opened_operator_pool(database, max_size=20) as opened:
        yield opened


async def test_a_rebuilt_model_equals_the_old_one(pool: asyncpg.Pool, store: Store) -> None:
    for projection in ALL:
        assert await operations.set_lanes(pool, projection, 3)
    await append_events(store, *mixed_history(Random(1)))
    await runner_of(pool, store).catch_up()
    before = await tables(pool)
    for projection in ALL:
        await rebuild(pool, store, CODEC, projection, options=SMALL)
    assert await tables(pool) == before
    assert await pool.fetchval("SELECT count(*) FROM read_models.checkpoints") == 3 * len(ALL)
    await append_events(store, *Order("Z9").completed())
    await runner_of(pool, store).catch_up()
    assert await check(pool, store, CODEC) == []


async def test_a_rebuild_repairs_tables_and_reports_progress(
    pool: asyncpg.Pool, store: Store
) -> None:
    await append_events(store, *mixed_history(Random(3)))
    await runner_of(pool, store).catch_up()
    good = await tables(pool)
    await pool.execute("UPDATE read_models.current_orders SET status = 'wrong'")
    seen: list[Progress] = []
    await rebuild(pool, store, CODEC, current_orders.PROJECTION, report=seen.append, options=SMALL)
    assert await tables(pool) == good
    assert len(seen) > 2
    assert seen[-1].position == seen[-1].head
    assert seen[-1].eta_s == 0.0
    assert [step.position for step in seen] == sorted(step.position for step in seen)


async def test_readers_never_see_an_empty_table_during_a_rebuild(
    database: str, pool: asyncpg.Pool, store: Store
) -> None:
    await append_events(store, *Order("A1").completed(), *mixed_history(Random(3)))
    await runner_of(pool, store).catch_up()
    async with opened_app_pool(database, 2) as readers:
        done, reads = asyncio.Event(), 0

        async def read() -> None:
            nonlocal reads
            while not done.is_set():
                order = await row_of(readers, "current_orders", order_id="A1")
                assert order is not None
                assert order.status == "completed"
                reads += 1

        reading = asyncio.create_task(read())
        for _ in range(5):
            await rebuild(pool, store, CODEC, current_orders.PROJECTION, options=SMALL)
        done.set()
        await reading
    assert reads > 5


async def test_live_workers_continue_during_a_rebuild(pool: asyncpg.Pool, store: Store) -> None:
    stop = asyncio.Event()
    delays = LaneDelays(idle=0.02, held=0.005, linger=0.0)
    running = asyncio.create_task(runner_of(pool, store, delays=delays, options=SMALL).run(stop))
    telling = asyncio.create_task(append_events(store, *mixed_history(Random(8), 40)))
    for _ in range(3):
        await rebuild(pool, store, CODEC, product_demand.PROJECTION, options=SMALL)
        await rebuild(pool, store, CODEC, current_orders.PROJECTION, options=SMALL)
    await telling
    await caught_up(pool, store)
    stop.set()
    await running
    assert await check(pool, store, CODEC) == []


async def test_a_stopped_rebuild_continues_where_it_was(pool: asyncpg.Pool, store: Store) -> None:
    await append_events(store, *mixed_history(Random(3)))
    await runner_of(pool, store).catch_up()
    before = await tables(pool)
    stop, seen = asyncio.Event(), []

    def watch(progress: Progress) -> None:
        seen.append(progress.position)
        if len(seen) == 3:
            stop.set()

    with pytest.raises(Interrupted):
        await rebuild(
            pool, store, CODEC, current_orders.PROJECTION, report=watch, stop=stop, options=SMALL
        )
    assert await tables(pool) == before
    again: list[Progress] = []
    await rebuild(pool, store, CODEC, current_orders.PROJECTION, report=again.append, options=SMALL)
    assert again[0].position > seen[-1]
    assert await tables(pool) == before


async def test_a_new_version_of_a_model_must_be_rebuilt_before_it_runs(
    pool: asyncpg.Pool, store: Store
) -> None:
    await append_events(store, *Order("A1").completed())
    newer = dataclasses.replace(current_orders.PROJECTION, version=2)
    with pytest.raises(VersionMismatch, match="projections rebuild current_orders"):
        await runner_of(pool, store, [newer]).catch_up()
    await rebuild(pool, store, CODEC, newer)
    await runner_of(pool, store, [newer]).catch_up()
    with pytest.raises(VersionMismatch, match="a newer program"):
        await runner_of(pool, store, [current_orders.PROJECTION]).catch_up()


async def test_a_projection_that_is_not_installed_is_refused(
    pool: asyncpg.Pool, store: Store
) -> None:
    unknown = dataclasses.replace(current_orders.PROJECTION, name="elsewhere")
    with pytest.raises(NotInstalled, match="migrate"):
        await rebuild(pool, store, CODEC, unknown)
    with pytest.raises(NotInstalled):
        await runner_of(pool, store, [unknown]).catch_up()


async def test_parked_streams_are_kept_by_the_switch(pool: asyncpg.Pool, store: Store) -> None:
    await append_events(store, Order("A1").draft())
    await append_raw(store, "order-A1", "FromTheFuture", {})
    await rebuild(pool, store, CODEC, current_orders.PROJECTION)
    (stream,) = (await operations.list_parked(pool, [current_orders.PROJECTION])).items
    assert (stream.stream, stream.events) == ("order-A1", 1)
    (lane,) = await lane_status(pool, store, [current_orders.PROJECTION])
    assert lane.parked == 1
    query = "SELECT count(*) FROM read_models.dead_letters WHERE target = $1"
    assert await pool.fetchval(query, NEXT) == 0


async def test_the_check_names_each_row_that_does_not_follow_from_events(
    pool: asyncpg.Pool, store: Store
) -> None:
    for name in ("A1", "B2", "C3"):
        await append_events(store, *Order(name).completed())
    await runner_of(pool, store).catch_up()
    assert await check(pool, store, CODEC) == []
    await pool.execute("UPDATE read_models.current_orders SET status = 'x' WHERE order_id = 'A1'")
    await pool.execute("DELETE FROM read_models.current_orders WHERE order_id = 'B2'")
    await pool.execute(
        "UPDATE read_models.customer_orders SET order_id = 'Z' WHERE order_id = 'C3'"
    )
    assert await check(pool, store, CODEC) == [
        "current_orders: row A1 differs from its events",
        "current_orders: row B2 is missing",
        "customer_orders: row Z follows from no event",
        "customer_orders: row C3 is missing",
    ]
    left = await pool.fetchval("SELECT count(*) FROM pg_namespace WHERE nspname LIKE '%check%'")
    assert left == 0
    assert await pool.fetchval("SELECT count(DISTINCT target) FROM read_models.checkpoints") == 1


async def test_the_check_names_parked_streams(pool: asyncpg.Pool, store: Store) -> None:
    await append_raw(store, "order-A1", "FromTheFuture", {})
    await runner_of(pool, store).catch_up()
    offenders = await check(pool, store, CODEC, [current_orders.PROJECTION])
    assert len(offenders) == 1
    assert "stream order-A1 is parked with 1 events" in offenders[0]
