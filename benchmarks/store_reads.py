"""Loading and the feed."""

import time
from collections.abc import Awaitable, Callable, Mapping
from uuid import uuid4

import asyncpg

from benchmarks.appends import DATA, METADATA
from benchmarks.peers import Peer, Peers
from benchmarks.rounds import (
    OURS,
    PEER,
    RAW,
    SECOND_PEER,
    Bar,
    Contender,
    Measure,
    per_second,
    take_turns,
)
from eventstore.codec import EncodedEvent
from eventstore.commands.folding import Fold
from eventstore.commands.handler import CommandHandler
from eventstore.commands.snapshots import SnapshotPolicy
from eventstore.model import Expected, JsonObject, NewEvent, StoredEvent, StreamAppend
from eventstore.postgres.store import PostgresEventStore

PAGE = 1000
LONG = 10_000
_RAW_STREAM = """
SELECT event_id, stream, category, version, position, event_type, schema_version, data, metadata,
    recorded_at, bucket
FROM eventstore.events WHERE stream = $1 ORDER BY version
"""
_RAW_FEED = """
SELECT event_id, stream, category, version, position, event_type, schema_version, data, metadata,
    recorded_at, bucket
FROM eventstore.events WHERE position > $1 ORDER BY position LIMIT $2
"""


class Plain:
    """A codec for events that are their own data."""

    def encode(self, event: JsonObject) -> EncodedEvent:
        """See `EventCodec.encode`."""
        return EncodedEvent("ItemAdded", 1, event)

    def decode(self, stored: StoredEvent) -> JsonObject:
        """See `EventCodec.decode`."""
        return stored.data


def add_up(total: int, data: JsonObject) -> int:
    amount: int = data["price"] * data["quantity"]
    return total + amount


PLAIN_FOLD = Fold(0, add_up)
SNAPSHOT_FOLD = Fold(
    0, add_up, SnapshotPolicy(1000, 1, lambda total: {"total": total}, lambda data: data["total"])
)


async def long_stream(store: PostgresEventStore, name: str, events: int) -> None:
    """A stream with so many events."""
    for start in range(0, events, 1000):
        size = min(1000, events - start)
        new = [NewEvent(uuid4(), "ItemAdded", DATA, METADATA) for _ in range(size)]
        await store.append(StreamAppend(name, Expected.ANY, new))


async def loading(
    store: PostgresEventStore, pool: asyncpg.Pool, peers: Peers, rounds: int
) -> list[Measure]:
    """A short stream, a long one, and the long one with a snapshot."""
    handler = CommandHandler(store, Plain(), remembered=0)
    await long_stream(store, "order-short", 5)
    await long_stream(store, "order-long", LONG)
    await handler.load("order-long", SNAPSHOT_FOLD)  # takes the snapshot
    await handler.close()
    peer_short, peer_long = uuid4(), uuid4()
    for peer in peers.all():
        await peer.extend(peer_short, 5)
        for after in range(0, LONG, 1000):
            await peer.extend(peer_long, 1000, after)

    async def ours() -> Mapping[str, float]:
        return {
            "short": await _milliseconds(lambda: handler.load("order-short", PLAIN_FOLD)),
            "long": await per_second(lambda: _version(handler, "order-long")),
            "snapshot": await _milliseconds(lambda: handler.load("order-long", SNAPSHOT_FOLD)),
        }

    async def raw() -> Mapping[str, float]:
        return {
            "short": await _milliseconds(lambda: pool.fetch(_RAW_STREAM, "order-short")),
            "long": await per_second(lambda: _count(pool, "order-long")),
        }

    def theirs(peer: Peer) -> Contender:
        async def run() -> Mapping[str, float]:
            return {
                "short": await _milliseconds(lambda: peer.load(peer_short)),
                "long": await per_second(lambda: peer.load(peer_long)),
            }

        return run

    contenders: dict[str, Contender] = {OURS: ours, RAW: raw}
    contenders |= {name: theirs(peer) for name, peer in peers.named().items()}
    figures = await take_turns(contenders, rounds)
    short, long = figures["short"], figures["long"]
    snapshot = {OURS: figures["snapshot"][OURS], "5-event order": short[OURS]}
    return [
        Measure("load and fold 5 events", "ms", "lower", short, [Bar(RAW, at_most=1.5)]),
        Measure(
            "load and fold 10,000 events",
            "events/s",
            "higher",
            long,
            [Bar(PEER, at_least=4), Bar(SECOND_PEER, at_least=4)],
            Bar(OURS, at_least=80_000),
        ),
        Measure(
            "load 10,000 events with a snapshot",
            "ms",
            "lower",
            snapshot,
            [Bar("5-event order", at_most=2)],
        ),
    ]


async def _milliseconds(run: Callable[[], Awaitable[object]], times: int = 200) -> float:
    """The median time of one run."""
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        await run()
        taken.append(time.perf_counter() - started)
    return sorted(taken)[times // 2] * 1000


async def _version(handler: CommandHandler, stream: str) -> int:
    return (await handler.load(stream, PLAIN_FOLD)).version


async def _count(pool: asyncpg.Pool, stream: str) -> int:
    return len(await pool.fetch(_RAW_STREAM, stream))


async def catching_up(
    store: PostgresEventStore,
    pool: asyncpg.Pool,
    peers: Peers,
    rounds: int,
    events: int,
) -> list[Measure]:
    """Read the whole feed, page by page."""
    await _fill(store, peers, events)

    async def ours() -> Mapping[str, float]:
        return {"feed": await per_second(lambda: read_all(store))}

    async def raw() -> Mapping[str, float]:
        return {"feed": await per_second(lambda: raw_read_all(pool))}

    def theirs(peer: Peer) -> Contender:
        async def run() -> Mapping[str, float]:
            return {"feed": await per_second(lambda: peer.read_feed(PAGE))}

        return run

    contenders: dict[str, Contender] = {OURS: ours, RAW: raw}
    contenders |= {name: theirs(peer) for name, peer in peers.named().items()}
    figures = await take_turns(contenders, rounds)
    bars = [Bar(RAW, at_least=0.7), Bar(PEER, at_least=1), Bar(SECOND_PEER, at_least=1)]
    name = f"feed, catch-up over {events:,} events"
    notes = ["raw asyncpg decodes no JSON; the others do"]
    return [Measure(name, "events/s", "higher", figures["feed"], bars, notes=notes)]


async def _fill(store: PostgresEventStore, peers: Peers, events: int) -> None:
    for _ in range((events - await store.head()) // 1000):
        appends = [
            StreamAppend(
                f"order-{uuid4()}",
                Expected.NO_STREAM,
                [NewEvent(uuid4(), "ItemAdded", DATA, METADATA) for _ in range(5)],
            )
            for _ in range(200)
        ]
        await store.append(*appends)
    for peer in peers.all():
        stored = await peer.read_feed(PAGE)
        for _ in range((events - stored) // 1000):
            await peer.extend(uuid4(), 1000)


async def read_all(store: PostgresEventStore) -> int:
    """How many events the feed holds; each is decoded."""
    read = 0
    async for page in store.feed_pages(0, limit=PAGE):
        read += len(page.events)
    return read


async def raw_read_all(pool: asyncpg.Pool) -> int:
    """The same rows as the driver gives them."""
    read, after = 0, 0
    while rows := await pool.fetch(_RAW_FEED, after, PAGE):
        read += len(rows)
        after = rows[-1]["position"]
    return read
