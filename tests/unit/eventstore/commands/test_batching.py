"""Commands of one moment, carried out together."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eventstore.commands.decision import Decision, event_id_of
from eventstore.commands.folding import Fold, Loaded
from eventstore.commands.handler import CommandHandler
from eventstore.errors import StoreUnavailable, VersionConflict
from eventstore.memory import InMemoryEventStore
from eventstore.model import AppendResult, Expected, StoredEvent, StreamAppend
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
from tests.support.stores.event_store import event


class Counted(StoreWrapper):
    """Counts loads and appends; somebody else may append before the first few."""

    def __init__(self, store: EventStore, rivals: Sequence[str] = ()) -> None:
        super().__init__(store)
        self.rivals = list(rivals)
        self.loads = 0
        self.appends: list[list[str]] = []

    async def append(self, *appends: StreamAppend) -> AppendResult:
        self.appends.append(sorted(one.stream for one in appends))
        if self.rivals:
            rival = StreamAppend(self.rivals.pop(), Expected.ANY, [event("Raised", {"by": 100})])
            await self.inner.append(rival)
        return await super().append(*appends)

    async def read_streams(
        self, streams: Sequence[str], *, after_versions: Mapping[str, int] | None = None
    ) -> Mapping[str, Sequence[StoredEvent]]:
        self.loads += 1
        return await self.inner.read_streams(streams, after_versions=after_versions)


class Empty(Exception):
    """There is not enough left."""


def take(amount: int, *streams: str) -> Any:
    """A decision that lowers each stream and refuses to go below zero."""

    def decide(known: Mapping[str, Loaded[int]]) -> Decision[int]:
        if any(known[stream].state < amount for stream in streams):
            raise Empty
        left = known[streams[0]].state - amount
        return Decision({stream: [Raised(-amount)] for stream in streams}, left)

    return decide


def folds(*streams: str) -> dict[str, Fold[int]]:
    return dict.fromkeys(streams, COUNTER)


def batching(store: EventStore, **options: Any) -> CommandHandler:
    return CommandHandler(store, CounterCodec(), pause_s=0, **options)


async def total(store: EventStore, stream: str) -> int:
    return (await CommandHandler(store, CounterCodec()).load(stream, COUNTER)).state


async def stocked(amount: int, *streams: str) -> InMemoryEventStore:
    store = InMemoryEventStore()
    handler = CommandHandler(store, CounterCodec())
    for stream in streams:
        await handler.execute(folds(stream), raise_by(amount, stream), context(f"fill {stream}"))
    return store


async def test_commands_of_one_moment_share_one_load_and_one_append() -> None:
    store = Counted(await stocked(100, "hot"))
    handler = batching(store)
    answers = await asyncio.gather(
        *(
            handler.execute(folds("hot", f"o-{n}"), take(1, "hot"), context(f"c-{n}"))
            for n in range(20)
        )
    )
    assert answers == list(range(99, 79, -1)), "each saw the events of those before it"
    assert (store.loads, len(store.appends)) == (1, 1)


async def test_commands_that_have_no_stream_in_common_share_one_append_as_well() -> None:
    store = Counted(InMemoryEventStore())
    handler = batching(store)
    await asyncio.gather(
        *(
            handler.execute(folds(f"o-{n}"), raise_by(n, f"o-{n}"), context(f"c-{n}"))
            for n in (1, 2)
        )
    )
    assert store.appends == [["o-1", "o-2"]]


async def test_a_state_that_a_decision_brings_is_not_folded_again() -> None:
    def never(_state: int, _event: Raised) -> int:
        raise AssertionError

    fold = Fold(0, never)
    store = Counted(InMemoryEventStore())
    handler = batching(store)

    def brings(known: Mapping[str, Loaded[int]]) -> Decision[int]:
        state = known["o"].state
        return Decision({"o": [Raised(1)]}, state, {"o": state + 1, "other": 7})

    answers = [handler.execute({"o": fold}, brings, context(f"c-{n}")) for n in range(3)]
    assert await asyncio.gather(*answers) == [0, 1, 2]
    assert await handler.execute({"o": fold}, brings, context("c-3")) == 3
    assert (store.loads, await total(store, "o")) == (1, 4), "it is remembered as well"


async def test_a_refusal_touches_nobody_else() -> None:
    store = await stocked(3, "hot")
    handler = batching(store)
    answers = await asyncio.gather(
        *(handler.execute(folds("hot"), take(1, "hot"), context(f"c-{n}")) for n in range(5)),
        return_exceptions=True,
    )
    assert answers[:3] == [2, 1, 0]
    assert [type(answer) for answer in answers[3:]] == [Empty, Empty]
    assert await total(store, "hot") == 0


async def test_each_event_has_the_id_and_the_metadata_of_its_own_command() -> None:
    store = await stocked(10, "hot")
    handler = batching(store)
    await asyncio.gather(
        *(handler.execute(folds("hot"), take(1, "hot"), context(f"c-{n}")) for n in range(3))
    )
    found = (await store.read_stream("hot"))[1:]
    assert [one.metadata.causation_id for one in found] == ["c-0", "c-1", "c-2"]
    assert [one.event_id for one in found] == [event_id_of(f"c-{n}", "hot", 0) for n in range(3)]


async def test_a_stamp_completes_the_metadata_in_the_callers_context() -> None:
    store = InMemoryEventStore()
    handler = batching(store, stamp=lambda metadata: context("stamped").metadata)
    await handler.execute(folds("a"), raise_by(1, "a"), context("c"))
    assert (await store.read_stream("a"))[0].metadata.causation_id == "stamped"


async def test_after_a_conflict_all_that_built_on_one_another_decide_again() -> None:
    """The rival takes the stream to 103, so that what was refused before is possible now."""
    store = Counted(await stocked(3, "hot"), rivals=["hot"])
    handler = batching(store)
    answers = await asyncio.gather(
        *(handler.execute(folds("hot"), take(2, "hot"), context(f"c-{n}")) for n in range(3))
    )
    assert answers == [101, 99, 97]
    assert await total(store, "hot") == 97


async def test_a_refusal_that_rests_on_events_never_stored_is_not_given() -> None:
    """The second is refused only because of the first, which a rival overtakes."""
    store = Counted(await stocked(3, "hot"), rivals=["o-1"])
    handler = batching(store)
    first = handler.execute(folds("hot", "o-1"), take_all_once("hot", "o-1"), context("c-1"))
    second = handler.execute(folds("hot"), take(2, "hot"), context("c-2"))
    answers = await asyncio.gather(first, second, return_exceptions=True)
    assert [type(answer) for answer in answers] == [Empty, int]
    assert await total(store, "hot") == 1


def take_all_once(stream: str, mark: str) -> Any:
    """Empties a stream unless its mark was touched."""

    def decide(known: Mapping[str, Loaded[int]]) -> Decision[None]:
        if known[mark].version:
            raise Empty
        return Decision({stream: [Raised(-known[stream].state)], mark: [Raised(1)]}, None)

    return decide


async def test_a_conflict_of_one_does_not_hold_up_those_it_has_nothing_to_do_with() -> None:
    store = Counted(await stocked(5, "hot", "cold"), rivals=["hot"])
    handler = batching(store)
    await asyncio.gather(
        handler.execute(folds("hot"), take(1, "hot"), context("c-1")),
        handler.execute(folds("cold"), take(1, "cold"), context("c-2")),
    )
    assert store.appends == [["cold", "hot"], ["hot"], ["cold"], ["hot"]]
    assert handler.stats.conflicts == 1


async def test_an_answer_that_was_lost_is_given_when_the_command_comes_again() -> None:
    """Its events stand in the log together with those of its neighbours."""
    inner = await stocked(10, "hot")
    handler = batching(inner)
    await asyncio.gather(
        *(
            handler.execute(folds("hot", f"o-{n}"), raise_by(5, "hot", f"o-{n}"), context(f"c-{n}"))
            for n in range(3)
        )
    )
    again = await batching(inner).execute(
        folds("hot", "o-1"), raise_by(5, "hot", "o-1"), context("c-1")
    )
    assert again == [20, 5], "as the first time: it came second"
    assert await total(inner, "hot") == 25


async def test_a_stream_that_cannot_be_read_fails_its_own_command_only() -> None:
    store = await stocked(5, "good")
    await store.append(StreamAppend("bad", Expected.NO_STREAM, [event("Raised", {"no": 1})]))
    handler = batching(store)
    answers = await asyncio.gather(
        handler.execute(folds("good"), take(1, "good"), context("c-1")),
        handler.execute(folds("bad"), raise_by(1, "bad"), context("c-2")),
        return_exceptions=True,
    )
    assert answers[0] == 4
    assert isinstance(answers[1], KeyError)


async def test_conflicts_without_end_are_raised_and_counted() -> None:
    store = Counted(await stocked(5, "hot"), rivals=["hot"] * 100)
    handler = batching(store, attempts=4)
    with pytest.raises(VersionConflict):
        await handler.execute(folds("hot"), take(1, "hot"), context("c-1"))
    assert (handler.stats.conflicts, handler.stats.given_up) == (4, 1)


async def test_a_lost_answer_is_told_to_everybody_in_the_group() -> None:
    class Loses(StoreWrapper):
        async def append(self, *appends: StreamAppend) -> AppendResult:
            raise StoreUnavailable("gone")

    handler = batching(Loses(await stocked(5, "hot")))
    answers = await asyncio.gather(
        *(handler.execute(folds("hot"), take(1, "hot"), context(f"c-{n}")) for n in range(3)),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers] == [StoreUnavailable] * 3


async def test_a_caller_that_gives_up_does_not_stop_the_others() -> None:
    store = await stocked(5, "hot")
    handler = batching(store)
    impatient = asyncio.create_task(handler.execute(folds("hot"), take(1, "hot"), context("c-1")))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await handler.execute(folds("hot"), take(1, "hot"), context("c-2")) in (3, 4)


async def test_the_same_stream_seen_in_two_ways_goes_into_two_groups() -> None:
    counted: Fold[int] = Fold(0, lambda events, _: events + 1)
    store = await stocked(5, "hot")
    handler = batching(store)
    one, other = await asyncio.gather(
        handler.execute(folds("hot"), raise_by(1, "hot"), context("c-1")),
        handler.execute({"hot": counted}, raise_by(1, "hot"), context("c-2")),
    )
    assert (one, other) == ([6], [3])


@settings(max_examples=settings.default.max_examples * 2)
@given(
    stock=st.lists(st.integers(0, 6), min_size=3, max_size=3),
    orders=st.lists(
        st.tuples(st.integers(1, 3), st.sets(st.integers(0, 2), min_size=1)), max_size=12
    ),
    most=st.integers(1, 12),
    rivals=st.lists(st.integers(0, 2), max_size=4),
)
def test_a_group_ends_as_if_one_had_come_after_the_other(
    stock: list[int], orders: list[tuple[int, set[int]]], most: int, rivals: list[int]
) -> None:
    """What was taken is what was there and is not left; who was refused could not be served."""
    asyncio.run(_check_some_order(stock, orders, most, rivals))


async def _check_some_order(
    stock: list[int], orders: list[tuple[int, set[int]]], most: int, rivals: list[int]
) -> None:
    store = InMemoryEventStore()
    names = [f"stock-{n}" for n in range(3)]
    setup = CommandHandler(store, CounterCodec())
    for name, amount in zip(names, stock, strict=True):
        await setup.execute(folds(name), raise_to(amount, name), context(f"fill {name}"))
    handler = batching(Counted(store, [names[n] for n in rivals]), max_batch=most)
    answers = await asyncio.gather(
        *(
            handler.execute(
                folds(*(names[n] for n in skus)),
                take(amount, *(names[n] for n in sorted(skus))),
                context(f"order {number}"),
            )
            for number, (amount, skus) in enumerate(orders)
        ),
        return_exceptions=True,
    )
    await _replay(store, orders, answers, rivals)


async def _replay(
    store: EventStore,
    orders: list[tuple[int, set[int]]],
    answers: Sequence[Any],
    rivals: list[int],
) -> None:
    """Follow the feed: nobody takes what is not there, and each takes all of it or nothing."""
    left = [0, 0, 0]
    taken: dict[str, set[int]] = {}
    for stored in (await store.read_feed(0, limit=1000)).events:
        sku = int(stored.stream[-1])
        left[sku] += stored.data["by"]
        assert left[sku] >= 0, "sold what was not there"
        if stored.data["by"] < 0:
            taken.setdefault(stored.metadata.causation_id, set()).add(sku)
    for number, ((amount, skus), answer) in enumerate(zip(orders, answers, strict=True)):
        if not isinstance(answer, Empty):
            assert taken[f"order {number}"] == skus
            continue
        assert f"order {number}" not in taken
        # Stock that only falls is still short for whoever was refused.
        assert rivals or any(left[sku] < amount for sku in skus)


class Stuck(StoreWrapper):
    """A store that never ends an append to one stream, whatever the deadline."""

    async def append(self, *appends: StreamAppend) -> AppendResult:
        if any(one.stream == "counter-stuck" for one in appends):
            await asyncio.Event().wait()
        return await super().append(*appends)


async def test_a_store_that_ignores_the_deadline_holds_nobody_for_long() -> None:
    handler = CommandHandler(Stuck(InMemoryEventStore()), CounterCodec(), longest_s=0.1)

    async def raised(stream: str, attempt: int = 0) -> list[int]:
        command = context(f"{stream}-{attempt}")
        return await handler.execute({stream: COUNTER}, raise_by(1, stream), command)

    with pytest.raises(StoreUnavailable):
        await raised("counter-stuck")
    async with asyncio.timeout(60):
        for attempt in count():
            with suppress(StoreUnavailable):  # the batch before it is not cut off yet
                assert await raised("counter-other", attempt) == [1]
                break
        await handler.close()
