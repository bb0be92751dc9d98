"""Readers are woken across processes, and poll when nobody can wake them."""

import asyncio
from collections.abc import Sequence

import asyncpg

from eventstore.model import Expected, StoredEvent, StreamAppend
from eventstore.postgres.checkpoints import PostgresCheckpoints
from eventstore.postgres.store import PostgresEventStore
from eventstore.postgres.waking import PostgresWaker
from eventstore.reading.subscription import Subscription
from eventstore.store import EVERYTHING
from tests.support.stores.event_store import event, new_stream
from tests.support.stores.postgres_server import free_port

LISTENERS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND query ILIKE 'LISTEN%'"
)


async def test_an_append_wakes_every_waiter(store: PostgresEventStore, database: str) -> None:
    waker = PostgresWaker(database)
    await waker.start()
    assert waker.healthy
    mark = waker.mark()
    waiting = [asyncio.create_task(waker.wait(60, mark)) for _ in range(3)]
    await store.append(new_stream("cart-1"))
    assert await asyncio.gather(*waiting) == [True] * 3
    await waker.stop()


async def test_a_poke_between_reading_and_waiting_is_not_lost(
    store: PostgresEventStore, database: str
) -> None:
    waker = PostgresWaker(database)
    await waker.start()
    mark = waker.mark()
    await store.append(new_stream("cart-1"))
    assert await waker.wait(60, mark)
    assert await waker.wait(60, mark), "a mark stays passed"
    await waker.stop()


async def test_waiting_ends_without_a_poke_after_its_time(database: str) -> None:
    waker = PostgresWaker(database)
    await waker.start()
    assert not await waker.wait(0.001)
    await waker.stop()


async def test_many_appends_share_few_pokes(store: PostgresEventStore, database: str) -> None:
    pokes: list[str] = []
    listener = await asyncpg.connect(database)
    await listener.add_listener("eventstore_appended", lambda *_: pokes.append("poke"))
    for _ in range(5):
        await asyncio.gather(
            *(store.append(StreamAppend(f"c-{n}", Expected.ANY, [event()])) for n in range(40))
        )
    await store.close()
    await listener.fetchval("SELECT 1")
    assert 1 <= len(pokes) < 100
    await listener.close()


async def test_a_dead_listener_shows_and_comes_back(
    store: PostgresEventStore, pool: asyncpg.Pool, database: str
) -> None:
    waker = PostgresWaker(database, retry_s=0.2)
    await waker.start()
    assert await pool.fetchval(LISTENERS)
    while waker.healthy:  # noqa: ASYNC110  the flag is what is tested
        await asyncio.sleep(0.005)
    await waker.listening()
    mark = waker.mark()
    await store.append(new_stream("cart-1"))
    assert await waker.wait(60, mark)
    await waker.stop()


async def test_without_a_listener_a_subscription_polls(
    store: PostgresEventStore, pool: asyncpg.Pool
) -> None:
    waker = PostgresWaker(f"postgresql://nobody@127.0.0.1:{free_port()}/nowhere")
    await waker.start()
    assert not waker.healthy
    seen: list[StoredEvent] = []
    came = asyncio.Event()

    async def handle(found: Sequence[StoredEvent]) -> None:
        seen.extend(found)
        came.set()

    stop = asyncio.Event()
    checkpoints = PostgresCheckpoints(pool)
    subscription = Subscription(
        store, checkpoints, waker, "reader", EVERYTHING, handle, poll_s=0.01
    )
    running = asyncio.create_task(subscription.run(stop))
    await asyncio.sleep(0.02)
    await store.append(new_stream("cart-1"))
    await came.wait()
    stop.set()
    await running
    await waker.stop()
    assert len(seen) == 1
