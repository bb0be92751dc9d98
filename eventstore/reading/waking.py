"""How readers of the feed learn that there may be something new."""

import asyncio
from typing import Protocol


class Waker(Protocol):
    """Wakes any number of waiters.

    To lose no wake-up between reading and waiting, take `mark()` before you read and give it to
    `wait`: a poke that came since then ends the wait at once.
    """

    def mark(self) -> int:
        """How often the waker was poked so far."""
        ...

    async def wait(self, timeout_s: float, since: int | None = None) -> bool:
        """Wait for a poke (after the mark `since`); False if none came in time."""
        ...


class LocalWaker:
    """Wakes waiters of this process."""

    def __init__(self) -> None:
        self._pokes = 0
        self._poked = asyncio.Event()

    def mark(self) -> int:
        """See `Waker.mark`."""
        return self._pokes

    def poke(self) -> None:
        """Wake everybody who waits."""
        self._pokes += 1
        poked, self._poked = self._poked, asyncio.Event()
        poked.set()

    async def wait(self, timeout_s: float, since: int | None = None) -> bool:
        """See `Waker.wait`."""
        if since is not None and since != self._pokes:
            return True
        poked = self._poked
        try:
            async with asyncio.timeout(timeout_s):
                await poked.wait()
        except TimeoutError:
            return False
        return True
