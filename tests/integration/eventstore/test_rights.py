"""Functions that run as the owner let nobody in; the archive is for operators."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from eventstore.errors import NotAllowed
from eventstore.model import StreamAppend
from eventstore.postgres.growth.archive import Archive
from eventstore.postgres.migrator import migrate
from ordersaga.bootstrap.schema import SCHEMAS
from ordersaga.embedded.postgres import EmbeddedPostgres
from tests.support.stores.event_store import (
    event,
    migrated_database,
    new_stream,
    opened_app_pool,
    opened_operator_pool,
    opened_store,
)
from tests.support.stores.logins import as_processes

OURS = [
    "eventstore",
    "personal_data",
    "read_models",
    "installation",
    "watchdog",
    "incidents",
    "access",
]


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


async def test_no_function_may_be_called_by_everybody(
    app: asyncpg.Connection, database: str
) -> None:
    await migrate(database, SCHEMAS)
    called_by_everybody = await app.fetch(
        "SELECT proname FROM pg_proc, aclexplode(coalesce(proacl, acldefault('f', proowner)))"
        " WHERE pronamespace::regnamespace::text = ANY ($1) AND grantee = 0",
        OURS,
    )
    assert called_by_everybody == []


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
