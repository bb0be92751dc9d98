"""A value that one request loads for all of a moment."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Remembered(Generic[T]):
    """Loads a value at most once in a while, however many ask for it.

    Args:
        load: loads it.
        lasts_s: for so many seconds it is not loaded again.
    """

    def __init__(self, load: Callable[[], Awaitable[T]], lasts_s: float) -> None:
        self._load = load
        self._lasts_s = lasts_s
        self._lock = asyncio.Lock()
        self._value: tuple[float, T] | None = None

    async def read(self) -> T:
        """The value, loaded a moment ago or now; raises what the loading raises."""
        async with self._lock:
            now = time.monotonic()
            if self._value is None or self._value[0] < now:
                self._value = now + self._lasts_s, await self._load()
            return self._value[1]
