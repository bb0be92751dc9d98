"""All measures of the event store on one embedded server with durable commits."""

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import asyncpg

from benchmarks.appends import RAW_TABLE
from benchmarks.peers import Peers
from benchmarks.report import RESULTS, show, write
from benchmarks.rounds import Measure
from benchmarks.store_appends import appending
from benchmarks.store_commands import commanding
from benchmarks.store_live import complete, soon, undisturbed
from benchmarks.store_reads import catching_up, loading
from eventstore.postgres.migrator import migrate
from eventstore.postgres.pool import create_pool
from eventstore.postgres.store import PostgresEventStore
from ordersaga.daemons import heap
from tests.support.stores.logins import as_processes
from tests.support.stores.postgres_server import PostgresServer, free_port

OPTIONS: Final = {
    "max_connections": "300",
    "shared_buffers": "512MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "30min",  # its writes would hit whoever has his turn
}


def main(rounds: int, scale: float, results: Path = RESULTS, *, appends_only: bool = False) -> None:
    """Start a server, measure, stop it, write the results; those of appends alone are only shown.

    Args:
        rounds: how often each contender has its turn.
        scale: share of the usual load.
        results: the folder for the results.
        appends_only: measure nothing else.
    """
    with TemporaryDirectory(prefix="ordersaga-bench-") as folder:
        server = PostgresServer(Path(folder) / "pgdata", free_port(), OPTIONS)
        server.start()
        try:
            measures = asyncio.run(_measure(server, rounds, scale, appends_only))
        finally:
            server.stop()
    show(measures, "event store")
    if appends_only:
        return
    settings = {"rounds": rounds, "scale": scale, **OPTIONS}
    write(measures, results, settings, "store")


async def _measure(
    server: PostgresServer, rounds: int, scale: float, appends_only: bool
) -> list[Measure]:
    async def fresh(name: str) -> str:
        admin = await asyncpg.connect(server.url())
        await admin.execute(f"CREATE DATABASE {name}")
        await admin.close()
        return server.url(name)

    peers = Peers(await fresh("store"), await fresh("second_peer"))
    measures = await _compare(server.url("store"), peers, rounds, scale, appends_only)
    if appends_only:
        return measures
    measures += await complete(await fresh("writers"), int(100_000 * scale))
    return measures


async def _compare(
    dsn: str, peers: Peers, rounds: int, scale: float, appends_only: bool
) -> list[Measure]:
    await migrate(dsn)
    # As the peers: else each turn of raw SQL would leave us connections that have to learn our
    # statements first, and those that know them at the bottom of the pool.
    own = await create_pool(await as_processes(dsn), min_size=32, max_size=32)
    pool = await create_pool(dsn, min_size=32, max_size=32)
    await pool.execute(RAW_TABLE)
    store = PostgresEventStore(own)
    heap.freeze_startup_objects()  # as our processes do after their start; it serves all contenders
    measures = await appending(store, pool, peers, dsn, rounds, scale)
    measures += await commanding(dsn, store, rounds, scale)
    if not appends_only:
        measures += await loading(store, pool, peers, rounds)
        # A p99 is made of five appends a turn: twice as many turns.
        measures += await soon(dsn, store, peers.sourcing, 2 * rounds, int(500 * scale))
        measures += await undisturbed(dsn, store, max(1, rounds // 2), 10 * scale)
        measures += await catching_up(store, pool, peers, rounds, int(200_000 * scale))
    await store.close()
    await own.close()
    await pool.close()
    await peers.close()
    return measures
