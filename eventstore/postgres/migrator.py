"""Creates a database's schema, or brings it up to date.

A schema is a package with two folders of SQL files. `schema/` holds the current definition and
creates a new database. `migrations/` holds numbered files that upgrade a database of an older
release: applied once each, in order, forward only. A test checks that both give the same result.
Files of `schema/` named ``…_rights.sql`` grant rights to roles; they are executed each time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Final

import asyncpg

from eventstore.errors import SchemaUnsupported
from eventstore.postgres.connection import connect, maintenance
from eventstore.postgres.errors import translated
from eventstore.postgres.rights import Right, rights_in
from eventstore.postgres.roles import Roles, act_as, ensure_roles, grant_role
from eventstore.postgres.sql_files import statement

# Two-integer form: the one-integer key space belongs to the feed's watermark.
_LOCK: Final = (0x4553, 1)
_APPLIED: Final = statement("applied_migrations")
_RECORD: Final = statement("record_migration")
_IS_OLD_CHAIN: Final = statement("is_old_chain")


@dataclass(frozen=True, slots=True)
class Script:
    """SQL with the names that `applied_migrations` gets when it has run, the first one its own."""

    records: tuple[str, ...]
    sql: str

    @property
    def name(self) -> str:
        """``<schema>/schema``, or for a migration ``<schema>/<file name without ending>``."""
        return self.records[0]


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema of the database, and the package whose `schema` and `migrations` define it."""

    name: str
    package: str

    def baseline(self) -> Script:
        """The files of `schema/` as one script; what `migrations/` holds is in it already."""
        sql = "\n".join(text for name, text in self._files() if not _grants(name))
        later = (migration.name for migration in self.migrations())
        return Script((f"{self.name}/schema", *later), sql)

    def grants(self) -> str:
        """The SQL that grants rights to the roles."""
        return "\n".join(text for name, text in self._files() if _grants(name))

    def rights(self) -> list[Right]:
        """The rights that the roles have."""
        return rights_in(self.grants())

    def _files(self) -> list[tuple[str, str]]:
        return _sql_files(f"{self.package}.schema")

    def migrations(self) -> list[Script]:
        """The files of `migrations/`, in order."""
        migrations = _sql_files(f"{self.package}.migrations")
        return [Script((f"{self.name}/{name}",), text) for name, text in migrations]

    def missing(self, applied: set[str]) -> list[Script]:
        """The scripts that a database still needs after `applied`."""
        baseline = self.baseline()
        if baseline.name in applied:
            return [script for script in self.migrations() if script.name not in applied]
        return [baseline]


EVENT_STORE: Final = Schema("eventstore", "eventstore.postgres")


async def migrate(
    dsn: str,
    schemas: Sequence[Schema] = (EVENT_STORE,),
    *,
    grant: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> list[str]:
    """Create or apply what is missing, and return its names; safe in several processes at once.

    Args:
        dsn: of a login that may create roles and schemas, or is a member of the owner's role.
        schemas: what to create, in this order.
        grant: logins that get a role, by the kind of the role: ``{"appender": ["shop_worker"]}``.

    Raises:
        NotAllowed: the login lacks a right.
        SchemaUnsupported: the database was made by a version before 0.1.0; nothing was changed.
        StoreUnavailable: the server cannot be reached.
    """
    with translated(), maintenance():
        connection = await connect(dsn)
        try:
            await connection.execute("SELECT pg_advisory_lock($1, $2)", *_LOCK)
            missing = await _missing(connection, schemas)
            roles = await ensure_roles(connection)
            for script in missing:
                await _apply(connection, roles, script)
            await _grant_rights(connection, roles, schemas)
            for kind, logins in grant.items():
                for login in logins:
                    await grant_role(connection, roles, kind, login)
            return [script.name for script in missing]
        finally:
            await connection.close()


async def _apply(connection: asyncpg.Connection, roles: Roles, script: Script) -> None:
    async with connection.transaction():
        await act_as(connection, roles.owner)
        await connection.execute(roles.filled(script.sql))
        await connection.execute(_RECORD, script.records)


async def _grant_rights(
    connection: asyncpg.Connection, roles: Roles, schemas: Sequence[Schema]
) -> None:
    async with connection.transaction():
        await act_as(connection, roles.owner)
        for grants in filter(None, (schema.grants() for schema in schemas)):
            await connection.execute(roles.filled(grants))


async def pending(dsn: str, schemas: Sequence[Schema] = (EVENT_STORE,)) -> list[str]:
    """The names that `migrate` would return; changes nothing.

    Raises:
        NotAllowed: the login is not a member of one of the database's roles.
        SchemaUnsupported: the database was made by a version before 0.1.0.
        StoreUnavailable: the server cannot be reached.
    """
    with translated():
        connection = await connect(dsn)
        try:
            return [script.name for script in await _missing(connection, schemas)]
        finally:
            await connection.close()


async def _missing(connection: asyncpg.Connection, schemas: Sequence[Schema]) -> list[Script]:
    await _refuse_old_chain(connection)
    rows = await connection.fetch(_APPLIED) if await _has(connection, "installation") else []
    applied = {row["name"] for row in rows}
    return [script for schema in schemas for script in schema.missing(applied)]


async def _refuse_old_chain(connection: asyncpg.Connection) -> None:
    if await _has(connection, "public") and await connection.fetchval(_IS_OLD_CHAIN):
        raise SchemaUnsupported(
            "the database was made before 0.1.0 and cannot be migrated: "
            "use a new one (with `ordersaga up`: remove its data folder)"
        )


async def _has(connection: asyncpg.Connection, schema: str) -> bool:
    query = "SELECT to_regclass($1) IS NOT NULL"
    return bool(await connection.fetchval(query, f"{schema}.applied_migrations"))


def _grants(name: str) -> bool:
    return name.endswith("_rights")


def _sql_files(package: str) -> list[tuple[str, str]]:
    """Name without ending and text of each SQL file of a package, in order of their names."""
    entries = sorted(
        (entry for entry in files(package).iterdir() if entry.name.endswith(".sql")),
        key=lambda entry: entry.name,
    )
    return [(entry.name.removesuffix(".sql"), entry.read_text()) for entry in entries]
