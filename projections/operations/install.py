"""Create the control tables and the tables of every read model."""

from collections.abc import Sequence
from typing import Final

import asyncpg

from eventstore.postgres.connection import connect, maintenance
from eventstore.postgres.feed_lag import complete_position
from eventstore.postgres.migrator import Schema, migrate
from eventstore.postgres.rights import Right
from eventstore.postgres.roles import GRANTED, become, quoted
from projections.engine import control
from projections.engine.projection import LIVE, Connection, Projection
from projections.engine.sql_files import statement
from projections.registry import ALL

PROJECTIONS: Final = Schema("projections", "projections")
"""The control tables and the outbox."""

# The feed's watermark uses one-integer advisory locks, so two-integer keys cannot collide.
_INSTALL_LOCK: Final = (0x6F73, 0x7270)
_READERS: Final = tuple(kind for kind in GRANTED if kind != "projector")

NEXT: Final = "read_models_next"
"""The schema in which a rebuild fills new tables."""


async def install(
    dsn: str, projections: Sequence[Projection] = ALL, *, lanes: int = 1
) -> list[str]:
    """Create what is missing; returns the names of the new migrations and read models.

    Idempotent, and safe when several processes do it at once. `lanes` applies to projections that
    have none yet; `set_lanes` changes it later. Tables of an older version of a read model are
    left alone: `rebuild` replaces them. A projection with side effects starts after the events
    that the store already holds.
    """
    with maintenance():  # the lock is held while another process creates all tables
        installed = await migrate(dsn, [PROJECTIONS])
        connection = await connect(dsn)
        try:
            async with connection.transaction():
                await connection.execute("SELECT pg_advisory_xact_lock($1, $2)", *_INSTALL_LOCK)
                return installed + await _create_missing(connection, projections, lanes)
        finally:
            await connection.close()


async def _create_missing(
    connection: asyncpg.Connection, projections: Sequence[Projection], lanes: int
) -> list[str]:
    created = []
    for projection in projections:
        if await connection.fetch(control.sql("load_lanes"), LIVE, [projection.name]):
            continue
        await create_tables(connection, LIVE, projection)
        position = await complete_position(connection) if projection.side_effects else 0
        await control.insert_lanes(connection, LIVE, projection, control.divide(lanes), position)
        created.append(projection.name)
    return created


async def create_tables(connection: Connection, target: str, projection: Projection) -> None:
    """Create the tables of a read model in a schema; they belong to the projector.

    The rest of the transaction runs as the projector.

    Raises:
        InsufficientPrivilegeError: the login is not a member of the projector; if the schema is
            none of those that are always there, not of the owner.
    """
    if target not in (LIVE, NEXT):
        roles = await become(connection, "owner")
        projector = quoted(roles.name("projector"))
        await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {target} AUTHORIZATION {projector}")
    roles = await become(connection, "projector")
    if projection.side_effects:
        return  # the migrations create the tables of these
    package = f"projections.read_models.{projection.name}"
    await connection.execute(statement(package, "tables", target))
    readers = ", ".join(f':"{kind}"' for kind in _READERS)
    tables = ", ".join(f"{target}.{table}" for table in projection.tables)
    await connection.execute(roles.filled(f"GRANT SELECT ON {tables} TO {readers}"))


def rights_on_read_models(projections: Sequence[Projection] = ALL) -> list[Right]:
    """What each role may do with the tables of read models; the projector owns them."""
    of_projector = ("SELECT", "INSERT", "UPDATE", "DELETE")
    rights = {"projector": of_projector, **dict.fromkeys(_READERS, ("SELECT",))}
    return [
        Right(role, "table", f"{LIVE}.{table}", right)
        for projection in projections
        if not projection.side_effects
        for table in projection.tables
        for role, granted in rights.items()
        for right in granted
    ]
