"""Wakes the readers of the feed after commits, many commits with one poke."""

import asyncio
import contextlib
from typing import Final

from eventstore.errors import StoreUnavailable
from eventstore.postgres.connections import OwnedConnections
from eventstore.postgres.errors import translated
from eventstore.postgres.sql_files import statement

_POKE: Final = statement("poke")
INTERVAL_S: Final = 0.004
"""At most one poke in this time."""

BUSY: Final = 4
"""From this many appends between two pokes on, readers are busy and the longer interval applies."""

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
            self._task = asyncio.create_task(self._run(), name="eventstore poke")

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
        """Send the last poke, then stop."""
        if self._task is not None:
            await asyncio.wait([self._task])
        await self._connections.close()
