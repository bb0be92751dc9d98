"""Tasks that serve more than their caller, and limited waits for their answers and their end."""

import asyncio
from collections.abc import Collection, Coroutine
from contextvars import Context
from typing import Any, Final, TypeVar

from eventstore.deadline import Deadline
from eventstore.errors import StoreUnavailable

T = TypeVar("T")

CLOSE_S: Final = 1.0
"""How long whatever is being closed may go on with what is under way, in seconds."""

_CANCEL_S: Final = 0.5


def background(work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
    """Start a task that serves more than its caller: the caller's deadline is not its own."""
    return asyncio.create_task(work, name=name, context=Context())


def no_time_left() -> StoreUnavailable:
    """The answer to a caller whose deadline has passed."""
    return StoreUnavailable("there was no answer before the caller's deadline")


async def answered(answer: asyncio.Future[T], deadline: Deadline) -> T:
    """What such a task answers, if it does so in time; afterwards, the answer is cancelled.

    Raises:
        StoreUnavailable: the deadline has passed; what was asked for may still happen.
    """
    limit = asyncio.timeout(max(deadline.left(), 0))
    try:
        async with limit:
            return await answer
    except TimeoutError:
        if limit.expired():
            raise no_time_left() from None
        raise


async def finish(tasks: Collection[asyncio.Task[Any]], limit_s: float = CLOSE_S) -> None:
    """Wait for tasks, at most `limit_s` seconds; then cancel those that are not done."""
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=limit_s)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=_CANCEL_S)
