"""Events in partitions: ids and versions stay unique, no append is lost, guards hold everywhere."""

import asyncio
import re
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest

from eventstore.errors import AppendOnlyViolation, DuplicateEventId, LayoutBusy, StoreUnavailable
from eventstore.model import AppendResult, Expected, StreamAppend
from eventstore.postgres.errors import translated
from eventstore.postgres.growth.archive import Archive
from eventstore.postgres.growth.partitions import add_partitions, layout, layout_at, partition
from eventstore.postgres.migrator import migrate
from eventstore.postgres.store import PostgresEventStore
from ordersaga.embedded.postgres import EmbeddedPostgres
from tests.integration.eventstore.append.test_append_only import FORBIDDEN
from tests.support.stores.event_store import (
    event,
    events,
    migrated_database,
    new_stream,
    opened_pool,
    opened_store,
)
from tests.support.stores.raw_appends import append_in, lock_waiters

COLUMNS = (
    "position, recorded_at, version, tx, append_size, schema_version, bucket, event_id, stream,"
    " category, event_type, data, metadata"
)


@pytest.fixture
async def database(postgres_server: EmbeddedPostgres) -> AsyncIterator[str]:
    async with migrated_database(postgres_server, partitioned=True) as url:
        yield url


async def tables_of(pool: asyncpg.Pool) -> list[str]:
    return [part.name for part in (await layout(pool)).partitions]


async def places_of(pool: asyncpg.Pool, stream: str) -> list[str]:
    query = (
        "SELECT tableoid::regclass::text FROM eventstore.events WHERE stream = $1 ORDER BY version"
    )
    return [row[0] for row in await pool.fetch(query, stream)]


# --- making them ----------------------------------------------------------------------------------


@pytest.mark.parametrize("filled", [0, 25])
async def test_a_store_in_use_is_cut_and_nothing_changes_for_readers(
    empty_database: str, filled: int
) -> None:
    await migrate(empty_database)
    async with opened_store(empty_database) as store, opened_pool(empty_database) as pool:
        for number in range(filled):
            await store.append(new_stream(f"cart-{number}", 2))
        await Archive(pool).archive(["cart-3", "cart-4"], "a test")
        before = (await store.read_feed(0)).events
        assert await partition(empty_database, 10)
        assert (await store.read_feed(0)).events == before
        assert await partition(empty_database, 10) is False
        assert (await tables_of(pool))[0] == "events_0"
        kept = await pool.fetchval("SELECT count(*) FROM eventstore.event_ids")
        assert kept == 2 * filled
        for number in range(filled, filled + 25):
            await store.append(new_stream(f"cart-{number}", 2))
        assert len((await store.read_feed(0)).events) == 2 * filled + 50
        assert set(await tables_of(pool)) >= {"events_0", "events_default"}


async def test_appends_go_on_while_a_store_is_cut(empty_database: str) -> None:
    await migrate(empty_database)
    cut = asyncio.Event()
    async with opened_store(empty_database) as store, opened_pool(empty_database) as pool:

        async def append(name: str) -> int:
            count = 0
            while not cut.is_set() or count < 20:
                await store.append(StreamAppend(name, Expected.ANY, events(2)))
                count += 2
            return count

        async def cut_it() -> list[int]:
            await asyncio.sleep(0.05)
            await partition(empty_database, 2000)
            cut.set()
            return []

        counts = await asyncio.gather(*(append(f"cart-{n}") for n in range(4)), cut_it())
        total = sum(count for count in counts if isinstance(count, int))
        assert await pool.fetchval("SELECT count(*) FROM eventstore.event_ids") == total
        assert await pool.fetchval("SELECT count(*) FROM eventstore.events") == total


