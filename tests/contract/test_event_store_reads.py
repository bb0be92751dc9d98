"""What every event store promises about reading: payloads, streams, the feed."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from eventstore.model import (
    BUCKETS,
    EventLocation,
    Expected,
    FeedFilter,
    Metadata,
    StoredEvent,
    StreamAppend,
    bucket_of,
)
from eventstore.postgres import feed
from eventstore.store import EventStore, selects
from tests.support.stores.event_store import KINDS, event, new_stream, opened_kind


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest) -> AsyncIterator[EventStore]:
    async with opened_kind(request) as opened:
        yield opened


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
        ({"from_version": -(10**30), "to_version": 10**30}, [1, 2, 3, 4, 5]),
        ({"from_version": 10**30}, []),
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


@pytest.mark.parametrize("name", ["cart-1", "", "a\0b", "a-\ud800", "x" * 10_000, "'; --", "%"])
async def test_a_stream_that_does_not_exist_is_empty(store: EventStore, name: str) -> None:
    await store.append(new_stream("cart-2"))
    assert await store.read_stream(name) == []
    assert await store.read_streams([name, "cart-2"], after_versions={"cart-2": 10**30}) == {
        name: [],
        "cart-2": [],
    }


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
    assert list((await store.read_feed(10**30)).events) == []
    assert len((await store.read_feed(-(10**30))).events) == 3


@pytest.mark.parametrize(
    ("feed_filter", "expected"),
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
    store: EventStore, feed_filter: FeedFilter, expected: list[str]
) -> None:
    assert bucket_of("cart-1") != bucket_of("stock-1")
    await store.append(
        StreamAppend("cart-1", Expected.NO_STREAM, [event("A"), event("B")]),
        StreamAppend("stock-1", Expected.NO_STREAM, [event("A"), event("C")]),
    )
    page = await store.read_feed(0, feed_filter=feed_filter)
    assert [one.event_type for one in page.events] == expected
    assert page.next_position == page.head


async def test_a_filtered_page_that_was_not_full_moves_on_to_the_mark(store: EventStore) -> None:
    await store.append(new_stream("cart-1"), new_stream("stock-1", 5))
    feed_filter = FeedFilter(categories=frozenset({"cart"}))
    page = await store.read_feed(0, limit=2, feed_filter=feed_filter)
    assert len(page.events) == 1
    assert page.next_position == await store.head()


async def test_a_filtered_page_that_was_full_ends_at_its_last_event(store: EventStore) -> None:
    await store.append(new_stream("cart-1", 2), new_stream("stock-1", 5))
    feed_filter = FeedFilter(categories=frozenset({"cart"}))
    page = await store.read_feed(0, limit=2, feed_filter=feed_filter)
    assert page.next_position == page.events[-1].position
    rest = await store.read_feed(page.next_position, limit=2, feed_filter=feed_filter)
    assert (list(rest.events), rest.next_position) == ([], await store.head())


async def test_pages_one_after_the_other_hold_the_whole_feed(store: EventStore) -> None:
    for number in range(7):
        await store.append(new_stream(f"cart-{number}", 2), new_stream(f"stock-{number}"))
    everything = (await store.read_feed(0, limit=100)).events
    for limit in (1, 4, 21, 100):
        pages = [page async for page in store.feed_pages(0, limit=limit)]
        assert [one for page in pages for one in page.events] == list(everything)
        assert {len(page.events) for page in pages[:-1]} <= {limit}
        assert len(pages[-1].events) < limit
        assert pages[-1].next_position == pages[-1].head == await store.head()


async def test_pages_begin_after_a_position_and_keep_to_the_filter(store: EventStore) -> None:
    await store.append(new_stream("cart-1", 3), new_stream("stock-1", 5), new_stream("cart-2", 3))
    feed_filter = FeedFilter(categories=frozenset({"cart"}))
    all_pages = [page async for page in store.feed_pages(0, limit=2, feed_filter=feed_filter)]
    assert [len(page.events) for page in all_pages] == [2, 2, 2, 0]
    after = all_pages[0].next_position
    rest = [page async for page in store.feed_pages(after, limit=2, feed_filter=feed_filter)]
    assert [page.events for page in rest] == [page.events for page in all_pages[1:]]
    with pytest.raises(ValueError, match="at least 1"):
        _ = [page async for page in store.feed_pages(0, limit=0)]


async def test_the_last_page_shows_what_was_appended_while_the_one_before_was_worked_on(
    store: EventStore,
) -> None:
    await store.append(new_stream("cart-1", 2))
    seen = []
    async for page in store.feed_pages(0, limit=2):
        seen.append([one.stream for one in page.events])
        await asyncio.sleep(0.01)
        if len(seen) == 1:
            await store.append(new_stream("late-1"))
    assert seen == [["cart-1", "cart-1"], ["late-1"]]


SELECTIVE = [
    FeedFilter(categories=frozenset({"rare"})),
    FeedFilter(event_types=frozenset({"Rare"})),
    FeedFilter(buckets=(bucket_of("rare-1"), bucket_of("rare-1") + 1)),
    FeedFilter(categories=frozenset({"cart"})),
    FeedFilter(categories=frozenset({"nothing"})),
]


@pytest.mark.parametrize("span", [1, 3])
async def test_the_filtered_feed_is_the_whole_feed_filtered_however_far_a_page_looks(
    store: EventStore, span: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "SPAN", span)
    for number in range(4):
        await store.append(new_stream(f"cart-{number}", 4))
    await store.append(StreamAppend("rare-1", Expected.NO_STREAM, [event("Rare"), event()]))
    await store.append(new_stream("cart-9", 5))
    everything = (await store.read_feed(0)).events
    for feed_filter in SELECTIVE:
        expected = [one for one in everything if selects(feed_filter, one)]
        for limit in (2, 100):
            pages = [
                page async for page in store.feed_pages(0, limit=limit, feed_filter=feed_filter)
            ]
            assert [one for page in pages for one in page.events] == expected
            assert [page.more for page in pages] == [True] * (len(pages) - 1) + [False]
            assert pages[-1].next_position == pages[-1].head == await store.head()
            assert await read_by_pages(store, limit, feed_filter) == expected


async def read_by_pages(
    store: EventStore, limit: int, feed_filter: FeedFilter
) -> list[StoredEvent]:
    """The events of single pages, each after the one before, up to the first without `more`."""
    seen, after, more = [], -(10**30), True
    while more:
        page = await store.read_feed(after, limit=limit, feed_filter=feed_filter)
        assert not page.more or page.next_position > after
        seen += page.events
        after, more = page.next_position, page.more
    return seen


# --- events by id ---------------------------------------------------------------------------------


async def test_events_are_located_by_their_ids(store: EventStore) -> None:
    await store.append(new_stream("a-1", 2), new_stream("b-1", 1))
    stored = [*await store.read_stream("a-1"), *await store.read_stream("b-1")]
    event_ids = [one.event_id for one in stored]
    assert await store.locate_events([*event_ids[1:], uuid4()]) == {
        one.event_id: EventLocation(one.stream, one.version, one.position) for one in stored[1:]
    }
    assert await store.locate_events([]) == {}
