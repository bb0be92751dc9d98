"""What every event store promises about appending, checked against each implementation."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from eventstore.errors import DuplicateEventId, InvalidAppend, VersionConflict
from eventstore.model import Expected, ExpectedVersion, Metadata, StreamAppend
from eventstore.store import EventStore
from tests.support.stores.event_store import KINDS, event, events, new_stream, opened_kind


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest) -> AsyncIterator[EventStore]:
    async with opened_kind(request) as opened:
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
