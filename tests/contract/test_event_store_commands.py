"""Command handling over each store."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest

from eventstore.commands.decision import Decision, event_id_of
from eventstore.commands.folding import Fold, Loaded
from eventstore.commands.handler import CommandHandler
from eventstore.commands.snapshots import SnapshotPolicy
from eventstore.errors import DuplicateEventId, StoreUnavailable, VersionConflict
from eventstore.memory import InMemoryEventStore
from eventstore.model import AppendResult, Expected, SnapshotsAndEvents, StoredEvent, StreamAppend
from eventstore.store import EventStore
from tests.support.stores.counters import (
    COUNTER,
    CounterCodec,
    Raised,
    StoreWrapper,
    context,
    raise_by,
    raise_to,
)
from tests.support.stores.event_store import event, opened_kind
from tests.support.stores.sealed import sealed


@pytest.fixture(
    params=["memory", "postgres", "postgres-partitioned", "postgres-archiving", "sealed"]
)
async def store(request: pytest.FixtureRequest) -> AsyncIterator[EventStore]:
    if request.param == "memory":
        yield InMemoryEventStore()
        return
    if request.param == "sealed":
        yield sealed(InMemoryEventStore())
        return
    server = request.getfixturevalue("postgres_server")
    async with opened_kind(server, request.param) as opened:
        yield opened


class LosesAnswers(StoreWrapper):
    """The first append is carried out, but its answer never arrives."""

    lost = False

    async def append(self, *appends: StreamAppend) -> AppendResult:
        result = await super().append(*appends)
        if not self.lost:
            self.lost = True
            raise StoreUnavailable("the answer was lost")
        return result


class IsOvertaken(StoreWrapper):
    """Before each of the first appends, somebody else appends to the same streams."""

    def __init__(self, store: EventStore, times: int) -> None:
        super().__init__(store)
        self.times = times
        self.events_read = 0

    async def append(self, *appends: StreamAppend) -> AppendResult:
        if self.times > 0:
            self.times -= 1
            for one in appends:
                rival = event("Raised", {"by": 100})
                await self.inner.append(StreamAppend(one.stream, Expected.ANY, [rival]))
        return await super().append(*appends)

    async def read_streams(
        self, streams: Sequence[str], *, after_versions: Mapping[str, int] | None = None
    ) -> Mapping[str, Sequence[StoredEvent]]:
        found = await self.inner.read_streams(streams, after_versions=after_versions)
        self.events_read += sum(len(events) for events in found.values())
        return found


class CountsEvents(StoreWrapper):
    """Counts the events that are read."""

    events_read = 0

    async def read_stream(self, stream: str, **bounds: Any) -> Sequence[StoredEvent]:
        events = await self.inner.read_stream(stream, **bounds)
        self.events_read += len(events)
        return events

    async def read_streams(
        self, streams: Sequence[str], *, after_versions: Mapping[str, int] | None = None
    ) -> Mapping[str, Sequence[StoredEvent]]:
        events = await self.inner.read_streams(streams, after_versions=after_versions)
        self.events_read += sum(len(each) for each in events.values())
        return events

    async def read_from_snapshots(
        self, streams: Sequence[str], **versions: Any
    ) -> SnapshotsAndEvents:
        loaded = await self.inner.read_from_snapshots(streams, **versions)
        self.events_read += sum(len(each) for each in loaded.events.values())
        return loaded


class CountsReads(StoreWrapper):
    """Counts how often streams are loaded."""

    reads = 0

    async def read_streams(
        self, streams: Sequence[str], *, after_versions: Mapping[str, int] | None = None
    ) -> Mapping[str, Sequence[StoredEvent]]:
        self.reads += 1
        return await self.inner.read_streams(streams, after_versions=after_versions)


def commands_on(store: EventStore, **options: Any) -> CommandHandler:
    return CommandHandler(store, CounterCodec(), **options)


BOTH = {"a-1": COUNTER, "b-1": COUNTER}


def raise_by_the_other(loaded: Mapping[str, Loaded[int]]) -> Decision[int]:
    """Raises `a-1` by what `b-1` has, and answers with it."""
    return Decision({"a-1": [Raised(loaded["b-1"].state)]}, loaded["b-1"].state)


async def total(store: EventStore, stream: str) -> int:
    return (await CommandHandler(store, CounterCodec()).load(stream, COUNTER)).state


async def test_a_command_appends_what_was_decided_and_returns_the_answer(store: EventStore) -> None:
    commands = commands_on(store)
    folds = {"count-a": COUNTER, "count-b": COUNTER}
    assert await commands.execute(folds, raise_by(2, "count-a", "count-b"), context("1")) == [2, 2]
    assert await commands.execute(folds, raise_by(3, "count-a"), context("2")) == [5]
    loaded = await commands.load("count-a", COUNTER)
    assert loaded == Loaded("count-a", 5, 2)
    assert await commands.load("count-c", COUNTER) == Loaded("count-c", 0, 0)


async def test_events_carry_the_commands_metadata_and_ids_that_follow_from_it(
    store: EventStore,
) -> None:
    await commands_on(store).execute({"count-a": COUNTER}, raise_to(2, "count-a"), context("c-1"))
    found = await store.read_stream("count-a")
    assert [one.event_id for one in found] == [event_id_of("c-1", "count-a", n) for n in (0, 1)]
    assert {one.metadata.causation_id for one in found} == {"c-1"}


async def test_no_events_are_no_append(store: EventStore) -> None:
    assert await commands_on(store).execute({"a-1": COUNTER}, raise_to(0, "a-1"), context("1")) == 0
    assert await store.head() == 0


async def test_what_decide_raises_comes_through_and_nothing_is_appended(store: EventStore) -> None:
    def refuse(loaded: Mapping[str, Loaded[int]]) -> Decision[None]:
        raise LookupError(f"not at {loaded['count-a'].state}")

    with pytest.raises(LookupError, match="not at 0"):
        await commands_on(store).execute({"count-a": COUNTER}, refuse, context("1"))
    assert await store.head() == 0


async def test_a_stream_that_was_not_loaded_cannot_be_written(store: EventStore) -> None:
    def stray(_: Mapping[str, Loaded[int]]) -> Decision[None]:
        return Decision({"count-b": [Raised(1)]}, None)

    with pytest.raises(KeyError, match="count-b"):
        await commands_on(store).execute({"count-a": COUNTER}, stray, context("1"))
    assert await store.head() == 0


async def test_after_a_conflict_it_decides_on_fresh_state(store: EventStore) -> None:
    await commands_on(store).execute({"a-1": COUNTER}, raise_by(1, "a-1"), context("0"))
    overtaken = IsOvertaken(store, 2)
    commands = commands_on(overtaken)
    assert await commands.execute({"a-1": COUNTER}, raise_by(5, "a-1"), context("1")) == [206]
    assert await total(store, "a-1") == 206
    assert (commands.stats.decided, commands.stats.conflicts) == (1, 2)


async def test_a_second_attempt_reads_only_what_is_new(store: EventStore) -> None:
    await commands_on(store).execute({"a-1": COUNTER}, raise_to(50, "a-1"), context("0"))
    overtaken = IsOvertaken(store, 3)
    await commands_on(overtaken).execute({"a-1": COUNTER}, raise_by(1, "a-1"), context("1"))
    assert overtaken.events_read == 50 + 3


async def test_after_a_conflict_other_events_may_use_the_same_ids(store: EventStore) -> None:
    """The rival makes the goal nearer, so the second decision holds fewer events."""
    await commands_on(store).execute({"a-1": COUNTER}, raise_to(1, "a-1"), context("0"))
    overtaken = IsOvertaken(store, 1)
    done = await commands_on(overtaken).execute(
        {"a-1": COUNTER}, raise_to(104, "a-1"), context("1")
    )
    assert done == 3
    assert await total(store, "a-1") == 104


async def test_conflicts_without_end_are_raised_and_counted(store: EventStore) -> None:
    commands = commands_on(IsOvertaken(store, 10**6), attempts=4, pause_s=0.0001)
    with pytest.raises(VersionConflict):
        await commands.execute({"a-1": COUNTER}, raise_by(1, "a-1"), context("1"))
    assert (commands.stats.conflicts, commands.stats.given_up) == (4, 1)
    assert await total(store, "a-1") == 400


async def test_a_command_sent_again_after_a_lost_answer_counts_once(store: EventStore) -> None:
    commands = commands_on(LosesAnswers(store))
    folds = {"a-1": COUNTER, "b-1": COUNTER}
    with pytest.raises(StoreUnavailable):
        await commands.execute(folds, raise_by(5, "a-1", "b-1"), context("1"))
    await commands_on(store).execute({"b-1": COUNTER}, raise_by(7, "b-1"), context("2"))
    again = await commands.execute(folds, raise_by(5, "a-1", "b-1"), context("1"))
    assert again == [5, 5], "the answer is that of the first time"
    assert commands.stats.repeated == 1
    assert (await total(store, "a-1"), await total(store, "b-1")) == (5, 12)


async def test_a_decision_idempotent_by_state_adds_nothing_after_a_lost_answer(
    store: EventStore,
) -> None:
    commands = commands_on(LosesAnswers(store))
    with pytest.raises(StoreUnavailable):
        await commands.execute({"a-1": COUNTER}, raise_to(3, "a-1"), context("1"))
    assert await commands.execute({"a-1": COUNTER}, raise_to(3, "a-1"), context("1")) == 0
    assert len(await store.read_stream("a-1")) == 3


async def test_a_command_that_was_carried_out_with_other_events_is_refused(
    store: EventStore,
) -> None:
    commands = commands_on(LosesAnswers(store))
    with pytest.raises(StoreUnavailable):
        await commands.execute({"a-1": COUNTER}, raise_to(3, "a-1"), context("1"))
    with pytest.raises(DuplicateEventId):
        await commands.execute({"a-1": COUNTER}, raise_to(5, "a-1"), context("1"))
    assert await total(store, "a-1") == 3


async def test_a_repeated_command_reads_its_streams_up_to_its_own_events(
    store: EventStore,
) -> None:
    """`b-1` was only read by it, and has moved on since."""
    await commands_on(store).execute({"b-1": COUNTER}, raise_to(2, "b-1"), context("0"))
    await commands_on(store).execute(BOTH, raise_by_the_other, context("again"))
    await commands_on(store).execute(BOTH, raise_by(1, "a-1", "b-1"), context("1"))
    await commands_on(store).execute({"a-1": COUNTER}, raise_to(50, "a-1"), context("2"))
    counting = CountsEvents(store)
    commands = commands_on(counting)
    await commands.load("a-1", COUNTER)
    await commands.load("b-1", COUNTER)
    counting.events_read = 0
    assert await commands.execute(BOTH, raise_by_the_other, context("again")) == 2
    # Of `b-1` the last events are read to find its version then, and those before to fold it;
    # of `a-1` none, as its first event is the command's own.
    assert counting.events_read == 3 + 2
    assert commands.stats.repeated == 1


async def test_a_repeated_command_on_a_long_stream_starts_from_a_snapshot(
    store: EventStore,
) -> None:
    fold = Fold(
        0,
        COUNTER.evolve,
        SnapshotPolicy(100, 1, lambda total: {"total": total}, lambda data: int(data["total"])),
    )
    first = commands_on(store)
    await first.execute({"a-1": fold}, raise_to(110, "a-1"), context("0"))
    await first.close()
    assert await first.execute({"a-1": fold}, raise_by(5, "a-1"), context("again")) == [115]
    assert await first.execute({"a-1": fold}, raise_by(5, "a-1"), context("1")) == [120]
    counting = CountsEvents(store)
    commands = commands_on(counting)
    assert await commands.execute({"a-1": fold}, raise_by(5, "a-1"), context("again")) == [115]
    assert counting.events_read < 10, "twice those after the snapshot"


async def test_the_same_command_sent_twice_at_once_is_carried_out_once(store: EventStore) -> None:
    commands = commands_on(store)
    answers = await asyncio.gather(
        *(commands.execute(BOTH, raise_by(5, "a-1", "b-1"), context("same")) for _ in range(3))
    )
    assert answers == [[5, 5]] * 3
    assert (await total(store, "a-1"), await total(store, "b-1")) == (5, 5)


async def test_of_commands_that_build_on_a_repeated_one_each_gets_its_own_answer(
    store: EventStore,
) -> None:
    folds = {"a-1": COUNTER}
    await commands_on(store).execute(folds, raise_by(5, "a-1"), context("again"))
    commands = commands_on(store)
    answers = await asyncio.gather(
        *(commands.execute(folds, raise_by(1, "a-1"), context(one)) for one in ("1", "2")),
        commands.execute(folds, raise_by(5, "a-1"), context("again")),
        commands.execute(folds, raise_by(1, "a-1"), context("3")),
    )
    assert answers[2] == [5]
    assert sorted(answers[:2] + answers[3:]) == [[6], [7], [8]]


async def test_many_commands_on_the_same_hot_streams_all_succeed(store: EventStore) -> None:
    commands = commands_on(store)
    streams = [f"stock-{number}" for number in range(10)]
    folds = dict.fromkeys(streams, COUNTER)
    await asyncio.gather(
        *(
            commands.execute(
                {**folds, f"order-{number}": COUNTER},
                raise_by(1, *streams, f"order-{number}"),
                context(f"c-{number}"),
            )
            for number in range(50)
        )
    )
    assert [await total(store, stream) for stream in streams] == [50] * 10
    assert commands.stats.given_up == 0
    assert commands.stats.conflicts <= 50, "after one conflict each, they take turns"


async def test_handlers_that_know_nothing_of_each_other_both_get_through(store: EventStore) -> None:
    both = [commands_on(store), commands_on(store)]
    await asyncio.gather(
        *(
            one.execute({"hot-1": COUNTER}, raise_by(1, "hot-1"), context(f"{side}-{number}"))
            for side, one in enumerate(both)
            for number in range(25)
        )
    )
    assert await total(store, "hot-1") == 50


# --- states that are remembered ------------------------------------------------------------------


async def test_a_command_that_the_append_checks_wholly_does_not_load_what_is_remembered(
    store: EventStore,
) -> None:
    counting = CountsReads(store)
    commands = commands_on(counting)
    for number in range(5):
        answer = await commands.execute(BOTH, raise_by(1, "a-1", "b-1"), context(f"{number}"))
        assert answer == [number + 1, number + 1]
    assert counting.reads == 1
    assert (await total(store, "a-1"), await total(store, "b-1")) == (5, 5)


async def test_a_decision_that_only_read_a_stream_is_made_on_loaded_states(
    store: EventStore,
) -> None:
    counting = CountsReads(store)
    commands = commands_on(counting)
    await commands.execute(BOTH, raise_by(1, "a-1", "b-1"), context("1"))
    await commands_on(store).execute({"b-1": COUNTER}, raise_by(5, "b-1"), context("2"))

    assert await commands.execute(BOTH, raise_by_the_other, context("3")) == 6
    assert counting.reads == 2
    assert await total(store, "a-1") == 7


async def test_a_refusal_of_what_is_only_remembered_is_asked_again_on_loaded_states(
    store: EventStore,
) -> None:
    commands = commands_on(store)
    await commands.execute({"a-1": COUNTER}, raise_by(1, "a-1"), context("1"))
    await commands_on(store).execute({"a-1": COUNTER}, raise_by(1, "a-1"), context("2"))

    def not_before_two(loaded: Mapping[str, Loaded[int]]) -> Decision[int]:
        if loaded["a-1"].state < 2:
            raise LookupError("too early")
        return Decision({"a-1": [Raised(1)]}, loaded["a-1"].state)

    assert await commands.execute({"a-1": COUNTER}, not_before_two, context("3")) == 2


async def test_a_stream_that_others_write_to_is_loaded_every_time_after_one_conflict(
    store: EventStore,
) -> None:
    counting = CountsReads(store)
    commands, others = commands_on(counting), commands_on(store)
    await commands.execute({"a-1": COUNTER}, raise_by(1, "a-1"), context("1"))
    for number in range(3):
        await others.execute({"a-1": COUNTER}, raise_by(10, "a-1"), context(f"other-{number}"))
        expected = 10 * (number + 1) + number + 2
        own = await commands.execute({"a-1": COUNTER}, raise_by(1, "a-1"), context(f"own-{number}"))
        assert own == [expected]
    assert commands.stats.conflicts == 1
    assert counting.reads == 1 + 3


async def test_a_command_that_another_process_carried_out_is_decided_on_loaded_states(
    store: EventStore,
) -> None:
    commands, others = commands_on(store), commands_on(store)
    await commands.execute({"a-1": COUNTER}, raise_to(1, "a-1"), context("1"))
    await others.execute({"a-1": COUNTER}, raise_to(2, "a-1"), context("2"))
    await others.execute({"a-1": COUNTER}, raise_to(4, "a-1"), context("again"))
    # On what is remembered it would append three events, two of which are stored.
    assert await commands.execute({"a-1": COUNTER}, raise_to(4, "a-1"), context("again")) == 0
    assert await total(store, "a-1") == 4


async def test_what_is_remembered_is_decided_on_once_and_then_no_more(store: EventStore) -> None:
    commands, others = commands_on(store, attempts=2, pause_s=0.01), commands_on(store)
    await commands.execute({"a-1": COUNTER}, raise_to(1, "a-1"), context("1"))
    await others.execute({"a-1": COUNTER}, raise_to(3, "a-1"), context("again"))
    refused, answer = await asyncio.gather(
        commands.execute({"a-1": COUNTER}, raise_to(7, "a-1"), context("again")),
        # Goes in between and has the stream remembered anew.
        commands.execute({"a-1": COUNTER}, raise_by(1, "a-1"), context("between")),
        return_exceptions=True,
    )
    assert isinstance(refused, DuplicateEventId)
    assert answer == [4]


async def test_nothing_is_decided_on_what_is_remembered_when_there_is_only_one_attempt(
    store: EventStore,
) -> None:
    commands = commands_on(store, attempts=1)
    await commands.execute({"a-1": COUNTER}, raise_by(1, "a-1"), context("1"))
    await commands_on(store).execute({"a-1": COUNTER}, raise_by(1, "a-1"), context("2"))
    assert await commands.execute({"a-1": COUNTER}, raise_by(1, "a-1"), context("3")) == [3]
