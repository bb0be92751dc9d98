"""Run several things at once, as one."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any


async def side_by_side(coroutines: Iterable[Coroutine[Any, Any, Any]]) -> None:
    """Await all; when one fails cancel the others and raise its error, not a group of errors."""
    try:
        async with asyncio.TaskGroup() as group:
            for coroutine in coroutines:
                group.create_task(coroutine)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
