"""Command handling over each store."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

import pytest

from eventstore.commands.decision import Decision, event_id_of
from eventstore.commands.folding import Loaded
from eventstore.errors import DuplicateEventId, VersionConflict
from eventstore.model import AppendResult, Expected, StoredEvent, StreamAppend
from eventstore.store import EventStore
from tests.support.stores.counters import (
    BOTH,
    COUNTER,
    Raised,
    StoreWrapper,
    commands_on,
    context,
    raise_by,
    raise_by_the_other,
    raise_to,
    total,
)
from tests.support.stores.event_store import KINDS, event, opened_kind


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest) -> AsyncIterator[EventStore]:
    async with opened_kind(request) as opened:
        yield opened


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


class CountsReads(StoreWrapper):
    """Counts how often streams are loaded."""

    reads = 0

    async def read_streams(
        self, streams: Sequence[str], *, after_versions: Mapping[str, int] | None = None
    ) -> Mapping[str, Sequence[StoredEvent]]:
        self.reads += 1
        return await self.inner.read_streams(streams, after_versions=after_versions)


async def test_a_command_appends_what_was_decided_and_returns_the_answer(store: EventStore) -> None:
    commands = commands_on(store)
    folds = {"count-a": COUNTER, "count-b": COUNTER}
    assert await commands.execute(folds, raise_by(2, "count-a", "count-b"), context("1")) == [2, 2]
    assert await commands.execute(folds, raise_by(3, "count-a"), context("2")) == [5]
    loaded = await commands.load("count-a", COUNTER)
    assert loaded == Loaded("count-a", 5, 2, loaded.position)
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
