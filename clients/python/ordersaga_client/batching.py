"""Many calls at once, but not all of them."""

import asyncio
from collections.abc import Awaitable, Iterable
from typing import TypeVar

from ordersaga_client.errors import OrderSagaError

T = TypeVar("T")


async def batch(calls: Iterable[Awaitable[T]], *, at_once: int = 16) -> list[T | OrderSagaError]:
    """Make many calls; the answers are in the order of the calls.

    A call that is refused gives its error and stops no other.

    Args:
        calls: such as ``(sagas.place(each) for each in documents)``; taken as they are made.
        at_once: how many are under way at the same time.

    Raises:
        RPCError: Temporal does not answer; calls under way are cancelled.
    """
    answers: dict[int, T | OrderSagaError] = {}
    numbered = enumerate(calls)

    async def make_some() -> None:
        for number, call in numbered:
            try:
                answers[number] = await call
            except OrderSagaError as error:
                answers[number] = error

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(make_some())
    return [answers[number] for number in sorted(answers)]
