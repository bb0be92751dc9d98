"""Archived streams: out of the way, seen by every reader, brought back by an append."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest

from eventstore.errors import AppendOnlyViolation, DuplicateEventId, LayoutBusy, VersionConflict
from eventstore.model import Expected, FeedFilter, Snapshot, StreamAppend
from eventstore.postgres.errors import translated
from eventstore.postgres.growth.archive import Archive, Moved, archive_many
from eventstore.postgres.growth.partitions import layout
from eventstore.postgres.store import PostgresEventStore
from ordersaga.embedded.postgres import EmbeddedPostgres
from tests.support.stores.event_store import event, events, migrated_database, new_stream
from tests.support.stores.raw_appends import lock_waiters

NOTE = "a test"


@pytest.fixture(params=["one table", "partitioned"])
async def database(
    request: pytest.FixtureRequest, postgres_server: EmbeddedPostgres
) -> AsyncIterator[str]:
    partitioned = request.param == "partitioned"
    async with migrated_database(postgres_server, partitioned=partitioned) as url:
        yield url


@pytest.fixture
def archive(pool: asyncpg.Pool) -> Archive:
    return Archive(pool)


async def places(pool: asyncpg.Pool) -> dict[str, int]:
    """How many events stand where."""
    return {
        table: await pool.fetchval(f"SELECT count(*) FROM eventstore.{table}")  # noqa: S608  our names
        for table in ("events", "archived_events")
    }


# --- reading --------------------------------------------------------------------------------------


async def test_readers_see_the_same_before_and_after(
    store: PostgresEventStore, pool: asyncpg.Pool, archive: Archive
) -> None:
    for number in range(6):
        await store.append(new_stream(f"cart-{number}", 3), new_stream(f"stock-{number}", 1))
    feed_filter = FeedFilter(categories=frozenset({"cart"}))

    async def everything() -> object:
        return (
            await store.read_feed(0),
            await store.read_feed(2, limit=7, feed_filter=feed_filter),
            await store.read_stream("cart-1"),
            await store.read_stream("cart-1", backward=True, limit=2),
            await store.read_streams(["cart-1", "cart-2", "none-1"], after_versions={"cart-2": 2}),
        )

    before = await everything()
    moved = await archive.archive(["cart-1", "cart-2", "stock-4"], NOTE)
    assert moved == Moved(3, 7)
    assert await places(pool) == {"events": 17, "archived_events": 7}
    assert await everything() == before


async def test_the_archive_is_counted_and_each_move_written_down(
    store: PostgresEventStore, pool: asyncpg.Pool, archive: Archive
) -> None:
    await store.append(new_stream("cart-1", 3), new_stream("cart-2", 2))
    await archive.archive(["cart-1", "cart-2"], "spring cleaning")
    await archive.restore(["cart-2"], "a question")
    found = await layout(pool)
    assert (found.archived_streams, found.archived_events) == (1, 3)
    rows = await pool.fetch(
        "SELECT direction, streams, events, note FROM eventstore.archive_log ORDER BY id"
    )
    assert [tuple(row) for row in rows] == [
        ("archived", 2, 5, "spring cleaning"),
        ("restored", 1, 2, "a question"),
    ]


async def test_archiving_again_or_what_is_not_there_moves_nothing(
    store: PostgresEventStore, archive: Archive
) -> None:
    await store.append(new_stream("cart-1", 3))
    assert await archive.archive(["cart-1", "cart-9"], NOTE) == Moved(1, 3)
    assert await archive.archive(["cart-1", "cart-9"], NOTE) == Moved(0, 0)
    assert await archive.restore(["cart-8", "cart-9"], NOTE) == Moved(0, 0)
    assert await archive.living(["cart-1", "cart-9"]) == {}


async def test_a_snapshot_of_an_archived_stream_still_serves(
    store: PostgresEventStore, archive: Archive
) -> None:
    await store.append(new_stream("cart-1", 3))
    await store.save_snapshot(Snapshot("cart-1", 2, 1, {"n": 2}))
    await archive.archive(["cart-1"], NOTE)
    found = await store.read_from_snapshots(["cart-1"], schema_versions={"cart-1": 1})
    assert found.snapshots["cart-1"].version == 2
    assert [one.version for one in found.events["cart-1"]] == [3]


# --- appending ------------------------------------------------------------------------------------


@pytest.mark.parametrize("expected", [3, Expected.ANY, Expected.STREAM_EXISTS])
async def test_an_append_brings_the_stream_back(
    store: PostgresEventStore, pool: asyncpg.Pool, archive: Archive, expected: int | Expected
) -> None:
    await store.append(new_stream("cart-1", 3), new_stream("cart-2", 1))
    await archive.archive(["cart-1", "cart-2"], NOTE)
    result = await store.append(StreamAppend("cart-1", expected, [event()]))
    assert result.versions == {"cart-1": 4}
    assert await places(pool) == {"events": 4, "archived_events": 1}
    page = await store.read_feed(0)
    assert [one.stream for one in page.events] == ["cart-1"] * 3 + ["cart-2", "cart-1"]


@pytest.mark.parametrize("expected", [1, 4, Expected.NO_STREAM])
async def test_a_wrong_expectation_is_a_conflict_and_brings_nothing_back(
    store: PostgresEventStore, pool: asyncpg.Pool, archive: Archive, expected: int | Expected
) -> None:
    await store.append(new_stream("cart-1", 3))
    await archive.archive(["cart-1"], NOTE)
    with pytest.raises(VersionConflict) as caught:
        await store.append(StreamAppend("cart-1", expected, [event()]))
    assert caught.value.actual == 3
    assert (await places(pool))["events"] == 0


@pytest.mark.parametrize("expected", [0, Expected.NO_STREAM, Expected.ANY])
async def test_a_repeated_append_is_recognised_in_the_archive(
    store: PostgresEventStore, pool: asyncpg.Pool, archive: Archive, expected: int | Expected
) -> None:
    expected = Expected.NO_STREAM if expected == 0 else expected
    request = [
        StreamAppend("cart-1", expected, events(2)),
        StreamAppend("stock-1", expected, events(1)),
    ]
    first = await store.append(*request)
    await archive.archive(["cart-1"], NOTE)  # the other stream stays
    again = await store.append(*request)
    assert again.repeated
    assert (again.versions, again.last_position) == (first.versions, first.last_position)
    assert await places(pool) == {"events": 1, "archived_events": 2}


async def test_an_id_of_an_archived_event_is_taken_for_every_other_stream(
    store: PostgresEventStore, pool: asyncpg.Pool, archive: Archive
) -> None:
    taken = event()
    await store.append(StreamAppend("cart-1", Expected.NO_STREAM, [taken]))
    await archive.archive(["cart-1"], NOTE)
    with pytest.raises(DuplicateEventId):
        await store.append(StreamAppend("cart-2", Expected.NO_STREAM, [event(), taken]))
    assert await places(pool) == {"events": 0, "archived_events": 1}


async def test_of_a_group_only_the_archived_stream_is_brought_back(
    store: PostgresEventStore, archive: Archive
) -> None:
    await store.append(*(new_stream(f"cart-{number}") for number in range(4)))
    await archive.archive([f"cart-{number}" for number in range(4)], NOTE)
    requests = [StreamAppend("cart-1", 1, [event()]), *(new_stream(f"x-{n}") for n in range(20))]
    results = await asyncio.gather(*(store.append(one) for one in requests))
    assert [list(one.versions.values()) for one in results] == [[2]] + [[1]] * 20
    living = await archive.living([f"cart-{number}" for number in range(4)])
    assert living == {"cart-1": 2}


async def test_appends_and_moves_at_once_lose_and_double_nothing(
    store: PostgresEventStore, archive: Archive
) -> None:
    names = [f"cart-{number}" for number in range(5)]
    await store.append(*(new_stream(name) for name in names))

    async def append(name: str) -> None:
        for _ in range(10):
            await store.append(StreamAppend(name, Expected.STREAM_EXISTS, [event()]))

    async def move() -> None:
        for _ in range(15):
            await archive.archive(names, NOTE)

    await asyncio.gather(move(), move(), *(append(name) for name in names))
    page = await store.read_feed(0)
    assert len(page.events) == 55
    assert sorted({one.position for one in page.events}) == [one.position for one in page.events]
    for stream in (await store.read_streams(names)).values():
        assert [one.version for one in stream] == list(range(1, 12))


async def test_who_waited_for_the_opening_of_the_archive_does_not_open_it_again(
    pool: asyncpg.Pool,
) -> None:
    read = "SELECT count(*) FROM eventstore.all_events"
    async with (
        pool.acquire() as opening,
        pool.acquire() as waiting,
        pool.acquire() as reading,
        reading.transaction(),
    ):
        async with opening.transaction():
            await Archive(opening).archive([], NOTE)
            later = asyncio.create_task(Archive(waiting).archive([], NOTE))
            await lock_waiters(pool)
            reader = asyncio.create_task(reading.fetchval(read))
            await lock_waiters(pool, 2)
        assert await reader == 0  # and has the view until its transaction ends
        assert await later == Moved(0, 0)


# --- moving in batches ----------------------------------------------------------------------------


async def test_batches_are_bounded_and_what_was_moved_is_not_moved_again(
    store: PostgresEventStore, pool: asyncpg.Pool, archive: Archive
) -> None:
    groups = [[f"cart-{number}", f"stock-{number}"] for number in range(5)]
    for cart, stock in groups:
        await store.append(new_stream(cart, 3), new_stream(stock, 1))

    async def asked() -> AsyncIterator[list[str]]:
        for group in groups:
            yield group

    async for moved in archive_many(archive, asked(), NOTE, most=9):
        assert moved == Moved(4, 8)
        break  # as if the process had been killed here
    assert await places(pool) == {"events": 12, "archived_events": 8}
    rest = [moved async for moved in archive_many(archive, asked(), NOTE, most=9)]
    assert rest == [Moved(4, 8), Moved(2, 4)]
    assert await places(pool) == {"events": 0, "archived_events": 20}


async def test_a_connection_that_dies_in_the_middle_of_a_move_leaves_everything_where_it_was(
    store: PostgresEventStore, pool: asyncpg.Pool, archive: Archive, database: str
) -> None:
    await store.append(new_stream("cart-1", 3))
    await archive.archive(["none-1"], NOTE)
    dying = await asyncpg.connect(database)
    await dying.execute("BEGIN")
    await dying.execute("SELECT eventstore.archive_streams('{cart-1}', 'dies')")
    process = await dying.fetchval("SELECT pg_backend_pid()")
    assert len(await store.read_stream("cart-1")) == 3
    await pool.execute("SELECT pg_terminate_backend($1)", process)
    dying.terminate()  # its socket may not have told us yet
    assert await archive.archive(["cart-1"], NOTE) == Moved(1, 3)
    notes = await pool.fetch("SELECT note FROM eventstore.archive_log WHERE streams > 0")
    assert [row[0] for row in notes] == [NOTE]


# --- what is refused ------------------------------------------------------------------------------

FORBIDDEN = [
    "UPDATE eventstore.archived_events SET data = '{}'",
    "UPDATE eventstore.archived_events SET data = '{}' WHERE false",
    "DELETE FROM eventstore.archived_events",
    "TRUNCATE eventstore.archived_events",
    "INSERT INTO eventstore.archived_events SELECT * FROM eventstore.events",
    "UPDATE eventstore.events SET data = '{}'",
    "DELETE FROM eventstore.events",
]
OPEN = "SELECT set_config('eventstore.moving', 'on', true)"
LOSSES = [
    "DELETE FROM eventstore.events",
    "DELETE FROM eventstore.archived_events",
    "UPDATE eventstore.archived_events SET data = '{}'",
]


@pytest.mark.parametrize("statement", FORBIDDEN)
async def test_the_database_refuses_to_change_archived_events(
    store: PostgresEventStore, pool: asyncpg.Pool, archive: Archive, statement: str
) -> None:
    await store.append(new_stream("cart-1", 2), new_stream("cart-2", 1))
    await archive.archive(["cart-1"], NOTE)
    with pytest.raises(AppendOnlyViolation), translated():
        await pool.execute(statement)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL session_replication_role = replica")
        with pytest.raises(AppendOnlyViolation), translated():
            await connection.execute(statement)


@pytest.mark.parametrize("statement", LOSSES)
async def test_even_with_the_door_open_no_event_can_be_lost(
    store: PostgresEventStore, pool: asyncpg.Pool, archive: Archive, statement: str
) -> None:
    await store.append(new_stream("cart-1", 2), new_stream("cart-2", 1))
    await archive.archive(["cart-1"], NOTE)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(OPEN)
        with pytest.raises(AppendOnlyViolation), translated():
            await connection.execute(statement)


async def test_a_copy_that_differs_does_not_count(
    store: PostgresEventStore, pool: asyncpg.Pool, archive: Archive
) -> None:
    await archive.archive([], "opens it")
    await store.append(new_stream("cart-1", 2))
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(OPEN)
        await connection.execute(
            "INSERT INTO eventstore.archived_events (position, recorded_at, version, tx,"
            " append_size, schema_version, bucket, event_id, stream, category, event_type, data,"
            " metadata) SELECT position, recorded_at, version, tx, append_size, schema_version,"
            " bucket, event_id, stream, category, event_type, '{\"n\": 9}', metadata"
            " FROM eventstore.events"
        )
        with pytest.raises(AppendOnlyViolation), translated():
            await connection.execute("DELETE FROM eventstore.events")


async def test_a_faithful_copy_counts(
    store: PostgresEventStore, pool: asyncpg.Pool, archive: Archive
) -> None:
    """The control: it is the comparison that refuses, not the statement."""
    await archive.archive([], "opens it")
    await store.append(new_stream("cart-1", 2))
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(OPEN)
        await connection.execute(
            "INSERT INTO eventstore.archived_events SELECT * FROM eventstore.events"
        )
        await connection.execute("DELETE FROM eventstore.events")
    assert await places(pool) == {"events": 0, "archived_events": 2}


async def test_a_store_that_never_archived_reads_one_table_and_all_processes_learn_of_the_archive(
    store: PostgresEventStore, pool: asyncpg.Pool, archive: Archive
) -> None:
    await store.append(new_stream("cart-1", 2))
    for _ in range(8):  # as often as a driver and a server need to keep a plan
        assert len((await store.read_streams(["cart-1"]))["cart-1"]) == 2
    plan = "EXPLAIN SELECT * FROM eventstore.all_events WHERE stream = 'cart-1'"
    assert not any("archived_events" in row[0] for row in await pool.fetch(plan))
    await archive.archive(["cart-1"], NOTE)
    assert any("archived_events" in row[0] for row in await pool.fetch(plan))
    assert len((await store.read_streams(["cart-1"]))["cart-1"]) == 2


async def test_a_store_without_its_id_check_takes_nothing_into_the_archive(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    await store.append(new_stream("cart-1", 2))
    await pool.execute("DROP TRIGGER IF EXISTS events_ids ON eventstore.events")
    with pytest.raises(LayoutBusy), translated():
        await pool.execute("SELECT eventstore.archive_streams('{cart-1}', $1)", str(uuid4()))
