"""How fast read models catch up, compared with the projection runner of `eventsourcing`.

Contenders take turns on the same server with durable commits. Besides elapsed time, the processor
time of this process is measured, which other load on the machine affects far less. The peer
commits once per event, so it gets fewer events, and a second run in a database where commits do
not wait for the disk.
"""

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

import asyncpg

from adapters.events.codec import JsonEventCodec
from benchmarks.appends import METADATA
from benchmarks.report import RESULTS, show, write
from benchmarks.rounds import OURS, PEER, Bar, Contender, Measure, per_second, take_turns
from domain.ids import CustomerId, LineId, OrderId, Sku
from domain.lines import OrderLine
from domain.money import Money
from domain.order import events as order_events
from domain.values import Address, PaymentTerms
from eventstore.model import Expected, NewEvent, StreamAppend
from eventstore.postgres.migrator import migrate
from eventstore.postgres.pool import create_pool
from eventstore.postgres.store import PostgresEventStore
from ordersaga.daemons import heap
from projections.engine.projection import Projection
from projections.engine.runner import ProjectionRunner
from projections.operations.install import install
from projections.read_models.current_orders import model as current_orders
from projections.registry import ALL
from tests.support.stores.logins import as_processes
from tests.support.stores.postgres_server import PostgresServer, free_port

CODEC = JsonEventCodec()
WRITERS = 32
EVENTS_PER_ORDER = 5

ORDERS = 20_000
PEER_ORDERS = 1_000
ALL_MODELS = f"all {len(ALL)} read models in one process"
PEER_UNSAFE = f"{PEER}, commits not waited for"
_OPTIONS = {"max_connections": "200", "shared_buffers": "512MB", "max_wal_size": "4GB"}


def story(number: int) -> StreamAppend:
    """An order of five events."""
    order_id, sku, price = OrderId(f"{number:08d}"), Sku("85123A"), Money(255, "GBP")
    customer, name = CustomerId("17850"), "WHITE HANGING HEART T-LIGHT HOLDER"
    address = Address("Ann Example", "1 High Street", "Leeds", "LS1 4AP", "GB")
    line = OrderLine(LineId("1"), sku, name, 6, price)
    total, terms = Money(1530, "GBP"), PaymentTerms("tok_visa")
    placed = datetime(2011, 12, 1, tzinfo=UTC)
    events: list[Any] = [
        order_events.OrderCreated(order_id, customer, "GBP", placed),
        order_events.ItemAdded(LineId("1"), sku, name, 6, price),
        order_events.AddressSet(address),
        order_events.OrderSubmitted(order_id, customer, (line,), address, total, terms),
        order_events.OrderReserved(),
    ]
    encoded = [CODEC.encode(event) for event in events]
    new = [NewEvent(uuid4(), one.event_type, one.data, METADATA) for one in encoded]
    return StreamAppend(f"order-{number:08d}", Expected.NO_STREAM, new)


async def fill(store: PostgresEventStore, orders: int) -> None:
    """Append the orders with several concurrent writers."""

    async def write(first: int) -> None:
        for number in range(first, orders, WRITERS):
            await store.append(story(number))

    await asyncio.gather(*(write(first) for first in range(WRITERS)))


async def catch_up(
    dsn: str,
    pool: asyncpg.Pool,
    store: PostgresEventStore,
    projections: tuple[Projection, ...],
    events: int,
) -> Mapping[str, float]:
    """Empty the read models, as the superuser of `dsn`, and let one process fill them."""
    admin = await asyncpg.connect(dsn)
    for projection in projections:
        for table in projection.tables:
            await admin.execute(f"TRUNCATE read_models.{table}")
    await admin.execute("UPDATE read_models.checkpoints SET position = 0")
    await admin.execute("CHECKPOINT")
    await admin.close()
    started, worked = time.perf_counter(), time.process_time()
    await ProjectionRunner(pool, store, CODEC, None, projections).catch_up()
    return {
        "clock": events / (time.perf_counter() - started),
        "cpu": events / (time.process_time() - worked),
    }


async def compare(server: PostgresServer, rounds: int, scale: float) -> list[Measure]:
    """Measure every contender once per round."""
    await migrate(server.url())
    await install(server.url())
    dsn = server.url()
    pool = await create_pool(await as_processes(dsn), max_size=20)
    store = PostgresEventStore(pool)
    orders = max(1, int(ORDERS * scale))
    await fill(store, orders)
    events = orders * EVENTS_PER_ORDER

    async def one() -> Mapping[str, float]:
        return await catch_up(dsn, pool, store, (current_orders.PROJECTION,), events)

    async def every() -> Mapping[str, float]:
        return await catch_up(dsn, pool, store, ALL, events)

    peers = await _peers(server, max(1, int(PEER_ORDERS * scale)))
    speeds = await take_turns({OURS: one, ALL_MODELS: every, **peers}, rounds)
    await store.close()
    await pool.close()
    return _measures(speeds, events)


def _measures(speeds: Mapping[str, dict[str, list[float]]], events: int) -> list[Measure]:
    return [
        Measure(
            f"current_orders, exactly once, catch-up over {events:,} events",
            "events/s",
            "higher",
            speeds["clock"],
            [Bar(PEER, at_least=15)],
            Bar(OURS, at_least=30_000),
        ),
        Measure("the same, by client processor time", "events/CPU s", "higher", speeds["cpu"]),
    ]


async def _peers(server: PostgresServer, orders: int) -> dict[str, Contender]:
    try:
        from benchmarks.peer_projection import PeerProjection
    except ImportError as error:
        print(f"without eventsourcing: {error}")
        return {}
    contenders: dict[str, Contender] = {}
    for name, database, commits in ((PEER, "peer", "on"), (PEER_UNSAFE, "peer_unsafe", "off")):
        admin = await asyncpg.connect(server.url())
        await admin.execute(f"CREATE DATABASE {database}")
        await admin.execute(f"ALTER DATABASE {database} SET synchronous_commit = {commits}")
        await admin.close()
        dsn = server.url(database)
        contenders[name] = _peer(await asyncio.to_thread(PeerProjection, dsn, orders), dsn)
    return contenders


def _peer(peer: Any, dsn: str) -> Contender:
    async def run() -> Mapping[str, float]:
        connection = await asyncpg.connect(dsn)
        await connection.execute("DROP TABLE IF EXISTS peer_orders, peer_orders_tracking")
        await connection.execute("CHECKPOINT")
        await connection.close()
        worked = time.process_time()
        clock = await per_second(lambda: asyncio.to_thread(peer.catch_up))
        return {"clock": clock, "cpu": peer.events / (time.process_time() - worked)}

    return run


def main(rounds: int, scale: float, results: Path = RESULTS) -> None:
    """Start a server, measure, stop it, write the results."""
    heap.freeze_startup_objects()  # as deployed processes do; the peer benefits too
    with TemporaryDirectory(prefix="ordersaga-bench-") as folder:
        server = PostgresServer(Path(folder) / "pgdata", free_port(), _OPTIONS)
        server.start()
        try:
            measures = asyncio.run(compare(server, rounds, scale))
        finally:
            server.stop()
    show(measures, "projections")
    settings = {"rounds": rounds, "scale": scale, **_OPTIONS}
    write(measures, results, settings, "projections")
