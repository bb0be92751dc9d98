"""However workers run and die, each event changes each read model once."""

import asyncio
import dataclasses
import os
import signal
import sys
from collections.abc import Sequence
from random import Random

import asyncpg
import pytest

from eventstore.postgres.store import PostgresEventStore
from projections.engine.lane import LaneOptions, LaneWorker, StepResult
from projections.engine.projection import Connection, Projection, Recorded
from projections.engine.runner import LaneDelays
from projections.operations import operate as operations
from projections.operations.install import PROJECTIONS, install
from projections.read_models.audit_log import model as audit_log
from projections.read_models.current_orders import model as current_orders
from projections.read_models.product_demand import model as product_demand
from projections.registry import ALL
from tests.support.stores.event_store import opened_app_pool
from tests.support.stores.logins import as_processes
from tests.support.stores.read_models import (
    CODEC,
    Order,
    append_events,
    caught_up,
    eventually,
    mixed_history,
    row_of,
    runner_of,
    tables,
)

Store = PostgresEventStore
QUICK = LaneDelays(idle=0.05, held=0.005, linger=0.0, retry=0.001, retry_most=0.01)


async def _fold_at_once(pool: asyncpg.Pool, store: Store) -> dict[str, list[tuple[object, ...]]]:
    """The tables after one worker applied everything."""
    await runner_of(pool, store).catch_up()
    return await tables(pool)


async def _reset(pool: asyncpg.Pool) -> None:
    names = [table for projection in ALL for table in projection.tables]
    for name in names:
        await pool.execute(f"DELETE FROM read_models.{name}")  # noqa: S608  our own names
    await pool.execute("UPDATE read_models.checkpoints SET position = 0")


@pytest.mark.parametrize("seed", range(4))
async def test_batch_sizes_and_lanes_do_not_change_the_tables(
    pool: asyncpg.Pool, store: Store, seed: int
) -> None:
    random = Random(seed)
    await append_events(store, *mixed_history(random))
    expected = await _fold_at_once(pool, store)
    await _reset(pool)
    for projection in ALL:
        assert await operations.set_lanes(pool, projection, random.randint(2, 5))
    options = LaneOptions(batch=random.randint(1, 40))
    await runner_of(pool, store, options=options).catch_up()
    assert await tables(pool) == expected


async def test_following_and_catching_up_give_the_same_tables(
    pool: asyncpg.Pool, store: Store
) -> None:
    stop = asyncio.Event()
    runner = runner_of(pool, store, delays=QUICK, options=LaneOptions(batch=7))
    running = asyncio.create_task(runner.run(stop))
    await append_events(store, *mixed_history(Random(9)))
    await caught_up(pool, store)
    stop.set()
    await running
    live = await tables(pool)
    await _reset(pool)
    assert await _fold_at_once(pool, store) == live


async def test_two_workers_with_killed_connections_apply_everything_once(
    database: str, pool: asyncpg.Pool, store: Store
) -> None:
    random = Random(5)
    for projection in ALL:
        assert await operations.set_lanes(pool, projection, 2)
    stop = asyncio.Event()
    async with opened_app_pool(database, 8) as first, opened_app_pool(database, 8) as second:
        workers = [
            asyncio.create_task(
                runner_of(own, Store(own), options=LaneOptions(batch=3), delays=QUICK).run(stop)
            )
            for own in (first, second)
        ]
        telling = asyncio.create_task(append_events(store, *mixed_history(random, 40)))
        killed = 0
        while not telling.done() or killed < 5:
            killed += await _kill_a_busy_worker(pool)
            await asyncio.sleep(0.02)
        await telling
        await caught_up(pool, store)
        stop.set()
        await asyncio.gather(*workers)
    assert killed >= 5
    together = await tables(pool)
    await _reset(pool)
    assert await _fold_at_once(pool, store) == together


async def _kill_a_busy_worker(pool: asyncpg.Pool) -> int:
    """Kill a backend in the middle of a batch; returns how many were killed."""
    return len(
        await pool.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND state LIKE 'idle in transaction%' OR (state = 'active'"
            " AND query LIKE '%INSERT INTO read_models.%' AND pid <> pg_backend_pid()) LIMIT 1"
        )
    )


_WORKER = """
import asyncio, sys
from eventstore.postgres.pool import create_pool
from eventstore.postgres.store import PostgresEventStore
from projections.engine.lane import LaneOptions
from projections.registry import ALL
from tests.support.stores.read_models import runner_of

async def main():
    pool = await create_pool(sys.argv[1], max_size=8)
    runner = runner_of(pool, PostgresEventStore(pool), options=LaneOptions(batch=2))
    print("started", flush=True)
    await runner.run(asyncio.Event())

asyncio.run(main())
"""


async def test_another_worker_continues_when_a_process_is_killed(
    database: str, pool: asyncpg.Pool, store: Store
) -> None:
    await append_events(store, *mixed_history(Random(2), 60))
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _WORKER, await as_processes(database), stdout=asyncio.subprocess.PIPE
    )
    assert child.stdout is not None
    assert await child.stdout.readline() == b"started\n"
    moving = "SELECT max(position) > 20 FROM read_models.checkpoints"
    await eventually(lambda: pool.fetchval(moving))
    os.kill(child.pid, signal.SIGKILL)
    await child.wait()
    left = await pool.fetchval("SELECT min(position) FROM read_models.checkpoints")
    assert left < await store.head()
    await runner_of(pool, store).catch_up()
    both = await tables(pool)
    await _reset(pool)
    assert await _fold_at_once(pool, store) == both


