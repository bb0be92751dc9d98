"""The fast path of an append: all versions fit, or nothing happens and the slow path decides."""

import asyncio
from enum import IntEnum
from uuid import uuid4

import asyncpg
import pytest

from eventstore.encoding import MAX_VERSION
from eventstore.errors import VersionConflict
from eventstore.model import AppendResult, Expected, NewEvent, StreamAppend, bucket_of
from eventstore.postgres.append.fast_path import fast_append
from eventstore.postgres.store import PostgresEventStore
from tests.support.stores.event_store import event, events, new_stream, opened_store
from tests.support.stores.raw_appends import append_in, blocked, prepared, start, transactions


async def versions(pool: asyncpg.Pool) -> dict[str, int]:
    rows = await pool.fetch("SELECT name, version FROM eventstore.streams")
    return {row["name"]: row["version"] for row in rows}


async def test_streams_that_fitted_get_their_versions_back_when_another_did_not(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    await store.append(new_stream("a-1", 2))
    await store.append(new_stream("c-1", 3))
    with pytest.raises(VersionConflict) as caught:
        await store.append(
            StreamAppend("a-1", 2, events(2)),
            new_stream("b-1", 2),
            StreamAppend("c-1", 7, events(1)),
        )
    assert (caught.value.stream, caught.value.actual) == ("c-1", 3)
    assert await versions(pool) == {"a-1": 2, "c-1": 3}
    assert await store.head() == 5


@pytest.mark.parametrize("expected", [1, 2, 4, Expected.NO_STREAM])
async def test_one_event_at_another_version_is_refused_and_leaves_no_trace(
    store: PostgresEventStore, pool: asyncpg.Pool, expected: int | Expected
) -> None:
    await store.append(new_stream("a-1", 3))
    with pytest.raises(VersionConflict) as caught:
        await store.append(StreamAppend("a-1", expected, events(1)))
    assert (caught.value.stream, caught.value.actual) == ("a-1", 3)
    assert await versions(pool) == {"a-1": 3}
    assert await store.head() == 3


@pytest.mark.parametrize("expected", [1, 7, Expected.STREAM_EXISTS])
async def test_one_event_leaves_no_stream_behind_that_should_exist(
    store: PostgresEventStore, pool: asyncpg.Pool, expected: int | Expected
) -> None:
    with pytest.raises(VersionConflict):
        await store.append(StreamAppend("a-1", expected, events(1)))
    assert await versions(pool) == {}
    assert await store.head() == 0


@pytest.mark.parametrize("count", [1, 2])
async def test_no_version_can_be_expected_that_leaves_no_room(
    store: PostgresEventStore, count: int
) -> None:
    await store.append(new_stream("a-1"))
    with pytest.raises(VersionConflict):
        await store.append(StreamAppend("a-1", MAX_VERSION, events(count)))


@pytest.mark.parametrize("expected", [Expected.ANY, Expected.NO_STREAM])
@pytest.mark.parametrize("counts", [{"a-1": 1}, {"a-1": 2}, {"a-1": 1, "a-2": 1}])
@pytest.mark.parametrize("apart", [False, True])
async def test_the_feed_stops_below_an_append_that_is_under_way(
    store: PostgresEventStore,
    pool: asyncpg.Pool,
    counts: dict[str, int],
    apart: bool,
    expected: Expected,
) -> None:
    async with pool.acquire() as other:
        await other.execute("BEGIN")
        await append_in(other, counts, apart=apart, expected=expected)
        await store.append(new_stream("b-1"))
        assert not (await store.read_feed(0)).events
        await other.execute("COMMIT")
    assert len((await store.read_feed(0)).events) == sum(counts.values()) + 1


@pytest.mark.parametrize("expected", [1, 7, Expected.STREAM_EXISTS])
async def test_a_stream_that_should_exist_is_not_left_behind_by_its_refusal(
    store: PostgresEventStore, pool: asyncpg.Pool, expected: int | Expected
) -> None:
    with pytest.raises(VersionConflict):
        await store.append(StreamAppend("a-1", expected, events(2)), new_stream("b-1"))
    assert await versions(pool) == {}
    assert await store.head() == 0


async def test_names_and_data_with_every_kind_of_separator_come_back(
    store: PostgresEventStore,
) -> None:
    name = 'cart-a,{"b"}\\c,NULL'
    data = {"text": "\x1f,{}\\\"'\n\t", "\x1f": ["\x1e", "", None, "NULL"]}
    await store.append(
        StreamAppend(name, Expected.NO_STREAM, [event('Took {"it"},', data), event(data={})])
    )
    first, second = await store.read_stream(name)
    assert (first.stream, first.event_type, first.data) == (name, 'Took {"it"},', data)
    assert second.data == {}


def test_requests_whose_expected_versions_exclude_one_another_have_no_fast_path() -> None:
    fits = prepared({"a-1": Expected.NO_STREAM}), prepared({"a-1": 1})
    assert fast_append(fits) is not None
    for first, then in ((Expected.ANY, 1), (3, 3), (Expected.NO_STREAM, Expected.NO_STREAM)):
        requests = prepared({"a-1": first}), prepared({"a-1": then})
        assert fast_append(requests) is None


# --- streams that are all new ---------------------------------------------------------------------


@pytest.mark.parametrize("together", [["a-1"], ["a-1", "a-2"]])
async def test_a_call_for_new_streams_of_which_one_exists_changes_nothing_and_is_no_error(
    store: PostgresEventStore, pool: asyncpg.Pool, together: list[str]
) -> None:
    await store.append(new_stream("b-1", 3))
    fast = fast_append(
        [
            prepared(dict.fromkeys(together, Expected.NO_STREAM)),
            prepared({"b-1": Expected.NO_STREAM}),
        ]
    )
    assert fast is not None
    async with pool.acquire() as connection, connection.transaction():
        assert await connection.fetchval(fast.statement, *fast.arguments) is None
        await append_in(connection, {"c-1": 1})  # the transaction goes on
    assert await versions(pool) == {"b-1": 3, "c-1": 1}
    assert [one.stream for one in (await store.read_feed(0)).events] == ["b-1"] * 3 + ["c-1"]


async def test_a_schema_version_may_be_a_member_of_an_enum(store: PostgresEventStore) -> None:
    schema = IntEnum("Schema", "FIRST SECOND")
    told = NewEvent(uuid4(), "Happened", {}, event().metadata, schema["SECOND"])
    await store.append(StreamAppend("cart-1", Expected.NO_STREAM, [told, event()]))
    assert [one.schema_version for one in await store.read_stream("cart-1")] == [2, 1]


@pytest.mark.parametrize("count", [1, 2])
async def test_of_new_streams_asked_for_by_two_processes_each_goes_to_one(
    database: str, store: PostgresEventStore, pool: asyncpg.Pool, count: int
) -> None:
    names = [f"cart-{number}" for number in range(40)]

    async def append_all(writer: PostgresEventStore) -> list[AppendResult | BaseException]:
        appends = [writer.append(new_stream(name, count)) for name in names]
        return await asyncio.gather(*appends, return_exceptions=True)

    async with opened_store(database) as other:
        ours, theirs = await asyncio.gather(append_all(store), append_all(other))
    for one, two in zip(ours, theirs, strict=True):
        won, lost = (two, one) if isinstance(one, BaseException) else (one, two)
        assert isinstance(won, AppendResult)
        assert isinstance(lost, VersionConflict)
    assert await versions(pool) == dict.fromkeys(names, count)
    assert len((await store.read_feed(0)).events) == 40 * count


async def test_each_of_many_who_begin_a_stream_is_told_where_its_own_event_is(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    names = [f"cart-{number}" for number in (5, 1, 4, 2, 3)]  # in another order than the locks
    schemas = dict(zip(names, (1, 2, 3, 4, 5), strict=True))
    async with blocked(store, pool):
        asked = [
            start(
                store.append(
                    StreamAppend(
                        name,
                        Expected.NO_STREAM,
                        [event(f"Took {name}", {"cart": name}, schema_version=schemas[name])],
                    )
                )
            )
            for name in names
        ]
        await asyncio.sleep(0)
    results = await asyncio.gather(*asked)
    assert await transactions(pool, "cart") <= 3
    for name, result in zip(names, results, strict=True):
        (stored,) = await store.read_stream(name)
        assert result == AppendResult({name: 1}, stored.position)
        assert (stored.event_type, stored.data) == (f"Took {name}", {"cart": name})
        assert (stored.schema_version, stored.version, stored.category) == (
            schemas[name],
            1,
            "cart",
        )
        assert stored.bucket == bucket_of(name)


async def test_whoever_begins_a_stream_that_others_began_does_not_touch_those_beside_it(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    known = new_stream("cart-2")
    first = await store.append(known)
    await store.append(new_stream("cart-4"))
    async with blocked(store, pool):
        asked = [
            start(store.append(one))
            for one in (new_stream("cart-3"), known, new_stream("cart-4"), new_stream("cart-1"))
        ]
        await asyncio.sleep(0)
    results = await asyncio.gather(*asked, return_exceptions=True)
    fresh, repeated, refused, other = results
    assert isinstance(refused, VersionConflict)
    assert isinstance(repeated, AppendResult)
    assert (repeated.repeated, repeated.last_position) == (True, first.last_position)
    assert isinstance(fresh, AppendResult)
    assert isinstance(other, AppendResult)
    assert await versions(pool) == {**{f"cart-{n}": 1 for n in (1, 2, 3, 4)}, "hot-1": 3}


# --- together with others -------------------------------------------------------------------------


async def test_an_append_that_waits_for_a_stream_does_not_hold_up_those_behind_it(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    async with blocked(store, pool, calls=1) as under_way:
        queued = [start(store.append(new_stream(f"cart-{n}"))) for n in range(4)]
        results = await asyncio.gather(*queued)
        assert not under_way.done()
    assert [result.versions for result in results] == [{f"cart-{n}": 1} for n in range(4)]


@pytest.mark.parametrize(
    ("fast", "counts", "expected"),
    [
        (True, {"cart-1": 1}, Expected.ANY),
        (True, {"cart-1": 2}, Expected.ANY),
        (True, {"cart-1": 2}, Expected.NO_STREAM),
        (True, {"cart-1": 1, "cart-2": 1}, Expected.NO_STREAM),
        (False, {"cart-1": 1}, Expected.ANY),
    ],
)
@pytest.mark.parametrize("isolation", ["repeatable_read", "serializable"])
async def test_appends_need_read_committed(
    pool: asyncpg.Pool,
    isolation: str,
    fast: bool,
    counts: dict[str, int],
    expected: Expected,
) -> None:
    async with pool.acquire() as connection:
        with pytest.raises(asyncpg.PostgresError) as caught:
            async with connection.transaction(isolation=isolation):
                await append_in(connection, counts, fast=fast, apart=True, expected=expected)
    assert caught.value.sqlstate == "ES003"
