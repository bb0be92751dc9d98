"""Partitions of `eventstore.events` by position, for stores that outgrow one table.

The default is one table. A partitioned store keeps every event id in a second table, so that ids
stay unique; each append pays for it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import asyncpg

from eventstore.postgres.connection import connect, maintenance, survey
from eventstore.postgres.errors import translated
from eventstore.postgres.sql_files import statement

SIZE: Final = 50_000_000
"""Positions in a partition by default: about 40 GB."""

AHEAD: Final = 2
"""Empty partitions kept ready beyond the one in use."""

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
"""Receives a line about each step."""


@dataclass(frozen=True, slots=True)
class Partition:
    """One table of the events.

    Attributes:
        bounds: its range of positions, as PostgreSQL writes it.
        about_events: the number of events at the last ANALYZE or VACUUM.
        bytes: its size with indexes.
    """

    name: str
    bounds: str
    about_events: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Layout:
    """How a store is partitioned, and how much is archived.

    Attributes:
        head: the last position drawn.
        size: positions in a partition; None: one table.
        border: events from this position on go to the default partition.
        unfinished: partitioning was interrupted: call `partition` again.
        partitions: empty for one table.
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
        """How many partitions are left before the default one is used; None: one table."""
        if self.size is None or self.border is None:
            return None
        return (self.border - self.head) / self.size


async def layout(pool: asyncpg.Pool) -> Layout:
    """The layout of the store in this database.

    Raises:
        SchemaMissing: the migrations were not run.
    """
    with translated():
        async with pool.acquire() as connection:
            with survey():
                return await _layout(connection)


async def layout_at(dsn: str) -> Layout:
    """As `layout`, on a connection of its own."""
    with translated():
        connection = await connect(dsn)
        try:
            return await _layout(connection)
        finally:
            await connection.close()


async def _layout(connection: Connection) -> Layout:
    (row,) = await connection.fetch(_LAYOUT)
    partitions = await connection.fetch(_LIST) if row["size"] is not None else []
    return Layout(
        row["head"],
        row["size"],
        row["border"],
        int(row["archived_streams"]),
        int(row["archived_events"]),
        row["archive_bytes"],
        row["unfinished"],
        [Partition(*one) for one in partitions],
    )


async def add_partitions(dsn: str, ahead: int = AHEAD) -> int:
    """Create partitions until `ahead` are ready beyond the one in use; returns how many.

    Raises:
        LayoutBusy: the store is one table.
        StoreUnavailable: readers or writers held their locks for three seconds; try again.
    """
    with translated(), maintenance():
        connection = await connect(dsn)
        try:
            await connection.execute(_LOCK_TIMEOUT)
            created: int = await connection.fetchval(_ADD, ahead)
            return created
        finally:
            await connection.close()


async def partition(dsn: str, size: int = SIZE, report: Report = lambda _: None) -> bool:
    """Partition the events, `size` positions each; False if they are partitioned already.

    The present table becomes the first partition; no event is moved. Appends and reads go on,
    except for a few milliseconds at each of three steps. After an interruption, call it again.

    Raises:
        StoreUnavailable: readers or writers held their locks for three seconds; try again.
    """
    with translated(), maintenance():
        connection = await connect(dsn)
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
        report("checking that all events are before the border of the first partition")
        await connection.execute(_VALIDATE)
        await connection.execute(_SPLIT)
    except BaseException:
        # If the border stayed, later events beyond it would be refused.
        await connection.execute(_UNBOUND)
        raise
    report("partitioned; creating partitions ahead")
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
        report(f"event ids up to position {after} are noted")
