"""Everything that a database login could try, made from the catalogue, and what came of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import asyncpg

from eventstore.postgres.rights import Right

_TABLES = """
SELECT format('%s.%s', nspname, relname) AS name, relkind::text AS kind,
    relkind <> 'v' OR pg_relation_is_updatable(c.oid, false) <> 0 AS takes_changes,
    pg_get_userbyid(relowner) AS owner,
    (SELECT attname::text FROM pg_attribute
     WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
     ORDER BY attnum LIMIT 1) AS column_name
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    AND nspname NOT IN ('pg_catalog', 'pg_toast', 'information_schema')
ORDER BY 1
"""
_FUNCTIONS = """
SELECT format('%s.%s', nspname, proname) AS name,
    (SELECT coalesce(string_agg(format('NULL::%s AS a%s', type::regtype, n), ', ' ORDER BY n), '')
     FROM unnest(proargtypes::oid[]) WITH ORDINALITY AS given (type, n)) AS given,
    (SELECT coalesce(string_agg(format('a%s', n), ', '), '')
     FROM generate_series(1, pronargs) AS n) AS names
FROM pg_proc JOIN pg_namespace AS n ON n.oid = pronamespace
WHERE nspname NOT IN ('pg_catalog', 'information_schema')
ORDER BY 1
"""
_SCHEMAS = """
SELECT nspname AS name FROM pg_namespace
WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema' ORDER BY 1
"""
_SETTINGS = "SELECT name, setting, context FROM pg_settings ORDER BY 1"
_CHANGING = frozenset({"INSERT", "UPDATE", "DELETE"})
_OF_THE_SESSION = "user"
MAY_ALTER_SYSTEM = """
SELECT name FROM pg_settings WHERE has_parameter_privilege(name, 'ALTER SYSTEM') LIMIT 5
"""
"""Settings of the server that the login may change; ALTER SYSTEM itself cannot be rolled back."""


ON_THE_SERVER = (
    "CREATE SCHEMA mine",
    "CREATE TEMPORARY TABLE mine (x int)",
    "CREATE ROLE mine",
    "CREATE EXTENSION btree_gin",
    "CREATE PUBLICATION mine FOR ALL TABLES",
    "CREATE EVENT TRIGGER mine ON ddl_command_start EXECUTE FUNCTION eventstore.poke()",
    "CREATE FOREIGN DATA WRAPPER mine",
    "COPY (SELECT 1) TO PROGRAM 'cat'",
    "COPY (SELECT 1) TO '/tmp/mine'",
    "SELECT pg_read_file('postgresql.conf')",
    "SELECT pg_ls_dir('.')",
    "SELECT pg_reload_conf()",
    "SELECT * FROM pg_authid",
    "SET SESSION AUTHORIZATION postgres",
    "SET ROLE postgres",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "ALTER ROLE CURRENT_USER CREATEROLE",
    "ALTER ROLE CURRENT_USER CREATEDB",
    "ALTER ROLE CURRENT_USER BYPASSRLS",
    "ALTER ROLE postgres PASSWORD 'mine'",
)
"""What no login of ours may do, whatever the database holds."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A statement, and the rights of which one allows it; none if nothing does."""

    statement: str
    object: str
    allowed_by: frozenset[str] = frozenset()

    def is_allowed(self, rights: Sequence[Right]) -> bool:
        return any(r.object == self.object and r.right in self.allowed_by for r in rights)


async def attempts(connection: asyncpg.Connection, own: str = "") -> list[Attempt]:
    """Everything to try in this database; a table that the role `own` owns is left out."""
    tables = await connection.fetch(_TABLES)
    return [
        *(each for row in tables if row["owner"] != own for each in _on_table(row)),
        *(
            Attempt(_call(row), row["name"], _only("EXECUTE"))
            for row in await connection.fetch(_FUNCTIONS)
        ),
        *(
            Attempt(f"CREATE TABLE {row['name']}.mine (x int)", row["name"], _only("CREATE"))
            for row in await connection.fetch(_SCHEMAS)
        ),
        *(
            Attempt(f"DROP SCHEMA {row['name']} CASCADE", row["name"])
            for row in await connection.fetch(_SCHEMAS)
        ),
    ]


async def settings_attempts(connection: asyncpg.Connection) -> list[Attempt]:
    """To change every setting that is not for each session to change."""
    return [
        Attempt(f"SET {row['name']} = '{row['setting']}'", row["name"])
        for row in await connection.fetch(_SETTINGS)
        if row["context"] != _OF_THE_SESSION
    ]


def _call(row: asyncpg.Record) -> str:
    # From a subquery: of constants the planner makes a result, and no call is tried.
    return f"SELECT {row['name']}({row['names']}) FROM (SELECT {row['given']} OFFSET 0) AS given"  # noqa: S608  names of the catalogue


def _only(right: str) -> frozenset[str]:
    return frozenset({right})


def _on_table(row: asyncpg.Record) -> Iterator[Attempt]:
    name, column = row["name"], row["column_name"]
    if row["kind"] == "S":
        yield Attempt(f"SELECT last_value FROM {name}", name, _only("SELECT"))  # noqa: S608  names of the catalogue
        yield Attempt(f"SELECT nextval('{name}')", name)
        yield Attempt(f"SELECT setval('{name}', 1000)", name)
        yield Attempt(f"DROP SEQUENCE {name}", name)
        return
    yield Attempt(f"SELECT FROM {name} LIMIT 1", name, _only("SELECT"))
    if row["takes_changes"]:
        yield from _changes(name, column)
    if row["kind"] == "v":
        yield Attempt(f"DROP VIEW {name} CASCADE", name)
        return
    yield Attempt(f"TRUNCATE {name} CASCADE", name)
    yield Attempt(f"LOCK TABLE {name} IN ROW EXCLUSIVE MODE", name, _CHANGING)
    yield Attempt(f"REINDEX TABLE {name}", name)
    yield Attempt(f"ALTER TABLE {name} DISABLE TRIGGER USER", name)
    yield Attempt(f"ALTER TABLE {name} ADD COLUMN mine int", name)
    yield Attempt(f"CREATE RULE mine AS ON DELETE TO {name} DO INSTEAD NOTHING", name)
    yield Attempt(f"DROP TABLE {name} CASCADE", name)


def _changes(name: str, column: str) -> Iterator[Attempt]:
    yield Attempt(f"INSERT INTO {name} DEFAULT VALUES", name, _only("INSERT"))
    yield Attempt(f"UPDATE {name} SET {column} = DEFAULT", name, _only("UPDATE"))  # noqa: S608  names of the catalogue
    yield Attempt(f"DELETE FROM {name}", name, _only("DELETE"))  # noqa: S608  names of the catalogue


async def is_refused(connection: asyncpg.Connection, statement: str) -> bool:
    """Whether the database refuses a statement for want of a right; it changes nothing."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(statement)
    except (asyncpg.InsufficientPrivilegeError, asyncpg.CantChangeRuntimeParamError):
        return True
    except asyncpg.PostgresError:
        return False
    finally:
        await transaction.rollback()
    return False


async def wrong(
    connection: asyncpg.Connection, tried: Sequence[Attempt], rights: Sequence[Right]
) -> list[str]:
    """The statements that went another way than the rights say."""
    return [
        f"{'refused' if refused else 'not refused'}: {each.statement}"
        for each in tried
        if (refused := await is_refused(connection, each.statement)) == each.is_allowed(rights)
    ]
