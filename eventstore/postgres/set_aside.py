"""Events that followers have set aside, in the table `eventstore.set_aside`."""

from collections.abc import Sequence
from typing import Final

import asyncpg

from eventstore.model import StoredEvent
from eventstore.postgres.errors import translated
from eventstore.postgres.sql_files import statement
from eventstore.reading.set_aside import SetAsideEvent

_PUT: Final = statement("set_aside")
_MAKE_DUE: Final = statement("make_set_aside_due")
_DUE: Final = statement("due_set_aside")
_REMOVE: Final = statement("remove_set_aside")
_COUNT: Final = statement("count_set_aside")
_LIST: Final = statement("list_set_aside")


class PostgresSetAsideEvents:
    """See `SetAsideEvents`; kept in the database of the events, so that both are restored."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def put(self, follower: str, event: StoredEvent, error: str, pause_s: float) -> None:
        """See `SetAsideEvents.put`."""
        where = (event.position, event.stream, event.version, event.event_type)
        with translated():
            await self._pool.execute(_PUT, follower, *where, error, pause_s)

    async def make_due(self, follower: str) -> None:
        """See `SetAsideEvents.make_due`."""
        with translated():
            await self._pool.execute(_MAKE_DUE, follower)

    async def due(self, follower: str, limit: int) -> Sequence[SetAsideEvent]:
        """See `SetAsideEvents.due`."""
        with translated():
            rows = await self._pool.fetch(_DUE, follower, limit)
        return [SetAsideEvent(**row) for row in rows]

    async def remove(self, follower: str, position: int) -> None:
        """See `SetAsideEvents.remove`."""
        with translated():
            await self._pool.execute(_REMOVE, follower, position)

    async def count(self, follower: str) -> int:
        """See `SetAsideEvents.count`."""
        with translated():
            number: int = await self._pool.fetchval(_COUNT, follower)
        return number

    async def first(self, limit: int) -> Sequence[SetAsideEvent]:
        """The events of all followers, oldest first; raises StoreUnavailable."""
        with translated():
            rows = await self._pool.fetch(_LIST, limit)
        return [SetAsideEvent(**row) for row in rows]
