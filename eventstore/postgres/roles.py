"""The two roles of a database, made by `migrate`.

`<database>_owner` owns the schemas, their tables and functions. `<database>_app` is the role of
processes: it may read and call the functions that append, but not write to the tables of events.
Both are groups that nobody logs in as. Functions that write are SECURITY DEFINER: they run as the
owner.

Roles belong to the whole server, so their names contain the name of the database that they were
created for; a copy or a restored dump of that database uses the same roles.
"""

import hashlib
from dataclasses import dataclass
from typing import Final, TypeAlias

import asyncpg

from eventstore.errors import NotAllowed, SchemaMissing
from eventstore.postgres.sql_files import statement

_FIND: Final = statement("find_owner")
_ATTRIBUTES: Final = statement("role_attributes")
_MAY_CREATE: Final = statement("may_create_schemas")
_ACTS_AS: Final = statement("acts_as")
_CREATE_TABLE: Final = statement("create_migrations_table")
_RIGHTS: Final = """
GRANT USAGE ON SCHEMA installation TO :"app";
GRANT SELECT ON installation.applied_migrations TO :"app";
-- Otherwise everybody could call a function as soon as it is created.
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
"""
_OWNER: Final = "_owner"
_APP: Final = "_app"
_MOST_BYTES: Final = 63 - len(_OWNER)

Connection: TypeAlias = "asyncpg.Connection | asyncpg.pool.PoolConnectionProxy"


@dataclass(frozen=True, slots=True)
class Roles:
    """The names of a database's roles."""

    owner: str
    app: str

    def filled(self, sql: str) -> str:
        """`sql` with ``:"owner"`` and ``:"app"`` replaced by the names (the syntax of psql)."""
        return sql.replace(':"owner"', quoted(self.owner)).replace(':"app"', quoted(self.app))


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


async def find_roles(connection: Connection) -> Roles | None:
    """The roles of a database that was migrated; None for any other.

    Raises:
        NotAllowed: it was restored from a dump without its owners.
    """
    owner = await connection.fetchval(_FIND)
    if owner is None:
        return None
    if not owner.endswith(_OWNER):
        raise NotAllowed(
            f"the schemas belong to {owner}, not to a role that `migrate` made: "
            "make the roles and restore the dump with its owners"
        )
    return Roles(owner, owner.removesuffix(_OWNER) + _APP)


async def ensure_roles(connection: asyncpg.Connection) -> Roles:
    """The roles of a database; if it has none, create them and the table of migrations.

    Raises:
        NotAllowed: the login may not create roles, or one of the names belongs to a login.
    """
    database = await connection.fetchval("SELECT current_database()")
    async with connection.transaction():
        roles = await find_roles(connection)
        if roles is None:
            roles = _named_after(database)
            await _make(connection, roles)
            await connection.execute("RESET ROLE")
        # Checked each time: a copy or a dump of a database does not include rights on the database.
        if not await connection.fetchval(_MAY_CREATE, roles.owner):
            await connection.execute(
                f"GRANT CREATE ON DATABASE {quoted(database)} TO {quoted(roles.owner)}"
            )
    return roles


async def _make(connection: Connection, roles: Roles) -> None:
    for name in (roles.owner, roles.app):
        await _ensure_group(connection, name)
    if not await connection.fetchval(_ACTS_AS, roles.owner):
        await connection.execute(f"GRANT {quoted(roles.owner)} TO CURRENT_USER")
    await connection.execute(f"CREATE SCHEMA installation AUTHORIZATION {quoted(roles.owner)}")
    await act_as(connection, roles.owner)
    await connection.execute(_CREATE_TABLE)
    await connection.execute(roles.filled(_RIGHTS))


async def become_owner(connection: Connection) -> Roles:
    """Act as the owner of a migrated database until the transaction ends.

    Raises:
        InsufficientPrivilegeError: the login is not a member of the owner.
        SchemaMissing: the database was not migrated.
    """
    roles = await find_roles(connection)
    if roles is None:
        raise SchemaMissing("the database has no schema: run the migrations")
    await act_as(connection, roles.owner)
    return roles


async def act_as(connection: Connection, role: str) -> None:
    """Act as this role, which then owns what is created, until the transaction ends."""
    await connection.execute("SELECT set_config('role', $1, true)", role)


async def grant_app(connection: asyncpg.Connection, roles: Roles, login: str) -> None:
    """Give a login the role of processes.

    Raises:
        NotAllowed: there is no such login, or this one may not grant it.
    """
    try:
        await connection.execute(f"GRANT {quoted(roles.app)} TO {quoted(login)}")
    except asyncpg.UndefinedObjectError:
        raise NotAllowed(f"there is no database login {login}: make it first") from None


def _named_after(database: str) -> Roles:
    if len(database.encode()) > _MOST_BYTES:  # the server would truncate the name
        database = hashlib.sha256(database.encode()).hexdigest()[:32]
    return Roles(database + _OWNER, database + _APP)


async def _ensure_group(connection: Connection, name: str) -> None:
    attributes = await connection.fetchrow(_ATTRIBUTES, name)
    if attributes is None:
        try:
            await connection.execute(f"CREATE ROLE {quoted(name)} NOLOGIN")
        except asyncpg.InsufficientPrivilegeError:
            raise NotAllowed(
                f"the database login may not make the role {name}: let one run `migrate` that has "
                "CREATEROLE, or have both roles made and the first one granted to this login"
            ) from None
    elif attributes["rolcanlogin"] or attributes["rolsuper"]:
        raise NotAllowed(f"the database role {name} exists and is a login: rename it")
