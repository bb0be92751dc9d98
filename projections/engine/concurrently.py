"""Run coroutines concurrently as one operation."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any


async def run_concurrently(coroutines: Iterable[Coroutine[Any, Any, Any]]) -> None:
    """Await all. If one fails, cancel the others and raise its error, not an exception group."""
    try:
        async with asyncio.TaskGroup() as group:
            for coroutine in coroutines:
                group.create_task(coroutine)
    except BaseExceptionGroup as errors:
        first = errors.exceptions[0]
        raise first from first.__cause__  # without the group, with what caused it
