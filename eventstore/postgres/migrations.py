"""Brings a database's schema up to date: numbered SQL files, forward only."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

import asyncpg

from eventstore.postgres.errors import translated
from eventstore.postgres.sql_files import statement

# Two-integer form: the one-integer key space belongs to the feed's watermark.
_LOCK: Final = (0x4553, 1)
_CREATE_TABLE: Final = statement("create_migrations_table")
_APPLIED: Final = statement("applied_migrations")
_RECORD: Final = statement("record_migration")


@dataclass(frozen=True, slots=True)
class MigrationSet:
    """The `.sql` files of a package, applied in order of their names."""

    name: str
    package: str

    def scripts(self) -> list[tuple[str, str]]:
        """Name (``<set>/<file without ending>``) and text of each file, in order."""
        found = sorted(
            (entry for entry in files(self.package).iterdir() if entry.name.endswith(".sql")),
            key=lambda entry: entry.name,
        )
        return [(f"{self.name}/{entry.name[:-4]}", entry.read_text()) for entry in found]


EVENT_STORE: Final = MigrationSet("eventstore", "eventstore.postgres.schema")


async def migrate(dsn: str, migrations: Sequence[MigrationSet] = (EVENT_STORE,)) -> list[str]:
    """Apply what is missing and return its names; several may start at once.

    Raises:
        StoreUnavailable: the server cannot be reached.
    """
    with translated():
        connection = await asyncpg.connect(dsn)
        try:
            await connection.execute("SELECT pg_advisory_lock($1, $2)", *_LOCK)
            return await _apply_missing(connection, migrations)
        finally:
            await connection.close()


async def _apply_missing(
    connection: asyncpg.Connection, migrations: Sequence[MigrationSet]
) -> list[str]:
    missing = await _missing(connection, migrations)
    await connection.execute(_CREATE_TABLE)
    for name, script in missing:
        async with connection.transaction():
            await connection.execute(script)
            await connection.execute(_RECORD, name)
    return [name for name, _ in missing]


async def pending(dsn: str, migrations: Sequence[MigrationSet] = (EVENT_STORE,)) -> list[str]:
    """The names that `migrate` would apply; changes nothing.

    Raises:
        StoreUnavailable: the server cannot be reached.
    """
    with translated():
        connection = await asyncpg.connect(dsn)
        try:
            return [name for name, _ in await _missing(connection, migrations)]
        finally:
            await connection.close()


async def _missing(
    connection: asyncpg.Connection, migrations: Sequence[MigrationSet]
) -> list[tuple[str, str]]:
    known = await connection.fetchval("SELECT to_regclass('public.applied_migrations') IS NOT NULL")
    rows = await connection.fetch(_APPLIED) if known else []
    applied = {row["name"] for row in rows}
    scripts = [script for migration_set in migrations for script in migration_set.scripts()]
    return [(name, text) for name, text in scripts if name not in applied]
