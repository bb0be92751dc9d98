"""What a subscription promises, over each store with its waker and checkpoints."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import pytest

from eventstore.memory import InMemoryEventStore
from eventstore.model import Expected, FeedFilter, StoredEvent, StreamAppend
from eventstore.postgres.checkpoints import PostgresCheckpoints
from eventstore.postgres.waking import PostgresWaker
from eventstore.reading.checkpoints import Checkpoints
from eventstore.reading.subscription import Subscription
from eventstore.reading.waking import LocalWaker, Waker
from eventstore.store import EVERYTHING, EventStore
from tests.support.stores.checkpoints import InMemoryCheckpoints
from tests.support.stores.counters import StoreWrapper
from tests.support.stores.event_store import (
    event,
    migrated_database,
    new_stream,
    opened_pool,
    opened_store,
)


@dataclass
class Parts:
    store: EventStore
    checkpoints: Checkpoints
    waker: Waker


@dataclass
class Handler:
    """Collects events; `enough` is set when so many have come."""

    wanted: int
    fail_at: int | None = None
    seen: list[StoredEvent] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    enough: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, found: Sequence[StoredEvent]) -> None:
        if self.fail_at is not None and any(one.position == self.fail_at for one in found):
            raise RuntimeError("the handler failed")
        self.seen += found
        self.sizes.append(len(found))
        if len(self.seen) >= self.wanted:
            self.enough.set()

    @property
    def positions(self) -> list[int]:
        return [one.position for one in self.seen]


@pytest.fixture(params=["memory", "postgres", "postgres-partitioned"])
async def parts(request: pytest.FixtureRequest) -> AsyncIterator[Parts]:
    if request.param == "memory":
        local = LocalWaker()
        yield Parts(InMemoryEventStore(waker=local), InMemoryCheckpoints(), local)
        return
    async with AsyncExitStack() as stack:
        server = request.getfixturevalue("postgres_server")
        partitioned = request.param == "postgres-partitioned"
        database = migrated_database(server, partitioned=partitioned)
        url = await stack.enter_async_context(database)
        store = await stack.enter_async_context(opened_store(url))
        pool = await stack.enter_async_context(opened_pool(url))
        waker = PostgresWaker(url)
        await waker.start()
        yield Parts(store, PostgresCheckpoints(pool), waker)
        await waker.stop()


def subscribe(
    parts: Parts, handler: Handler, wanted: FeedFilter = EVERYTHING, *, batch: int = 500
) -> Subscription:
    return Subscription(
        parts.store,
        parts.checkpoints,
        parts.waker,
        "reader",
        wanted,
        handler,
        batch=batch,
        poll_s=60,
    )


async def run_until_enough(subscription: Subscription, handler: Handler) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(subscription.run(stop))
    await handler.enough.wait()
    stop.set()
    await running


async def test_it_catches_up_in_batches_and_goes_on_live(parts: Parts) -> None:
    await parts.store.append(new_stream("cart-1", 7))
    handler = Handler(9)
    stop = asyncio.Event()
    running = asyncio.create_task(subscribe(parts, handler, batch=3).run(stop))
    while len(handler.seen) < 7:  # noqa: ASYNC110  the next append must come in mid-flight
        await asyncio.sleep(0)
    await parts.store.append(StreamAppend("cart-1", 7, [event(), event()]))
    await handler.enough.wait()
    stop.set()
    await running
    assert [one.version for one in handler.seen] == list(range(1, 10))
    assert max(handler.sizes) == 3


async def test_it_goes_on_where_it_stopped(parts: Parts) -> None:
    await parts.store.append(new_stream("cart-1", 3))
    first = Handler(3)
    await run_until_enough(subscribe(parts, first), first)
    assert await parts.checkpoints.load("reader") == first.positions[-1]
    await parts.store.append(new_stream("cart-2", 2))
    second = Handler(2)
    await run_until_enough(subscribe(parts, second), second)
    assert [one.stream for one in second.seen] == ["cart-2"] * 2


async def test_what_a_failed_handler_did_not_finish_comes_again(parts: Parts) -> None:
    await parts.store.append(new_stream("cart-1", 4))
    failing = Handler(99, fail_at=3)
    with pytest.raises(RuntimeError, match="handler failed"):
        await subscribe(parts, failing, batch=2).run(asyncio.Event())
    again = Handler(2)
    await run_until_enough(subscribe(parts, again), again)
    assert failing.positions + again.positions == [1, 2, 3, 4]


async def test_only_wanted_events_come_and_the_checkpoint_passes_the_others(parts: Parts) -> None:
    await parts.store.append(
        StreamAppend("cart-1", Expected.NO_STREAM, [event("A"), event("B")]),
        new_stream("stock-1", 5),
    )
    handler = Handler(1)
    wanted = FeedFilter(event_types=frozenset({"B"}))
    await run_until_enough(subscribe(parts, handler, wanted), handler)
    assert handler.positions == [2]
    assert await parts.checkpoints.load("reader") == await parts.store.head()


async def test_a_stop_ends_a_waiting_subscription(parts: Parts) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(subscribe(parts, Handler(1)).run(stop))
    await asyncio.sleep(0.01)
    assert not running.done()
    stop.set()
    await running


async def test_a_burst_of_concurrent_appends_is_seen_once_and_in_order(parts: Parts) -> None:
    handler = Handler(200)
    stop = asyncio.Event()
    running = asyncio.create_task(subscribe(parts, handler, batch=7).run(stop))
    await asyncio.gather(
        *(
            parts.store.append(StreamAppend(f"cart-{number % 9}", Expected.ANY, [event(), event()]))
            for number in range(100)
        )
    )
    await handler.enough.wait()
    stop.set()
    await running
    assert handler.positions == sorted(set(handler.positions))
    assert len(handler.positions) == 200


async def test_positions_that_are_drawn_again_after_a_crash_are_not_skipped() -> None:
    waker = LocalWaker()
    crashing = StoreWrapper(InMemoryEventStore())
    await crashing.append(new_stream("lost-1", 5))
    handler = Handler(7)
    stop = asyncio.Event()
    parts = Parts(crashing, InMemoryCheckpoints(), waker)
    subscription = subscribe(parts, handler)
    running = asyncio.create_task(subscription.run(stop))
    while subscription.position < 5:  # noqa: ASYNC110  the position is what is tested
        await asyncio.sleep(0)
    crashing.inner = InMemoryEventStore()
    waker.poke()
    while subscription.position > 0:  # noqa: ASYNC110  the position is what is tested
        await asyncio.sleep(0)
    await crashing.append(new_stream("kept-1", 2))
    waker.poke()
    await handler.enough.wait()
    stop.set()
    await running
    assert [one.stream for one in handler.seen[5:]] == ["kept-1"] * 2
