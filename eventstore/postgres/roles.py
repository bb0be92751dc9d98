"""The roles of a database, made by `migrate`.

`<database>_owner` owns the schemas, their tables and functions. The others may do what one kind of
program needs, and no more: `_appender` calls the functions that append, `_projector` keeps and
rebuilds read models, `_reader` reads, `_api` reads and appends. All are groups that nobody logs in
as. Functions that write are SECURITY DEFINER: they run as the owner.

Roles belong to the whole server, so their names contain the name of the database that they were
created for; a copy or a restored dump of that database uses the same roles.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeAlias

import asyncpg

from eventstore.errors import NotAllowed, SchemaMissing
from eventstore.postgres.sql_files import statement

_FIND: Final = statement("find_owner")
_ATTRIBUTES: Final = statement("role_attributes")
_MAY_CREATE: Final = statement("may_create_schemas")
_ACTS_AS: Final = statement("acts_as")
_ALL_MAY_CREATE_TABLES: Final = statement("may_create_temporary_tables")
_IS_MEMBER: Final = statement("is_member")
_CREATE_TABLE: Final = statement("create_migrations_table")
# Otherwise everybody could call a function as soon as it is created.
_CLOSE_FUNCTIONS: Final = "ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC"

OWNER: Final = "owner"
GRANTED: Final = ("appender", "projector", "reader", "api")
"""The roles that logins of programs get, beside the owner's, which operators get."""

_KINDS: Final = (OWNER, *GRANTED)
_MOST_BYTES: Final = 63 - max(len(f"_{kind}") for kind in _KINDS)

Connection: TypeAlias = "asyncpg.Connection | asyncpg.pool.PoolConnectionProxy"


@dataclass(frozen=True, slots=True)
class Roles:
    """The names of a database's roles, by kind.

    Attributes:
        base: what the names begin with.
    """

    base: str

    def name(self, kind: str) -> str:
        """The role of one kind."""
        return f"{self.base}_{kind}"

    @property
    def owner(self) -> str:
        """The role that owns the schemas."""
        return self.name(OWNER)

    def all(self) -> Mapping[str, str]:
        """Every role by its kind."""
        return {kind: self.name(kind) for kind in _KINDS}

    def filled(self, sql: str) -> str:
        """`sql` with ``:"owner"``, ``:"reader"`` … replaced by the names (the syntax of psql)."""
        for kind, name in self.all().items():
            sql = sql.replace(f':"{kind}"', quoted(name))
        return sql


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
    if not owner.endswith(f"_{OWNER}"):
        raise NotAllowed(
            f"the schemas belong to {owner}, not to a role that `migrate` made: "
            "make the roles and restore the dump with its owners"
        )
    return Roles(owner.removesuffix(f"_{OWNER}"))


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
        if await connection.fetchval(_ALL_MAY_CREATE_TABLES):
            await connection.execute(f"REVOKE TEMPORARY ON DATABASE {quoted(database)} FROM PUBLIC")
    return roles


async def _make(connection: Connection, roles: Roles) -> None:
    for name in roles.all().values():
        await _ensure_group(connection, name)
    if not await connection.fetchval(_ACTS_AS, roles.owner):
        await connection.execute(f"GRANT {quoted(roles.owner)} TO CURRENT_USER")
    # Read models belong to the projector, so that it can rebuild them; the owner is one as well.
    projector = roles.name("projector")
    if not await connection.fetchval(_IS_MEMBER, roles.owner, projector):
        with _told(f"the database login may not grant {projector} to {roles.owner}"):
            await connection.execute(f"GRANT {quoted(projector)} TO {quoted(roles.owner)}")
    await connection.execute(f"CREATE SCHEMA installation AUTHORIZATION {quoted(roles.owner)}")
    await act_as(connection, roles.owner)
    await connection.execute(_CREATE_TABLE)
    await connection.execute(_CLOSE_FUNCTIONS)


async def become(connection: Connection, kind: str) -> Roles:
    """Act as one of the roles of a migrated database until the transaction ends.

    Raises:
        InsufficientPrivilegeError: the login is not a member of this role.
        SchemaMissing: the database was not migrated.
    """
    roles = await find_roles(connection)
    if roles is None:
        raise SchemaMissing("the database has no schema: run the migrations")
    await act_as(connection, roles.name(kind))
    return roles


async def act_as(connection: Connection, role: str) -> None:
    """Act as this role, which then owns what is created, until the transaction ends."""
    await connection.execute("SELECT set_config('role', $1, true)", role)


async def grant_role(connection: asyncpg.Connection, roles: Roles, kind: str, login: str) -> None:
    """Give a login one of the roles.

    Raises:
        NotAllowed: there is no such login, or this one may not grant it.
        ValueError: there is no such role.
    """
    if kind not in _KINDS:
        raise ValueError(f"there is no role {kind!r}: use {', '.join(_KINDS)}")
    try:
        await connection.execute(f"GRANT {quoted(roles.name(kind))} TO {quoted(login)}")
    except asyncpg.UndefinedObjectError:
        raise NotAllowed(f"there is no database login {login}: make it first") from None


def _named_after(database: str) -> Roles:
    if len(database.encode()) > _MOST_BYTES:  # the server would truncate the name
        database = hashlib.sha256(database.encode()).hexdigest()[:32]
    return Roles(database)


async def _ensure_group(connection: Connection, name: str) -> None:
    attributes = await connection.fetchrow(_ATTRIBUTES, name)
    if attributes is None:
        with _told(f"the database login may not make the role {name}"):
            await connection.execute(f"CREATE ROLE {quoted(name)} NOLOGIN")
    elif attributes["rolcanlogin"] or attributes["rolsuper"]:
        raise NotAllowed(f"the database role {name} exists and is a login: rename it")


@contextmanager
def _told(problem: str) -> Iterator[None]:
    try:
        yield
    except asyncpg.InsufficientPrivilegeError:
        raise NotAllowed(
            f"{problem}: let one run `migrate` that has CREATEROLE, or have all roles made, the "
            "projector's granted to the owner's, and the owner's to this login"
        ) from None
