"""Appends that share a call: each has its own outcome, whatever happens to the others."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager

import asyncpg
import pytest

from eventstore.errors import DuplicateEventId, StoreUnavailable, VersionConflict
from eventstore.model import AppendResult, Expected, StreamAppend
from eventstore.postgres.store import PostgresEventStore
from tests.support.stores.event_store import event, events, new_stream, opened_store
from tests.support.stores.raw_appends import append_in, lock_waiters

APPENDING = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


@asynccontextmanager
async def blocked(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> AsyncIterator[asyncio.Task[AppendResult]]:
    """An append of this store is under way and cannot end before the block does."""
    async with pool.acquire() as other:
        await other.execute("BEGIN")
        await append_in(other, {"hot-1": 1})
        under_way = start(store.append(StreamAppend("hot-1", Expected.ANY, [event()])))
        await lock_waiters(pool)
        yield under_way
        await other.execute("COMMIT")
    await asyncio.wait([under_way])


def start(append: Awaitable[AppendResult]) -> asyncio.Task[AppendResult]:
    async def run() -> AppendResult:
        return await append

    return asyncio.create_task(run())


async def transactions(pool: asyncpg.Pool, category: str) -> int:
    count: int = await pool.fetchval(
        "SELECT count(DISTINCT tx::text) FROM eventstore.events WHERE category = $1", category
    )
    return count


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


async def test_switched_off_each_append_is_a_transaction(database: str, pool: asyncpg.Pool) -> None:
    async with opened_store(database, group_append=False) as store:
        await asyncio.gather(*(store.append(new_stream(f"cart-{n}")) for n in range(20)))
    assert await transactions(pool, "cart") == 20


async def test_in_a_group_each_append_succeeds_or_is_refused_on_its_own(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    known = new_stream("known-1", 2)
    await store.append(known)
    async with blocked(store, pool):
        good = start(store.append(new_stream("cart-1", 2)))
        conflict = start(store.append(new_stream("other-1"), StreamAppend("known-1", 7, events(1))))
        second = start(store.append(StreamAppend("cart-1", 2, events(1))))
        repeated = start(store.append(known))
        duplicate = start(
            store.append(StreamAppend("known-1", Expected.ANY, [known.events[0], event()]))
        )
        stale = start(store.append(StreamAppend("cart-1", 2, events(1))))
        await asyncio.sleep(0)
    assert (await good).versions == {"cart-1": 2}
    assert (await second).versions == {"cart-1": 3}
    assert (await repeated).repeated
    with pytest.raises(DuplicateEventId):
        await duplicate
    for refused, stream, actual in ((conflict, "known-1", 2), (stale, "cart-1", 3)):
        with pytest.raises(VersionConflict) as caught:
            await refused
        assert (caught.value.stream, caught.value.actual) == (stream, actual)
    assert await store.read_stream("other-1") == []
    assert await transactions(pool, "cart") == 1


async def test_a_version_that_a_neighbour_in_the_group_took_is_a_conflict(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    async with blocked(store, pool):
        racing = [start(store.append(new_stream("cart-1"))) for _ in range(8)]
        await asyncio.sleep(0)
    outcomes = await asyncio.gather(*racing, return_exceptions=True)
    assert sum(isinstance(outcome, VersionConflict) for outcome in outcomes) == 7
    assert len(await store.read_stream("cart-1")) == 1


async def test_an_id_used_twice_in_a_group_spoils_only_the_second_append(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    same = event()
    async with blocked(store, pool):
        first = start(store.append(StreamAppend("cart-1", Expected.NO_STREAM, [same])))
        second = start(store.append(StreamAppend("cart-2", Expected.NO_STREAM, [same])))
        third = start(store.append(new_stream("cart-3")))
        await asyncio.sleep(0)
    assert (await first).versions == {"cart-1": 1}
    assert (await third).versions == {"cart-3": 1}
    with pytest.raises(DuplicateEventId):
        await second


async def test_an_append_that_is_twice_in_a_group_is_stored_once_and_told_twice(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    request = new_stream("cart-1", 2)
    async with blocked(store, pool):
        twice = [start(store.append(request)) for _ in range(2)]
        await asyncio.sleep(0)
    results = await asyncio.gather(*twice)
    assert [result.repeated for result in results] == [False, True]
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


async def test_appends_to_a_stream_keep_their_order_while_others_overtake_them(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    async with blocked(store, pool):
        hot = [start(store.append(StreamAppend("hot-1", 2 + n, events(1)))) for n in range(6)]
        both = start(
            store.append(StreamAppend("hot-1", 8, events(1)), StreamAppend("cold-1", 1, events(1)))
        )
        cold = start(store.append(new_stream("cold-1")))
        later = start(store.append(new_stream("cart-1")))
        await later
        assert not any(one.done() for one in (*hot, both, cold))
    results = await asyncio.gather(*hot)
    assert [result.versions["hot-1"] for result in results] == [3, 4, 5, 6, 7, 8]


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


async def test_an_append_whose_connection_died_is_unavailable_for_all_in_the_group(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    async with pool.acquire() as other:
        async with blocked(store, pool):
            await other.execute("BEGIN")
            await append_in(other, {"late-1": 1})
            group = [
                start(store.append(StreamAppend("late-1", Expected.ANY, events(1)))),
                start(store.append(new_stream("cart-1"))),
            ]
            await asyncio.sleep(0)
        await lock_waiters(pool)
        assert await pool.fetchval(APPENDING)
        outcomes = await asyncio.gather(*group, return_exceptions=True)
        await other.execute("ROLLBACK")
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 2
    assert await store.read_stream("cart-1") == []
    assert (await store.append(new_stream("cart-1"))).versions == {"cart-1": 1}


@pytest.mark.parametrize("grouped", [True, False])
async def test_a_lone_append_whose_connection_died_is_unavailable(
    database: str, pool: asyncpg.Pool, grouped: bool
) -> None:
    async with opened_store(database, group_append=grouped) as store:
        async with blocked(store, pool) as under_way:
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
