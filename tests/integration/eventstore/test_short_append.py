"""The short way to append: all versions fit, or nothing happened and the long way decides."""

import asyncio
from enum import IntEnum
from uuid import uuid4

import asyncpg
import pytest

from eventstore.encoding import MAX_VERSION
from eventstore.errors import VersionConflict
from eventstore.model import AppendResult, Expected, NewEvent, StreamAppend
from eventstore.postgres.short_append import APPEND_GROUP, APPEND_NEW_STREAMS, short_append
from eventstore.postgres.store import PostgresEventStore
from tests.integration.eventstore.test_group_append import blocked, start, transactions
from tests.support.event_store import event, events, new_stream, opened_store
from tests.support.raw_appends import append_in, prepared


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
@pytest.mark.parametrize("count", [1, 2])
async def test_the_feed_stops_below_a_short_append_that_is_under_way(
    store: PostgresEventStore, pool: asyncpg.Pool, count: int, expected: Expected
) -> None:
    async with pool.acquire() as other:
        await other.execute("BEGIN")
        await append_in(other, {"a-1": count}, expected=expected)
        await store.append(new_stream("b-1"))
        assert not (await store.read_feed(0)).events
        await other.execute("COMMIT")
    assert len((await store.read_feed(0)).events) == count + 1


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


async def test_appends_that_follow_one_another_in_a_group_need_one_transaction(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    async with blocked(store, pool):
        exact = [start(store.append(new_stream("cart-1", 2)))]
        exact += [start(store.append(StreamAppend("cart-1", 2 + n, events(1)))) for n in range(3)]
        loose = [start(store.append(StreamAppend("cart-2", Expected.ANY, events(1))))]
        loose += [
            start(store.append(StreamAppend("cart-2", Expected.STREAM_EXISTS, events(1))))
            for _ in range(3)
        ]
        await asyncio.sleep(0)
    results = [await one for one in [*exact, *loose]]
    reached = [version for result in results for version in result.versions.values()]
    assert reached == [2, 3, 4, 5, 1, 2, 3, 4]
    assert await transactions(pool, "cart") == 1


def test_what_can_only_fit_by_chance_goes_the_long_way() -> None:
    fits = prepared({"a-1": Expected.NO_STREAM}), prepared({"a-1": 1})
    assert short_append(fits) is not None
    for first, then in ((Expected.ANY, 1), (3, 3), (Expected.NO_STREAM, Expected.NO_STREAM)):
        requests = prepared({"a-1": first}), prepared({"a-1": then})
        assert short_append(requests) is None


# --- streams that are all new ---------------------------------------------------------------------


def test_only_a_call_whose_streams_are_all_new_inserts_them_without_a_look() -> None:
    new = prepared({"a-1": Expected.NO_STREAM, "b-1": Expected.NO_STREAM})
    for others, chosen in (
        ([prepared({"c-1": Expected.NO_STREAM})], APPEND_NEW_STREAMS),
        ([prepared({"a-1": 1})], APPEND_NEW_STREAMS),  # after the first of the same call
        ([prepared({"c-1": Expected.ANY})], APPEND_GROUP),
        ([prepared({"c-1": 3})], APPEND_GROUP),
    ):
        short = short_append([new, *others])
        assert short is not None
        assert short.statement == chosen


async def test_a_call_for_new_streams_of_which_one_exists_changes_nothing_and_is_no_error(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    await store.append(new_stream("b-1", 3))
    short = short_append(
        [prepared({"a-1": Expected.NO_STREAM}), prepared({"b-1": Expected.NO_STREAM})]
    )
    assert short is not None
    async with pool.acquire() as connection, connection.transaction():
        assert await connection.fetchval(short.statement, *short.arguments) is None
        await append_in(connection, {"c-1": 1})  # the transaction goes on
    assert await versions(pool) == {"b-1": 3, "c-1": 1}
    assert [one.stream for one in (await store.read_feed(0)).events] == ["b-1"] * 3 + ["c-1"]


async def test_a_schema_version_may_be_a_member_of_an_enum(store: PostgresEventStore) -> None:
    schema = IntEnum("Schema", "FIRST SECOND")
    told = NewEvent(uuid4(), "Happened", {}, event().metadata, schema["SECOND"])
    await store.append(StreamAppend("cart-1", Expected.NO_STREAM, [told, event()]))
    assert [one.schema_version for one in await store.read_stream("cart-1")] == [2, 1]


async def test_of_new_streams_asked_for_by_two_processes_each_goes_to_one(
    database: str, store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    names = [f"cart-{number}" for number in range(40)]

    async def append_all(writer: PostgresEventStore) -> list[AppendResult | BaseException]:
        # Two events, so that none of them goes alone by another way.
        appends = [writer.append(new_stream(name, 2)) for name in names]
        return await asyncio.gather(*appends, return_exceptions=True)

    async with opened_store(database) as other:
        ours, theirs = await asyncio.gather(append_all(store), append_all(other))
    for one, two in zip(ours, theirs, strict=True):
        won, lost = (two, one) if isinstance(one, BaseException) else (one, two)
        assert isinstance(won, AppendResult)
        assert isinstance(lost, VersionConflict)
    assert await versions(pool) == dict.fromkeys(names, 2)
    assert len((await store.read_feed(0)).events) == 80


# --- together with others -------------------------------------------------------------------------


async def test_an_append_that_waits_for_a_stream_does_not_hold_up_those_behind_it(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    async with blocked(store, pool) as under_way:
        queued = [start(store.append(new_stream(f"cart-{n}"))) for n in range(4)]
        results = await asyncio.gather(*queued)
        assert not under_way.done()
    assert [result.versions for result in results] == [{f"cart-{n}": 1} for n in range(4)]


@pytest.mark.parametrize(
    ("at_once", "count", "expected"),
    [
        (True, 1, Expected.ANY),
        (True, 2, Expected.ANY),
        (True, 2, Expected.NO_STREAM),
        (False, 1, Expected.ANY),
    ],
)
@pytest.mark.parametrize("isolation", ["repeatable_read", "serializable"])
async def test_appends_need_read_committed(
    pool: asyncpg.Pool, isolation: str, at_once: bool, count: int, expected: Expected
) -> None:
    async with pool.acquire() as connection:
        with pytest.raises(asyncpg.PostgresError) as caught:
            async with connection.transaction(isolation=isolation):
                await append_in(connection, {"cart-1": count}, at_once=at_once, expected=expected)
    assert caught.value.sqlstate == "ES003"
