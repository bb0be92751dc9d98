"""What a role may not do is tried and refused: each object of the catalogue, each setting."""

import re
from collections.abc import AsyncIterator

import asyncpg
import pytest

from eventstore.postgres.growth.archive import Archive
from eventstore.postgres.growth.partitions import add_partitions, partition
from eventstore.postgres.rights import Right, rights_in
from eventstore.postgres.roles import GRANTED, OWNER, find_roles
from ordersaga.bootstrap.schema import all_rights, migrate_all
from ordersaga.embedded.postgres import EmbeddedPostgres
from tests.support.repository.source_tree import ROOT, text_of
from tests.support.stores import attempts
from tests.support.stores.event_store import new_stream, opened_operator_pool, opened_store
from tests.support.stores.logins import as_only
from tests.support.stores.postgres import fresh_database

PAGE = ROOT / "docs" / "database-roles.md"
kinds = pytest.mark.parametrize("kind", GRANTED)


@pytest.fixture(scope="module")
async def url(postgres_server: EmbeddedPostgres) -> AsyncIterator[str]:
    """A database with everything in it: events, partitions, an archive, read models."""
    async with fresh_database(postgres_server) as url:
        await migrate_all(url)
        await partition(url, 1000)
        await add_partitions(url, 2)
        async with opened_store(url) as store, opened_operator_pool(url) as operators:
            await store.append(new_stream("cart-1", 2))
            await Archive(operators).archive([], "nothing yet")
        yield url


async def connected(url: str, kind: str) -> asyncpg.Connection:
    return await asyncpg.connect(await as_only(url, kind))


def rights_of(kind: str) -> list[Right]:
    return [right for right in all_rights() if right.role == kind]


async def name_of(url: str, kind: str) -> str:
    connection = await asyncpg.connect(url)
    roles = await find_roles(connection)
    await connection.close()
    assert roles is not None
    return roles.name(kind)


@kinds
async def test_a_role_may_do_what_it_was_granted_and_nothing_else(url: str, kind: str) -> None:
    connection = await connected(url, kind)
    tried = await attempts.attempts(connection, own=await name_of(url, kind))
    assert len(tried) > 300
    assert await attempts.wrong(connection, tried, rights_of(kind)) == []
    await connection.close()


async def test_the_owner_may_do_all_that_the_others_are_refused(url: str) -> None:
    connection = await connected(url, OWNER)
    tried = await attempts.attempts(connection)
    ours = [each for each in tried if "public" not in each.statement]
    refused = [e.statement for e in ours if await attempts.is_refused(connection, e.statement)]
    assert refused == []
    await connection.close()


@kinds
async def test_what_belongs_to_the_server_is_refused_to_a_role(url: str, kind: str) -> None:
    connection = await connected(url, kind)
    others = [await name_of(url, other) for other in (OWNER, *GRANTED) if other != kind]
    tried = [*attempts.ON_THE_SERVER, *(f'SET ROLE "{other}"' for other in others)]
    granted = f'GRANT "{await name_of(url, kind)}" TO as_owner'
    passed = [s for s in (*tried, granted) if not await attempts.is_refused(connection, s)]
    assert passed == []
    await connection.close()


@kinds
async def test_settings_of_the_server_are_refused_to_a_role(url: str, kind: str) -> None:
    connection = await connected(url, kind)
    tried = await attempts.settings_attempts(connection)
    assert len(tried) > 100
    assert await attempts.wrong(connection, tried, []) == []
    assert await connection.fetch(attempts.MAY_ALTER_SYSTEM) == []
    await connection.close()


async def test_a_new_table_is_tried_too(url: str) -> None:
    admin = await asyncpg.connect(url)
    reader = await name_of(url, "reader")
    await admin.execute("CREATE TABLE eventstore.mistake (x int)")
    await admin.execute(f'GRANT INSERT ON eventstore.mistake TO "{reader}"')
    connection = await connected(url, "reader")
    try:
        tried = await attempts.attempts(connection)
        found = await attempts.wrong(connection, tried, rights_of("reader"))
    finally:
        await admin.execute("DROP TABLE eventstore.mistake")
        await admin.close()
        await connection.close()
    assert "not refused: INSERT INTO eventstore.mistake DEFAULT VALUES" in found


async def test_what_the_guard_reads_opens_nothing(url: str) -> None:
    connection = await connected(url, "appender")
    await connection.execute("SET eventstore.appending = 'on'; SET eventstore.moving = 'on'")
    tried = await attempts.attempts(connection)
    assert await attempts.wrong(connection, tried, rights_of("appender")) == []
    await connection.close()


async def test_what_the_guard_reads_hides_no_event_id(url: str) -> None:
    connection = await connected(url, "appender")
    append = (
        "SELECT eventstore.append_one($1, 0::smallint, -1, gen_random_uuid(), 'E', 1::smallint,"
        " '{}', '{}')"
    )
    missing = (
        "SELECT count(*) FROM eventstore.all_events AS ev WHERE NOT EXISTS"
        " (SELECT FROM eventstore.event_ids AS noted WHERE noted.event_id = ev.event_id)"
    )
    await connection.execute("SET eventstore.appending = 'on'; SET eventstore.moving = 'on'")
    await connection.fetchval(append, "cart-2")
    assert await connection.fetchval(missing) == 0
    await connection.close()


def test_the_page_shows_the_rights_that_are_granted() -> None:
    row = r"^\| (`[^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$"
    lines = re.findall(row, text_of(PAGE), re.MULTILINE)
    shown = {
        (kind, name, right)
        for objects, *cells in lines
        for kind, cell in zip(GRANTED, cells, strict=True)
        for name in re.findall("`([^`]+)`", objects)
        for right in re.findall("[A-Z]+", cell)
    }
    granted = {(right.role, right.object, right.right) for right in all_rights()}
    assert shown == granted


@pytest.mark.parametrize(
    "sql",
    [
        'GRANT SELECT ON ALL TABLES IN SCHEMA a TO :"reader";',
        "GRANT SELECT ON a TO PUBLIC;",
        'REVOKE SELECT ON a FROM :"reader";',
        "CREATE TABLE a ();",
    ],
)
def test_a_file_of_rights_holds_only_what_can_be_read_back(sql: str) -> None:
    with pytest.raises(ValueError, match="not a grant of the known form"):
        rights_in(sql)
