"""All measures of the event store on one embedded server with durable commits."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import asyncpg

from benchmarks.appends import RAW_TABLE
from benchmarks.peers import EventSourcing
from benchmarks.report import RESULTS, show, write
from benchmarks.rounds import Measure
from benchmarks.store_appends import appending
from benchmarks.store_growth import growing
from benchmarks.store_live import complete, soon, undisturbed
from benchmarks.store_reads import catching_up, loading
from eventstore.postgres.migrations import migrate
from eventstore.postgres.pool import create_pool
from eventstore.postgres.store import PostgresEventStore
from ordersaga.embedded.postgres import EmbeddedPostgres, free_port

_OPTIONS: Final = {"max_connections": "200", "shared_buffers": "512MB", "max_wal_size": "4GB"}


def main(rounds: int, scale: float, growth: int, results: Path = RESULTS) -> None:
    """Start a server, measure, stop it, write the results."""
    with TemporaryDirectory(prefix="ordersaga-bench-") as folder:
        server = EmbeddedPostgres(Path(folder) / "pgdata", free_port(), _OPTIONS)
        server.start()
        try:
            measures = asyncio.run(_measure(server, rounds, scale, growth))
        finally:
            server.stop()
    show(measures, "event store")
    settings = {"rounds": rounds, "scale": scale, "growth": growth, **_OPTIONS}
    write(measures, results, settings, "store")


async def _measure(
    server: EmbeddedPostgres, rounds: int, scale: float, growth: int
) -> list[Measure]:
    async def fresh(name: str) -> str:
        admin = await asyncpg.connect(server.url())
        await admin.execute(f"CREATE DATABASE {name}")
        await admin.close()
        return server.url(name)

    measures = await _compare(await fresh("store"), rounds, scale)
    measures += await complete(await fresh("writers"), int(100_000 * scale))
    if growth:
        measures += await growing(await fresh("many"), await fresh("few"), growth, rounds)
    return measures


async def _compare(dsn: str, rounds: int, scale: float) -> list[Measure]:
    await migrate(dsn)
    pool = await create_pool(dsn, min_size=32, max_size=32)
    await pool.execute(RAW_TABLE)
    store, lone = PostgresEventStore(pool), PostgresEventStore(pool, group_append=False)
    peer = _peer(dsn)
    measures = await appending(store, lone, pool, peer, dsn, rounds, scale)
    measures += await loading(store, pool, peer, rounds)
    measures += await soon(dsn, store, peer, rounds, int(500 * scale))
    measures += await undisturbed(dsn, store, max(1, rounds // 2), 10 * scale)
    measures += await catching_up(store, pool, peer, rounds, int(200_000 * scale))
    await store.close()
    await lone.close()
    await pool.close()
    if peer is not None:
        peer.close()
    return measures


def _peer(dsn: str) -> EventSourcing | None:
    try:
        return EventSourcing(dsn)
    except ImportError as error:
        print(f"without eventsourcing: {error}")
        return None
