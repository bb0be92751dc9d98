"""Appends that share a call: each has its own outcome, whatever happens to the others."""

import asyncio

import asyncpg

from eventstore.errors import StoreUnavailable
from eventstore.model import Expected, StreamAppend
from eventstore.postgres.store import PostgresEventStore
from tests.support.stores.event_store import events, new_stream, opened_store
from tests.support.stores.raw_appends import append_in, blocked, lock_waiters, start, transactions

APPENDING = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


async def test_what_queues_up_during_a_call_shares_a_few_transactions(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    async with blocked(store, pool):
        queued = [start(store.append(new_stream(f"cart-{n}", 2))) for n in range(20)]
        await asyncio.sleep(0)
    results = await asyncio.gather(*queued)
    assert await transactions(pool, "cart") <= 4
    assert [result.versions for result in results] == [{f"cart-{n}": 2} for n in range(20)]
    for number, result in enumerate(results):
        found = await store.read_stream(f"cart-{number}")
        assert result.last_position == found[-1].position


async def test_a_request_that_waits_twice_is_stored_once_and_answered_twice(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    request = new_stream("cart-1", 2)
    async with blocked(store, pool):
        twice = [start(store.append(request)) for _ in range(2)]
        await asyncio.sleep(0)
    results = await asyncio.gather(*twice)
    assert sorted(result.repeated for result in results) == [False, True]
    assert [result.versions for result in results] == [{"cart-1": 2}] * 2


async def test_callers_that_go_round_share_two_calls_evenly(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    async def caller(number: int) -> None:
        for turn in range(10):
            await store.append(new_stream(f"cart-{number}-{turn}"))

    await asyncio.gather(*(caller(number) for number in range(8)))
    rows = await pool.fetch("SELECT count(*) FROM eventstore.events GROUP BY tx::text")
    sizes = [row[0] for row in rows]
    assert sum(sizes) == 80
    assert max(sizes) == 4


async def test_a_cancelled_caller_in_the_queue_is_left_out_and_hurts_nobody(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    async with blocked(store, pool):
        before = start(store.append(new_stream("cart-1")))
        cancelled = start(store.append(new_stream("cart-2")))
        after = start(store.append(new_stream("cart-3")))
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.wait([cancelled])
    assert (await before).versions == {"cart-1": 1}
    assert (await after).versions == {"cart-3": 1}
    assert cancelled.cancelled()
    assert await store.read_stream("cart-2") == []


async def test_a_caller_cancelled_during_its_groups_call_hurts_nobody(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    async with pool.acquire() as other:
        async with blocked(store, pool):
            await other.execute("BEGIN")
            await append_in(other, {"late-1": 1})
            cancelled = start(store.append(StreamAppend("late-1", Expected.ANY, events(1))))
            neighbour = start(store.append(new_stream("cart-1")))
            await asyncio.sleep(0)
        await lock_waiters(pool)  # the group is under way, and waits for late-1
        cancelled.cancel()
        await asyncio.wait([cancelled])
        await other.execute("COMMIT")
    assert (await neighbour).versions == {"cart-1": 1}
    assert (await store.append(new_stream("cart-2"))).versions == {"cart-2": 1}


async def test_cancelling_the_caller_whose_append_is_under_way_lets_the_queue_go_on(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    async with blocked(store, pool) as under_way:
        queued = [start(store.append(new_stream(f"cart-{n}"))) for n in range(3)]
        await asyncio.sleep(0)
        under_way.cancel()
        results = await asyncio.gather(*queued)
    assert [result.versions for result in results] == [{f"cart-{n}": 1} for n in range(3)]


async def test_a_request_from_the_queue_whose_connection_died_is_unavailable(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    async with pool.acquire() as other:
        async with blocked(store, pool):
            await other.execute("BEGIN")
            await append_in(other, {"late-1": 1})
            late = start(store.append(StreamAppend("late-1", Expected.ANY, events(1))))
            await asyncio.sleep(0)
        await lock_waiters(pool)
        assert await pool.fetchval(APPENDING)
        await asyncio.wait([late])
        await other.execute("ROLLBACK")
    assert isinstance(late.exception(), StoreUnavailable)
    assert (await store.append(new_stream("cart-1"))).versions == {"cart-1": 1}


async def test_a_lone_append_whose_connection_died_is_unavailable(
    database: str, pool: asyncpg.Pool
) -> None:
    async with opened_store(database) as store:
        async with blocked(store, pool, calls=1) as under_way:
            assert await pool.fetchval(APPENDING)
            await asyncio.wait([under_way])
        assert isinstance(under_way.exception(), StoreUnavailable)


async def test_groups_of_several_processes_over_crossing_streams_never_deadlock(
    database: str, pool: asyncpg.Pool
) -> None:
    names = [f"stock-{number}" for number in range(8)]

    async def reserve(store: PostgresEventStore, turn: int) -> None:
        order = sorted(names, key=lambda name: hash((name, turn)))
        await store.append(*(StreamAppend(name, Expected.ANY, events(1)) for name in order[:5]))

    async with opened_store(database) as one, opened_store(database) as two:
        await asyncio.gather(*(reserve(store, turn) for turn in range(60) for store in (one, two)))
    assert await pool.fetchval("SELECT sum(version)::bigint FROM eventstore.streams") == 600
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    assert await pool.fetchval(deadlocks) == 0


async def test_closing_answers_everybody_first(database: str, pool: asyncpg.Pool) -> None:
    async with opened_store(database) as store:
        appends = [start(store.append(new_stream(f"cart-{n}"))) for n in range(10)]
        await asyncio.sleep(0)
    results = await asyncio.gather(*appends)
    assert len(results) == 10
    assert await pool.fetchval("SELECT count(*) FROM eventstore.events") == 10
