"""Work that goes on to its end whatever is cancelled around it."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

R = TypeVar("R")


async def to_its_end(work: Coroutine[Any, Any, R]) -> R:
    """Await `work` shielded from any number of cancel requests."""
    task = asyncio.create_task(work)
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.done():
                break
    return task.result()


async def joined(task: "asyncio.Task[R]") -> R:
    """The result of a task that is under way, as a coroutine for `to_its_end`."""
    return await task
