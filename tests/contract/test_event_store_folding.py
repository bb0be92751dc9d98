"""Loading states over each store: snapshots, remembered states, time travel."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from eventstore.commands.folding import Fold
from eventstore.commands.handler import CommandHandler
from eventstore.commands.snapshots import SnapshotPolicy
from eventstore.errors import VersionConflict
from eventstore.memory import InMemoryEventStore
from eventstore.model import Expected, Snapshot, StreamAppend
from eventstore.store import EventStore
from tests.support.stores.counters import (
    COUNTER,
    CounterCodec,
    StoreWrapper,
    context,
    raise_by,
    raise_to,
)
from tests.support.stores.event_store import KINDS, event, opened_kind


def policy(every: int = 10, schema_version: int = 1) -> SnapshotPolicy[int]:
    return SnapshotPolicy(
        every, schema_version, lambda total: {"total": total}, lambda data: int(data["total"])
    )


def counter(every: int = 10, schema_version: int = 1) -> Fold[int]:
    return Fold(0, COUNTER.evolve, policy(every, schema_version))


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest) -> AsyncIterator[EventStore]:
    async with opened_kind(request) as opened:
        yield opened


async def fill(store: EventStore, stream: str, count: int) -> None:
    raised = [event("Raised", {"by": 1}) for _ in range(count)]
    await store.append(StreamAppend(stream, Expected.ANY, raised))


async def load_anew(store: EventStore, fold: Fold[int], stream: str = "a-1") -> tuple[int, int]:
    """Load with a handler that remembers nothing; returns the total and the events decoded."""
    codec = CounterCodec()
    handler = CommandHandler(store, codec)
    total = (await handler.load(stream, fold)).state
    await handler.close()
    return total, codec.decoded


async def snapshot_of(store: EventStore, stream: str) -> Snapshot | None:
    found = await store.read_from_snapshots([stream], schema_versions={stream: 1})
    return found.snapshots.get(stream)


async def test_a_long_stream_is_loaded_from_its_snapshot(store: EventStore) -> None:
    await fill(store, "a-1", 25)
    assert await load_anew(store, counter()) == (25, 25)
    await fill(store, "a-1", 3)
    assert await load_anew(store, counter()) == (28, 3)


async def test_a_short_stream_gets_no_snapshot(store: EventStore) -> None:
    await fill(store, "a-1", 9)
    await load_anew(store, counter())
    assert await snapshot_of(store, "a-1") is None


async def test_a_snapshot_of_another_schema_version_is_not_used(store: EventStore) -> None:
    await fill(store, "a-1", 25)
    await load_anew(store, counter(schema_version=1))
    assert await load_anew(store, counter(schema_version=2)) == (25, 25)
    assert await load_anew(store, counter(schema_version=2)) == (25, 0)


async def test_a_snapshot_that_cannot_be_read_is_not_used(store: EventStore) -> None:
    for stream in ("a-1", "b-1"):
        await fill(store, stream, 25)
    await store.save_snapshot(Snapshot("a-1", 20, 1, {"another": "form"}))
    assert await load_anew(store, counter()) == (25, 25)
    await load_anew(store, counter(), "b-1")
    handler = CommandHandler(store, CounterCodec())
    both = {"a-1": counter(), "b-1": counter()}
    assert await handler.execute(both, raise_by(0, "a-1", "b-1"), context("1")) == [25, 25]
    await handler.close()


async def test_a_snapshot_that_cannot_be_saved_fails_no_command(store: EventStore) -> None:
    def refuse(_: int) -> dict[str, int]:
        raise LookupError("no form for it")

    policy: SnapshotPolicy[int] = SnapshotPolicy(1, 1, refuse, lambda data: int(data["total"]))
    handler = CommandHandler(store, CounterCodec())
    fold = {"a-1": Fold(0, COUNTER.evolve, policy)}
    assert await handler.execute(fold, raise_by(5, "a-1"), context("1")) == [5]
    await handler.close()
    assert await snapshot_of(store, "a-1") is None


async def test_commands_take_snapshots_as_a_stream_grows(store: EventStore) -> None:
    handler = CommandHandler(store, CounterCodec())
    folds = {"a-1": counter()}
    for number in range(25):
        await handler.execute(folds, raise_by(1, "a-1"), context(str(number)))
    await handler.close()
    assert await snapshot_of(store, "a-1") == Snapshot("a-1", 20, 1, {"total": 20})


async def test_states_known_kept_and_new_are_loaded_together(store: EventStore) -> None:
    for stream in ("kept-1", "kept-2", "known-1", "plain-1"):
        await fill(store, stream, 11)
    await load_anew(store, counter(), "kept-1")
    await load_anew(store, counter(schema_version=2), "kept-2")
    codec = CounterCodec()
    handler = CommandHandler(store, codec)
    known = Fold(0, COUNTER.evolve, policy(every=100))
    await handler.load("known-1", known)
    for stream in ("kept-1", "kept-2", "known-1", "plain-1"):
        await fill(store, stream, 1)
    folds = {
        "kept-1": counter(),
        "kept-2": counter(schema_version=2),
        "known-1": known,
        "plain-1": COUNTER,
        "none-1": counter(),
    }
    codec.decoded = 0
    totals = await handler.execute(folds, raise_by(0, *folds), context("all"))
    assert totals == [12, 12, 12, 12, 0]
    # One after each of the two snapshots, one after the known state, all of the plain stream.
    assert codec.decoded == 1 + 1 + 1 + 12
    await handler.close()


async def test_a_state_once_folded_is_remembered(store: EventStore) -> None:
    codec = CounterCodec()
    handler = CommandHandler(store, codec)
    await fill(store, "a-1", 20)
    await handler.load("a-1", COUNTER)
    await fill(store, "a-1", 2)
    assert (await handler.load("a-1", COUNTER)).state == 22
    assert codec.decoded == 22


async def test_a_different_fold_of_the_same_stream_starts_anew(store: EventStore) -> None:
    handler = CommandHandler(store, CounterCodec())
    await fill(store, "a-1", 5)
    assert (await handler.load("a-1", COUNTER)).state == 5
    count: Fold[int] = Fold(100, lambda total, _: total + 1)
    assert (await handler.load("a-1", count)).state == 105


async def test_only_the_states_used_last_are_remembered(store: EventStore) -> None:
    codec = CounterCodec()
    handler = CommandHandler(store, codec, remembered=2)
    for stream in ("a-1", "b-1", "c-1"):
        await fill(store, stream, 10)
        await handler.load(stream, COUNTER)
    await handler.load("c-1", COUNTER)
    assert codec.decoded == 30
    await handler.load("a-1", COUNTER)
    assert codec.decoded == 40


async def test_a_stream_is_loaded_as_it_was_at_a_version_or_a_time(store: EventStore) -> None:
    handler = CommandHandler(store, CounterCodec())
    for _ in range(3):
        await fill(store, "a-1", 2)
        await asyncio.sleep(0.002)
    second = (await store.read_stream("a-1"))[3]
    assert (await handler.load("a-1", counter())).state == 6
    assert (await handler.load("a-1", counter(), at_version=3)).state == 3
    then = await handler.load("a-1", counter(), until=second.recorded_at)
    assert (then.state, then.version) == (4, 4)


class Replaced(StoreWrapper):
    """A store whose contents can be replaced by an older backup."""


async def test_after_a_restore_of_an_older_backup_remembered_states_are_dropped() -> None:
    store = Replaced(InMemoryEventStore())
    handler = CommandHandler(store, CounterCodec(), attempts=3, pause_s=0)
    await handler.execute({"a-1": COUNTER}, raise_to(5, "a-1"), context("1"))
    store.inner = InMemoryEventStore()
    await fill(store, "a-1", 2)
    await handler.load("a-1", COUNTER)
    assert await handler.execute({"a-1": COUNTER}, raise_by(1, "a-1"), context("2")) == [3]


async def test_of_two_that_load_at_once_one_is_overtaken_and_knows_it(store: EventStore) -> None:
    one = await CommandHandler(store, CounterCodec()).load("a-1", COUNTER)
    await fill(store, "a-1", 1)
    with pytest.raises(VersionConflict):
        await store.append(
            StreamAppend("a-1", one.version or Expected.NO_STREAM, [event("Raised", {"by": 1})])
        )
