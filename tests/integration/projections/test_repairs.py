"""What people ask for is carried out once, by whoever lives, with the rights that it needs."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from random import Random

import asyncpg
import pytest

from eventstore.postgres.store import PostgresEventStore
from projections.engine.projection import Projection
from projections.errors import InvalidCursor
from projections.operations.repairs import table
from projections.operations.repairs.carrying_out import MOST_TRIES, Repairer
from projections.operations.repairs.table import Asked, Repair, RepairKind, RepairState
from projections.read_models.current_orders import model as current_orders
from projections.read_models.order_history import model as order_history
from projections.read_models.parcels import model as parcels
from projections.registry import ALL
from tests.support.stores.event_store import opened_pool
from tests.support.stores.logins import as_only
from tests.support.stores.read_models import (
    CODEC,
    append_events,
    append_raw,
    eventually,
    mixed_history,
    runner_of,
    tables,
)

Store = PostgresEventStore
Work = Callable[[asyncio.Event], Awaitable[bool]]
ORDERS = current_orders.PROJECTION


def asking(kind: RepairKind, of: Projection, request_id: str, stream: str = "") -> Asked:
    return Asked(kind, of.name, of.version, stream, "operator:ann", "rows are wrong", request_id)


REBUILD = asking(RepairKind.REBUILD, ORDERS, "r-1")
REPLAY = asking(RepairKind.REPLAY, ORDERS, "r-2", "order-A1")
LAPSED = "UPDATE read_models.repairs SET taken_until = now() - interval '1 s'"


@pytest.fixture
async def api(database: str) -> AsyncIterator[asyncpg.Pool]:
    """Of the API, which may not write read models."""
    async with opened_pool(await as_only(database, "api")) as opened:
        yield opened


@asynccontextmanager
async def projecting(
    database: str, projections: tuple[Projection, ...] = ALL
) -> AsyncIterator[Work]:
    """The work of a process of projections, with the rights of one."""
    async with opened_pool(await as_only(database, "projector"), 12) as pool:
        store = PostgresEventStore(pool)
        repairer = Repairer(pool, store, CODEC, projections)

        async def work(stop: asyncio.Event) -> bool:
            return await repairer.work(stop, lambda: None)

        yield work
        await store.close()


@pytest.fixture
async def work(database: str) -> AsyncIterator[Work]:
    async with projecting(database) as working:
        yield working


async def seen(pool: asyncpg.Pool, repair: Repair) -> Repair:
    found = await table.load_repair(pool, repair.id)
    assert found is not None
    return found


async def test_a_rebuild_that_the_api_asks_for_replaces_the_tables(
    api: asyncpg.Pool, pool: asyncpg.Pool, store: Store, work: Work
) -> None:
    await append_events(store, *mixed_history(Random(3)))
    await runner_of(pool, store).catch_up()
    good = await tables(pool)
    await pool.execute("UPDATE read_models.current_orders SET status = 'wrong'")
    asked = await table.ask(api, REBUILD)
    assert (asked.state, asked.requested_by, asked.reason) == (
        RepairState.WAITING,
        "operator:ann",
        "rows are wrong",
    )
    assert await work(asyncio.Event())
    done = await seen(api, asked)
    assert (done.state, done.outcome) == (
        RepairState.DONE,
        "filled from the first event on, and switched over",
    )
    assert await tables(pool) == good
    assert not await work(asyncio.Event())


async def test_a_replay_says_why_a_stream_stays_parked(
    api: asyncpg.Pool, pool: asyncpg.Pool, store: Store, work: Work
) -> None:
    await append_raw(store, "order-A1", "FromTheFuture", {"name": "Ann Example"})
    await runner_of(pool, store).catch_up()
    assert await table.is_parked(api, "current_orders", "order-A1")
    asked = await table.ask(api, REPLAY)
    assert await work(asyncio.Event())
    failed = await seen(api, asked)
    assert failed.state is RepairState.FAILED
    assert "1 of 1 stream failed again and stayed parked; order-A1: " in failed.outcome
    assert "UnknownEventType" in failed.outcome
    assert "Ann Example" not in failed.outcome
    assert await table.is_parked(api, "current_orders", "order-A1")


async def test_a_replay_unparks_what_can_be_applied_now(
    api: asyncpg.Pool, pool: asyncpg.Pool, store: Store, work: Work
) -> None:
    await append_raw(store, "order-A1", "FromTheFuture", {})
    await runner_of(pool, store).catch_up()
    # As if the program knew the event now: what is left to apply is nothing.
    await pool.execute("DELETE FROM read_models.dead_letters WHERE stream = 'order-A1'")
    asked = await table.ask(api, REPLAY)
    assert await work(asyncio.Event())
    assert (await seen(api, asked)).outcome == "1 stream applied, with 0 events that had waited"
    assert not await table.is_parked(api, "current_orders", "")
    assert await table.is_parked(api, "order_history", "order-A1")  # of the others, nothing changed


async def test_the_same_is_one_as_long_as_it_has_not_ended(api: asyncpg.Pool, work: Work) -> None:
    def again(number: int) -> Asked:
        return asking(RepairKind.REBUILD, parcels.PROJECTION, f"same-{number}")

    found = await asyncio.gather(*(table.ask(api, again(number)) for number in range(10)))
    assert len({repair.id for repair in found}) == 1
    assert await work(asyncio.Event())
    assert (await table.ask(api, again(1))).id != found[0].id
    (first,) = [number for number in range(10) if await of_request(api, number) == found[0].id]
    assert (await table.ask(api, again(first))).state is RepairState.DONE  # its own, once


async def of_request(pool: asyncpg.Pool, number: int) -> int | None:
    query = "SELECT id FROM read_models.repairs WHERE request_id = $1"
    found: int | None = await pool.fetchval(query, f"same-{number}")
    return found


async def test_a_rebuild_of_a_process_that_died_is_taken_up_again(
    database: str, api: asyncpg.Pool, pool: asyncpg.Pool, store: Store, work: Work
) -> None:
    await append_events(store, *mixed_history(Random(3)))
    await runner_of(pool, store).catch_up()
    asked = await table.ask(api, REBUILD)
    async with pool.acquire() as reader, reader.transaction():  # the tables cannot be switched
        await reader.execute("SELECT FROM read_models.current_orders LIMIT 1")
        dying = asyncio.ensure_future(work(asyncio.Event()))

        async def is_half_done() -> bool:
            repair = await seen(api, asked)
            return repair.position == repair.head > 0

        await eventually(is_half_done)
        dying.cancel()
        with suppress(asyncio.CancelledError):
            await dying
    assert (await seen(api, asked)).state is RepairState.RUNNING
    async with projecting(database) as other:
        assert not await other(asyncio.Event())  # the first one may still live
        assert not (await seen(api, asked)).unattended
        await pool.execute(LAPSED)
        assert (await seen(api, asked)).unattended
        assert await other(asyncio.Event())
    assert (await seen(api, asked)).state is RepairState.DONE


async def test_a_process_that_is_stopped_leaves_it_to_another_at_once(
    database: str, api: asyncpg.Pool, pool: asyncpg.Pool, store: Store, work: Work
) -> None:
    await append_events(store, *mixed_history(Random(3)))
    asked = await table.ask(api, REBUILD)
    stopped = asyncio.Event()
    stopped.set()
    assert await work(stopped)
    assert await pool.fetchval("SELECT tries FROM read_models.repairs") == 0
    async with projecting(database) as other:
        assert await other(asyncio.Event())
    assert (await seen(api, asked)).state is RepairState.DONE


async def test_a_repair_that_never_ends_is_given_up(
    api: asyncpg.Pool, pool: asyncpg.Pool, work: Work
) -> None:
    asked = await table.ask(api, REBUILD)
    await pool.execute("UPDATE read_models.repairs SET tries = $1", MOST_TRIES - 1)
    async with pool.acquire() as reader, reader.transaction():
        await reader.execute("SELECT FROM read_models.current_orders LIMIT 1")
        dying = asyncio.ensure_future(work(asyncio.Event()))
        await eventually(lambda: pool.fetchval("SELECT tries = 10 FROM read_models.repairs"))
        dying.cancel()
        with suppress(asyncio.CancelledError):
            await dying
    await pool.execute(LAPSED)
    assert await work(asyncio.Event())
    failed = await seen(api, asked)
    assert (failed.state, failed.outcome.partition(":")[0]) == (
        RepairState.FAILED,
        "given up after 10 tries",
    )


async def test_what_does_not_fit_is_refused_and_nothing_hangs(
    api: asyncpg.Pool, pool: asyncpg.Pool, store: Store, work: Work
) -> None:
    await append_raw(store, "order-A1", "FromTheFuture", {})
    await runner_of(pool, store).catch_up()
    await pool.execute("UPDATE read_models.checkpoints SET version = version + 1")
    asked = await table.ask(api, REPLAY)
    assert await work(asyncio.Event())
    failed = await seen(api, asked)
    assert failed.state is RepairState.FAILED
    assert "a newer program has rebuilt it" in failed.outcome


async def test_a_process_carries_out_what_is_of_its_own_read_models(
    database: str, api: asyncpg.Pool
) -> None:
    asked = await table.ask(api, REBUILD)
    async with projecting(database, (order_history.PROJECTION,)) as other:
        assert not await other(asyncio.Event())
    older = dataclasses.replace(ORDERS, version=ORDERS.version - 1)
    async with projecting(database, (older,)) as outdated:
        assert not await outdated(asyncio.Event())
    async with projecting(database, (ORDERS,)) as own:
        assert await own(asyncio.Event())
    assert (await seen(api, asked)).state is RepairState.DONE


async def test_an_older_program_does_not_rebuild_what_a_newer_one_has_made(
    api: asyncpg.Pool, pool: asyncpg.Pool, work: Work
) -> None:
    await pool.execute("UPDATE read_models.checkpoints SET version = version + 1")
    asked = await table.ask(api, REBUILD)
    assert await work(asyncio.Event())
    failed = await seen(api, asked)
    assert failed.state is RepairState.FAILED
    assert "a newer program has rebuilt it" in failed.outcome


async def test_repairs_are_listed_latest_first(api: asyncpg.Pool) -> None:
    asked = [await table.ask(api, asking(RepairKind.REBUILD, each, each.name)) for each in ALL[:3]]
    first = await table.list_repairs(api, limit=2)
    rest = await table.list_repairs(api, limit=2, cursor=first.next_cursor)
    assert [each.id for each in (*first.items, *rest.items)] == [each.id for each in asked[::-1]]
    assert rest.next_cursor is None
    with pytest.raises(InvalidCursor):
        await table.list_repairs(api, cursor="nonsense")
