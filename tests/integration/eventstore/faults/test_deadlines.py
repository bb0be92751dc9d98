"""A batch ends with the shortest deadline of its members, and none of them pays for another."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import asyncpg
import pytest

from eventstore.commands.handler import CommandHandler
from eventstore.deadline import within
from eventstore.errors import LockNotAvailable, StoreUnavailable
from eventstore.model import StreamAppend
from eventstore.postgres.store import PostgresEventStore
from tests.support.stores.counters import COUNTER, commands_on, context, raise_by, total
from tests.support.stores.event_store import events, new_stream
from tests.support.stores.raw_appends import lock_waiters

STREAMS = [f"counter-{number}" for number in range(12)]
LOCKED = STREAMS[5]
A_WHILE_S = 0.3
LONG_S = 60.0


@asynccontextmanager
async def locked(database: str, statement: str) -> AsyncIterator[None]:
    """Somebody holds a lock until the end of the context."""
    somebody = await asyncpg.connect(database)
    try:
        async with somebody.transaction():
            await somebody.execute(statement)
            yield
    finally:
        await somebody.close()


def locked_stream(database: str) -> AbstractAsyncContextManager[None]:
    return locked(database, f"SELECT FROM eventstore.streams WHERE name = '{LOCKED}' FOR UPDATE")


def locked_events(database: str) -> AbstractAsyncContextManager[None]:
    return locked(database, "LOCK TABLE eventstore.events IN SHARE MODE")


@pytest.fixture
async def handler(store: PostgresEventStore) -> AsyncIterator[CommandHandler]:
    handler = commands_on(store)
    await asyncio.gather(*(raised(handler, name) for name in STREAMS))
    yield handler
    await handler.close()


async def raised(handler: CommandHandler, stream: str) -> int:
    """Raise a counter by 1; returns its new total."""
    command = context(f"{stream} {asyncio.get_running_loop().time()}")
    (reached,) = await handler.execute({stream: COUNTER}, raise_by(1, stream), command)
    return int(reached)


async def raised_within(handler: CommandHandler, stream: str, seconds: float) -> int:
    with within(seconds):
        return await raised(handler, stream)


async def test_one_locked_stream_does_not_hold_the_other_commands_of_its_batch(
    handler: CommandHandler, database: str
) -> None:
    async with locked_stream(database):
        outcomes = await asyncio.gather(
            *(raised(handler, name) for name in STREAMS), return_exceptions=True
        )
    refused = [outcome for outcome in outcomes if isinstance(outcome, LockNotAvailable)]
    assert [outcomes.index(each) for each in refused] == [STREAMS.index(LOCKED)]
    assert [outcome for outcome in outcomes if outcome not in refused] == [2] * 11
    assert await raised(handler, LOCKED) == 2


async def test_one_locked_stream_does_not_hold_the_other_appends_of_its_call(
    handler: CommandHandler, store: PostgresEventStore, database: str
) -> None:
    async with locked_stream(database):
        outcomes = await asyncio.gather(
            *(store.append(StreamAppend(name, 1, events(1))) for name in STREAMS),
            return_exceptions=True,
        )
    refused = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert [type(each) for each in refused] == [LockNotAvailable]
    assert outcomes.index(refused[0]) == STREAMS.index(LOCKED)


async def test_a_command_with_little_time_does_not_end_the_others_of_its_batch(
    handler: CommandHandler, pool: asyncpg.Pool, database: str
) -> None:
    async with locked_events(database):
        patient = [asyncio.create_task(raised_within(handler, s, LONG_S)) for s in STREAMS[1:]]
        with pytest.raises(StoreUnavailable):
            await raised_within(handler, STREAMS[0], A_WHILE_S)
        await lock_waiters(pool)
    assert await asyncio.gather(*patient) == [2] * 11


async def test_an_append_with_little_time_does_not_end_the_others_of_its_call(
    store: PostgresEventStore, database: str
) -> None:
    async def append(stream: str, seconds: float) -> None:
        with within(seconds):
            await store.append(new_stream(stream))

    async with locked_events(database):
        patient = [asyncio.create_task(append(f"cart-{n}", LONG_S)) for n in range(5)]
        with pytest.raises(StoreUnavailable):
            await append("cart-hasty", A_WHILE_S)
    outcomes = await asyncio.gather(*patient, return_exceptions=True)
    # The two that were under way by themselves waited for the lock in vain.
    assert outcomes.count(None) >= 3


async def test_a_command_without_time_is_answered_and_nothing_happens(
    handler: CommandHandler, store: PostgresEventStore
) -> None:
    hasty = asyncio.create_task(raised_within(handler, "counter-1", 0))
    assert await raised(handler, "counter-2") == 2
    with pytest.raises(StoreUnavailable):
        await hasty
    assert await total(store, "counter-1") == 1


async def test_a_command_uses_the_reserve_that_reads_and_calls_leave_to_it(
    handler: CommandHandler, store: PostgresEventStore
) -> None:
    with within(LONG_S, reserve_s=LONG_S):
        with pytest.raises(StoreUnavailable):
            await store.read_stream("counter-1")
        assert await raised(handler, "counter-1") == 2
        await store.append(new_stream("cart-1"))
