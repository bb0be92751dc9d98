"""Requests that share a transaction: each has an outcome of its own."""

import asyncpg

from eventstore.encoding import prepare
from eventstore.errors import DuplicateEventId, VersionConflict
from eventstore.model import AppendResult, Expected, StreamAppend
from eventstore.postgres.append.slow_path import Outcome, append_requests
from eventstore.postgres.store import PostgresEventStore
from tests.support.stores.event_store import event, events, new_stream
from tests.support.stores.raw_appends import transactions


async def append_together(
    pool: asyncpg.Pool, *requests: StreamAppend | tuple[StreamAppend, ...]
) -> list[Outcome | Exception]:
    """The outcomes of requests that go into one call; a tuple is a request for several streams."""
    prepared = [prepare(one if isinstance(one, tuple) else [one]) for one in requests]
    return [*await append_requests(pool, prepared)]


async def test_each_request_succeeds_or_is_refused_on_its_own(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    stored = new_stream("known-1", 2)
    await store.append(stored)
    good, conflict, second, repeated, duplicate, stale = await append_together(
        pool,
        new_stream("cart-1", 2),
        (new_stream("other-1"), StreamAppend("known-1", 7, events(1))),
        StreamAppend("cart-1", 2, events(1)),
        stored,
        StreamAppend("known-1", Expected.ANY, [stored.events[0], event()]),
        StreamAppend("cart-1", 2, events(1)),
    )
    assert isinstance(good, AppendResult)
    assert isinstance(second, AppendResult)
    assert isinstance(repeated, AppendResult)
    assert (good.versions, second.versions) == ({"cart-1": 2}, {"cart-1": 3})
    assert repeated.repeated
    assert isinstance(duplicate, DuplicateEventId)
    for refused, stream, actual in ((conflict, "known-1", 2), (stale, "cart-1", 3)):
        assert isinstance(refused, VersionConflict)
        assert (refused.stream, refused.actual) == (stream, actual)
    assert await store.read_stream("other-1") == []
    assert await transactions(pool, "cart") == 1


async def test_a_version_that_an_earlier_request_took_is_a_conflict(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    outcomes = await append_together(pool, *(new_stream("cart-1") for _ in range(8)))
    assert isinstance(outcomes[0], AppendResult)
    assert all(isinstance(outcome, VersionConflict) for outcome in outcomes[1:])
    assert len(await store.read_stream("cart-1")) == 1


async def test_an_id_used_twice_spoils_only_the_second_request(pool: asyncpg.Pool) -> None:
    same = event()
    first, second, third = await append_together(
        pool,
        StreamAppend("cart-1", Expected.NO_STREAM, [same]),
        StreamAppend("cart-2", Expected.NO_STREAM, [same]),
        new_stream("cart-3"),
    )
    assert isinstance(first, AppendResult)
    assert isinstance(second, DuplicateEventId)
    assert isinstance(third, AppendResult)


async def test_requests_that_follow_one_another_need_one_transaction(pool: asyncpg.Pool) -> None:
    outcomes = await append_together(
        pool,
        new_stream("cart-1", 2),
        *(StreamAppend("cart-1", 2 + n, events(1)) for n in range(3)),
        StreamAppend("cart-2", Expected.ANY, events(1)),
        *(StreamAppend("cart-2", Expected.STREAM_EXISTS, events(1)) for _ in range(3)),
    )
    results = [outcome for outcome in outcomes if isinstance(outcome, AppendResult)]
    reached = [version for result in results for version in result.versions.values()]
    assert reached == [2, 3, 4, 5, 1, 2, 3, 4]
    assert await transactions(pool, "cart") == 1
