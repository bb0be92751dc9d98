"""Make the control tables and the tables of every read model."""

from collections.abc import Sequence
from typing import Final

import asyncpg

from eventstore.postgres.migrator import Schema, migrate
from eventstore.postgres.sql_files import statement as feed_statement
from projections.engine import control
from projections.engine.projection import LIVE, Connection, Projection
from projections.engine.sql_files import statement
from projections.registry import ALL

PROJECTIONS: Final = Schema("projections", "projections")
"""The control tables and the outbox."""

# Two-integer advisory locks are free for us: the feed's watermark uses the one-integer form.
_INSTALL_LOCK: Final = (0x6F73, 0x7270)


async def install(
    dsn: str, projections: Sequence[Projection] = ALL, *, lanes: int = 1
) -> list[str]:
    """Make what is missing; returns the names of migrations and read models that were made.

    Idempotent, and safe when several processes do it at once. `lanes` is for projections that
    have none yet; later it is changed by `operations.set_lanes`. Tables of an older version of a
    read model are left alone: `rebuild` replaces them. A projection with side effects begins
    behind what the store holds already.
    """
    done = await migrate(dsn, [PROJECTIONS])
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1, $2)", *_INSTALL_LOCK)
            for projection in projections:
                if await connection.fetchval(control.sql("load_version"), LIVE, projection.name):
                    continue
                await create(connection, LIVE, projection)
                begin = await _present(connection) if projection.side_effects else 0
                ranges = [(buckets, begin, False) for buckets in control.divide(lanes)]
                await control.insert_lanes(connection, LIVE, projection.name, ranges)
                done.append(projection.name)
    finally:
        await connection.close()
    return done


async def create(connection: Connection, target: str, projection: Projection) -> None:
    """Make the tables of a read model in a schema and record their version."""
    if not projection.side_effects:  # those have theirs from the migrations
        await connection.execute(statement(f"read_models/{projection.name}", "tables", target))
    await connection.execute(
        control.sql("set_version"), target, projection.name, projection.version
    )


async def _present(connection: Connection) -> int:
    """The position behind which nothing can appear any more: where the history ends."""
    (row,) = await connection.fetch(feed_statement("feed_mark"))
    return int(row["mark"])
