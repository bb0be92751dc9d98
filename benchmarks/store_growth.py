"""Append and load in a table with many million events, beside an empty one: `growth`."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from hashlib import md5
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import asyncpg

from benchmarks.appends import Load, drive, through_store
from benchmarks.report import RESULTS, show, write
from benchmarks.rounds import OURS, Bar, Contender, Measure, per_second, take_turns
from benchmarks.store import OPTIONS
from benchmarks.store_reads import LONG, PLAIN_FOLD, Plain, long_stream
from eventstore.commands.handler import CommandHandler
from eventstore.postgres.growth.partitions import add_partitions, partition
from eventstore.postgres.migrator import migrate
from eventstore.postgres.pool import create_pool
from eventstore.postgres.store import PostgresEventStore
from ordersaga.daemons import heap
from tests.support.stores.logins import as_processes
from tests.support.stores.postgres_server import PostgresServer, free_port

EMPTY = "empty table"
_PARTITION = 1_000_000
_IN_A_STREAM = 5
_PART = 10_000  # streams in a transaction
_FILLERS = 2
_FIRST = 2_000  # streams in the "empty" table, so that there are some to load
_SHARE_OF_MEMORY = 0.4  # as PostgreSQL's buffers: the most that its manual advises
_APPENDS = 2_000
_SHORT_LOADS = 1_000
# After a checkpoint the first change of each page goes to the log as a whole, and in a large table
# nearly every change is the first one for a while. So many events get that over with: of the
# index of streams and versions, about 75,000 pages, of which five events touch one, they leave 7 %.
_SETTLING = 1_000_000
# And so many appends of the connections that are measured, which meet each page of the buffers for
# the first time as well: a page fault each, where the system has no huge pages for them.
_WARMING = 40_000
# Rows as appends leave them, made by the server itself: streams of five events.
_FILL_STREAMS = """
INSERT INTO eventstore.streams (name, version, bucket)
SELECT 'order-' || md5(n::text), 5, n % 1024 FROM generate_series($1::bigint, $2) AS n
"""
_FILL_EVENTS = """
INSERT INTO eventstore.events (position, recorded_at, version, append_size, schema_version, bucket,
    event_id, stream, category, event_type, data, metadata)
SELECT nextval('eventstore.positions'), made.at, version, 5, 1, made.bucket,
    gen_random_uuid(), made.stream, 'order', 'ItemAdded', made.data, made.metadata
