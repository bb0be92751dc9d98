"""Turns on contended streams."""

import asyncio

from eventstore.commands.turns import Turns


async def test_nobody_waits_where_there_was_no_conflict() -> None:
    turns = Turns()
    async with (
        turns.take(["a", "b"], contended=False),
        asyncio.timeout(5),
        turns.take(["b", "a"], contended=False),
    ):
        assert not turns.contended


async def test_newcomers_queue_behind_those_who_met_a_conflict() -> None:
    turns = Turns()
    order: list[str] = []

    async def newcomer(stream: str) -> None:
        async with turns.take([stream], contended=False):
            order.append(stream)

    async with turns.take(["a"], contended=True):
        waiting = asyncio.create_task(newcomer("a"))
        await newcomer("b")
        await asyncio.sleep(0)
        assert not waiting.done()
        order.append("holder")
    await waiting
    assert order == ["b", "holder", "a"]


async def test_crossing_claims_never_wait_for_each_other() -> None:
    turns = Turns()
    names = list("abcdef")

    async def claim(number: int) -> None:
        order = names[number % 6 :] + names[: number % 6]
        async with turns.take(order, contended=True):
            await asyncio.sleep(0)

    async with asyncio.timeout(30):
        await asyncio.gather(*(claim(number) for number in range(50)))
    assert not turns.contended


async def test_a_stream_is_calm_again_when_nobody_queues() -> None:
    turns = Turns()
    async with turns.take(["a"], contended=True):
        assert turns.contended == {"a"}
    assert not turns.contended


async def test_a_cancelled_waiter_leaves_the_queue() -> None:
    turns = Turns()

    async def wait() -> None:
        async with turns.take(["a", "b"], contended=True):
            raise AssertionError("it was cancelled before its turn")

    async with turns.take(["b"], contended=True):
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert not turns.contended
