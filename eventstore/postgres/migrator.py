"""Makes a database's schema, or brings it up to date.

A schema is a package with two folders of SQL files. `schema/` shows what is: a new database gets
it at once. `migrations/` shows how a database of an older release gets there: numbered files,
applied once each, in order, forward only. A test holds both to the same result.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

import asyncpg

from eventstore.errors import SchemaUnsupported
from eventstore.postgres.errors import translated
from eventstore.postgres.sql_files import statement

# Two-integer form: the one-integer key space belongs to the feed's watermark.
_LOCK: Final = (0x4553, 1)
_CREATE_TABLE: Final = statement("create_migrations_table")
_APPLIED: Final = statement("applied_migrations")
_RECORD: Final = statement("record_migration")


@dataclass(frozen=True, slots=True)
class Script:
    """SQL with the names that `applied_migrations` gets when it has run, the first one its own."""

    records: tuple[str, ...]
    sql: str

    @property
    def name(self) -> str:
        """``<schema>/schema`` or ``<schema>/<file of the migration without ending>``."""
        return self.records[0]


@dataclass(frozen=True, slots=True)
class Schema:
    """One schema of the database and the package whose `schema` and `migrations` make it."""

    name: str
    package: str

    def baseline(self) -> Script:
        """All files of `schema/` as one script; what `migrations/` holds is in it already."""
        sql = "\n".join(text for _, text in _sql_files(f"{self.package}.schema"))
        later = (migration.name for migration in self.migrations())
        return Script((f"{self.name}/schema", *later), sql)

    def migrations(self) -> list[Script]:
        """The files of `migrations/`, in order."""
        found = _sql_files(f"{self.package}.migrations")
        return [Script((f"{self.name}/{name}",), text) for name, text in found]

    def missing(self, applied: set[str]) -> list[Script]:
        """What a database that has these scripts still needs.

        Raises:
            SchemaUnsupported: it was made by a version before 0.1.0.
        """
        baseline = self.baseline()
        if baseline.name in applied:
            return [script for script in self.migrations() if script.name not in applied]
        if any(name.startswith(f"{self.name}/") for name in applied):
            raise SchemaUnsupported(
                "the database was made before 0.1.0 and cannot be migrated: "
                "use a new one (with `ordersaga up`: remove its data folder)"
            )
        return [baseline]


EVENT_STORE: Final = Schema("eventstore", "eventstore.postgres")


async def migrate(dsn: str, schemas: Sequence[Schema] = (EVENT_STORE,)) -> list[str]:
    """Make or apply what is missing and return its names; several may start at once.

    Raises:
        SchemaUnsupported: the database was made by a version before 0.1.0; nothing was changed.
        StoreUnavailable: the server cannot be reached.
    """
    with translated():
        connection = await asyncpg.connect(dsn)
        try:
            await connection.execute("SELECT pg_advisory_lock($1, $2)", *_LOCK)
            return await _apply_missing(connection, schemas)
        finally:
            await connection.close()


async def _apply_missing(connection: asyncpg.Connection, schemas: Sequence[Schema]) -> list[str]:
    missing = await _missing(connection, schemas)
    await connection.execute(_CREATE_TABLE)
    for script in missing:
        async with connection.transaction():
            await connection.execute(script.sql)
            await connection.executemany(_RECORD, [(name,) for name in script.records])
    return [script.name for script in missing]


async def pending(dsn: str, schemas: Sequence[Schema] = (EVENT_STORE,)) -> list[str]:
    """The names that `migrate` would return; changes nothing.

    Raises:
        SchemaUnsupported: the database was made by a version before 0.1.0.
        StoreUnavailable: the server cannot be reached.
    """
    with translated():
        connection = await asyncpg.connect(dsn)
        try:
            return [script.name for script in await _missing(connection, schemas)]
        finally:
            await connection.close()


async def _missing(connection: asyncpg.Connection, schemas: Sequence[Schema]) -> list[Script]:
    known = await connection.fetchval("SELECT to_regclass('public.applied_migrations') IS NOT NULL")
    rows = await connection.fetch(_APPLIED) if known else []
    applied = {row["name"] for row in rows}
    return [script for schema in schemas for script in schema.missing(applied)]


def _sql_files(package: str) -> list[tuple[str, str]]:
    """Name without ending and text of each SQL file of a package, in order of their names."""
    found = sorted(
        (entry for entry in files(package).iterdir() if entry.name.endswith(".sql")),
        key=lambda entry: entry.name,
    )
    return [(entry.name.removesuffix(".sql"), entry.read_text()) for entry in found]
