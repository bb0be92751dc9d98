"""Partitions of `eventstore.events` by position, for stores that outgrow one table.

The default is one table. A partitioned one keeps every event id in a second table, so that ids
stay unique; each append pays for it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import asyncpg

from eventstore.postgres.errors import translated
from eventstore.postgres.sql_files import statement

SIZE: Final = 50_000_000
"""Positions in a partition, if nothing else is said: about 40 GB."""

AHEAD: Final = 2
"""Partitions kept ready beyond the one that is written to."""

_CHECKPOINT: Final = "eventstore:event_ids"
_BATCH: Final = 20_000
_LOCK_TIMEOUT: Final = "SET lock_timeout = '3s'"
_SQL: Final = "eventstore.postgres.growth.sql"
_BEGIN: Final = statement("begin_partitioning", _SQL)
_NOTE_IDS: Final = statement("note_stored_ids", _SQL)
_BOUND: Final = statement("bound_events", _SQL)
_VALIDATE: Final = statement("validate_border", _SQL)
_UNBOUND: Final = "ALTER TABLE eventstore.events DROP CONSTRAINT IF EXISTS events_border_check"
_SPLIT: Final = statement("split_events", _SQL)
_ADD: Final = statement("add_partitions", _SQL)
_LIST: Final = statement("partitions", _SQL)
_LAYOUT: Final = statement("layout", _SQL)
_IS_PARTITIONED: Final = statement("is_partitioned", _SQL)
_LOAD_CHECKPOINT: Final = statement("load_checkpoint")
_SAVE_CHECKPOINT: Final = statement("save_checkpoint")

Connection: TypeAlias = "asyncpg.Connection | asyncpg.pool.PoolConnectionProxy"

Report = Callable[[str], None]
"""Told what is being done."""


@dataclass(frozen=True, slots=True)
class Partition:
    """One table of the events.

    Attributes:
        bounds: the positions it takes, as PostgreSQL says it.
        about_events: what the last ANALYZE or VACUUM counted.
        bytes: with its indexes.
    """

    name: str
    bounds: str
    about_events: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Layout:
    """How a store keeps its events.

    Attributes:
        head: the last position drawn.
        size: positions in a partition; None: one table.
        border: from this position on events go to the default partition.
        unfinished: a cut was begun and broken off: call `partition` again.
        partitions: none for one table.
    """

    head: int
    size: int | None
    border: int | None
    archived_streams: int
    archived_events: int
    archive_bytes: int
    unfinished: bool
    partitions: Sequence[Partition] = ()

    @property
    def partitions_ahead(self) -> float | None:
        """How many partitions are left before the default one is needed; None: one table."""
        if self.size is None or self.border is None:
            return None
        return (self.border - self.head) / self.size


async def layout(pool: asyncpg.Pool) -> Layout:
    """How the store of this database keeps its events.

    Raises:
        SchemaMissing: migrations are missing.
    """
    with translated():
        async with pool.acquire() as connection:
            return await _layout(connection)


async def layout_at(dsn: str) -> Layout:
    """The same, on a connection of its own."""
    with translated():
        connection = await asyncpg.connect(dsn)
        try:
            return await _layout(connection)
        finally:
            await connection.close()


async def _layout(connection: Connection) -> Layout:
    (row,) = await connection.fetch(_LAYOUT)
    found = await connection.fetch(_LIST) if row["size"] is not None else []
    return Layout(
        row["head"],
        row["size"],
        row["border"],
        int(row["archived_streams"]),
        int(row["archived_events"]),
        row["archive_bytes"],
        row["unfinished"],
        [Partition(*one) for one in found],
    )


async def add_partitions(dsn: str, ahead: int = AHEAD) -> int:
    """Make partitions until so many are ready beyond the one in use; returns how many it made.

    Raises:
        LayoutBusy: the store is one table.
        StoreUnavailable: readers or writers did not let go for three seconds; try again.
    """
    with translated():
        connection = await asyncpg.connect(dsn)
        try:
            await connection.execute(_LOCK_TIMEOUT)
            made: int = await connection.fetchval(_ADD, ahead)
            return made
        finally:
            await connection.close()


async def partition(dsn: str, size: int = SIZE, report: Report = lambda _: None) -> bool:
    """Cut the events into partitions of so many positions; False if they are cut already.

    The table as it is becomes the first partition; no event is moved. Appends and reads go on,
    except for a few milliseconds at each of three steps. Broken off, it goes on where it was.

    Raises:
        StoreUnavailable: readers or writers did not let go for three seconds; try again.
    """
    with translated():
        connection = await asyncpg.connect(dsn)
        try:
            await connection.execute(_LOCK_TIMEOUT)
            if await connection.fetchval(_IS_PARTITIONED):
                return False
            await _partition(connection, size, report)
            return True
        finally:
            await connection.close()


async def _partition(connection: asyncpg.Connection, size: int, report: Report) -> None:
    await connection.execute(_BEGIN, size)
    await _note_ids(connection, report)
    await connection.execute(_BOUND)
    try:
        report("proving that all events are before the border of the first partition")
        await connection.execute(_VALIDATE)
        await connection.execute(_SPLIT)
    except BaseException:
        # A border that stayed would refuse events once they reach it.
        await connection.execute(_UNBOUND)
        raise
    report("cut; making partitions ahead")
    await connection.execute(_ADD, AHEAD)


async def _note_ids(connection: asyncpg.Connection, report: Report) -> None:
    after = await connection.fetchval(_LOAD_CHECKPOINT, _CHECKPOINT) or 0
    while True:
        async with connection.transaction():
            reached = await connection.fetchval(_NOTE_IDS, after, _BATCH)
            if reached is None:
                return
            await connection.execute(_SAVE_CHECKPOINT, _CHECKPOINT, reached)
        after = reached
        report(f"ids of events up to position {after} are noted")
