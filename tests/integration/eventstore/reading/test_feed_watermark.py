"""The feed never skips a committed event: each rule of the watermark on its own."""

import asyncio

import asyncpg
import pytest

from eventstore.model import Expected, FeedFilter, StreamAppend
from eventstore.postgres.errors import translated
from eventstore.postgres.store import PostgresEventStore
from ordersaga.embedded.postgres import EmbeddedPostgres
from tests.support.stores.event_store import event, new_stream
from tests.support.stores.postgres import fresh_database
from tests.support.stores.raw_appends import (
    NaiveReader,
    StoreReader,
    append_in,
    lock_waiters,
    stored_positions,
)


async def test_an_event_that_commits_late_is_read_and_a_naive_reader_misses_it(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    ours, naive = StoreReader(store), NaiveReader(pool)
    async with pool.acquire() as slow:
        transaction = slow.transaction()
        await transaction.start()
        await append_in(slow, {"slow-1": 2})
        await store.append(new_stream("fast-1", 2))
        assert (await ours.read(), await naive.read()) == (0, 2)
        await transaction.commit()
    assert (await ours.read(), await naive.read()) == (4, 0)
    assert ours.seen == await stored_positions(pool) == [1, 2, 3, 4]
    assert naive.seen == [3, 4], "the control must miss the late events"


async def test_events_before_an_open_append_are_read_at_once(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    await store.append(new_stream("early-1", 3))
    async with pool.acquire() as slow, slow.transaction():
        await append_in(slow, {"slow-1": 1})
        await store.append(new_stream("late-1", 1))
        page = await store.read_feed(0)
        assert [one.stream for one in page.events] == ["early-1"] * 3
        assert (page.next_position, page.head) == (3, 5)
        feed_filter = FeedFilter(categories=frozenset({"late"}))
        filtered = await store.read_feed(0, feed_filter=feed_filter)
        assert (list(filtered.events), filtered.next_position) == ([], 3)


async def test_a_rolled_back_append_leaves_a_gap_and_does_not_stop_the_feed(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    async with pool.acquire() as other:
        transaction = other.transaction()
        await transaction.start()
        await append_in(other, {"gone-1": 2})
        await store.append(new_stream("kept-1", 1))
        await transaction.rollback()
    page = await store.read_feed(0)
    assert [one.position for one in page.events] == [3]
    assert page.next_position == page.head == 3


async def test_an_append_rolled_back_to_a_savepoint_does_not_stop_the_feed(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    reader = StoreReader(store)
    async with pool.acquire() as other, other.transaction():
        savepoint = other.transaction()
        await savepoint.start()
        await append_in(other, {"gone-1": 1})
        await savepoint.rollback()
        await store.append(new_stream("kept-1", 1))
        await reader.read()
        assert reader.seen == [2]
        await append_in(other, {"late-1": 1})
        await store.append(new_stream("kept-2", 1))
        await reader.read()
        assert reader.seen == [2]
    await reader.read()
    assert reader.seen == [2, 3, 4]


async def test_a_killed_backend_does_not_stop_the_feed(
    store: PostgresEventStore, pool: asyncpg.Pool, database: str
) -> None:
    victim = await asyncpg.connect(database)
    await victim.execute("BEGIN")
    await append_in(victim, {"gone-1": 2})
    await store.append(new_stream("kept-1", 1))
    await pool.execute("SELECT pg_terminate_backend($1, 5000)", victim.get_server_pid())
    assert [one.stream for one in (await store.read_feed(0)).events] == ["kept-1"]
    victim.terminate()


async def test_a_foreign_write_transaction_does_not_hold_readers_back(
    store: PostgresEventStore, pool: asyncpg.Pool, postgres_server: EmbeddedPostgres
) -> None:
    async with fresh_database(postgres_server) as elsewhere, pool.acquire() as here:
        there = await asyncpg.connect(elsewhere)
        for foreign in (here, there):
            await foreign.execute("CREATE TABLE public.foreign_writes (n int)")
            await foreign.execute("BEGIN; INSERT INTO public.foreign_writes VALUES (1)")
        await store.append(new_stream("cart-1", 3))
        page = await store.read_feed(0)
        assert len(page.events) == 3
        assert page.next_position == page.head
        for foreign in (here, there):
            await foreign.execute("ROLLBACK")
        await there.close()


@pytest.mark.parametrize(
    "lock",
    [
        "SELECT pg_advisory_lock(17753, 0)",  # the tag, in the two-integer form
        "SELECT pg_advisory_lock(0)",
        "SELECT pg_advisory_lock(1)",
    ],
)
async def test_advisory_locks_of_others_do_not_hold_readers_back(
    store: PostgresEventStore, pool: asyncpg.Pool, lock: str
) -> None:
    async with pool.acquire() as other:
        await other.execute(lock)
        await store.append(new_stream("cart-1", 3))
        assert (await store.read_feed(0)).next_position == 3
        await other.execute("SELECT pg_advisory_unlock_all()")


async def test_an_open_append_in_another_database_does_not_hold_readers_back(
    store: PostgresEventStore, pool: asyncpg.Pool, postgres_server: EmbeddedPostgres
) -> None:
    async with fresh_database(postgres_server) as elsewhere:
        other = await asyncpg.connect(elsewhere)
        key = await pool.fetchval("SELECT eventstore.watermark_key(0)")
        await other.execute(f"SELECT pg_advisory_lock_shared({key})")
        await store.append(new_stream("cart-1", 3))
        assert (await store.read_feed(0)).next_position == 3
        await other.close()


async def test_the_sequence_hands_out_one_position_at_a_time(pool: asyncpg.Pool) -> None:
    row = await pool.fetchrow(
        "SELECT seqcache, seqincrement, seqcycle FROM pg_sequence"
        " WHERE seqrelid = 'eventstore.positions'::regclass"
    )
    assert tuple(row) == (1, 1, False)


async def test_the_lock_key_carries_positions_up_to_48_bits(pool: asyncpg.Pool) -> None:
    largest = 2**48 - 1
    async with pool.acquire() as other, other.transaction():
        for place in (largest, 2**33 + 5):
            await other.execute(
                "SELECT pg_advisory_xact_lock_shared(eventstore.watermark_key($1))", place
            )
        await pool.execute("SELECT setval('eventstore.positions', $1)", largest)
        row = await pool.fetchrow("SELECT head, mark FROM eventstore.feed_mark()")
    assert tuple(row) == (largest, 2**33 + 5)


@pytest.mark.parametrize("isolation", ["repeatable_read", "serializable"])
async def test_one_snapshot_for_all_steps_is_refused(pool: asyncpg.Pool, isolation: str) -> None:
    async with pool.acquire() as connection:
        with pytest.raises(asyncpg.PostgresError) as caught:
            async with connection.transaction(isolation=isolation):
                await connection.fetch("SELECT * FROM eventstore.feed_mark()")
        assert caught.value.sqlstate == "ES003"
        with pytest.raises(asyncpg.PostgresError) as caught:
            async with connection.transaction(isolation=isolation):
                await append_in(connection, {"cart-1": 1})
        assert caught.value.sqlstate == "ES003"


async def test_waiting_appends_draw_their_positions_after_they_won_the_stream(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    async with pool.acquire() as first:
        transaction = first.transaction()
        await transaction.start()
        await append_in(first, {"cart-1": 1})
        waiting = asyncio.create_task(store.append(StreamAppend("cart-1", Expected.ANY, [event()])))
        await lock_waiters(pool)
        assert await store.head() == 1
        await transaction.commit()
    assert (await waiting).last_position == 2


async def test_a_store_without_schema_says_so(empty_database: str) -> None:
    connection = await asyncpg.connect(empty_database)
    with pytest.raises(Exception, match="run the migrations"), translated():
        await connection.fetch("SELECT * FROM eventstore.feed_mark()")
    await connection.close()