async def test_a_worker_takes_over_as_soon_as_the_fence_is_free(
    pool: asyncpg.Pool, store: Store
) -> None:
    position = await append_events(store, *Order("A1").completed())
    worker = LaneWorker(pool, store, CODEC, audit_log.PROJECTION, 0, (0, 1024))
    async with pool.acquire() as other:
        transaction = other.transaction()
        await transaction.start()
        await other.execute(
            "SELECT FROM read_models.checkpoints WHERE projection = 'audit_log' FOR UPDATE"
        )
        assert await worker.step() is StepResult.HELD
        await transaction.rollback()
    assert await worker.step() is StepResult.DRAINED
    assert worker.position == position


async def test_a_stale_worker_does_not_apply_the_slice_it_has_read(
    pool: asyncpg.Pool, store: Store
) -> None:
    first = LaneWorker(pool, store, CODEC, product_demand.PROJECTION, 0, (0, 1024))
    second = LaneWorker(pool, store, CODEC, product_demand.PROJECTION, 0, (0, 1024))
    assert [await first.step(), await second.step()] == [StepResult.DRAINED, StepResult.DRAINED]
    await append_events(store, *Order("A1").completed())
    assert await first.step() is StepResult.DRAINED
    assert await second.step() is StepResult.MORE  # the checkpoint was moved: it reads again
    assert await second.step() is StepResult.DRAINED
    (top,) = (await product_demand.top_products(pool, limit=1)).items
    assert top.ordered == 6


async def test_a_failure_between_tables_and_checkpoint_undoes_both(
    pool: asyncpg.Pool, store: Store
) -> None:
    await append_events(store, *Order("A1").completed())
    before = await tables(pool)
    worker = LaneWorker(pool, store, CODEC, _breaking_after_apply(), 0, (0, 1024))
    assert await worker.step() is StepResult.FAILED
    assert worker.error is not None
    assert await tables(pool) == before
    assert await pool.fetchval("SELECT max(position) FROM read_models.checkpoints") == 0
    sound = LaneWorker(pool, store, CODEC, current_orders.PROJECTION, 0, (0, 1024))
    assert await sound.step() is StepResult.DRAINED
    assert await row_of(pool, "current_orders", order_id="A1") is not None


def _breaking_after_apply() -> Projection:
    async def apply(connection: Connection, schema: str, batch: Sequence[Recorded]) -> None:
        await current_orders.PROJECTION.apply(connection, schema, batch)
        raise RuntimeError("broken")

    return dataclasses.replace(current_orders.PROJECTION, apply=apply)


async def test_a_filtered_lane_moves_its_checkpoint_to_the_mark_and_not_beyond(
    pool: asyncpg.Pool, store: Store
) -> None:
    position = await append_events(store, *Order("A1").completed())
    async with pool.acquire() as appender:
        transaction = appender.transaction()
        await transaction.start()
        hidden = Store(_OneConnection(appender))  # type: ignore[arg-type]  # a pool of one
        await append_events(hidden, Order("B2").draft())
        await append_events(store, *Order("C3").completed())
        worker = LaneWorker(pool, store, CODEC, current_orders.PROJECTION, 0, (0, 1024))
        assert await worker.step() is StepResult.BEHIND
        stored = await pool.fetchval(
            "SELECT position FROM read_models.checkpoints WHERE projection = 'current_orders'"
        )
        assert stored == position
        await transaction.commit()
    assert await worker.step() is StepResult.DRAINED
    page = await current_orders.list_orders(pool)
    assert {order.order_id for order in page.items} == {"A1", "B2", "C3"}


class _OneConnection:
    """A pool of the one connection whose transaction is still open."""

    def __init__(self, connection: object) -> None:
        self._connection = connection

    def get_max_size(self) -> int:
        return 1

    async def acquire(self) -> object:
        return self._connection

    async def release(self, _connection: object) -> None:
        """It stays where it is."""


async def test_an_idle_lane_moves_its_checkpoint_only_once_in_a_while(
    pool: asyncpg.Pool, store: Store
) -> None:
    worker = LaneWorker(
        pool,
        store,
        CODEC,
        current_orders.PROJECTION,
        0,
        (0, 1024),
        options=LaneOptions(idle_save_s=60),
    )
    assert await worker.step(save=False) is StepResult.DRAINED
    position = await append_events(store, [("stock-1", Order("A1").reserve()[0][1])])
    assert await worker.step(save=False) is StepResult.DRAINED
    assert worker.position == position
    checkpoint = "SELECT position FROM read_models.checkpoints WHERE projection = 'current_orders'"
    assert await pool.fetchval(checkpoint) == 0
    assert await worker.step() is StepResult.DRAINED
    assert await pool.fetchval(checkpoint) == position


async def test_concurrent_and_repeated_installs_create_everything_once(
    bare_database: str,
) -> None:
    installed = await asyncio.gather(*(install(bare_database) for _ in range(4)))
    assert sorted(name for names in installed for name in names) == sorted(
        [PROJECTIONS.baseline().name, *(projection.name for projection in ALL)]
    )
    assert await install(bare_database) == []
