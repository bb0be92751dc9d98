"""Connections for the event store: pools, and connections that a part of it owns."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Final
from weakref import WeakSet

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from eventstore.deadline import STATEMENT_S, time_limit
from eventstore.postgres.connection import LimitedConnection, connect
from eventstore.postgres.errors import translated
from eventstore.tasks import CLOSE_S

ACQUIRE_S: Final = 4.0
"""How long a free connection is waited for by default, in seconds."""


class LimitedPool(asyncpg.Pool):
    """A pool of `LimitedConnection`s; waiting for one, and closing, have limits as well.

    Args:
        open_connection: opens one.
        first: connections opened at once.
        most: the most connections at the same time.
    """

    def __init__(self, open_connection: Callable[..., Any], first: int, most: int) -> None:
        super().__init__(
            connect=open_connection,
            init_size=first,
            # No floor: the driver would restore it in the background, and log a trace each time.
            min_size=0,
            max_size=most,
            max_queries=50_000,
            max_inactive_connection_lifetime=300.0,
            loop=asyncio.get_running_loop(),
            connection_class=LimitedConnection,
            record_class=asyncpg.Record,
        )

    async def _acquire(self, timeout: float | None) -> Any:  # noqa: ASYNC109  the driver's interface
        acquire = super()._acquire  # type: ignore[misc]  # the stubs leave it out
        async with asyncio.timeout(time_limit(timeout or ACQUIRE_S)):
            # The driver would use a limit for the release again.
            return await acquire(None)

    async def close(self) -> None:
        """Wait for the connections that are in use, then close all; cut what takes longer."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await super().close()


OnConnect = Callable[[LimitedConnection], Awaitable[None]]


async def create_pool(
    dsn: str,
    *,
    min_size: int = 1,
    max_size: int = 10,
    application_name: str = "ordersaga",
    statement_s: float = STATEMENT_S,
    on_connect: OnConnect | None = None,
) -> asyncpg.Pool:
    """A pool for `PostgresEventStore` and for other code that keeps no session state.

    Args:
        dsn: the database's URL.
        min_size: connections opened at once.
        max_size: the most connections at the same time.
        application_name: shown by the server.
        statement_s: the limit of a statement, in seconds.
        on_connect: called with each new connection before anything else uses it; one on which it
            fails is not used.

    Raises:
        StoreUnavailable: the server cannot be reached.
    """
    peers: WeakSet[LimitedConnection] = WeakSet()

    async def open_connection(*_: Any, **driver: Any) -> LimitedConnection:
        connection = await connect(
            dsn, statement_s=statement_s, application_name=application_name, **driver
        )
        if on_connect is not None:
            try:
                await on_connect(connection)
            except BaseException:
                connection.terminate()
                raise
        peers.add(connection)
        connection.peers = peers
        return connection

    with translated():
        return await LimitedPool(open_connection, min_size, max_size)


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
