"""Live readers: how soon, how completely, and whether others can hold them up."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from random import Random
from uuid import uuid4

import asyncpg

from benchmarks.appends import DATA, METADATA
from benchmarks.peers import EventSourcing
from benchmarks.rounds import OURS, PEER, Bar, Contender, Measure, percentile, take_turns
from eventstore.model import Expected, FeedFilter, NewEvent, StoredEvent, StreamAppend
from eventstore.postgres.migrator import migrate
from eventstore.postgres.pool import create_pool
from eventstore.postgres.store import PostgresEventStore
from eventstore.postgres.waking import PostgresWaker
from eventstore.reading.subscription import Subscription
from tests.support.stores.checkpoints import InMemoryCheckpoints
from tests.support.stores.logins import as_processes

QUIET = "no foreign transaction"
NAIVE = "naive tail"


async def append_at(store: PostgresEventStore) -> None:
    """One event that says when it was appended."""
    data = {**DATA, "at": time.perf_counter()}
    event = NewEvent(uuid4(), "ItemAdded", data, METADATA)
    await store.append(StreamAppend(f"live-{uuid4()}", Expected.NO_STREAM, [event]))


async def delays(
    dsn: str, store: PostgresEventStore, appends: int, interval_s: float, callers: int = 1
) -> list[float]:
    """Seconds from the call of an append to the handler of a subscription, at a steady rate."""
    delays: list[float] = []
    stop = asyncio.Event()

    async def handle(events: Sequence[StoredEvent]) -> None:
        now = time.perf_counter()
        delays.extend(now - event.data["at"] for event in events)

    checkpoints = InMemoryCheckpoints()
    await checkpoints.save("live", await store.head())
    waker = PostgresWaker(dsn)
    await waker.start()
    feed_filter = FeedFilter(categories=frozenset({"live"}))
    following = asyncio.create_task(
        Subscription(store, checkpoints, waker, "live", feed_filter, handle).run(stop)
    )

    async def caller() -> None:
        next_at = time.perf_counter()
        for _ in range(appends // callers):
            next_at += interval_s * callers
            await asyncio.sleep(max(0.0, next_at - time.perf_counter()))
            await append_at(store)

    await asyncio.gather(*(caller() for _ in range(callers)))
    while len(delays) < appends // callers * callers:  # noqa: ASYNC110  the end of a measurement
        await asyncio.sleep(0.005)
    stop.set()
    await following
    await waker.stop()
    return delays


async def soon(
    dsn: str, store: PostgresEventStore, peer: EventSourcing | None, rounds: int, appends: int
) -> list[Measure]:
    """Append to handler at 100 appends a second."""

    async def ours() -> Mapping[str, float]:
        return _summary(await delays(dsn, store, appends, 0.01))

    async def theirs() -> Mapping[str, float]:
        assert peer is not None
        return _summary(await peer.run(peer.delays, appends, 0.01))

    contenders: dict[str, Contender] = {OURS: ours}
    if peer is not None:
        contenders[PEER] = theirs
    figures = await take_turns(contenders, rounds)
    return [
        Measure(f"append to handler, 100/s, {share}", "ms", "lower", figures[share], [bar])
        for share, bar in (("p50", Bar(PEER, at_most=1)), ("p99", Bar(PEER, at_most=1)))
    ]


def _summary(times: Sequence[float]) -> dict[str, float]:
    return {"p50": percentile(times, 0.5), "p99": percentile(times, 0.99)}


async def undisturbed(
    dsn: str, store: PostgresEventStore, rounds: int, seconds: float
) -> list[Measure]:
    """8 appenders, with and without another transaction that has written and stays open."""
    appends = int(seconds * 100)

    async def disturbed() -> Mapping[str, float]:
        other = await asyncpg.connect(dsn)
        await other.execute("CREATE TABLE IF NOT EXISTS public.foreign_writes (n int)")
        await other.execute("BEGIN; INSERT INTO public.foreign_writes VALUES (1)")
        try:
            return _summary(await delays(dsn, store, appends, 0.01, callers=8))
        finally:
            await other.execute("ROLLBACK")
            await other.close()

    async def quiet() -> Mapping[str, float]:
        return _summary(await delays(dsn, store, appends, 0.01, callers=8))

    figures = await take_turns({OURS: disturbed, QUIET: quiet}, rounds)
    # "Unchanged" needs room for the noise of the machine; a reader that is held up waits seconds.
    return [
        Measure(
            f"append to handler beside a foreign write transaction open {seconds:g} s, {share}",
            "ms",
            "lower",
            figures[share],
            [Bar(QUIET, at_most=1.5)],
        )
        for share in ("p50", "p99")
    ]


async def complete(dsn: str, events: int) -> list[Measure]:
    """16 writers in transactions of mixed size against a live reader and a naive one."""
    await migrate(dsn)
    pool = await create_pool(await as_processes(dsn), max_size=24)
    store = PostgresEventStore(pool)
    start = await store.head()
    done = asyncio.Event()
    naive: set[int] = set()
    ours: list[StoredEvent] = []
    async with asyncio.TaskGroup() as reading:
        reading.create_task(_follow(store, start, ours, done))
        reading.create_task(_follow_naively(pool, start, naive, done))
        writers = (_write(store, events // 16, seed) for seed in range(16))
        await asyncio.gather(*writers)
        done.set()
    rows = await pool.fetch("SELECT position FROM eventstore.all_events WHERE position > $1", start)
    stored = {row[0] for row in rows}
    seen = [event.position for event in ours]
    next_version: dict[str, int] = {}
    disorder = 0
    for event in ours:
        disorder += event.version != next_version.get(event.stream, 1)
        next_version[event.stream] = event.version + 1
    await store.close()
    await pool.close()
    wrong = {
        OURS: [float(len(stored - set(seen)) + len(seen) - len(set(seen)) + disorder)],
        NAIVE: [float(len(stored - naive))],
    }
    name = f"{len(stored):,} events of 16 writers: skipped, doubled or out of order"
    skipped, doubled = len(stored - set(seen)), len(seen) - len(set(seen))
    notes = [f"skipped {skipped}, doubled {doubled}, out of stream order {disorder}"]
    return [Measure(name, "events", "lower", wrong, (), Bar(OURS, at_most=0), notes)]


async def _write(store: PostgresEventStore, events: int, seed: int) -> None:
    random = Random(seed)
    while events > 0:
        size = min(events, random.choice([1, 1, 2, 5, 20, 100]))
        new = [NewEvent(uuid4(), "ItemAdded", DATA, METADATA) for _ in range(size)]
        stream = f"mixed-{random.randrange(1000)}"
        await store.append(StreamAppend(stream, Expected.ANY, new))
        events -= size


async def _follow(
    store: PostgresEventStore, after: int, seen: list[StoredEvent], done: asyncio.Event
) -> None:
    while True:
        finished = done.is_set()
        page = await store.read_feed(after, limit=1000)
        seen += page.events
        if finished and page.next_position == after:
            return
        after = page.next_position
        await asyncio.sleep(0 if page.events else 0.002)


async def _follow_naively(
    pool: asyncpg.Pool, after: int, seen: set[int], done: asyncio.Event
) -> None:
    query = "SELECT position FROM eventstore.all_events WHERE position > $1 ORDER BY 1 LIMIT 1000"
    while True:
        finished = done.is_set()
        rows = await pool.fetch(query, after)
        seen.update(row[0] for row in rows)
        if finished and not rows:
            return
        after = rows[-1][0] if rows else after
        await asyncio.sleep(0 if rows else 0.002)
