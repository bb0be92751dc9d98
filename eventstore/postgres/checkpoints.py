"""Checkpoints in the table `eventstore.checkpoints`."""

from typing import Final

import asyncpg

from eventstore.postgres.errors import translated
from eventstore.postgres.sql_files import statement

_LOAD: Final = statement("load_checkpoint")
_SAVE: Final = statement("save_checkpoint")


class PostgresCheckpoints:
    """Checkpoints that survive; kept in the database of the events, so that both are restored."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def load(self, name: str) -> int:
        """See `Checkpoints.load`."""
        with translated():
            position: int | None = await self._pool.fetchval(_LOAD, name)
        return position or 0

    async def save(self, name: str, position: int) -> None:
        """See `Checkpoints.save`."""
        with translated():
            await self._pool.execute(_SAVE, name, position)
