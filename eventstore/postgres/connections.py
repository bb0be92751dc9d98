"""Connections that the store keeps out of its pool, for statements in quick succession."""

import contextlib
from typing import Any, Final

import asyncpg

POOL_SHARE: Final = 4
"""At most one in this many connections of the pool is kept; the others stay available."""


class OwnedConnections:
    """Runs statements on a few connections of a pool that it keeps.

    Taking a connection from a pool and giving it back costs about a third of a short statement.
    A few busy connections are also faster than many used in turns, because the plans and the
    catalogue of their server processes stay in the processor's cache.

    Args:
        pool: where the connections come from. It cannot be closed before this is.
        most: how many are kept; fewer if the pool is small, and none in a tiny one.
    """

    def __init__(self, pool: asyncpg.Pool, most: int) -> None:
        self._pool = pool
        self._most = min(most, pool.get_max_size() // POOL_SHARE)
        self._kept: list[Any] = []
        self._idle: list[Any] = []

    async def fetch(self, query: str, *args: Any) -> list[Any]:
        """The rows of a statement, as `asyncpg.Pool.fetch` gives them."""
        connection = await self._take()
        try:
            rows: list[Any] = await connection.fetch(query, *args)
        except BaseException:
            await self._release(connection)
            raise
        if connection in self._kept:
            self._idle.append(connection)
        else:
            await self._release(connection)
        return rows

    async def close(self) -> None:
        """Give all connections back to the pool."""
        self._most = 0
        self._kept.clear()
        while self._idle:
            await self._release(self._idle.pop())

    async def _take(self) -> Any:
        while self._idle:
            connection = self._idle.pop()
            if _is_open(connection):
                return connection
            await self._release(connection)
        connection = await self._pool.acquire()
        if len(self._kept) < self._most:
            self._kept.append(connection)
        return connection

    async def _release(self, connection: Any) -> None:
        """Give a connection back; the pool replaces it if it is broken."""
        if connection in self._kept:
            self._kept.remove(connection)
        # A pool that was terminated has closed the connection itself.
        with contextlib.suppress(asyncpg.InterfaceError):
            await self._pool.release(connection)


def _is_open(connection: Any) -> bool:
    try:
        return not connection.is_closed()
    except asyncpg.InterfaceError:
        return False  # it ended, and the pool has taken it back
