"""How fast the read models catch up: `python -m benchmarks.projections`.

Contenders take turns round by round on the same server with durable commits. Beside the time on
the clock stands the processor time of this process, which what else the machine does changes far
less.
"""

import argparse
import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import asyncpg
from rich.console import Console
from rich.table import Table

from adapters.event_codec import JsonEventCodec
from benchmarks.appends import METADATA
from domain import events as e
from domain.ids import CustomerId, OrderId, Sku
from domain.money import Money
from domain.values import Address, OrderLine, PaymentTerms
from eventstore.model import Expected, NewEvent, StreamAppend
from eventstore.postgres.migrations import migrate
from eventstore.postgres.pool import create_pool
from eventstore.postgres.store import PostgresEventStore
from ordersaga.embedded.postgres import EmbeddedPostgres, free_port
from projections import current_orders
from projections.install import install
from projections.projection import Projection
from projections.registry import ALL
from projections.runner import ProjectionRunner

CODEC = JsonEventCodec()
WRITERS = 32
EVENTS_AN_ORDER = 5

Speed = tuple[float, float]
"""Events a second on the clock, and of this process's processor time."""


def story(number: int) -> StreamAppend:
    """An order of five events."""
    order_id, sku, price = OrderId(f"{number:08d}"), Sku("85123A"), Money(255, "GBP")
    customer, name = CustomerId("17850"), "WHITE HANGING HEART T-LIGHT HOLDER"
    address = Address("Ann Example", "1 High Street", "Leeds", "LS1 4AP", "GB")
    line = OrderLine(sku, name, 6, price)
    total, terms = Money(1530, "GBP"), PaymentTerms("tok_visa")
    placed = datetime(2011, 12, 1, tzinfo=UTC)
    told: list[Any] = [
        e.OrderCreated(order_id, customer, "GBP", placed),
        e.ItemAdded(sku, name, 6, price),
        e.AddressSet(address),
        e.OrderSubmitted(order_id, customer, (line,), address, total, terms),
        e.OrderReserved(),
    ]
    encoded = [CODEC.encode(event) for event in told]
    new = [NewEvent(uuid4(), one.event_type, one.data, METADATA) for one in encoded]
    return StreamAppend(f"order-{number:08d}", Expected.NO_STREAM, new)


async def fill(store: PostgresEventStore, orders: int) -> None:
    """Append the orders, several writers at once."""

    async def write(first: int) -> None:
        for number in range(first, orders, WRITERS):
            await store.append(story(number))

    await asyncio.gather(*(write(first) for first in range(WRITERS)))


async def catch_up(
    pool: asyncpg.Pool, store: PostgresEventStore, projections: tuple[Projection, ...], events: int
) -> Speed:
    """Empty the read models and let one process fill them, exactly once."""
    for projection in projections:
        for table in projection.tables:
            await pool.execute(f"TRUNCATE read_models.{table}")
    await pool.execute("UPDATE read_models.checkpoints SET position = 0")
    await pool.execute("CHECKPOINT")
    started, worked = time.perf_counter(), time.process_time()
    await ProjectionRunner(pool, store, CODEC, None, projections).catch_up()
    return events / (time.perf_counter() - started), events / (time.process_time() - worked)


async def compare(server: EmbeddedPostgres, orders: int, rounds: int) -> None:
    """Measure every contender once a round and print the medians."""
    await migrate(server.url())
    await install(server.url())
    pool = await create_pool(server.url(), max_size=20)
    store = PostgresEventStore(pool)
    await fill(store, orders)
    events = orders * EVENTS_AN_ORDER
    speeds: dict[str, list[Speed]] = {}
    for _ in range(rounds):
        for name, chosen in (
            ("current_orders", (current_orders.PROJECTION,)),
            (f"all {len(ALL)} read models in one process", ALL),
        ):
            speeds.setdefault(name, []).append(await catch_up(pool, store, chosen, events))
    show(speeds)
    await store.close()
    await pool.close()


def show(speeds: dict[str, list[Speed]]) -> None:
    """One table: medians over the rounds."""
    table = Table(title="catching up from the first event", title_justify="left")
    for heading in ("", "events/s", "lowest", "highest", "events per CPU second"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, rounds in speeds.items():
        clock = [one for one, _ in rounds]
        figures = (median(clock), min(clock), max(clock), median(cpu for _, cpu in rounds))
        table.add_row(name, *(f"{figure:,.0f}" for figure in figures))
    Console().print(table)


def main() -> None:
    """Start a server, measure, stop it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.projections", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--orders", type=int, default=20_000)
    given = parser.parse_args()
    with TemporaryDirectory(prefix="ordersaga-bench-") as folder:
        server = EmbeddedPostgres(Path(folder) / "pgdata", free_port())
        server.start()
        try:
            asyncio.run(compare(server, given.orders, given.rounds))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
