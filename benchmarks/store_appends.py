"""Appending: callers at once, a lone caller, and pgbench with the same inserts."""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import NamedTemporaryFile
from urllib.parse import urlsplit

import asyncpg

from benchmarks.appends import Append, Load, drive, raw_insert, through_store
from benchmarks.peers import Peers
from benchmarks.rounds import OURS, PEER, RAW, SECOND_PEER, Bar, Contender, Measure, take_turns
from eventstore.postgres.store import PostgresEventStore
from ordersaga.embedded.postgres import binaries

PGBENCH = "pgbench"
_TPS = re.compile(r"tps = ([\d.]+)")
_SCRIPT = """
INSERT INTO raw.events (stream, version, event_id, event_type, data, metadata)
SELECT 'order-' || id, 1, id, 'ItemAdded',
    ('{"sku": "85123A", "quantity": 6, "price": 255, "description": "' || repeat('x', 190)
        || '"}')::jsonb,
    ('{"correlation_id": "order-' || repeat('a', 20) || '", "causation_id": "command-'
        || repeat('b', 20) || '", "actor": "cli' || chr(58) || 'shop", "traceparent": null,'
        || '"extra": {"run_id": "'
        || repeat('c', 30) || '"}}')::jsonb
FROM (SELECT gen_random_uuid() AS id) AS one;
"""


async def appending(
    store: PostgresEventStore,
    pool: asyncpg.Pool,
    peers: Peers,
    dsn: str,
    rounds: int,
    scale: float,
) -> list[Measure]:
    """The rows of the table that append."""
    appends = {OURS: through_store(store), RAW: raw_insert(pool)}
    of_eight = await take_turns(
        {
            **_contenders(appends, Load(8, 5, int(6000 * scale) or 8)),
            **_contenders(peers.appends(), Load(8, 5, int(2000 * scale) or 8)),
        },
        rounds,
    )
    # Turns of about a second each: the machine's pace changes within seconds, so many short ones.
    bench = await take_turns(
        {
            OURS: _one(appends[OURS], _many(24_000, scale)),
            RAW: _one(appends[RAW], _many(8_000, scale)),
            **_contenders(peers.appends(), _many(800, scale)),
            PGBENCH: _pgbench(dsn, 32, int(500 * scale) or 1),
        },
        2 * rounds,
    )
    one = Load(1, 1, int(500 * scale) or 10)
    of_one = await take_turns(_contenders({**appends, **peers.appends()}, one), rounds)
    return [
        Measure(
            "append, 8 callers, 5 events each",
            "events/s",
            "higher",
            of_eight["speed"],
            [Bar(RAW, at_least=1), Bar(PEER, at_least=4), Bar(SECOND_PEER, at_least=4)],
        ),
        Measure(
            "append, 32 callers, 1 event each",
            "events/s",
            "higher",
            bench["speed"],
            [],  # a figure only: the product appends through the command handler
        ),
        Measure(
            "append, 32 callers, p99",
            "ms",
            "lower",
            bench["p99"],
            [Bar(RAW, at_most=1)],
        ),
        Measure("append, 1 caller, p50", "ms", "lower", of_one["p50"], [Bar(RAW, at_most=1.25)]),
    ]


def _many(appends: int, scale: float) -> Load:
    return Load(32, 1, int(appends * scale) or 32)


def _contenders(appends: Mapping[str, Append], load: Load) -> dict[str, Contender]:
    return {name: _one(append, load) for name, append in appends.items()}


def _one(append: Append, load: Load) -> Contender:
    async def run() -> Mapping[str, float]:
        measured = await drive(append, load)
        return {
            "speed": measured.events_per_s,
            "p50": measured.p50_ms,
            "p99": measured.p99_ms,
        }

    return run


def _pgbench(dsn: str, clients: int, transactions: int) -> Contender:
    async def run() -> Mapping[str, float]:
        parts = urlsplit(dsn)
        with NamedTemporaryFile("w", suffix=".sql") as script:
            script.write(_SCRIPT)
            script.flush()
            process = await asyncio.create_subprocess_exec(
                str(Path(binaries()) / "pgbench"),
                *("-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-t", str(transactions)),
                *("-f", script.name, "-h", parts.hostname or "", "-p", str(parts.port)),
                *("-U", parts.username or "", parts.path.strip("/")),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            output, _ = await process.communicate()
        speed = _TPS.search(output.decode())
        if speed is None:
            raise RuntimeError(output.decode())
        return {"speed": float(speed[1])}

    return run
