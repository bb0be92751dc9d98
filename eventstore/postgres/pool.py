"""Connections for the event store: pools, and connections that a part of it owns."""

import contextlib
from typing import Any, Final

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from eventstore.postgres.errors import translated


class _Connection(asyncpg.Connection):
    """A connection that is not reset when it goes back to the pool.

    The store keeps no session state; the reset query would cost a third of the throughput.

    Attributes:
        session: identifies the session with the server.
    """

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.session = object()

    def get_reset_query(self) -> str:
        return ""


async def create_pool(
    dsn: str, *, min_size: int = 1, max_size: int = 10, application_name: str = "ordersaga"
) -> asyncpg.Pool:
    """A pool for `PostgresEventStore` and for other code that keeps no session state.

    Raises:
        StoreUnavailable: the server cannot be reached.
    """
    with translated():
        return await asyncpg.create_pool(
            dsn,
            min_size=min_size,
            max_size=max_size,
            connection_class=_Connection,
            server_settings={
                "application_name": application_name,
                "default_transaction_isolation": "read committed",
                "jit": "off",  # our statements are short, compiling them costs more than it saves
            },
        )


def session_of(connection: PoolConnectionProxy) -> object | None:
    """Identifies the session with the server; None if the pool is not from `create_pool`.

    A session does not outlive a crash of the server.
    """
    session: object | None = getattr(connection, "session", None)
    return session


POOL_SHARE: Final = 4
"""At most one in this many connections of the pool is kept; the others stay available."""


class OwnedConnections:
    """Runs statements on a few connections of a pool that it keeps.

    Taking a connection from a pool and giving it back costs about a third of a short statement.
    A few busy connections are also faster than many used in turns, because the plans and the
    catalogue of their server processes stay in the processor's cache.

    Args:
        pool: where the connections come from. Close this object before the pool.
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
        return False  # it was closed, and the pool has taken it back