async def test_a_cut_that_breaks_off_is_named_leaves_no_border_and_can_be_done_again(
    empty_database: str,
) -> None:
    class Broken(Exception):
        pass

    def report(text: str) -> None:
        if "checking" in text:
            raise Broken

    await migrate(empty_database)
    async with opened_store(empty_database) as store, opened_pool(empty_database) as pool:
        await store.append(new_stream("cart-1", 30))
        with pytest.raises(Broken):
            await partition(empty_database, 10, report)
        assert (await layout_at(empty_database)).unfinished
        bounds = "SELECT count(*) FROM pg_constraint WHERE conname = 'events_border_check'"
        assert await pool.fetchval(bounds) == 0
        await store.append(new_stream("cart-2", 60))
        assert await partition(empty_database, 10)
        assert not (await layout_at(empty_database)).unfinished
        assert len((await store.read_feed(0)).events) == 90


async def test_a_cut_gives_up_when_a_long_transaction_holds_the_table(
    empty_database: str,
) -> None:
    await migrate(empty_database)
    async with opened_store(empty_database) as store, opened_pool(empty_database) as pool:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT count(*) FROM eventstore.events")
            with pytest.raises(StoreUnavailable):
                await partition(empty_database, 10)
        assert await partition(empty_database, 10)
        await store.append(new_stream("cart-1", 3))


async def test_the_last_step_is_refused_before_the_others(empty_database: str) -> None:
    await migrate(empty_database)
    async with opened_pool(empty_database) as pool:
        await pool.execute("SELECT eventstore.begin_partitioning(10)")
        with pytest.raises(LayoutBusy), translated():
            await pool.execute("SELECT eventstore.split_events()")
    with pytest.raises(LayoutBusy):
        await add_partitions(empty_database)


async def test_partitions_are_made_ahead_and_only_as_many_as_asked_for(
    database: str, pool: asyncpg.Pool
) -> None:
    assert await add_partitions(database, 5) == 0
    assert await add_partitions(database, 8) == 3
    found = await layout(pool)
    assert found.partitions_ahead is not None
    assert found.partitions_ahead > 8
    assert found.partitions[-1].bounds == "DEFAULT"


async def test_two_that_make_partitions_at_once_make_each_once(
    database: str, pool: asyncpg.Pool
) -> None:
    made = await asyncio.gather(*(add_partitions(database, 12) for _ in range(4)))
    assert sorted(made)[:3] == [0, 0, 0]
    assert len(await tables_of(pool)) == len(set(await tables_of(pool)))


