"""Whatever one event's handling raises, the other events are handled and the follower goes on."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import cast

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from adapters.events.codec import JsonEventCodec
from adapters.personal_data.errors import MasterKeyMissing, Tampered
from domain.errors import InvalidValue
from eventstore.commands.handler import CommandHandler
from eventstore.errors import StoreUnavailable, UndecodableEvent, UnknownEventType
from eventstore.memory import InMemoryEventStore
from eventstore.model import FeedFilter, StoredEvent
from eventstore.reading.subscription import Subscription
from eventstore.reading.waking import LocalWaker
from ordersaga.daemons.follower import Follower
from ordersaga.daemons.outages import is_outage
from ordersaga.daemons.set_aside import SetAside
from tests.support.stores.checkpoints import InMemoryCheckpoints
from tests.support.stores.event_store import new_stream
from tests.support.stores.set_aside import InMemorySetAsideEvents

EVENTS, PAGE = 30, 10
SECRET = "Zacharias Geheim"
Raise = Callable[[], BaseException]

OWN: Mapping[str, Raise] = {
    "other master key": lambda: MasterKeyMissing("51b7"),
    "tampered": lambda: Tampered("version 3"),
    "undecodable": lambda: UndecodableEvent("order-A1", 1, "Thing", "name: missing"),
    "unknown type": lambda: UnknownEventType("Thing", 9),
    "refused by the domain": lambda: InvalidValue("token", "must be shorter"),
    "refused by Temporal": lambda: RPCError(SECRET, RPCStatusCode.INVALID_ARGUMENT, b""),
    "too large for Temporal": lambda: RPCError(
        "received message larger than max", RPCStatusCode.RESOURCE_EXHAUSTED, b""
    ),
    "value the database refuses": lambda: asyncpg.DataError(SECRET),
    "bug": lambda: KeyError(SECRET),
    "type": lambda: TypeError(SECRET),
    "recursion": lambda: RecursionError(SECRET),
    "memory": lambda: MemoryError(SECRET),
    "group": lambda: ExceptionGroup(SECRET, [ValueError(SECRET)]),
    "cancelled inside": asyncio.CancelledError,
}
LIKE_OUTAGES: Mapping[str, Raise] = {
    "store": lambda: StoreUnavailable("gave up"),
    "time limit": TimeoutError,
    "temporal": lambda: RPCError("away", RPCStatusCode.UNAVAILABLE, b""),
    "slow": lambda: RPCError("late", RPCStatusCode.DEADLINE_EXCEEDED, b""),
    "rate": lambda: RPCError("rate limit", RPCStatusCode.RESOURCE_EXHAUSTED, b""),
    "credentials": lambda: RPCError("who are you?", RPCStatusCode.UNAUTHENTICATED, b""),
}


class Recorder(Follower):
    """Remembers what it acted on; `faults` says what the others raise, by stream."""

    def __init__(self, store: InMemoryEventStore, kept: InMemorySetAsideEvents) -> None:
        aside = SetAside("recorder", kept, store, look_every_s=0.001)
        handler = CommandHandler(store, JsonEventCodec())
        super().__init__(cast("Client", None), handler, 4, aside, pause_s=0.0001)
        self.faults: dict[str, Raise] = {}
        self.acted: set[str] = set()

    async def act(self, event: StoredEvent) -> None:
        await asyncio.sleep(0)
        if event.stream in self.faults:
            error = self.faults[event.stream]()
            raise error
        self.acted.add(event.stream)


class Lab:
    """A store with events, and a follower."""

    def __init__(self) -> None:
        self.store, self.kept = InMemoryEventStore(), InMemorySetAsideEvents()
        self.recorder = Recorder(self.store, self.kept)
        self.checkpoints = InMemoryCheckpoints()
        self.streams = [f"thing-{number}" for number in range(EVENTS)]

    async def fill(self) -> None:
        for stream in self.streams:
            await self.store.append(new_stream(stream))

    @asynccontextmanager
    async def following(self) -> AsyncIterator[Subscription]:
        stop, follower = asyncio.Event(), self.recorder
        subscription = Subscription(
            self.store,
            self.checkpoints,
            LocalWaker(),
            "recorder",
            FeedFilter(),
            follower.handle,
            batch=PAGE,
            poll_s=0.001,
        )
        task = asyncio.create_task(follower.follow(subscription, stop))
        try:
            async with asyncio.timeout(60):
                yield subscription
        finally:
            stop.set()
            await task


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  plain values
        await asyncio.sleep(0.001)


@given(
    st.dictionaries(
        st.integers(0, EVENTS - 1),
        st.sampled_from(sorted({*OWN, *LIKE_OUTAGES})),
        max_size=PAGE - 4,
    )
)
async def test_whatever_some_events_raise_the_others_are_handled(faults: dict[int, str]) -> None:
    lab = Lab()
    await lab.fill()
    lab.recorder.faults = {
        lab.streams[number]: {**OWN, **LIKE_OUTAGES}[name] for number, name in faults.items()
    }
    async with lab.following() as subscription:
        await until(lambda: subscription.position == EVENTS)
        assert lab.recorder.acted == set(lab.streams) - set(lab.recorder.faults)
        assert {event.stream for event in lab.kept.kept.values()} == set(lab.recorder.faults)
        assert not any(SECRET in event.error for event in lab.kept.kept.values())
    lab.recorder.faults.clear()
    async with lab.following():  # a restart tries all of them at once
        await until(lambda: not lab.kept.kept)
    assert lab.recorder.acted == set(lab.streams)
    assert lab.recorder.notices() == ()


@pytest.mark.parametrize("name", LIKE_OUTAGES)
async def test_in_an_outage_nothing_is_set_aside_and_nothing_is_lost(name: str) -> None:
    lab = Lab()
    await lab.fill()
    lab.recorder.faults = dict.fromkeys(lab.streams, LIKE_OUTAGES[name])
    async with lab.following() as subscription:
        await until(lambda: lab.recorder._failures > 8)
        assert subscription.position == 0
        assert not lab.kept.kept
        lab.recorder.faults.clear()
        await until(lambda: subscription.position == EVENTS)
    assert lab.recorder.acted == set(lab.streams)
    assert not lab.kept.kept


@pytest.mark.parametrize(("errors", "expected"), [(OWN, False), (LIKE_OUTAGES, True)])
def test_an_outage_is_what_may_be_said_of_any_event(
    errors: Mapping[str, Raise], *, expected: bool
) -> None:
    assert {name: is_outage(make()) for name, make in errors.items()} == dict.fromkeys(
        errors, expected
    )


async def test_an_event_that_fails_again_waits_longer_each_time() -> None:
    lab = Lab()
    await lab.fill()
    lab.recorder.faults = {"thing-3": OWN["bug"]}
    waits = []
    for tries in (1, 2, 3):
        async with lab.following():
            await until(lambda t=tries: [x.tries for x in lab.kept.kept.values()] == [t])  # type: ignore[misc]  # a default argument
        (kept,) = lab.kept.kept.values()
        waits.append(kept.due_at - kept.first_seen)
    assert waits == sorted(waits)
    assert waits[2] > 2 * waits[0]
