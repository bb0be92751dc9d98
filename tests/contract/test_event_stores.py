"""What every event store promises, checked against each implementation."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from eventstore.errors import DuplicateEventId, InvalidAppend, VersionConflict
from eventstore.memory import InMemoryEventStore
from eventstore.model import (
    BUCKETS,
    Expected,
    ExpectedVersion,
    FeedFilter,
    Metadata,
    Snapshot,
    StreamAppend,
    bucket_of,
)
from eventstore.store import EventStore
from tests.support.event_store import event, events, migrated_database, new_stream, opened_store

KINDS = ("memory", "postgres", "postgres-ungrouped")


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest) -> AsyncIterator[EventStore]:
    if request.param == "memory":
        yield InMemoryEventStore()
        return
    grouped = request.param == "postgres"
    async with (
        migrated_database(request.getfixturevalue("postgres_server")) as url,
        opened_store(url, group_append=grouped) as opened,
    ):
        yield opened


async def versions(store: EventStore, stream: str) -> list[int]:
    return [found.version for found in await store.read_stream(stream)]


async def refused(store: EventStore, *appends: StreamAppend) -> VersionConflict:
    with pytest.raises(VersionConflict) as caught:
        await store.append(*appends)
    return caught.value


# --- expected versions ----------------------------------------------------------------------------


async def test_a_new_stream_starts_at_version_one(store: EventStore) -> None:
    result = await store.append(new_stream("cart-1", 3))
    assert result.versions == {"cart-1": 3}
    assert not result.repeated
    assert await versions(store, "cart-1") == [1, 2, 3]


@pytest.mark.parametrize("expected", [2, Expected.STREAM_EXISTS, Expected.ANY])
async def test_a_stream_grows_when_the_expectation_holds(
    store: EventStore, expected: ExpectedVersion
) -> None:
    await store.append(new_stream("cart-1", 2))
    result = await store.append(StreamAppend("cart-1", expected, [event()]))
    assert result.versions == {"cart-1": 3}


async def test_any_makes_a_new_stream(store: EventStore) -> None:
    result = await store.append(StreamAppend("cart-1", Expected.ANY, [event()]))
    assert result.versions == {"cart-1": 1}


@pytest.mark.parametrize(
    ("expected", "text", "actual"),
    [
        (1, "1", 2),
        (3, "3", 2),
        (2**63 - 1, "9223372036854775807", 2),
        (Expected.NO_STREAM, "no_stream", 2),
    ],
)
async def test_a_conflict_names_stream_expected_and_actual_version(
    store: EventStore, expected: ExpectedVersion, text: str, actual: int
) -> None:
    await store.append(new_stream("cart-1", 2))
    conflict = await refused(store, StreamAppend("cart-1", expected, [event()]))
    assert (conflict.stream, conflict.expected, conflict.actual) == ("cart-1", text, actual)
    assert await versions(store, "cart-1") == [1, 2]


@pytest.mark.parametrize(
    ("expected", "text"), [(Expected.STREAM_EXISTS, "stream_exists"), (4, "4")]
)
async def test_a_stream_that_must_exist_but_does_not_is_a_conflict_at_version_zero(
    store: EventStore, expected: ExpectedVersion, text: str
) -> None:
    conflict = await refused(store, StreamAppend("cart-1", expected, [event()]))
    assert (conflict.stream, conflict.expected, conflict.actual) == ("cart-1", text, 0)
    assert await versions(store, "cart-1") == []


async def test_a_refused_append_leaves_a_missing_stream_missing(store: EventStore) -> None:
    await refused(store, StreamAppend("cart-1", 7, [event()]))
    assert (await store.append(new_stream("cart-1"))).versions == {"cart-1": 1}


# --- several streams ------------------------------------------------------------------------------


async def test_an_append_may_span_streams(store: EventStore) -> None:
    await store.append(new_stream("stock-b", 1))
    result = await store.append(new_stream("order-1", 2), StreamAppend("stock-b", 1, events(3)))
    assert result.versions == {"order-1": 2, "stock-b": 4}
    assert result.last_position == await store.head()


async def test_one_conflict_refuses_all_streams_of_an_append(store: EventStore) -> None:
    await store.append(new_stream("stock-b", 1))
    conflict = await refused(
        store, new_stream("order-1"), StreamAppend("stock-b", 9, events(1)), new_stream("stock-b2")
    )
    assert (conflict.stream, conflict.actual) == ("stock-b", 1)
    assert await versions(store, "order-1") == []
    assert await versions(store, "stock-b2") == []


async def test_the_first_stream_in_conflict_is_named(store: EventStore) -> None:
    conflict = await refused(
        store, StreamAppend("z-1", 2, [event()]), StreamAppend("a-1", 2, [event()])
    )
    assert conflict.stream == "z-1"


async def test_concurrent_appends_over_crossing_streams_all_end(store: EventStore) -> None:
    names = [f"stock-{number}" for number in range(6)]

    async def reserve(turn: int) -> None:
        order = names[turn % 6 :] + names[: turn % 6]
        await store.append(*(StreamAppend(name, Expected.ANY, [event()]) for name in order))

    await asyncio.gather(*(reserve(turn) for turn in range(30)))
    assert [len(await versions(store, name)) for name in names] == [30] * 6


async def test_of_concurrent_appends_at_one_version_exactly_one_wins(store: EventStore) -> None:
    await store.append(new_stream("cart-1"))
    outcomes = await asyncio.gather(
        *(store.append(StreamAppend("cart-1", 1, [event()])) for _ in range(20)),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, VersionConflict) for outcome in outcomes) == 19
    assert await versions(store, "cart-1") == [1, 2]


# --- repeating ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expected", [Expected.NO_STREAM, Expected.ANY, Expected.STREAM_EXISTS, 1, 2, 3]
)
async def test_the_same_event_ids_again_return_the_first_result(
    store: EventStore, expected: ExpectedVersion
) -> None:
    batch = events(2)
    first = await store.append(StreamAppend("cart-1", Expected.NO_STREAM, batch))
    await store.append(StreamAppend("cart-1", 2, [event()]))
    again = await store.append(StreamAppend("cart-1", expected, batch))
    assert again.repeated
    assert (again.versions, again.last_position) == (first.versions, first.last_position)
    assert await versions(store, "cart-1") == [1, 2, 3]


async def test_repeating_an_append_over_several_streams_returns_the_first_result(
    store: EventStore,
) -> None:
    request = (new_stream("order-1", 2), new_stream("stock-1", 1))
    first = await store.append(*request)
    again = await store.append(*request)
    assert again.repeated
    assert (again.versions, again.last_position) == (first.versions, first.last_position)


async def test_the_same_append_sent_many_times_at_once_is_stored_once(store: EventStore) -> None:
    request = (new_stream("order-1", 2), StreamAppend("stock-1", Expected.ANY, events(2)))
    results = await asyncio.gather(*(store.append(*request) for _ in range(10)))
    assert sorted(result.repeated for result in results) == [False] + [True] * 9
    assert await versions(store, "stock-1") == [1, 2]


@pytest.mark.parametrize("expected", [Expected.NO_STREAM, Expected.ANY, 3])
async def test_ids_that_are_partly_known_are_refused(
    store: EventStore, expected: ExpectedVersion
) -> None:
    batch = events(3)
    await store.append(StreamAppend("cart-1", Expected.NO_STREAM, batch))
    with pytest.raises(DuplicateEventId):
        await store.append(StreamAppend("cart-1", expected, [*batch, event()]))
    with pytest.raises(DuplicateEventId):
        await store.append(StreamAppend("cart-1", expected, batch[:2]))
    assert await versions(store, "cart-1") == [1, 2, 3]


async def test_known_ids_for_another_stream_are_refused(store: EventStore) -> None:
    batch = events(2)
    await store.append(StreamAppend("cart-1", Expected.NO_STREAM, batch))
    with pytest.raises(DuplicateEventId):
        await store.append(StreamAppend("cart-2", Expected.NO_STREAM, batch))
    with pytest.raises(DuplicateEventId):
        await store.append(StreamAppend("cart-1", Expected.ANY, batch), new_stream("cart-3"))
    assert await versions(store, "cart-2") == []
    assert await versions(store, "cart-3") == []


async def test_ids_of_a_refused_append_are_free_to_use(store: EventStore) -> None:
    await store.append(new_stream("cart-1"))
    batch = events(2)
    await refused(store, StreamAppend("cart-1", 5, batch))
    assert not (await store.append(StreamAppend("cart-1", 1, batch))).repeated


# --- malformed requests ---------------------------------------------------------------------------

BAD_APPENDS = {
    "no streams": (),
    "no events": (StreamAppend("cart-1", Expected.ANY, []),),
    "a stream twice": (new_stream("cart-1"), new_stream("cart-1")),
    "an id twice": (StreamAppend("cart-1", Expected.ANY, [event()] * 2),),
    "empty stream name": (new_stream(""),),
    "line break in the name": (new_stream("cart-\n1"),),
    "NUL in the name": (new_stream("cart-\x00"),),
    "half a surrogate pair in the name": (new_stream("cart-\ud800"),),
    "very long name": (new_stream("x" * 513),),
    "long name in bytes": (new_stream("ü" * 300),),
    "exact version zero": (StreamAppend("cart-1", 0, [event()]),),
    "negative version": (StreamAppend("cart-1", -1, [event()]),),
    "version beyond 64 bits": (StreamAppend("cart-1", 2**63, [event()]),),
    "empty event type": (StreamAppend("cart-1", Expected.ANY, [event("")]),),
    "schema version zero": (StreamAppend("c-1", Expected.ANY, [event(schema_version=0)]),),
    "huge schema version": (StreamAppend("c-1", Expected.ANY, [event(schema_version=2**15)]),),
    "NUL in a value": (StreamAppend("c-1", Expected.ANY, [event(data={"a": ["x\0y"]})]),),
    "NUL in a key": (StreamAppend("c-1", Expected.ANY, [event(data={"\0": 1})]),),
    "half a surrogate pair": (StreamAppend("c-1", Expected.ANY, [event(data={"a": "\udc00"})]),),
    "no number": (StreamAppend("c-1", Expected.ANY, [event(data={"a": float("nan")})]),),
    "not JSON": (StreamAppend("c-1", Expected.ANY, [event(data={"a": {1, 2}})]),),
    "NUL in metadata": (
        StreamAppend("c-1", Expected.ANY, [event(metadata=Metadata("\0", "", ""))]),
    ),
}


@pytest.mark.parametrize("appends", BAD_APPENDS.values(), ids=BAD_APPENDS.keys())
async def test_a_malformed_append_is_refused_and_stores_nothing(
    store: EventStore, appends: tuple[StreamAppend, ...]
) -> None:
    with pytest.raises(InvalidAppend):
        await store.append(new_stream("good-1"), *appends) if appends else await store.append()
    assert await store.head() == 0


# --- payloads -------------------------------------------------------------------------------------

PAYLOADS = {
    "empty": {},
    "nested": {"a": [{"b": {"c": [1, None, True, "x"]}}]},
    "emoji and other scripts": {"ключ": "👩‍👩‍👧‍👦 日本語 Ελληνικά \U0010ffff \u202e"},
    "control characters": {"a": "\x01\x1f\x7f\u2028\r\n\t"},
    "a backslash before u0000": {"a": "\\u0000"},
    "SQL": {"a": "'; DROP TABLE eventstore.events; --", "$1": "%s {}"},
    "huge numbers": {"a": 2**70, "b": -(10**300), "c": 9007199254740993},
    "floats": {"a": 0.1, "b": -1e-300},
    "order of keys": {"z": 1, "a": 2, "m": 3},
    "large": {"a": "x" * 3_000_000},
}


@pytest.mark.parametrize("data", PAYLOADS.values(), ids=PAYLOADS.keys())
async def test_data_comes_back_as_it_was_given(store: EventStore, data: dict[str, object]) -> None:
    await store.append(StreamAppend("cart-1", Expected.NO_STREAM, [event(data=data)]))
    (found,) = await store.read_stream("cart-1")
    assert found.data == data
    assert list(found.data) == list(data)


async def test_stream_names_and_types_may_be_in_any_script(store: EventStore) -> None:
    names = ["заказ-1", "cart-🛒", 'it\'s-"1"; --', "no hyphen"]
    await store.append(
        *(StreamAppend(name, Expected.NO_STREAM, [event("Geändert✓")]) for name in names)
    )
    found = await store.read_streams(names)
    assert [found[name][0].event_type for name in names] == ["Geändert✓"] * 4
    assert [found[name][0].category for name in names] == ["заказ", "cart", "it's", "no hyphen"]


async def test_the_envelope_carries_everything(store: EventStore) -> None:
    origin = Metadata("saga-9", "run/3", "ops", "00-ab-cd-01", {"run_id": "r1", "ключ": "👍"})
    sent = event("Changed", {"a": 1}, metadata=origin, schema_version=3)
    before = datetime.now(UTC) - timedelta(minutes=1)
    result = await store.append(StreamAppend("cart-7-x", Expected.NO_STREAM, [sent]))
    (found,) = await store.read_stream("cart-7-x")
    assert (found.event_id, found.stream, found.category) == (sent.event_id, "cart-7-x", "cart")
    assert (found.event_type, found.schema_version) == ("Changed", 3)
    assert (found.version, found.position) == (1, result.last_position)
    assert found.metadata == origin
    assert found.bucket == bucket_of("cart-7-x")
    assert before < found.recorded_at < datetime.now(UTC) + timedelta(minutes=1)


# --- reading a stream -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ({}, [1, 2, 3, 4, 5]),
        ({"backward": True}, [5, 4, 3, 2, 1]),
        ({"limit": 2}, [1, 2]),
        ({"backward": True, "limit": 2}, [5, 4]),
        ({"from_version": 3}, [3, 4, 5]),
        ({"to_version": 3}, [1, 2, 3]),
        ({"from_version": 2, "to_version": 4, "backward": True}, [4, 3, 2]),
        ({"from_version": 2, "to_version": 4, "backward": True, "limit": 1}, [4]),
        ({"from_version": 6}, []),
        ({"from_version": 4, "to_version": 3}, []),
        ({"from_version": -5, "to_version": 10**6}, [1, 2, 3, 4, 5]),
    ],
)
async def test_a_stream_is_read_between_versions_in_either_direction(
    store: EventStore, how: dict[str, int], expected: list[int]
) -> None:
    await store.append(new_stream("cart-1", 5), new_stream("cart-2", 5))
    found = await store.read_stream("cart-1", **how)
    assert [one.version for one in found] == expected
    assert {one.stream for one in found} <= {"cart-1"}


async def test_a_stream_is_read_as_it_was_at_a_time(store: EventStore) -> None:
    for version in range(4):
        expected = version or Expected.NO_STREAM
        await store.append(StreamAppend("cart-1", expected, [event()]))
        await asyncio.sleep(0.002)
    times = [found.recorded_at for found in await store.read_stream("cart-1")]
    assert times == sorted(times)
    at_second = await store.read_stream("cart-1", until=times[1])
    assert [found.version for found in at_second] == [1, 2]
    backward = await store.read_stream("cart-1", until=times[2], backward=True, limit=1)
    assert [found.version for found in backward] == [3]
    assert await store.read_stream("cart-1", until=times[0] - timedelta(microseconds=1)) == []


async def test_a_stream_that_does_not_exist_is_empty(store: EventStore) -> None:
    assert await store.read_stream("cart-1") == []


async def test_a_limit_below_one_is_refused(store: EventStore) -> None:
    with pytest.raises(ValueError, match="limit"):
        await store.read_stream("cart-1", limit=0)
    with pytest.raises(ValueError, match="limit"):
        await store.read_feed(0, limit=0)


async def test_several_streams_are_read_at_once_each_after_a_version(store: EventStore) -> None:
    await store.append(new_stream("b-1", 3), new_stream("a-1", 2), new_stream("c-1", 1))
    found = await store.read_streams(
        ["b-1", "nothing-1", "a-1", "c-1"], after_versions={"b-1": 2, "c-1": 5, "other-1": 1}
    )
    assert {name: [one.version for one in ones] for name, ones in found.items()} == {
        "b-1": [3],
        "nothing-1": [],
        "a-1": [1, 2],
        "c-1": [],
    }


async def test_a_stream_asked_for_twice_is_read_once(store: EventStore) -> None:
    await store.append(new_stream("b-1", 2))
    found = await store.read_streams(["b-1", "b-1"])
    assert {name: len(ones) for name, ones in found.items()} == {"b-1": 2}
    assert await store.read_streams([]) == {}


# --- the feed -------------------------------------------------------------------------------------


async def test_the_feed_shows_everything_once_in_order_of_position(store: EventStore) -> None:
    for number in range(7):
        await store.append(new_stream(f"cart-{number}", 2), new_stream(f"stock-{number}"))
    seen, after = [], 0
    while (page := await store.read_feed(after, limit=4)).events:
        assert page.next_position > after
        seen += page.events
        after = page.next_position
    positions = [one.position for one in seen]
    assert positions == sorted(set(positions))
    assert len(seen) == 21
    assert after == page.head == await store.head()


async def test_an_empty_store_has_an_empty_feed(store: EventStore) -> None:
    page = await store.read_feed(0)
    assert (list(page.events), page.next_position, page.head) == ([], 0, 0)


async def test_reading_beyond_the_head_does_not_move_back(store: EventStore) -> None:
    await store.append(new_stream("cart-1", 3))
    page = await store.read_feed(1000)
    assert (list(page.events), page.next_position) == ([], 1000)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (FeedFilter(), ["A", "B", "A", "C"]),
        (FeedFilter(categories=frozenset({"cart"})), ["A", "B"]),
        (FeedFilter(categories=frozenset({"cart", "stock"})), ["A", "B", "A", "C"]),
        (FeedFilter(event_types=frozenset({"A"})), ["A", "A"]),
        (FeedFilter(frozenset({"stock"}), frozenset({"A"})), ["A"]),
        (FeedFilter(buckets=(0, BUCKETS)), ["A", "B", "A", "C"]),
        (FeedFilter(buckets=(bucket_of("cart-1"), bucket_of("cart-1") + 1)), ["A", "B"]),
        (FeedFilter(buckets=(5, 5)), []),
        (FeedFilter(categories=frozenset({"nothing"})), []),
    ],
)
async def test_the_feed_is_filtered_by_category_type_and_bucket(
    store: EventStore, wanted: FeedFilter, expected: list[str]
) -> None:
    assert bucket_of("cart-1") != bucket_of("stock-1")
    await store.append(
        StreamAppend("cart-1", Expected.NO_STREAM, [event("A"), event("B")]),
        StreamAppend("stock-1", Expected.NO_STREAM, [event("A"), event("C")]),
    )
    page = await store.read_feed(0, wanted=wanted)
    assert [one.event_type for one in page.events] == expected
    assert page.next_position == page.head


async def test_a_filtered_page_that_was_not_full_moves_on_to_the_mark(store: EventStore) -> None:
    await store.append(new_stream("cart-1"), new_stream("stock-1", 5))
    wanted = FeedFilter(categories=frozenset({"cart"}))
    page = await store.read_feed(0, limit=2, wanted=wanted)
    assert len(page.events) == 1
    assert page.next_position == await store.head()


async def test_a_filtered_page_that_was_full_ends_at_its_last_event(store: EventStore) -> None:
    await store.append(new_stream("cart-1", 2), new_stream("stock-1", 5))
    wanted = FeedFilter(categories=frozenset({"cart"}))
    page = await store.read_feed(0, limit=2, wanted=wanted)
    assert page.next_position == page.events[-1].position
    rest = await store.read_feed(page.next_position, limit=2, wanted=wanted)
    assert (list(rest.events), rest.next_position) == ([], await store.head())


# --- snapshots ------------------------------------------------------------------------------------


async def test_the_newest_snapshot_of_the_asked_schema_version_is_loaded(store: EventStore) -> None:
    await store.save_snapshot(Snapshot("a-1", 10, 1, {"n": 10}))
    await store.save_snapshot(Snapshot("a-1", 20, 1, {"n": "👍"}))
    await store.save_snapshot(Snapshot("a-1", 15, 1, {"n": "too late"}))
    await store.save_snapshot(Snapshot("b-1", 5, 2, {}))
    found = await store.load_snapshots(["a-1", "b-1", "c-1"], schema_version=1)
    assert found == {"a-1": Snapshot("a-1", 20, 1, {"n": "👍"})}


async def test_a_snapshot_that_is_no_json_is_refused(store: EventStore) -> None:
    with pytest.raises(InvalidAppend):
        await store.save_snapshot(Snapshot("a-1", 1, 1, {"n": "\0"}))
    with pytest.raises(InvalidAppend):
        await store.save_snapshot(Snapshot("a-1", 1, 1, {"n": uuid4()}))
