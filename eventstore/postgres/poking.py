"""Pokes the readers of the feed after commits, many commits with one poke."""

import asyncio
import contextlib
from typing import Final

import asyncpg

from eventstore.errors import StoreUnavailable
from eventstore.postgres.errors import translated
from eventstore.postgres.sql_files import statement

_POKE: Final = statement("poke")
INTERVAL_S: Final = 0.004
"""At most one poke in this time."""


class Poker:
    """Sends pokes in transactions of their own, never inside an append."""

    def __init__(self, pool: asyncpg.Pool, interval_s: float = INTERVAL_S) -> None:
        self._pool = pool
        self._interval_s = interval_s
        self._wanted = False
        self._task: asyncio.Task[None] | None = None

    def poke(self) -> None:
        """Ask for a poke; returns at once."""
        self._wanted = True
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="eventstore poke")

    async def _run(self) -> None:
        try:
            while self._wanted:
                self._wanted = False
                # Readers poll as well: a poke that fails costs them one interval.
                with contextlib.suppress(StoreUnavailable), translated():
                    await self._pool.execute(_POKE)
                await asyncio.sleep(self._interval_s)
        finally:
            self._task = None

    async def close(self) -> None:
        """Send what was asked for, then stop."""
        if self._task is not None:
            await asyncio.wait([self._task])
