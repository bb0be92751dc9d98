"""The archive: whole streams whose events are stored apart from those in use.

Reads, the feed and repeated appends see archived events like all others. An append to an archived
stream brings it back first.
"""

from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from eventstore.postgres.connection import maintenance
from eventstore.postgres.errors import translated
from eventstore.postgres.sql_files import statement

BATCH_EVENTS: Final = 5_000
"""Events moved in one transaction, unless a single group of streams has more."""

_SQL: Final = "eventstore.postgres.growth.sql"
_OPEN: Final = statement("open_archive", _SQL)
_MOVE: Final = statement("archive_streams", _SQL)
_RESTORE: Final = statement("restore_streams", _SQL)
_LIVING: Final = statement("living_streams", _SQL)


@dataclass(frozen=True, slots=True)
class Moved:
    """What was moved."""

    streams: int
    events: int


class Archive:
    """Moves streams into the archive of a database and out of it.

    Args:
        pool: from `create_pool`, or one connection of it.
    """

    def __init__(self, pool: "asyncpg.Pool | PoolConnectionProxy") -> None:
        self._pool = pool

    async def living(self, streams: Sequence[str]) -> Mapping[str, int]:
        """The versions of those streams that exist and are not archived."""
        with translated():
            rows = await self._pool.fetch(_LIVING, list(streams))
        return {row["name"]: row["version"] for row in rows}

    async def archive(self, streams: Sequence[str], note: str) -> Moved:
        """Move streams into the archive in one transaction, and log it with the note.

        Streams that do not exist or are archived already are skipped, so it may be repeated.

        Raises:
            StoreUnavailable: no answer; it may have happened.
        """
        with translated(), maintenance():
            await self._pool.execute(_OPEN)
        return await self._move(_MOVE, streams, note)

    async def restore(self, streams: Sequence[str], note: str) -> Moved:
        """Move streams out of the archive in one transaction, and log it with the note."""
        return await self._move(_RESTORE, streams, note)

    async def _move(self, query: str, streams: Sequence[str], note: str) -> Moved:
        with translated(), maintenance():
            (row,) = await self._pool.fetch(query, list(streams), note)
        return Moved(row["moved_streams"], row["moved_events"])


async def archive_many(
    archive: Archive,
    groups: AsyncIterable[Sequence[str]],
    note: str,
    *,
    most: int = BATCH_EVENTS,
) -> AsyncIterator[Moved]:
    """Archive groups of streams in batches of at most `most` events, or of one larger group.

    A group moves as a whole or not at all. Each batch is a transaction of its own, so after an
    interruption another call continues with what is left.
    """
    batch: list[str] = []
    size = 0
    async for group in groups:
        living = await archive.living(group)
        events = sum(living.values())
        if batch and size + events > most:
            yield await archive.archive(batch, note)
            batch, size = [], 0
        batch += living
        size += events
    if batch:
        yield await archive.archive(batch, note)
