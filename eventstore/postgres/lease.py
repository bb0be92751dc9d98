"""Connections that stay out of their pool between calls in quick succession."""

import asyncio
import contextlib
from typing import Any, Final

import asyncpg

IDLE_S: Final = 0.002
"""A connection that nobody used for about so long goes back."""

LOOK_S: Final = 0.02
"""So often it is looked whether the pool has others left: if not, somebody may wait for it."""

LONGEST_S: Final = 1.0
"""A connection goes back after so long in any case: the pool may want to renew it."""


class _Kept:
    """A connection and the times, on the loop's clock, that decide when it goes back."""

    __slots__ = ("connection", "last", "until", "used_at")

    def __init__(self, connection: Any, now: float, last: float) -> None:
        self.connection = connection
        self.until = now
        self.last = last
        self.used_at = now


class Lease:
    """Runs statements on connections of a pool.

    To take a connection and to give it back takes a driver about a third as long as a short
    statement, so one is kept for the next call if that follows at once. And a few connections that
    are used all the time are quicker than many in turns: each has a server process whose plans and
    catalogue have to be in the processor's cache. None is kept if the pool has no other to give.
    """

    def __init__(
        self, pool: asyncpg.Pool, *, idle_s: float = IDLE_S, longest_s: float = LONGEST_S
    ) -> None:
        self._pool = pool
        self._idle_s = idle_s
        self._longest_s = longest_s
        self._free: list[_Kept] = []
        self._timer: asyncio.TimerHandle | None = None
        self._returns: set[asyncio.Task[None]] = set()

    def acquire(self) -> Any:
        """A connection of the pool for several statements."""
        return self._pool.acquire()

    async def fetch(self, query: str, *args: Any) -> list[Any]:
        """The rows of a statement, as `asyncpg.Pool.fetch` gives them."""
        kept = self._free.pop() if self._free else await self._take()
        try:
            rows: list[Any] = await kept.connection.fetch(query, *args)
        except BaseException:
            await self._pool.release(kept.connection)
            raise
        kept.used_at = asyncio.get_running_loop().time()
        if self._may_stay(kept, kept.used_at):
            self._free.append(kept)
            self._watch()
        else:
            await self._pool.release(kept.connection)
        return rows

    async def close(self) -> None:
        """Give everything back."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        free, self._free = self._free, []
        for kept in free:
            await self._release(kept)
        if self._returns:
            await asyncio.wait(self._returns)

    async def _take(self) -> _Kept:
        connection = await self._pool.acquire()
        now = asyncio.get_running_loop().time()
        return _Kept(connection, now, now + self._longest_s)

    def _may_stay(self, kept: _Kept, now: float) -> bool:
        if now >= kept.until and self._has_spare():
            kept.until = min(now + LOOK_S, kept.last)
        return now < kept.until

    def _has_spare(self) -> bool:
        pool = self._pool
        return bool(pool.get_size() < pool.get_max_size() or pool.get_idle_size() > 0)

    def _watch(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._idle_s, self._give_back)

    def _give_back(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        old = [
            kept
            for kept in self._free
            if kept.used_at + self._idle_s / 2 < now or not self._may_stay(kept, now)
        ]
        self._free = [kept for kept in self._free if kept not in old]
        for kept in old:
            giving = asyncio.create_task(self._release(kept), name="eventstore lease")
            self._returns.add(giving)
            giving.add_done_callback(self._returns.discard)
        if self._free:
            self._watch()

    async def _release(self, kept: _Kept) -> None:
        # A pool that was cut off meanwhile has closed the connection itself.
        with contextlib.suppress(asyncpg.InterfaceError):
            await self._pool.release(kept.connection)
