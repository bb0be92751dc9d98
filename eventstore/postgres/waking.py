"""Wakes readers when any process has appended: one NOTIFY for many commits, and LISTEN."""

import asyncio
import contextlib
from typing import Final

import asyncpg

from eventstore.deadline import STATEMENT_S
from eventstore.errors import StoreUnavailable
from eventstore.postgres.connection import connect
from eventstore.postgres.errors import translated
from eventstore.postgres.pool import OwnedConnections
from eventstore.postgres.sql_files import statement
from eventstore.reading.waking import LocalWaker
from eventstore.tasks import background, finish

CHANNEL: Final = "eventstore_appended"
_RETRY_S: Final = 0.5
_CHECK_S: Final = 5.0


class PostgresWaker:
    """A `Waker` fed by NOTIFY.

    While the listening connection is down, waits simply run into their time-outs, which makes the
    readers poll; `healthy` is False until the connection is back.

    Args:
        dsn: the database's URL.
        retry_s: the pause before the next attempt to connect, in seconds.
        statement_s: the limit of a statement, in seconds.
    """

    def __init__(
        self, dsn: str, *, retry_s: float = _RETRY_S, statement_s: float = STATEMENT_S
    ) -> None:
        self._dsn = dsn
        self._statement_s = statement_s
        self._retry_s = retry_s
        self._local = LocalWaker()
        self._task: asyncio.Task[None] | None = None
        self._listening = asyncio.Event()

    @property
    def healthy(self) -> bool:
        """Whether pokes arrive at present."""
        return self._listening.is_set()

    async def start(self) -> None:
        """Listen from now on; returns at the latest after the first attempt to connect."""
        attempted = asyncio.Event()
        self._task = background(self._keep_listening(attempted), "eventstore listen")
        await attempted.wait()

    async def stop(self) -> None:
        """Close the connection; those who wait run into their time-outs."""
        task, self._task = self._task, None
        if task is not None:
            await finish([task], 0)

    async def listening(self) -> None:
        """Wait until pokes arrive (again)."""
        await self._listening.wait()

    def mark(self) -> int:
        """See `Waker.mark`."""
        return self._local.mark()

    async def wait(self, timeout_s: float, since: int | None = None) -> bool:
        """See `Waker.wait`."""
        return await self._local.wait(timeout_s, since)

    async def _keep_listening(self, attempted: asyncio.Event) -> None:
        try:
            while True:
                with contextlib.suppress(StoreUnavailable), translated():
                    await self._listen(attempted)
                attempted.set()
                await asyncio.sleep(self._retry_s)
        finally:
            attempted.set()

    async def _listen(self, attempted: asyncio.Event) -> None:
        ended = asyncio.Event()
        connection = await connect(self._dsn, statement_s=self._statement_s)
        try:
            connection.add_termination_listener(lambda _: ended.set())
            await connection.add_listener(CHANNEL, lambda *_: self._local.poke())
            self._listening.set()
            attempted.set()
            self._local.poke()  # something may have been appended while nobody listened
            await _until_broken(connection, ended)
        finally:
            self._listening.clear()
            connection.terminate()


async def _until_broken(connection: asyncpg.Connection, ended: asyncio.Event) -> None:
    while not ended.is_set():
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CHECK_S):
                await ended.wait()
        if not ended.is_set():
            # A connection that was cut silently shows only when it is used.
            await connection.execute("SELECT 1")


_POKE: Final = statement("poke")
INTERVAL_S: Final = 0.004
"""At most one poke in this time."""

BUSY: Final = 4
"""At this many appends between two pokes, readers are busy: the longer interval applies."""

BUSY_INTERVAL_S: Final = 0.025
"""Shortest time between two pokes when it is busy: a poke costs as much as several appends."""


class Poker:
    """Sends pokes in transactions of their own, never inside an append.

    Args:
        connections: not those used for appends, which would otherwise alternate with pokes.
    """

    def __init__(self, connections: OwnedConnections) -> None:
        self._connections = connections
        self._appends = 0
        self._task: asyncio.Task[None] | None = None

    def poke(self) -> None:
        """Send a poke soon; returns at once."""
        self._appends += 1
        if self._task is None:
            self._task = background(self._run(), "eventstore poke")

    async def _run(self) -> None:
        try:
            while self._appends:
                appends, self._appends = self._appends, 0
                # Readers poll as well: a poke that fails costs them one interval.
                with contextlib.suppress(StoreUnavailable), translated():
                    await self._connections.fetch(_POKE)
                await asyncio.sleep(BUSY_INTERVAL_S if appends >= BUSY else INTERVAL_S)
        finally:
            self._task = None

    async def close(self) -> None:
        """Send the last poke, unless that takes long, then stop."""
        if self._task is not None:
            await finish([self._task])
        await self._connections.close()
