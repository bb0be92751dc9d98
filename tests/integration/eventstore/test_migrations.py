"""A schema is made once or migrated forward, by whoever comes first; old chains are refused."""

import asyncio
import re

import asyncpg
import pytest

from eventstore.deadline import STATEMENT_S
from eventstore.errors import SchemaMissing, SchemaUnsupported, StoreUnavailable
from eventstore.postgres.migrator import EVENT_STORE, Schema, migrate, pending
from eventstore.postgres.pool import create_pool
from eventstore.postgres.roles import Roles, ensure_roles
from ordersaga.bootstrap.schema import migrate_all
from ordersaga.embedded.postgres import EmbeddedPostgres
from ordersaga.findings.table import WATCHDOG
from ordersaga.incidents.table import INCIDENTS
from ordersaga.installation.identity import INSTALLATION
from ordersaga.personal_data.vault import KEY_VAULT
from projections.operations.install import _INSTALL_LOCK, PROJECTIONS, install
from tests.support.stores.catalog import contents
from tests.support.stores.event_store import new_stream, opened_store
from tests.support.stores.postgres import fresh_database
from tests.support.stores.postgres_server import free_port
from tests.support.stores.releases import make_old_chain, oldest_release, released_baseline

SCHEMAS = (EVENT_STORE, INCIDENTS, INSTALLATION, KEY_VAULT, PROJECTIONS, WATCHDOG)
NAMESPACES = ("eventstore", "personal_data", "read_models")
TABLE = "CREATE SCHEMA things; CREATE TABLE things.t (n int);"
THINGS = Schema("things", "no.package")

Scripts = dict[str, list[tuple[str, str]]]


@pytest.fixture
def sql_files(monkeypatch: pytest.MonkeyPatch) -> Scripts:
    """The files of packages that the test fills; none in those that it does not name."""
    found: Scripts = {}
    monkeypatch.setattr(
        "eventstore.postgres.migrator._sql_files", lambda package: found.get(package, [])
    )
    return found


