"""Bulk import: few transactions, and each request keeps its own outcome."""

import asyncpg
import pytest

from eventstore.errors import DuplicateEventId, InvalidAppend, VersionConflict
from eventstore.model import AppendResult, Expected, StreamAppend
from eventstore.postgres.growth.bulk import append_many
from eventstore.postgres.store import PostgresEventStore
from tests.integration.eventstore.append.test_group_append import transactions
from tests.support.stores.event_store import event, events, new_stream


async def test_about_a_thousand_events_share_a_transaction(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    requests = [[new_stream(f"cart-{number}", 5)] for number in range(450)]
    outcomes = [outcome async for outcome in append_many(pool, requests)]
    assert [outcome.versions for outcome in outcomes if isinstance(outcome, AppendResult)] == [
        {f"cart-{number}": 5} for number in range(450)
    ]
    assert await transactions(pool, "cart") == 3
    page = await store.read_feed(0, limit=3000)
    assert len(page.events) == 2250
    assert page.events[-1].position == page.head


async def test_an_import_that_is_started_again_appends_only_what_is_missing(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    requests = [[new_stream(f"cart-{number}", 2)] for number in range(6)]
    first = [outcome async for outcome in append_many(pool, requests[:4])]
    again = [outcome async for outcome in append_many(pool, requests)]
    repeated = [isinstance(one, AppendResult) and one.repeated for one in again]
    assert repeated == [True] * 4 + [False] * 2
    assert [vars_of(one) for one in again[:4]] == [vars_of(one) for one in first]
    assert len((await store.read_feed(0)).events) == 12


def vars_of(outcome: AppendResult | Exception) -> object:
    assert isinstance(outcome, AppendResult)
    return outcome.versions, outcome.last_position


async def test_one_refused_request_does_not_stop_the_others(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    taken = event()
    await store.append(StreamAppend("cart-0", Expected.NO_STREAM, [taken]))
    outcomes = [
        type(outcome)
        async for outcome in append_many(
            pool,
            [
                [new_stream("cart-1")],
                [StreamAppend("cart-1", 1, events(2)), new_stream("cart-2")],
                [new_stream("cart-1")],
                [StreamAppend("cart-3", Expected.NO_STREAM, [taken])],
                [StreamAppend("cart-1", 3, events(1))],
            ],
        )
    ]
    assert outcomes == [AppendResult, AppendResult, VersionConflict, DuplicateEventId, AppendResult]
    assert len(await store.read_stream("cart-1")) == 4
    assert await store.read_stream("cart-3") == []


async def test_a_malformed_request_is_named_and_what_was_stored_before_stays(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    requests = [[new_stream(f"cart-{number}", 600)] for number in range(2)]
    outcomes = append_many(pool, [*requests, [StreamAppend("cart-9", 1, [])]])
    assert isinstance(await anext(outcomes), AppendResult)
    with pytest.raises(InvalidAppend, match="no events for stream 'cart-9'"):
        await anext(outcomes)
    assert len(await store.read_stream("cart-0")) == 600
    assert await store.read_stream("cart-1") == []
