"""Commands that are sent again get their first answer, over each store."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from eventstore.commands.folding import Fold
from eventstore.commands.snapshots import SnapshotPolicy
from eventstore.errors import DuplicateEventId, StoreUnavailable
from eventstore.model import AppendResult, StreamAppend
from eventstore.store import EventStore
from tests.support.stores.counters import (
    BOTH,
    COUNTER,
    CountsEvents,
    StoreWrapper,
    commands_on,
    context,
    raise_by,
    raise_by_the_other,
    raise_to,
    total,
)
from tests.support.stores.event_store import KINDS, opened_kind


@pytest.fixture(params=KINDS)
async def store(request: pytest.FixtureRequest) -> AsyncIterator[EventStore]:
    async with opened_kind(request) as opened:
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
