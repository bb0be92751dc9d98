"""A program writes only to tables of its own version of a read model, and stops no other model."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import asyncpg
import pytest
from structlog.testing import capture_logs

from eventstore.postgres.store import PostgresEventStore
from projections.engine import control
from projections.engine.projection import LIVE, Projection
from projections.engine.runner import ProjectionRunner
from projections.errors import Stalled, VersionMismatch
from projections.operations import operate
from projections.operations.checking import check
from projections.operations.rebuild import NEXT, rebuild
from projections.operations.shadow import Shadow
from projections.operations.status import status as lane_status
from projections.outbox import outbox
from projections.outbox.rules import PROJECTION as NOTIFICATIONS
from projections.registry import ALL
from tests.support.stores.event_store import opened_operator_pool
from tests.support.stores.logins import as_processes
from tests.support.stores.read_models import (
    CODEC,
    Order,
    append_events,
    append_raw,
    caught_up,
    eventually,
    mixed_history,
    runner_of,
)
from tests.support.stores.versioned_projection import DELAYS, OPTIONS, signed

Store = PostgresEventStore
ROOT = Path(__file__).parents[3]
V1, V2 = signed(1), signed(2)


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    """Of an operator: a rebuild makes tables."""
    async with opened_operator_pool(database, max_size=20) as opened:
        yield opened


@asynccontextmanager
async def old_program(database: str, *more: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that runs version 1 of the read model."""
    module = "tests.support.stores.versioned_projection"
    arguments = ["-m", module, await as_processes(database), "1", *more]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def running(runner: ProjectionRunner) -> AsyncIterator[ProjectionRunner]:
    stop = asyncio.Event()
    task = asyncio.create_task(runner.run(stop))
    try:
        yield runner
    finally:
        stop.set()
        await task


async def signatures(pool: asyncpg.Pool) -> set[str]:
    """The versions whose programs wrote the rows."""
    rows = await pool.fetch("SELECT DISTINCT actor FROM read_models.order_history")
    return {row["actor"] for row in rows}


async def version_of(pool: asyncpg.Pool, name: str) -> int:
    (lane,) = await control.load_lanes(pool, LIVE, [name])
    return lane.version


@pytest.mark.parametrize("blind", [False, True])
async def test_an_old_program_writes_nothing_after_the_switch(
    database: str, pool: asyncpg.Pool, store: Store, *, blind: bool
) -> None:
    async with old_program(database, *(["blind"] if blind else [])) as old:
        await append_events(store, *mixed_history(Random(1)))
        await caught_up(pool, store, [V1])
        assert await signatures(pool) == {"v1"}
        telling = asyncio.create_task(append_events(store, *mixed_history(Random(8), 60)))
        await rebuild(pool, store, CODEC, V2, options=OPTIONS)
        assert blind or await signatures(pool) == {"v2"}
        await telling
        if blind:  # the control: only the version in the fence kept it from writing
            await eventually(lambda: _holds(pool, "v1"))
            return
        await append_events(store, *Order("Z9").completed())
        assert old.stdout is not None
        while b"read model waits" not in (line := await old.stdout.readline()):
            assert line
        assert b"a newer program has rebuilt it" in line
        assert await signatures(pool) == {"v2"}
        runner = runner_of(pool, store, [V2], delays=DELAYS, options=OPTIONS)
        async with running(runner):
            await caught_up(pool, store, [V2])
        assert await signatures(pool) == {"v2"}
        assert await check(pool, store, CODEC, [V2]) == []


async def _holds(pool: asyncpg.Pool, signature: str) -> bool:
    return signature in await signatures(pool)