async def run(url: str, sql: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(sql)
    await connection.close()


async def make_roles(url: str) -> Roles:
    connection = await asyncpg.connect(url)
    roles = await ensure_roles(connection)
    await connection.close()
    return roles


async def names_in(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    rows = await connection.fetch("SELECT name FROM installation.applied_migrations")
    await connection.close()
    return {row["name"] for row in rows}


async def test_a_new_database_gets_the_schema(empty_database: str) -> None:
    assert await pending(empty_database) == ["eventstore/schema"]
    assert await migrate(empty_database) == ["eventstore/schema"]
    assert await pending(empty_database) == []


async def test_migrating_again_applies_nothing_and_keeps_events(empty_database: str) -> None:
    await migrate(empty_database)
    async with opened_store(empty_database) as store:
        await store.append(new_stream("cart-1", 2))
        assert await migrate(empty_database) == []
        assert len(await store.read_stream("cart-1")) == 2


async def test_of_several_that_start_at_once_one_makes_the_schema(empty_database: str) -> None:
    applied = await asyncio.gather(*(migrate(empty_database) for _ in range(5)))
    assert [name for names in applied for name in names] == ["eventstore/schema"]


async def test_the_read_models_are_made_by_one_and_the_others_wait_longer_than_a_statement_may(
    empty_database: str,
) -> None:
    await migrate_all(empty_database)
    first = await asyncpg.connect(empty_database)
    await first.execute("SELECT pg_advisory_lock($1, $2)", *_INSTALL_LOCK)
    second = asyncio.create_task(install(empty_database))
    done, _ = await asyncio.wait([second], timeout=STATEMENT_S)
    assert not done
    await first.close()
    assert await second == []


async def test_asking_what_is_pending_changes_nothing(empty_database: str) -> None:
    await pending(empty_database)
    connection = await asyncpg.connect(empty_database)
    tables = await connection.fetchval(
        "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    )
    await connection.close()
    assert tables == 0


async def test_schema_and_migrations_of_the_oldest_release_give_the_same(
    postgres_server: EmbeddedPostgres,
) -> None:
    release = oldest_release()
    if release is None:  # every database that there may be has the present schema
        assert [script.name for schema in SCHEMAS for script in schema.migrations()] == []
        return
    async with fresh_database(postgres_server) as new, fresh_database(postgres_server) as old:
        await migrate(new, SCHEMAS)
        roles = await make_roles(old)
        for schema in SCHEMAS:
            for sql in (released_baseline(schema, release), *(m.sql for m in schema.migrations())):
                await run(old, f'SET ROLE "{roles.owner}"; {roles.filled(sql)}')
        assert await contents(old, NAMESPACES) == await contents(new, NAMESPACES)


async def test_the_comparison_of_schemas_sees_every_kind_of_difference(
    empty_database: str,
) -> None:
    await migrate(empty_database, SCHEMAS)
    before = await contents(empty_database, NAMESPACES)
    assert before == await contents(empty_database, NAMESPACES)
    for change in (
        "ALTER TABLE eventstore.streams ADD COLUMN extra integer",
        "ALTER TABLE eventstore.streams ALTER COLUMN bucket DROP NOT NULL",
        "ALTER TABLE eventstore.checkpoints ALTER COLUMN lane DROP DEFAULT",
        "ALTER TABLE eventstore.streams SET (fillfactor = 80)",
        "ALTER TABLE eventstore.streams DROP CONSTRAINT streams_archived_check",
        "ALTER SEQUENCE eventstore.positions CACHE 2",
        "ALTER TABLE eventstore.events ENABLE TRIGGER events_kept",
        "ALTER FUNCTION eventstore.poke() SET work_mem = '1MB'",
        "DROP INDEX personal_data.data_keys_subject_idx",
        "DROP VIEW eventstore.all_events CASCADE",
        "ALTER TABLE read_models.era SET LOGGED",
        "GRANT SELECT ON eventstore.events TO PUBLIC",
        "GRANT EXECUTE ON FUNCTION eventstore.feed_mark TO PUBLIC",
        "ALTER FUNCTION eventstore.append_one SECURITY INVOKER",
        "ALTER TABLE eventstore.events OWNER TO CURRENT_USER",
    ):
        await run(empty_database, change)
        after = await contents(empty_database, NAMESPACES)
        assert after != before, change
        before = after


async def test_a_new_database_has_what_migrations_do_without_running_them(
    empty_database: str, sql_files: Scripts
) -> None:
    sql_files["no.package.schema"] = [("10_tables", f"{TABLE} ALTER TABLE things.t ADD m int;")]
    sql_files["no.package.migrations"] = [("0001_m", "ALTER TABLE things.t ADD m int;")]
    assert await migrate(empty_database, [THINGS]) == ["things/schema"]
    assert await names_in(empty_database) == {"things/schema", "things/0001_m"}
    assert await pending(empty_database, [THINGS]) == []


async def test_an_older_database_gets_the_migrations_that_it_lacks_in_order(
    empty_database: str, sql_files: Scripts
) -> None:
    sql_files["no.package.schema"] = [("10_tables", TABLE)]
    await migrate(empty_database, [THINGS])
    sql_files["no.package.migrations"] = [
        ("0001_m", "ALTER TABLE things.t ADD m int;"),
        ("0002_o", "ALTER TABLE things.t RENAME m TO o;"),
    ]
    assert await migrate(empty_database, [THINGS]) == ["things/0001_m", "things/0002_o"]
    assert await migrate(empty_database, [THINGS]) == []


async def test_a_failing_migration_leaves_those_before_it_and_nothing_of_itself(
    empty_database: str, sql_files: Scripts
) -> None:
    sql_files["no.package.schema"] = [("10_tables", TABLE)]
    await migrate(empty_database, [THINGS])
    sql_files["no.package.migrations"] = [
        ("0001_good", "CREATE TABLE things.good (n int)"),
        ("0002_bad", "CREATE TABLE things.half (n int); SELECT no_such_column"),
    ]
    with pytest.raises(SchemaMissing):
        await migrate(empty_database, [THINGS])
    assert await pending(empty_database, [THINGS]) == ["things/0002_bad"]
    await run(empty_database, "CREATE TABLE things.half (n int)")


async def test_a_database_of_before_the_first_release_is_refused_in_one_line(
    empty_database: str,
) -> None:
    await make_old_chain(empty_database)
    for call in (migrate, pending):
        with pytest.raises(SchemaUnsupported) as caught:
            await call(empty_database, SCHEMAS)
        line = str(caught.value)
        assert re.fullmatch(r"the database was made before 0\.1\.0 .*: use a new .*", line)
    connection = await asyncpg.connect(empty_database)
    schema = await connection.fetchval("SELECT to_regnamespace('installation')")
    await connection.close()
    assert schema is None


async def test_a_store_on_an_empty_database_names_the_remedy(empty_database: str) -> None:
    async with opened_store(empty_database) as store:
        for call in (store.append(new_stream("c-1")), store.read_stream("c-1"), store.read_feed(0)):
            with pytest.raises(SchemaMissing, match="run the migrations"):
                await call


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    url = f"postgresql://nobody:secret@127.0.0.1:{free_port()}/nowhere"
    for call in (migrate(url), pending(url), create_pool(url)):
        with pytest.raises(StoreUnavailable) as caught:
            await call
        assert "secret" not in str(caught.value)
