"""The whole database server dies, as in a power cut: tables and checkpoints still agree.

Batches are committed without waiting for the disk, so a crash takes the last ones back. That is
right as long as tables and checkpoint go together, and workers forget what they knew.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import asyncpg
import pytest

from eventstore.postgres.migrator import migrate
from eventstore.postgres.store import PostgresEventStore
from projections.engine.lane import LaneOptions, LaneWorker, StepResult
from projections.engine.runner import LaneDelays, ProjectionRunner
from projections.operations.checking import check
from projections.operations.install import install
from projections.read_models.current_orders import model as current_orders
from tests.support.stores.event_store import opened_operator_pool
from tests.support.stores.postgres import programs
from tests.support.stores.postgres_server import PostgresServer, free_port
from tests.support.stores.raw_appends import append_in
from tests.support.stores.read_models import (
    CODEC,
    Order,
    append_events,
    caught_up,
    eventually,
    mixed_history,
    row_of,
    runner_of,
)

Store = PostgresEventStore
SMALL = LaneOptions(batch=4, growth=2)
QUICK = LaneDelays(idle=0.05, held=0.005, linger=0.0, retry=0.01, retry_most=0.05)
POSITIONS = "SELECT sum(position)::bigint FROM read_models.checkpoints"


@pytest.fixture
def durable_server() -> Iterator[PostgresServer]:
    """As in production, but what no commit waits for reaches the disk late."""
    with TemporaryDirectory(prefix="ordersaga-pg-") as folder:
        options = {"wal_writer_delay": "10s"}
        server = PostgresServer(Path(folder) / "pgdata", free_port(), options, programs())
        server.start()
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture
async def url(durable_server: PostgresServer) -> str:
    await migrate(durable_server.url())
    await install(durable_server.url())
    return durable_server.url()


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[tuple[asyncpg.Pool, Store]]:
    async with opened_operator_pool(url, 20) as pool:
        store = Store(pool)
        yield pool, store
        await store.close()


@asynccontextmanager
async def running(runner: ProjectionRunner) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(runner.run(stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def test_production_commits_events_durably(durable_server: PostgresServer) -> None:
    async with opened(durable_server.url()) as (pool, _):
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            assert await pool.fetchval(f"SHOW {setting}") == "on"


async def test_after_each_crash_tables_and_checkpoints_agree(
    durable_server: PostgresServer, url: str
) -> None:
    async with opened(url) as (_, store):
        await append_events(store, *mixed_history(Random(4), 60))
    lost = 0
    for _ in range(5):
        async with opened(url) as (pool, store):
            start = await pool.fetchval(POSITIONS)
            async with running(runner_of(pool, store, options=SMALL, delays=QUICK)):
                await eventually(lambda pool=pool, at=start: _has_moved(pool, at))
                seen = await pool.fetchval(POSITIONS)
                durable_server.kill()
                durable_server.start()
        async with opened(url) as (pool, store):
            lost += seen > await pool.fetchval(POSITIONS)
            assert await check(pool, store, CODEC) == []
    assert lost, "no crash took a batch back: this test shows nothing"
    async with opened(url) as (pool, store):
        await runner_of(pool, store).catch_up()
        assert await check(pool, store, CODEC) == []


async def _has_moved(pool: asyncpg.Pool, start: int) -> bool:
    position: int = await pool.fetchval(POSITIONS)
    return position > start


async def test_a_worker_that_survives_crashes_applies_everything_once(
    durable_server: PostgresServer, url: str
) -> None:
    async with (
        opened(url) as (pool, store),
        running(runner_of(pool, store, options=SMALL, delays=QUICK)),
    ):
        for number in range(4):
            async with opened(url) as (looking, teller):
                await append_events(teller, *Order(f"X{number}").completed())
                await eventually(lambda p=looking, n=number: _is_completed(p, f"X{n}"))
            durable_server.kill()
            durable_server.start()
        async with opened(url) as (looking, teller):
            await caught_up(looking, teller)
            assert await check(looking, teller, CODEC) == []


async def _is_completed(pool: asyncpg.Pool, order_id: str) -> bool:
    order = await row_of(pool, "current_orders", order_id=order_id)
    return order is not None and order.status == "completed"


async def test_positions_that_a_crash_undid_are_read_again(
    durable_server: PostgresServer, url: str
) -> None:
    async with opened(url) as (pool, store):
        await append_events(store, Order("A1").draft())
        worker = LaneWorker(pool, store, CODEC, current_orders.PROJECTION, 0, (0, 1024))
        assert await worker.step() is StepResult.DRAINED
        for _ in range(50):  # drawn but unused: no commit flushes them
            await _draw_and_roll_back(pool)
        assert await worker.step(save=False) is StepResult.DRAINED
        remembered = worker.position
        durable_server.kill()
        durable_server.start()
        async with opened(url) as (_, teller):
            position = await append_events(teller, Order("B2").draft())
        assert position < remembered, "the crash took nothing back: this test shows nothing"
        while await worker.step() is not StepResult.DRAINED:
            pass
        assert worker.position == position
        assert await row_of(pool, "current_orders", order_id="B2") is not None


async def _draw_and_roll_back(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        await connection.execute("BEGIN")
        await append_in(connection, {"gone-1": 2})
        await connection.execute("ROLLBACK")
