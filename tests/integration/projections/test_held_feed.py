"""A feed that an open transaction holds up is behind by the age of what waits, not by nothing."""

import asyncpg
import pytest

from eventstore.postgres.feed_lag import feed_holder
from eventstore.postgres.roles import GRANTED
from eventstore.postgres.store import PostgresEventStore
from projections.operations.checking import check
from projections.operations.rebuild import rebuild
from projections.operations.status import LaneState, LaneStatus
from projections.operations.status import status as lane_status
from projections.read_models.current_orders.model import PROJECTION as CURRENT_ORDERS
from projections.read_models.stock_levels.model import PROJECTION as STOCK_LEVELS
from projections.registry import ALL
from tests.support.stores.event_store import opened_app_pool, opened_operator_pool, opened_pool
from tests.support.stores.logins import as_only, as_processes
from tests.support.stores.raw_appends import append_in
from tests.support.stores.read_models import (
    CODEC,
    Order,
    append_events,
    eventually,
    runner_of,
    tables,
)

Store = PostgresEventStore


async def lanes_of(
    pool: asyncpg.Pool, store: Store, *, stuck_after_s: float = 3600.0
) -> dict[str, LaneStatus]:
    lanes = await lane_status(pool, store, ALL, stuck_after_s=stuck_after_s)
    return {lane.projection: lane for lane in lanes}


async def test_a_held_feed_shows_its_age_and_the_process_that_holds_it(
    database: str, pool: asyncpg.Pool, store: Store
) -> None:
    await append_events(store, *Order("A1").completed())
    runner = runner_of(pool, store)
    reached = await runner.catch_up()
    assert await feed_holder(pool) is None
    assert all(lane.lag_seconds == 0.0 for lane in (await lanes_of(pool, store)).values())
    connection = await asyncpg.connect(await as_processes(database))
    try:
        pid = await connection.fetchval("SELECT pg_backend_pid()")
        await connection.execute("SET application_name = 'forgetful'")
        await connection.execute("BEGIN")
        await append_in(connection, {"hanging-1": 1})
        # Nothing behind it yet: the transaction itself is what waits.
        assert all(lane.lag_seconds > 0.0 for lane in (await lanes_of(pool, store)).values())
        await append_events(store, *Order("B2").completed())
        await runner.catch_up()
        first = await lanes_of(pool, store)
        holder = await feed_holder(pool)
        assert holder is not None
        assert (holder.position, holder.pid, holder.application) == (reached, pid, "forgetful")
        assert f"pg_terminate_backend({pid})" in holder.problem
        stuck = await lanes_of(pool, store, stuck_after_s=0.0)
        for name, lane in first.items():
            assert lane.position == reached
            assert lane.lag_seconds > 0.0
            assert stuck[name].lag_seconds > lane.lag_seconds
            assert stuck[name].state is LaneState.STUCK
            assert stuck[name].problem is not None
            assert f"process {pid} (forgetful)" in stuck[name].problem
        await pool.fetchval("SELECT pg_terminate_backend($1)", pid)  # what the problem advises
    finally:
        connection.terminate()

    async def free() -> bool:
        return await feed_holder(pool) is None

    await eventually(free)
    await runner.catch_up()
    assert (await lanes_of(pool, store))[CURRENT_ORDERS.name].lag_seconds == 0.0


async def test_events_that_the_feed_does_not_show_yet_count_for_those_who_need_them(
    database: str, pool: asyncpg.Pool, store: Store
) -> None:
    runner = runner_of(pool, store)
    async with opened_app_pool(database, 1) as other, other.acquire() as connection:
        await append_events(store, Order("A1").draft())
        await runner.catch_up()
        await connection.execute("BEGIN")
        await append_in(connection, {"hanging-1": 1})
        await append_events(store, Order("A1").submit())
        lanes = await lanes_of(pool, store)
        assert lanes[CURRENT_ORDERS.name].state is LaneState.BEHIND
        assert lanes[STOCK_LEVELS.name].state is LaneState.CURRENT  # none of them is its own
        assert lanes[STOCK_LEVELS.name].lag_seconds > 0.0  # but it could not know
        await connection.execute("ROLLBACK")

    async def applied() -> bool:
        await runner.catch_up()
        return (await lanes_of(pool, store))[CURRENT_ORDERS.name].state is LaneState.CURRENT

    await eventually(applied)


async def test_a_rebuild_does_not_wait_for_the_one_who_holds_the_feed(
    database: str, pool: asyncpg.Pool, store: Store
) -> None:
    await append_events(store, *Order("A1").completed())
    await runner_of(pool, store).catch_up()
    before = await tables(pool)
    async with (
        opened_operator_pool(database) as operator,
        operator.acquire() as connection,
        connection.transaction(),
    ):
        await append_in(connection, {"hanging-1": 1})
        await append_events(store, *Order("B2").completed())
        await rebuild(operator, store, CODEC, CURRENT_ORDERS)
        assert await tables(pool) == before
    await runner_of(pool, store).catch_up()
    async with opened_operator_pool(database) as operator:
        assert await check(operator, store, CODEC, [CURRENT_ORDERS]) == []


@pytest.mark.parametrize("kind", GRANTED)
async def test_every_role_sees_why_a_lane_is_stuck(
    database: str, pool: asyncpg.Pool, store: Store, kind: str
) -> None:
    await append_events(store, *Order("A1").completed())
    async with pool.acquire() as worker, worker.transaction():
        await worker.execute(
            "SELECT FROM read_models.checkpoints WHERE projection = $1 FOR UPDATE",
            CURRENT_ORDERS.name,
        )
        async with opened_pool(await as_only(database, kind)) as own:
            lanes = await lanes_of(own, store, stuck_after_s=0.0)
    problems = {name: lane.problem or "" for name, lane in lanes.items()}
    assert {lane.state for lane in lanes.values()} == {LaneState.STUCK}
    assert problems[CURRENT_ORDERS.name].startswith("a worker holds it but has not moved it")
    assert problems[STOCK_LEVELS.name].startswith("no worker has moved it")