FROM (
    SELECT n, n % 1024 AS bucket, 'order-' || md5(n::text) AS stream, clock_timestamp() AS at,
        alike.data, alike.metadata
    FROM generate_series($1::bigint, $2) AS n, (
        SELECT json_build_object('sku', '85123A', 'quantity', 6, 'price', 255,
                'description', repeat('x', 190)) AS data,
            json_build_object('correlation_id', 'order-' || repeat('a', 20),
                'causation_id', 'command-' || repeat('b', 20), 'actor', 'cli:shop',
                'extra', json_build_object('run_id', repeat('c', 30))) AS metadata
        OFFSET 0
    ) AS alike
    OFFSET 0
) AS made, generate_series(1, 5) AS version
"""


async def fill(dsn: str, events: int) -> float:
    """Put so many events in; returns the seconds it took."""
    started = time.perf_counter()
    await _fill_streams(dsn, 0, events // _IN_A_STREAM)
    connection = await asyncpg.connect(dsn)
    for table in ("events", "streams", "event_ids"):
        await connection.execute(f"VACUUM ANALYZE eventstore.{table}")
    await connection.execute("CHECKPOINT")  # not during the measuring
    await connection.close()
    if events > _SETTLING:
        await _fill_streams(dsn, events // _IN_A_STREAM, (events + _SETTLING) // _IN_A_STREAM)
    return time.perf_counter() - started


async def _fill_streams(dsn: str, first: int, end: int) -> None:
    parts = iter([(low, min(low + _PART, end) - 1) for low in range(first, end, _PART)])
    await asyncio.gather(*(_fill_parts(dsn, parts) for _ in range(_FILLERS)))


async def _fill_parts(dsn: str, parts: Iterator[tuple[int, int]]) -> None:
    connection = await asyncpg.connect(dsn, server_settings={"synchronous_commit": "off"})
    for first, last in parts:
        async with connection.transaction():
            await connection.execute("SELECT set_config('eventstore.appending', 'on', true)")
            await connection.execute(_FILL_STREAMS, first, last)
            await connection.execute(_FILL_EVENTS, first, last)
    await connection.close()


def main(events: int, rounds: int, results: Path = RESULTS) -> None:
    """Start a server, measure one table and then partitions, stop it, write the results.

    Args:
        events: how many the large store holds.
        rounds: how often each has its turn.
        results: the folder for the results.
    """
    options = {
        **OPTIONS,
        "shared_buffers": _much_memory(),
        "max_wal_size": "12GB",  # with less, what settles the store brings the next checkpoint
    }
    measures: list[Measure] = []
    for partitioned in (False, True):  # one after the other: each has the memory to itself
        with TemporaryDirectory(prefix="ordersaga-bench-") as folder:
            server = PostgresServer(Path(folder) / "pgdata", free_port(), options)
            server.start()
            try:
                measures += asyncio.run(_measure(server, events, rounds, partitioned))
            finally:
                server.stop()
    show(measures, "growth of the event store")
    write(measures, results, {"rounds": rounds, "events": events, **options}, "growth")


def _much_memory() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{int(memory * _SHARE_OF_MEMORY) >> 20}MB"


async def _measure(
    server: PostgresServer, events: int, rounds: int, partitioned: bool
) -> list[Measure]:
    admin = await asyncpg.connect(server.url())
    for name in ("large", "small"):
        await admin.execute(f"CREATE DATABASE {name}")
    await admin.close()
    heap.freeze_startup_objects()
    return await growing(
        server.url("large"), server.url("small"), events, rounds, partitioned=partitioned
    )


async def growing(
    large: str, small: str, events: int, rounds: int, *, partitioned: bool
) -> list[Measure]:
    """A store with so many events and one with hardly any, taking turns; both databases new."""
    async with AsyncExitStack() as stack:
        # The small one first: no checkpoint must come after the large one has settled.
        await _filled(small, _FIRST * _IN_A_STREAM, partitioned=False)
        seconds = await _filled(large, events, partitioned=partitioned)
        contenders: dict[str, Contender] = {}
        for name, dsn, count in ((OURS, large, events), (EMPTY, small, _FIRST * _IN_A_STREAM)):
            pool = await create_pool(await as_processes(dsn))
            stack.push_async_callback(pool.close)
            store = PostgresEventStore(pool)
            stack.push_async_callback(store.close)
            await long_stream(store, "order-long", LONG)
            if name == OURS:
                await drive(through_store(store), Load(8, 5, _WARMING))
            contenders[name] = _contender(store, count // _IN_A_STREAM)
        found = await take_turns(contenders, rounds)
    where = "in partitions of 1 million" if partitioned else "in one table"
    notes = [f"{events:,} events {where}: filled in {seconds:.0f} s"]
    return [
        Measure(
            f"{what} at {events:,} events {where}",
            unit,
            "higher",
            found[what],
            [Bar(EMPTY, at_least=0.8)],
            None,
            notes,
        )
        for what, unit in (
            ("append", "events/s"),
            (f"load, {LONG} events,", "events/s"),
            ("load any stream", "streams/s"),
        )
    ]


async def _filled(dsn: str, events: int, *, partitioned: bool) -> float:
    await migrate(dsn)
    if partitioned:
        await partition(dsn, _PARTITION)
        await add_partitions(dsn, events // _PARTITION + 2)
    return await fill(dsn, events)


def _contender(store: PostgresEventStore, streams: int) -> Contender:
    handler = CommandHandler(store, Plain(), remembered=0)
    random = Random(1)

    async def load() -> int:
        return (await handler.load("order-long", PLAIN_FOLD)).version

    async def load_any() -> int:
        for _ in range(_SHORT_LOADS):
            number = random.randrange(streams)
            name = md5(str(number).encode(), usedforsecurity=False).hexdigest()
            loaded = await handler.load(f"order-{name}", PLAIN_FOLD)
            assert loaded.version == _IN_A_STREAM
        return _SHORT_LOADS

    async def run() -> Mapping[str, float]:
        append = await drive(through_store(store), Load(8, 5, _APPENDS))
        return {
            "append": append.events_per_s,
            f"load, {LONG} events,": await _best(load),
            "load any stream": await per_second(load_any),
        }

    return run


async def _best(load: Callable[[], Awaitable[int]]) -> float:
    """Of three, as one takes a few milliseconds only."""
    return max([await per_second(load) for _ in range(3)])
