"""Append and load in a table with many million events, beside an empty one."""

import time
from collections.abc import Mapping

import asyncpg

from benchmarks.appends import Load, drive, through_store
from benchmarks.rounds import OURS, Bar, Measure, per_second, take_turns
from benchmarks.store_reads import LONG, PLAIN_FOLD, Plain, long_stream
from eventstore.handling import CommandHandler
from eventstore.postgres.migrations import migrate
from eventstore.postgres.pool import create_pool
from eventstore.postgres.store import PostgresEventStore

EMPTY = "empty table"
_PART = 100_000
# Rows as appends leave them, made by the server itself: 5 events a stream.
_FILL_STREAMS = """
INSERT INTO eventstore.streams (name, version, bucket)
SELECT 'order-' || md5(n::text), 5, n % 1024 FROM generate_series($1::bigint, $2) AS n
"""
_FILL_EVENTS = """
INSERT INTO eventstore.events (position, recorded_at, version, append_size, schema_version, bucket,
    event_id, stream, category, event_type, data, metadata)
SELECT nextval('eventstore.positions'), clock_timestamp(), version, 5, 1, n % 1024,
    gen_random_uuid(), 'order-' || md5(n::text), 'order', 'ItemAdded',
    json_build_object('sku', '85123A', 'quantity', 6, 'price', 255,
        'description', repeat('x', 190)),
    json_build_object('correlation_id', 'order-' || repeat('a', 20),
        'causation_id', 'command-' || repeat('b', 20), 'actor', 'cli:shop',
        'extra', json_build_object('run_id', repeat('c', 30)))
FROM generate_series($1::bigint, $2) AS n, generate_series(1, 5) AS version
ORDER BY n, version
"""


async def fill(dsn: str, events: int) -> float:
    """Put so many events in; returns the seconds it took."""
    started = time.perf_counter()
    connection = await asyncpg.connect(dsn, server_settings={"synchronous_commit": "off"})
    for first in range(0, events // 5, _PART // 5):
        last = min(first + _PART // 5, events // 5) - 1
        async with connection.transaction():
            await connection.execute("SELECT set_config('eventstore.appending', 'on', true)")
            await connection.execute(_FILL_STREAMS, first, last)
            await connection.execute(_FILL_EVENTS, first, last)
    await connection.execute("VACUUM ANALYZE eventstore.events")
    await connection.execute("VACUUM ANALYZE eventstore.streams")
    await connection.close()
    return time.perf_counter() - started


async def growing(full_dsn: str, empty_dsn: str, events: int, rounds: int) -> list[Measure]:
    """Two databases on one server, taking turns."""
    stores = {}
    pools = []
    for name, dsn in ((OURS, full_dsn), (EMPTY, empty_dsn)):
        await migrate(dsn)
        if name == OURS:
            seconds = await fill(dsn, events)
        pool = await create_pool(dsn)
        pools.append(pool)
        stores[name] = PostgresEventStore(pool)
        await long_stream(stores[name], "order-long", LONG)

    def contender(store: PostgresEventStore):
        handler = CommandHandler(store, Plain(), remembered=0)

        async def load() -> int:
            return (await handler.load("order-long", PLAIN_FOLD)).version

        async def run() -> Mapping[str, float]:
            append = await drive(through_store(store), Load(8, 5, 1000))
            return {"append": append.events_per_s, "load": await per_second(load)}

        return run

    found = await take_turns({name: contender(store) for name, store in stores.items()}, rounds)
    for store in stores.values():
        await store.close()
    for pool in pools:
        await pool.close()
    notes = [f"filled in {seconds:.0f} s, {events:,} events"]
    bars = [Bar(EMPTY, at_least=0.8)]
    return [
        Measure(
            f"{what} at {events:,} events", "events/s", "higher", found[what], bars, None, notes
        )
        for what in ("append", "load")
    ]
