"""Contenders that append order events, and the load that drives them."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import uuid4

import asyncpg
from msgspec.structs import asdict

from eventstore.model import Expected, Metadata, NewEvent, StreamAppend
from eventstore.postgres.store import PostgresEventStore

# About 250 bytes of data and 150 bytes of metadata, as an order's events have.
DATA = {"sku": "85123A", "quantity": 6, "price": 255, "description": "x" * 190}
METADATA = Metadata(
    correlation_id="order-" + "a" * 20,
    causation_id="command-" + "b" * 20,
    actor="cli:shop",
    extra={"run_id": "c" * 30},
)

RAW_TABLE = """
CREATE SCHEMA raw;
CREATE TABLE raw.events (
    position bigserial PRIMARY KEY, stream text NOT NULL, version integer NOT NULL,
    event_id uuid NOT NULL UNIQUE, event_type text NOT NULL, data jsonb NOT NULL,
    metadata jsonb NOT NULL, recorded_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (stream, version)
)
"""
RAW_INSERT = """
INSERT INTO raw.events (stream, version, event_id, event_type, data, metadata)
SELECT $1, * FROM unnest($2::int[], $3::uuid[], $4::text[], $5::jsonb[], $6::jsonb[])
"""

Append = Callable[[str, int], Awaitable[object]]
"""Appends that many events to a new stream."""


@dataclass(frozen=True, slots=True)
class Load:
    """`callers` at once, each appending `size` events to a new stream, again and again."""

    callers: int
    size: int
    appends: int


@dataclass(frozen=True, slots=True)
class Measured:
    """Events a second, and the time of one append in milliseconds."""

    events_per_s: float
    p50_ms: float
    p99_ms: float


def through_store(store: PostgresEventStore) -> Append:
    """Append through an event store."""

    async def append(stream: str, size: int) -> object:
        events = [NewEvent(uuid4(), "ItemAdded", DATA, METADATA) for _ in range(size)]
        return await store.append(StreamAppend(stream, Expected.NO_STREAM, events))

    return append


def raw_insert(pool: asyncpg.Pool) -> Append:
    """The limit: one INSERT and one commit an append, no versions checked, no feed guarded."""
    metadata = json.dumps(asdict(METADATA))

    async def append(stream: str, size: int) -> object:
        ids = [uuid4() for _ in range(size)]
        data = [json.dumps(DATA)] * size
        versions = list(range(1, size + 1))
        types = ["ItemAdded"] * size
        return await pool.execute(RAW_INSERT, stream, versions, ids, types, data, [metadata] * size)

    return append


async def drive(append: Append, load: Load) -> Measured:
    """Run the load once."""
    times: list[float] = []
    todo = iter(range(load.appends))

    async def caller() -> None:
        for _ in todo:
            started = time.perf_counter()
            await append(f"order-{uuid4()}", load.size)
            times.append(time.perf_counter() - started)

    started = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(load.callers)))
    seconds = time.perf_counter() - started
    times.sort()
    return Measured(
        load.appends * load.size / seconds,
        times[len(times) // 2] * 1000,
        times[int(len(times) * 0.99)] * 1000,
    )
