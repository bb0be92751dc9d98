"""Runs work that cancel requests must not interrupt."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from temporalio import workflow

R = TypeVar("R")


async def run_to_completion(work: "Coroutine[Any, Any, R] | asyncio.Task[R]") -> R:
    """Await `work`, shielded from any number of cancel requests."""
    task = asyncio.ensure_future(work)
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.done():
                break
    return task.result()


async def cancelled_while_completing(
    work: Coroutine[Any, Any, None], on_cancel: Callable[[], None]
) -> bool:
    """Run `work` to completion and tell whether the workflow was cancelled meanwhile.

    Args:
        work: what the workflow does.
        on_cancel: called once, when the workflow is cancelled; it makes `work` end soon.

    Raises:
        asyncio.CancelledError: the worker is evicting the workflow; nobody cancelled it.
    """
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        if workflow.cancellation_reason() is None:
            raise
        on_cancel()
        await run_to_completion(task)
        return True
    return False