async def test_programs_of_two_versions_take_turns_as_the_tables_change(
    database: str, pool: asyncpg.Pool, store: Store
) -> None:
    new = runner_of(pool, store, [V2], delays=DELAYS, options=OPTIONS)
    with capture_logs() as logs:
        async with old_program(database), running(new):
            for round_, projection in enumerate((V1, V2, V1, V2)):
                await rebuild(pool, store, CODEC, projection, options=OPTIONS)
                await append_events(store, *Order(f"A{round_}").completed())
                await caught_up(pool, store, [projection])
                assert await signatures(pool) == {f"v{projection.version}"}
    assert await check(pool, store, CODEC, [V2]) == []
    said = [log for log in logs if log["event"] == "read model waits"]
    assert 1 <= len(said) <= 2  # once for each time, although it looked again every 20 ms
    assert all("run `ordersaga projections rebuild" in log["problem"] for log in said)
    assert any(log["event"] == "read model goes on" for log in logs)


# --- one model does not stop the others ----------------------------------------------------------


async def make(pool: asyncpg.Pool, projection: Projection, state: str) -> None:
    if state == "missing":
        await pool.execute(control.sql("delete_lanes"), LIVE, projection.name)
    else:
        await pool.execute(control.sql("set_version"), LIVE, projection.name, 0)


@pytest.mark.parametrize("state", ["outdated", "missing"])
@pytest.mark.parametrize("unfit", ALL, ids=lambda projection: projection.name)
async def test_a_model_that_does_not_fit_waits_and_the_others_run(
    pool: asyncpg.Pool, store: Store, unfit: Projection, state: str
) -> None:
    await make(pool, unfit, state)
    others = [projection for projection in ALL if projection is not unfit]
    await append_events(store, *Order("A1").completed())
    async with running(runner_of(pool, store, delays=DELAYS)) as runner:
        await caught_up(pool, store, others)
        (waiting,) = [lane for lane in runner.health() if lane.waits]
        assert (waiting.projection, waiting.last_step) == (unfit.name, state)
        lanes = await lane_status(pool, store, ALL)
        assert [(x.projection, x.state) for x in lanes if x.problem] == [(unfit.name, state)]
        assert unfit.name in str(waiting.error)
        problems = await check(pool, store, CODEC, ALL)
        assert [line for line in problems if unfit.name in line] == problems
        if state == "outdated":
            await pool.execute(control.sql("set_version"), LIVE, unfit.name, unfit.version)
            await caught_up(pool, store, [unfit])
            assert not any(lane.waits for lane in runner.health())


# --- every other writer --------------------------------------------------------------------------


async def test_operators_of_another_version_change_nothing(
    pool: asyncpg.Pool, store: Store
) -> None:
    await append_raw(store, "order-A1", "FromTheFuture", {})
    await runner_of(pool, store).catch_up()
    lanes = await control.load_lanes(pool, LIVE)
    with pytest.raises(VersionMismatch):
        await operate.replay(pool, store, CODEC, V2)
    with pytest.raises(VersionMismatch):
        await operate.set_lanes(pool, V2, 3)
    with pytest.raises(VersionMismatch):
        await runner_of(pool, store, [V2]).catch_up()
    assert await control.load_lanes(pool, LIVE) == lanes


async def test_a_backfill_of_another_version_is_refused(pool: asyncpg.Pool, store: Store) -> None:
    await append_events(store, *Order("A1").completed())
    await runner_of(pool, store).catch_up()
    await make(pool, NOTIFICATIONS, "outdated")
    with pytest.raises(VersionMismatch):
        await outbox.backfill(pool)


async def test_of_two_rebuilds_of_different_versions_the_first_writes_no_more(
    pool: asyncpg.Pool, store: Store
) -> None:
    await append_events(store, *mixed_history(Random(1)))
    first = Shadow(pool, store, CODEC, V2, NEXT, OPTIONS)
    await first.prepare()
    await first.advance([20])
    newer = signed(3)
    second = Shadow(pool, store, CODEC, newer, NEXT, OPTIONS)
    assert await second.prepare() is False
    with pytest.raises(Stalled, match="a newer program"):
        await first.advance([await store.head()])
    await rebuild(pool, store, CODEC, newer, options=OPTIONS)
    assert await signatures(pool) == {"v3"}
    assert await version_of(pool, V1.name) == 3
