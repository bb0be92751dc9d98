"""Contenders that append order events, and the load that drives them."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

import asyncpg
from msgspec.structs import asdict

from eventstore.model import Expected, Metadata, NewEvent, StreamAppend
from eventstore.postgres.store import PostgresEventStore
from ordersaga.daemons import heap

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


@dataclass(frozen=True, slots=True)
class NewStream:
    """What an append is about: a stream of its own and the ids of its events."""

    id: UUID
    name: str
    event_ids: Sequence[UUID]


Append = Callable[[NewStream], Awaitable[object]]
"""Appends the events of a new stream."""


@dataclass(frozen=True, slots=True)
class Load:
    """`callers` at once, each appending `size` events to a new stream, again and again."""

    callers: int
    size: int
    appends: int

    def streams(self) -> list[NewStream]:
        """One for each append; the ids of its events are neighbours, as a command's are."""
        ids = [uuid4() for _ in range(self.appends)]
        return [NewStream(one, f"order-{one}", neighbours(uuid4(), self.size)) for one in ids]


def neighbours(first: UUID, count: int) -> list[UUID]:
    """Ids that differ in the last bits only, see `event_id_of`."""
    return [UUID(int=first.int ^ index) for index in range(count)]


@dataclass(frozen=True, slots=True)
class Measured:
    """Events a second, and the time of one append in milliseconds."""

    events_per_s: float
    p50_ms: float
    p99_ms: float


def through_store(store: PostgresEventStore) -> Append:
    """Append through an event store."""

    async def append(stream: NewStream) -> object:
        events = [NewEvent(one, "ItemAdded", DATA, METADATA) for one in stream.event_ids]
        return await store.append(StreamAppend(stream.name, Expected.NO_STREAM, events))

    return append


def raw_insert(pool: asyncpg.Pool) -> Append:
    """The limit: one INSERT and one commit an append, no versions checked, no feed guarded."""
    metadata = json.dumps(asdict(METADATA))

    async def append(stream: NewStream) -> object:
        ids = stream.event_ids
        size = len(ids)
        data = [json.dumps(DATA)] * size
        versions = list(range(1, size + 1))
        types = ["ItemAdded"] * size
        return await pool.execute(
            RAW_INSERT, stream.name, versions, ids, types, data, [metadata] * size
        )

    return append


async def drive(append: Append, load: Load) -> Measured:
    """Run the load once.

    Names and ids are there before the clock starts: to draw them takes about a sixth of the time
    that an append of the store takes this process.
    """
    times: list[float] = []
    todo = iter(load.streams())
    heap.freeze_startup_objects()  # the collector need not look at them

    async def caller() -> None:
        for stream in todo:
            started = time.perf_counter()
            await append(stream)
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
