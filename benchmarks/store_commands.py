"""Commands: load a stream, decide, append; by the command handler and by hand."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final
from uuid import uuid4

import asyncpg
from msgspec.json import Decoder, Encoder

from benchmarks.appends import DATA, METADATA
from benchmarks.rounds import OURS, Bar, Contender, Measure, per_second, take_turns
from benchmarks.store_reads import PLAIN_FOLD, Plain, add_up
from eventstore.commands.folding import States
from eventstore.commands.handler import CommandContext, CommandHandler, Decision
from eventstore.model import Expected, NewEvent, StreamAppend, bucket_of, category_of
from eventstore.postgres.pool import create_pool
from eventstore.postgres.store import PostgresEventStore

CALLERS: Final = 64
CONNECTIONS: Final = (8, 16, 32, 64)
_FIRST_EVENTS: Final = 5

_TABLES = """
CREATE SCHEMA by_hand;
CREATE SEQUENCE by_hand.positions;
CREATE TABLE by_hand.streams (LIKE eventstore.streams INCLUDING ALL);
CREATE TABLE by_hand.events (LIKE eventstore.events INCLUDING ALL);
"""
_BEGIN_STREAM = """
WITH stream AS (
    INSERT INTO by_hand.streams (name, version, bucket) VALUES ($1, $2, $3)
)
INSERT INTO by_hand.events (
    position, recorded_at, version, append_size, schema_version, bucket, event_id, stream, category,
    event_type, data, metadata)
SELECT nextval('by_hand.positions'), clock_timestamp(), n, $2, 1, $3, gen_random_uuid(), $1, $4,
    'ItemAdded', $5, $6
FROM generate_series(1, $2) AS n
"""
_READ = "SELECT version, data FROM by_hand.events WHERE stream = $1 ORDER BY version"
# One statement for both tables: a round trip less than most would take.
_APPEND = """
WITH moved AS (
    UPDATE by_hand.streams SET version = version + 1 WHERE name = $1 AND version = $2
    RETURNING version, bucket
)
INSERT INTO by_hand.events (
    position, recorded_at, version, append_size, schema_version, bucket, event_id, stream, category,
    event_type, data, metadata)
SELECT nextval('by_hand.positions'), clock_timestamp(), version, 1, 1, bucket, $3, $1, $4,
    'ItemAdded', $5, $6
FROM moved
"""

Command = Callable[[str, str], Awaitable[object]]
"""Adds an item to an order: the order's stream and an id of the command."""


async def commanding(
    owner_dsn: str, store: PostgresEventStore, rounds: int, scale: float
) -> list[Measure]:
    """64 callers, each with an order of its own; every command loads its stream."""
    each = max(1, int(10 * scale))
    async with AsyncExitStack() as stack:
        # Nothing is remembered: otherwise only the first command on an order would load it.
        handler = CommandHandler(store, Plain(), remembered=0)
        contenders = {OURS: _contender(_by_handler(handler), _begin_in(store), each)}
        connection = await asyncpg.connect(owner_dsn)
        await connection.execute(_TABLES)
        await connection.close()
        for size in CONNECTIONS:
            pool = await create_pool(owner_dsn, min_size=size, max_size=size)
            stack.push_async_callback(pool.close)
            contenders[by_hand(size)] = _contender(_by_hand(pool), _begin_by_hand(pool), each)
        figures = await take_turns(contenders, rounds)
        await handler.close()
    return [
        Measure(
            f"{CALLERS} concurrent commands on as many orders",
            "commands/s",
            "higher",
            figures["speed"],
            [Bar(by_hand(size), at_least=2) for size in CONNECTIONS],
        )
    ]


def by_hand(connections: int) -> str:
    """The name of the contender with so many connections."""
    return f"by hand, {connections} connections"


def _contender(
    command: Command, begin: Callable[[Sequence[str]], Awaitable[None]], each: int
) -> Contender:
    async def caller(stream: str) -> None:
        for number in range(each):
            await command(stream, f"{stream}/{number}")

    async def all_callers(streams: Sequence[str]) -> int:
        await asyncio.gather(*map(caller, streams))
        return each * CALLERS

    async def run() -> Mapping[str, float]:
        streams = [f"order-{uuid4()}" for _ in range(CALLERS)]
        await begin(streams)
        return {"speed": await per_second(lambda: all_callers(streams))}

    return run


def _by_handler(handler: CommandHandler) -> Command:
    async def command(stream: str, command_id: str) -> object:
        def decide(states: States) -> Decision[int]:
            return Decision({stream: [DATA]}, add_up(states[stream].state, DATA))

        return await handler.execute(
            {stream: PLAIN_FOLD}, decide, CommandContext(command_id, METADATA)
        )

    return command


def _begin_in(store: PostgresEventStore) -> Callable[[Sequence[str]], Awaitable[None]]:
    async def begin(streams: Sequence[str]) -> None:
        for stream in streams:
            events = [NewEvent(uuid4(), "ItemAdded", DATA, METADATA) for _ in range(_FIRST_EVENTS)]
            await store.append(StreamAppend(stream, Expected.NO_STREAM, events))

    return begin


def _by_hand(pool: asyncpg.Pool) -> Command:
    encode, decode = Encoder().encode, Decoder().decode

    async def command(stream: str, _command_id: str) -> object:
        async with pool.acquire() as connection, connection.transaction():
            version, total = 0, 0
            for version, data in await connection.fetch(_READ, stream):  # noqa: B007  the last one
                total = add_up(total, decode(data))
            result = await connection.execute(
                _APPEND,
                stream,
                version,
                uuid4(),
                category_of(stream),
                encode(DATA).decode(),
                encode(METADATA).decode(),
            )
            if result != "INSERT 0 1":
                raise RuntimeError(f"{stream} is not at version {version}")
            return add_up(total, DATA)

    return command


def _begin_by_hand(pool: asyncpg.Pool) -> Callable[[Sequence[str]], Awaitable[None]]:
    encode = Encoder().encode

    async def begin(streams: Sequence[str]) -> None:
        for stream in streams:
            values: tuple[Any, ...] = (stream, _FIRST_EVENTS, bucket_of(stream))
            texts = (category_of(stream), encode(DATA).decode(), encode(METADATA).decode())
            await pool.execute(_BEGIN_STREAM, *values, *texts)

    return begin
