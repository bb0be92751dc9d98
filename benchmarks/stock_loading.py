"""How long a worker that has just started takes to load a popular product.

`python -m benchmarks stock-loading`

Each load is done by a process of its own, on a connection of its own; the products take turns.
Connecting is not part of the time: the process first loads a product without events.
All of them have the most events after their last snapshot that the policy allows.
"""

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from activities.aggregates import STOCK, STOCK_SNAPSHOTS
from adapters.events.codec import JsonEventCodec
from domain.ids import OrderId, Sku, stock_stream
from domain.stock.events import StockEvent, StockReceived, StockReserved, StockShipped
from eventstore.commands.decision import event_id_of
from eventstore.commands.handler import CommandHandler
from eventstore.model import Expected, Metadata, NewEvent, StreamAppend
from eventstore.postgres.migrator import migrate
from eventstore.postgres.pool import create_pool
from eventstore.postgres.store import PostgresEventStore
from tests.support.stores.logins import as_processes
from tests.support.stores.postgres_server import PostgresServer, free_port

FEW, LONG, OPEN = "20 movements", "20,000 movements, 20 open", "10,000 open"
LONGEST_RATIO, LONGEST_MS = 3.0, 10.0
_METADATA: Final = Metadata("benchmark", "benchmark", "benchmark")


@dataclass(frozen=True, slots=True)
class Product:
    """A SKU with `movements` events; the last `open_orders` orders have not been shipped."""

    sku: Sku
    movements: int
    open_orders: int

    def events(self) -> list[StockEvent]:
        """Its history: a delivery, orders that were shipped, orders that are open."""
        return [
            StockReceived(self.sku, self.movements, "delivery"),
            *self._orders((self.movements - 1 - self.open_orders) // 2),
        ]

    def _orders(self, shipped: int) -> Iterator[StockEvent]:
        for number in range(shipped + self.open_orders):
            order_id = OrderId(f"{self.sku}-order-{number:08}")
            yield StockReserved(self.sku, order_id, 1)
            if number < shipped:
                yield StockShipped(self.sku, order_id, 1)


def products(scale: float = 1.0) -> Mapping[str, Product]:
    """The products by the name of their line."""
    return {
        FEW: Product(Sku("FEW"), 20, 3),
        LONG: Product(Sku("LONG"), int(20_000 * scale), 20),
        OPEN: Product(Sku("OPEN"), int(10_000 * scale) + 99, int(10_000 * scale)),
    }


async def prepare(dsn: str, scale: float) -> None:
    """Store the histories; an earlier worker has taken the snapshots."""
    await migrate(dsn)
    pool = await create_pool(dsn)
    store = PostgresEventStore(pool)
    for product in products(scale).values():
        events = product.events()
        before = len(events) - len(events) % STOCK_SNAPSHOTS.every
        await _append(store, product.sku, 0, events[:before])
        worker = CommandHandler(store, JsonEventCodec())
        await worker.load(stock_stream(product.sku), STOCK.fold)
        await worker.close()
        await _append(store, product.sku, before, events[before:])
    await store.close()
    await pool.execute("VACUUM (ANALYZE) eventstore.events")
    await pool.close()


async def _append(
    store: PostgresEventStore, sku: Sku, version: int, events: list[StockEvent]
) -> None:
    stream, codec = stock_stream(sku), JsonEventCodec()
    for first in range(0, len(events), 1000):
        stored = [codec.encode(event) for event in events[first : first + 1000]]
        new_events = [
            NewEvent(
                event_id_of(f"{sku}-{version}", stream, first + n), e.event_type, e.data, _METADATA
            )
            for n, e in enumerate(stored)
        ]
        expected = version + first or Expected.NO_STREAM
        await store.append(StreamAppend(stream, expected, new_events))


async def load_once(dsn: str, sku: str) -> dict[str, Any]:
    """Load a product with everything new; the time in milliseconds, and what was loaded."""
    pool = await create_pool(dsn)
    store = PostgresEventStore(pool)
    handler = CommandHandler(store, JsonEventCodec())
    await handler.load(stock_stream(Sku("CONNECTED")), STOCK.fold)
    started = time.perf_counter()
    loaded = await handler.load(stock_stream(Sku(sku)), STOCK.fold)
    milliseconds = (time.perf_counter() - started) * 1000
    await handler.close()
    await store.close()
    await pool.close()
    open_orders = len(loaded.state.reservations)
    return {"ms": milliseconds, "version": loaded.version, "open": open_orders}


async def measure(dsn: str, rounds: int, scale: float) -> dict[str, list[float]]:
    """The loads of all rounds in milliseconds, by product."""
    await prepare(dsn, scale)
    processes = await as_processes(dsn)
    times: dict[str, list[float]] = {name: [] for name in products(scale)}
    for _ in range(rounds):
        for name, product in products(scale).items():
            loaded = await _in_a_fresh_process(processes, product.sku)
            if loaded["open"] != product.open_orders:
                raise RuntimeError(f"{name}: loaded {loaded}")
            times[name].append(loaded["ms"])
    return times


async def _in_a_fresh_process(dsn: str, sku: str) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __spec__.name, dsn, sku, stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    loaded: dict[str, Any] = json.loads(output)
    return loaded


def ratios(times: Mapping[str, list[float]]) -> list[float]:
    """The load of the long history to that of the short one, within each round."""
    return [long / few for long, few in zip(times[LONG], times[FEW], strict=True)]


def problems(times: Mapping[str, list[float]]) -> list[str]:
    """The bars that are missed."""
    ratio, milliseconds = median(ratios(times)), median(times[OPEN])
    return [
        *([f"{LONG}: {ratio:.2f} times {FEW}"] if ratio > LONGEST_RATIO else []),
        *([f"{OPEN}: {milliseconds:.1f} ms"] if milliseconds > LONGEST_MS else []),
    ]


def show(times: Mapping[str, list[float]], console: Console) -> None:
    """A table with the median, the lowest and the highest time of each product."""
    table = Table("product", "median ms", "lowest", "highest", title="load in a fresh process")
    for name, values in times.items():
        table.add_row(name, *(f"{v:.2f}" for v in (median(values), min(values), max(values))))
    console.print(table)
    low, high = min(ratios(times)), max(ratios(times))
    console.print(
        f"{LONG} to {FEW}: {median(ratios(times)):.2f} ({low:.2f} to {high:.2f}),"
        f" bar <= {LONGEST_RATIO:g}; {OPEN}: bar <= {LONGEST_MS:g} ms"
    )
    for problem in problems(times):
        console.print(f"MISSED {problem}", markup=False)


def main(rounds: int, scale: float, json_file: Path | None) -> None:
    """Measure on a server of its own; the exit code is 1 if a bar is missed."""
    with TemporaryDirectory(prefix="ordersaga-stock-") as folder:
        server = PostgresServer(Path(folder) / "pgdata", free_port())
        server.start()
        try:
            times = asyncio.run(measure(server.url(), rounds, scale))
        finally:
            server.stop()
    show(times, Console(width=100))
    if json_file:
        document = {"ms": times, "ratios": ratios(times), "problems": problems(times)}
        json_file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    sys.exit(1 if problems(times) else 0)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(load_once(*sys.argv[1:]))))