async def test_without_partitions_ahead_the_default_takes_the_events_and_gets_bounds_later(
    database: str, store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    for number in range(30):
        await store.append(new_stream(f"cart-{number}", 3))
    ahead = (await layout(pool)).partitions_ahead
    assert ahead is not None
    assert ahead < 0
    assert (await places_of(pool, "cart-29"))[0].endswith("events_default")
    before = (await store.read_feed(0)).events
    assert await add_partitions(database) > 2
    assert re.search(r"events_\d+$", (await places_of(pool, "cart-29"))[0])
    assert await pool.fetchval("SELECT count(*) FROM eventstore.events_default") == 0
    assert (await store.read_feed(0)).events == before
    assert (await store.append(StreamAppend("cart-29", 3, [event()]))).versions == {"cart-29": 4}


async def test_appends_go_on_while_partitions_are_made(
    database: str, store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    async def append(name: str) -> None:
        for _ in range(40):
            await store.append(StreamAppend(name, Expected.ANY, events(2)))

    async def make() -> None:
        for _ in range(6):
            await add_partitions(database, 3)

    await asyncio.gather(make(), *(append(f"cart-{number}") for number in range(4)))
    for number in range(4):
        versions = [one.version for one in await store.read_stream(f"cart-{number}")]
        assert versions == list(range(1, 81))
    assert await pool.fetchval("SELECT count(*) FROM eventstore.event_ids") == 320


# --- uniqueness -----------------------------------------------------------------------------------


async def test_an_id_is_taken_in_all_partitions(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    taken = event()
    await store.append(StreamAppend("cart-1", Expected.NO_STREAM, [taken]))
    await store.append(new_stream("cart-2", 12))
    with pytest.raises(DuplicateEventId):
        await store.append(StreamAppend("cart-3", Expected.NO_STREAM, [taken]))
    assert len(set(await places_of(pool, "cart-2"))) > 2


async def test_of_the_same_id_in_two_partitions_at_once_one_is_stored(
    database: str, store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    same = event()
    first = await asyncpg.connect(database)
    await first.execute("BEGIN")
    await append_in(first, {"cart-1": 1})
    await first.execute(
        "INSERT INTO eventstore.event_ids VALUES ($1::uuid, 1)".replace("$1", f"'{same.event_id}'")
    )
    late = asyncio.create_task(
        store.append(StreamAppend("cart-2", Expected.NO_STREAM, [*events(9), same]))
    )
    await lock_waiters(pool)
    await first.execute("COMMIT")
    await first.close()
    with pytest.raises(DuplicateEventId):
        await late
    assert await store.read_stream("cart-2") == []


async def test_concurrent_duplicates_across_borders_end_with_one_of_each(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    shared = [event() for _ in range(10)]

    async def append(number: int) -> AppendResult | DuplicateEventId:
        try:
            one = StreamAppend(f"cart-{number}", Expected.ANY, [*events(5), shared[number % 10]])
            return await store.append(one)
        except DuplicateEventId as error:
            return error

    outcomes = await asyncio.gather(*(append(number) for number in range(40)))
    assert sum(isinstance(one, AppendResult) for one in outcomes) == 10
    ids = await pool.fetchval("SELECT count(DISTINCT event_id) FROM eventstore.events")
    assert ids == await pool.fetchval("SELECT count(*) FROM eventstore.events") == 60


async def test_concurrent_appends_to_one_stream_meet_no_version_twice_across_borders(
    store: PostgresEventStore, database: str, pool: asyncpg.Pool
) -> None:
    async with opened_store(database) as other:

        async def append(one: PostgresEventStore) -> None:
            for _ in range(15):
                await one.append(StreamAppend("cart-1", Expected.ANY, [event()]))

        await asyncio.gather(append(store), append(other), append(store), append(other))
    versions = [one.version for one in await store.read_stream("cart-1")]
    assert versions == list(range(1, 61))
    assert len(set(await places_of(pool, "cart-1"))) > 5


COPY_WITH_VERSION = f"""
INSERT INTO eventstore.events ({COLUMNS})
SELECT position + 1000, recorded_at, version + $1, tx, append_size, schema_version, bucket,
    gen_random_uuid(), stream, category, event_type, data, metadata
FROM eventstore.events WHERE version = 3
"""  # noqa: S608  our own columns


@pytest.mark.parametrize("shift", [-1, 0, 2])
async def test_a_version_that_is_not_the_next_is_refused_even_by_the_open_door(
    store: PostgresEventStore, pool: asyncpg.Pool, shift: int
) -> None:
    """The copies go to the default partition, whose index knows none of these versions."""
    await store.append(new_stream("cart-1", 3))
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('eventstore.appending', 'on', true)")
        with pytest.raises(AppendOnlyViolation), translated():
            await connection.execute(COPY_WITH_VERSION, shift)


async def test_the_same_copy_passes_without_the_check(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    """The control: across a border the unique indexes of partitions refuse nothing."""
    await store.append(new_stream("cart-1", 3))
    await pool.execute("ALTER TABLE eventstore.events DISABLE TRIGGER events_ids")
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('eventstore.appending', 'on', true)")
        await connection.execute(COPY_WITH_VERSION, 0)
    assert [one.version for one in await store.read_stream("cart-1")] == [1, 2, 3, 3]


async def test_repeated_appends_are_found_by_index(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    request = StreamAppend("cart-1", Expected.NO_STREAM, events(3))
    await store.append(request)
    await store.append(new_stream("cart-2", 30))
    assert (await store.append(request)).repeated
    async with pool.acquire() as connection:
        await connection.execute("SET enable_seqscan = off")
        ids = f"ARRAY['{uuid4()}'::uuid]"
        plan = await connection.fetch(f"EXPLAIN SELECT * FROM eventstore.events_by_id({ids})")  # noqa: S608  our own id
        await connection.execute("RESET enable_seqscan")
    assert any("event_ids_event_id_key" in row[0] for row in plan)
    assert not any("Seq Scan" in row[0] for row in plan)


# --- guards ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("statement", FORBIDDEN)
@pytest.mark.parametrize("table", ["events", "events_0", "events_8", "events_default"])
async def test_every_partition_refuses_change(
    store: PostgresEventStore, pool: asyncpg.Pool, statement: str, table: str
) -> None:
    await store.append(new_stream("cart-1", 60))
    pattern = r"(UPDATE|FROM|TRUNCATE|INTO) eventstore\.events\b"
    own = re.sub(pattern, rf"\1 eventstore.{table}", statement)
    with pytest.raises(AppendOnlyViolation), translated():
        await pool.execute(own)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        with pytest.raises(AppendOnlyViolation), translated():
            await connection.execute(own)


async def test_noted_ids_are_not_given_back(store: PostgresEventStore, pool: asyncpg.Pool) -> None:
    await store.append(new_stream("cart-1"))
    for statement in ("DELETE FROM eventstore.event_ids", "TRUNCATE eventstore.event_ids"):
        with pytest.raises(AppendOnlyViolation), translated():
            await pool.execute(statement)


# --- reading --------------------------------------------------------------------------------------


async def test_a_read_leaves_out_partitions_of_before_its_stream(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    await store.append(new_stream("cart-1", 15))
    await store.append(new_stream("late-1", 1))
    low = await pool.fetchval("SELECT eventstore.first_position('{late-1}')")
    assert low == 16
    assert await pool.fetchval("SELECT eventstore.first_position('{late-1,cart-1}')") == 1
    assert await pool.fetchval("SELECT eventstore.first_position('{none-1}')") == 0
    found = await store.read_streams(["late-1", "cart-1"])
    assert {name: len(some) for name, some in found.items()} == {"late-1": 1, "cart-1": 15}


async def test_a_load_looks_no_further_than_the_last_event_of_its_stream(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    await store.append(new_stream("cart-1", 3))
    await store.append(new_stream("cart-2", 30))
    await store.append(StreamAppend("late-1", Expected.NO_STREAM, events(1)))
    looks = (
        "SELECT sum(coalesce(idx_scan, 0)) FROM pg_stat_xact_user_tables"
        r" WHERE schemaname = 'eventstore' AND relname LIKE 'events\_%' AND relname <> 'events_0'"
    )
    read = (
        "SELECT version FROM"
        " eventstore.read_partitioned_streams(ARRAY[$1::text], ARRAY[$2::bigint])"
    )
    async with pool.acquire() as connection, connection.transaction():
        for stream, after, versions in (("cart-1", 0, [1, 2, 3]), ("cart-1", 2, [3])):
            assert [row[0] for row in await connection.fetch(read, stream, after)] == versions
        assert await connection.fetchval(looks) == 0
        assert [row[0] for row in await connection.fetch(read, "late-1", 0)] == [1]
        assert await connection.fetchval(looks) == 1


async def test_a_process_that_started_before_the_cut_reads_on(empty_database: str) -> None:
    await migrate(empty_database)
    async with opened_store(empty_database) as store:
        await store.append(new_stream("cart-1", 3))
        assert len(await store.read_stream("cart-1")) == 3  # from now on it knows one table
        await partition(empty_database, 5)
        await store.append(StreamAppend("cart-1", 3, events(20)))
        assert len(await store.read_stream("cart-1")) == 23
