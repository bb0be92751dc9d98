"""Measures the event store on an embedded PostgreSQL with durable commits: `make bench`.

Contenders take turns round by round on the same server, so that what else the machine does hits
all of them; the figures are medians over the rounds.
"""

import argparse
import asyncio
import time
from collections import defaultdict
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from benchmarks.appends import RAW_TABLE, Append, Load, Measured, drive, raw_insert, through_store
from eventstore.postgres.migrations import migrate
from eventstore.postgres.pool import create_pool
from eventstore.postgres.store import PostgresEventStore
from ordersaga.embedded.postgres import EmbeddedPostgres, free_port

LOADS = (Load(1, 1, 500), Load(8, 5, 2000), Load(32, 1, 8000))


async def compare(dsn: str, rounds: int, scale: float) -> None:
    """Run every load against every contender and print the tables."""
    await migrate(dsn)
    pool = await create_pool(dsn, max_size=32)
    await pool.execute(RAW_TABLE)
    grouped = PostgresEventStore(pool)
    single = PostgresEventStore(pool, group_append=False)
    contenders: dict[str, Append] = {
        "event store": through_store(grouped),
        "event store, group append off": through_store(single),
        "raw INSERT through asyncpg": raw_insert(pool),
    }
    for load in LOADS:
        smaller = Load(load.callers, load.size, max(load.callers, int(load.appends * scale)))
        show(smaller, await take_turns(contenders, smaller, rounds))
    await read_feed(grouped)
    await grouped.close()
    await single.close()
    await pool.close()


async def take_turns(
    contenders: dict[str, Append], load: Load, rounds: int
) -> dict[str, list[Measured]]:
    """Each contender once a round, after a short warm-up."""
    results: dict[str, list[Measured]] = defaultdict(list)
    for append in contenders.values():
        await drive(append, Load(load.callers, load.size, load.callers * 2))
    for _ in range(rounds):
        for name, append in contenders.items():
            results[name].append(await drive(append, load))
    return results


def show(load: Load, results: dict[str, list[Measured]]) -> None:
    """One table for one load."""
    title = f"append: {load.callers} caller(s), {load.size} event(s) each, {load.appends} appends"
    table = Table(title=title, title_justify="left")
    for heading in ("", "events/s", "lowest", "highest", "p50 ms", "p99 ms"):
        table.add_column(heading, justify="left" if not heading else "right")
    for name, rounds in results.items():
        speeds = [each.events_per_s for each in rounds]
        table.add_row(
            name,
            *(f"{value:,.0f}" for value in (median(speeds), min(speeds), max(speeds))),
            f"{median(each.p50_ms for each in rounds):.2f}",
            f"{median(each.p99_ms for each in rounds):.2f}",
        )
    Console().print(table)


async def read_feed(store: PostgresEventStore) -> None:
    """Read everything that was appended, as a projection that catches up does."""
    started, position, events = time.perf_counter(), 0, 0
    while True:
        page = await store.read_feed(position, limit=1000)
        events += len(page.events)
        if page.next_position == position:
            break
        position = page.next_position
    seconds = time.perf_counter() - started
    Console().print(f"feed: {events:,} events in {seconds:.2f} s, {events / seconds:,.0f} a second")


def main() -> None:
    """Start a server, measure, stop it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the usual appends")
    given = parser.parse_args()
    with TemporaryDirectory(prefix="ordersaga-bench-") as folder:
        server = EmbeddedPostgres(Path(folder) / "pgdata", free_port())
        server.start()
        try:
            asyncio.run(compare(server.url(), given.rounds, given.scale))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
