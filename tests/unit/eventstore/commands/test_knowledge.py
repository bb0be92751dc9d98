"""A caller that says what it knows is answered only by a store that knows as much."""

import asyncio

import pytest

from eventstore.commands.handler import CommandHandler
from eventstore.commands.knowledge import Knowledge, knowing, present
from eventstore.errors import StoreUnavailable
from eventstore.memory import InMemoryEventStore
from tests.support.stores.counters import COUNTER, CounterCodec, context, raise_by, raise_to

A, B = "counter-a", "counter-b"


class Lost:
    """Which positions are lost."""

    def __init__(self) -> None:
        self.after = 1_000

    def __call__(self, position: int) -> bool:
        return position > self.after


@pytest.fixture
def lost() -> Lost:
    return Lost()


@pytest.fixture
def store() -> InMemoryEventStore:
    return InMemoryEventStore()


@pytest.fixture
def handler(store: InMemoryEventStore, lost: Lost) -> CommandHandler:
    return CommandHandler(store, CounterCodec(), is_lost=lost)


async def test_who_appends_knows_the_position(
    handler: CommandHandler, store: InMemoryEventStore
) -> None:
    with knowing(0) as knowledge:
        await handler.execute({A: COUNTER}, raise_by(1, A), context("one"))
    assert knowledge.position == await store.head() == 1


async def test_who_finds_it_done_knows_it_as_well(store: InMemoryEventStore) -> None:
    first, second = (CommandHandler(store, CounterCodec()) for _ in range(2))
    await first.execute({A: COUNTER}, raise_by(1, A), context("one"))
    await first.execute({B: COUNTER}, raise_by(1, B), context("two"))
    for command in (context("one"), context("another")):  # repeated; decided on what is there
        with knowing(0) as knowledge:
            await second.execute({A: COUNTER}, raise_to(1, A), command)
        assert knowledge.position == 1


async def test_nothing_is_decided_on_less_than_is_known(
    handler: CommandHandler, store: InMemoryEventStore, lost: Lost
) -> None:
    await handler.execute({A: COUNTER}, raise_by(1, A), context("one"))
    lost.after = 0
    with knowing(1), pytest.raises(StoreUnavailable, match="ordersaga restored"):
        await handler.execute({A: COUNTER}, raise_by(1, A), context("two"))
    assert await store.head() == 1
    with knowing(0):  # whoever has seen nothing of it may go on
        await handler.execute({A: COUNTER}, raise_by(1, A), context("three"))
    assert await store.head() == 2


async def test_others_in_the_same_batch_are_answered(
    handler: CommandHandler, store: InMemoryEventStore, lost: Lost
) -> None:

    lost.after = 0

    async def with_knowledge(position: int, name: str) -> object:
        with knowing(position):
            return await handler.execute({A: COUNTER}, raise_by(1, A), context(name))

    outcomes = await asyncio.gather(
        with_knowledge(7, "knows more"), with_knowledge(0, "knows nothing"), return_exceptions=True
    )
    assert isinstance(outcomes[0], StoreUnavailable)
    assert outcomes[1] == [1]
    assert await store.head() == 1


async def test_what_was_remembered_can_be_forgotten(
    handler: CommandHandler, store: InMemoryEventStore
) -> None:
    await handler.execute({A: COUNTER}, raise_by(1, A), context("one"))
    store.__init__()  # type: ignore[misc]  # the same store, with nothing in it
    handler.forget()
    assert (await handler.load(A, COUNTER)).version == 0


def test_nobody_knows_anything_by_default() -> None:
    assert present() == Knowledge(0)
