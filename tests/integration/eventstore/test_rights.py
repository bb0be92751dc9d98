"""Who runs processes may read and call the functions that append, and can harm no event."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from eventstore.errors import NotAllowed
from eventstore.model import StreamAppend
from eventstore.postgres.growth.archive import Archive
from eventstore.postgres.migrator import EVENT_STORE, migrate
from ordersaga.embedded.postgres import EmbeddedPostgres
from ordersaga.findings.table import WATCHDOG
from ordersaga.installation.identity import INSTALLATION
from ordersaga.personal_data.vault import KEY_VAULT
from projections.operations.install import PROJECTIONS
from tests.support.stores.event_store import (
    event,
    migrated_database,
    new_stream,
    opened_app_pool,
    opened_operator_pool,
    opened_store,
)
from tests.support.stores.logins import as_processes

SCHEMAS = (EVENT_STORE, INSTALLATION, KEY_VAULT, PROJECTIONS, WATCHDOG)
ALLOWED_FUNCTIONS = {
    "eventstore.append_one",
    "eventstore.append_group",
    "eventstore.append_events",
    "eventstore.events_by_id",
    "eventstore.read_stream_forward",
    "eventstore.read_stream_backward",
    "eventstore.read_streams",
    "eventstore.read_partitioned_stream",
    "eventstore.read_partitioned_streams",
    "eventstore.first_position",
    "eventstore.feed_mark",
    "eventstore.probe",
    "eventstore.poke",
    "personal_data.claim_keys",
}
OURS = ["eventstore", "personal_data", "read_models", "installation"]
EVENT_TABLES = {
    "events": "stream",
    "archived_events": "stream",
    "event_ids": "position",
    "streams": "version",
}
WRITES = (
    "INSERT INTO eventstore.{table} ({column}) VALUES (NULL)",
    "UPDATE eventstore.{table} SET {column} = NULL",
    "DELETE FROM eventstore.{table}",
    "TRUNCATE eventstore.{table}",
    "COPY eventstore.{table} FROM STDIN",
    "ALTER TABLE eventstore.{table} DISABLE TRIGGER ALL",
    "DROP TABLE eventstore.{table}",
    "LOCK TABLE eventstore.{table} IN ACCESS EXCLUSIVE MODE",
)
OF_THE_OWNER = (
    "SELECT setval('eventstore.positions', 1000)",
    "SELECT nextval('eventstore.positions')",
    "CREATE TABLE eventstore.mine ()",
    "CREATE SCHEMA mine",
    "CREATE OR REPLACE VIEW eventstore.all_events AS SELECT 1",
    "ALTER FUNCTION eventstore.poke() SECURITY DEFINER",
    "SELECT eventstore.archive_streams('{cart-1}', 'x')",
    "SELECT eventstore.open_archive()",
    "SELECT eventstore.restore_streams('{cart-1}', 'x')",
    "SELECT eventstore.take_back('{cart-1}', '{cart-1}', '{2}')",
    "SELECT eventstore.split_events()",
    "UPDATE personal_data.data_keys SET wrapped = NULL",
    "DROP TABLE read_models.notifications",
    "TRUNCATE read_models.checkpoints",
    "INSERT INTO installation.applied_migrations (name) VALUES ('x')",
    "INSERT INTO installation.identities (id, act, actor, reason) VALUES ('', '', '', '')",
)


@pytest.fixture
async def app(database: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection of a caller with the role of processes."""
    async with opened_store(database) as store:
        await store.append(new_stream("cart-1", 2))
    connection = await asyncpg.connect(await as_processes(database))
    yield connection
    await connection.close()


async def run(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(sql)
    await connection.close()


async def test_processes_cannot_write_events_by_themselves(app: asyncpg.Connection) -> None:
    # What the guards of the tables ask for is no way around.
    await app.execute("SET eventstore.appending = 'on'; SET eventstore.moving = 'on'")
    for table, column in EVENT_TABLES.items():
        for statement in WRITES:
            await assert_refused(app, statement.format(table=table, column=column))


async def test_processes_cannot_do_what_is_for_the_owner(
    app: asyncpg.Connection, database: str
) -> None:
    await migrate(database, SCHEMAS)
    for statement in OF_THE_OWNER:
        await assert_refused(app, statement)


async def assert_refused(app: asyncpg.Connection, statement: str) -> None:
    transaction = app.transaction()
    await transaction.start()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.execute(statement)
    await transaction.rollback()


async def test_of_all_functions_processes_may_call_those_that_they_need(
    app: asyncpg.Connection, database: str
) -> None:
    await migrate(database, SCHEMAS)
    rows = await app.fetch(
        "SELECT pronamespace::regnamespace || '.' || proname AS name,"
        " has_function_privilege(oid, 'EXECUTE') AS allowed,"
        " EXISTS (SELECT FROM aclexplode(proacl) WHERE grantee = 0) AS by_everybody"
        " FROM pg_proc WHERE pronamespace::regnamespace::text = ANY ($1)",
        OURS,
    )
    assert {row["name"] for row in rows if row["allowed"]} == ALLOWED_FUNCTIONS
    assert not any(row["by_everybody"] for row in rows)


async def test_what_runs_as_the_owner_has_a_fixed_search_path(
    app: asyncpg.Connection, database: str
) -> None:
    await migrate(database, SCHEMAS)
    rows = await app.fetch(
        "SELECT proname, proconfig, rolname, rolsuper, rolcanlogin"
        " FROM pg_proc JOIN pg_roles AS r ON r.oid = proowner"
        " WHERE pronamespace::regnamespace::text = ANY ($1) AND prosecdef",
        OURS,
    )
    assert len(rows) > 10
    for row in rows:
        assert "search_path=pg_catalog, pg_temp" in row["proconfig"], row["proname"]
        assert row["rolname"].endswith("_owner")
        assert not row["rolsuper"]
        assert not row["rolcanlogin"]


async def test_functions_of_the_caller_do_not_get_in_the_way(
    app: asyncpg.Connection, database: str
) -> None:
    await run(
        database,
        "CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO PUBLIC;"
        "CREATE FUNCTION evil.split_part(text, text, integer) RETURNS text"
        " LANGUAGE sql AS $$ SELECT current_user::text $$",
    )
    await app.execute("SET search_path = evil, pg_catalog")
    assert await app.fetchval("SELECT split_part('a-1', '-', 1)") == "processes"
    await app.fetchval(
        "SELECT eventstore.append_one('cart-2', 0::smallint, 0, gen_random_uuid(), 'E',"
        " 1::smallint, '{}', '{}')"
    )
    stored = "SELECT category FROM eventstore.all_events WHERE stream = 'cart-2'"
    assert await app.fetchval(stored) == "cart"


async def test_an_operator_archives_and_processes_bring_back(
    postgres_server: EmbeddedPostgres,
) -> None:
    async with migrated_database(postgres_server) as url, opened_store(url) as store:
        await store.append(new_stream("cart-1", 2))
        async with opened_operator_pool(url) as operators, opened_app_pool(url) as own:
            with pytest.raises(NotAllowed):
                await Archive(own).archive(["cart-1"], "a test")
            assert (await Archive(operators).archive(["cart-1"], "a test")).events == 2
        # The append brings the stream back.
        back = await store.append(StreamAppend("cart-1", 2, [event()]))
        assert back.versions == {"cart-1": 3}
