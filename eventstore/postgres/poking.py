"""Pokes the readers of the feed after commits, many commits with one poke."""

import asyncio
import contextlib
from typing import Final

import asyncpg

from eventstore.errors import StoreUnavailable
from eventstore.postgres.errors import translated
from eventstore.postgres.lease import Lease
from eventstore.postgres.sql_files import statement

_POKE: Final = statement("poke")
INTERVAL_S: Final = 0.004
"""At most one poke in this time."""

BUSY: Final = 4
"""So many appends between two pokes are a busy time: readers have enough to read as it is."""

BUSY_INTERVAL_S: Final = 0.025
"""At most one poke in this time when it is busy: each costs as much as several appends."""


class Poker:
    """Sends pokes in transactions of their own, never inside an append."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        # Not the appends' lease: their connections would change places with each poke.
        self._lease = Lease(pool)
        self._asked = 0
        self._task: asyncio.Task[None] | None = None

    def poke(self) -> None:
        """Ask for a poke; returns at once."""
        self._asked += 1
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="eventstore poke")

    async def _run(self) -> None:
        try:
            while self._asked:
                asked, self._asked = self._asked, 0
                # Readers poll as well: a poke that fails costs them one interval.
                with contextlib.suppress(StoreUnavailable), translated():
                    await self._lease.fetch(_POKE)
                await asyncio.sleep(BUSY_INTERVAL_S if asked >= BUSY else INTERVAL_S)
        finally:
            self._task = None

    async def close(self) -> None:
        """Send what was asked for, then stop."""
        if self._task is not None:
            await asyncio.wait([self._task])
        await self._lease.close()
