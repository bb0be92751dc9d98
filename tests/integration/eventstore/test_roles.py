"""A database's roles: made once, for this database alone, by whoever may make them."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import quote

import asyncpg
import pytest

from eventstore.errors import NotAllowed
from eventstore.postgres.growth.partitions import add_partitions, partition
from eventstore.postgres.migrator import EVENT_STORE, migrate, pending
from eventstore.postgres.roles import GRANTED, OWNER, find_roles, quoted
from ordersaga.embedded.postgres import SUPERUSER, EmbeddedPostgres
from ordersaga.findings.table import WATCHDOG
from ordersaga.incidents.table import INCIDENTS
from ordersaga.installation.identity import INSTALLATION
from ordersaga.personal_data.vault import KEY_VAULT
from projections.operations.install import PROJECTIONS
from tests.support.stores.event_store import new_stream, opened_store

SCHEMAS = (EVENT_STORE, INCIDENTS, INSTALLATION, KEY_VAULT, PROJECTIONS, WATCHDOG)
LONGEST = "d" * 63


@pytest.fixture
async def admin(postgres_server: EmbeddedPostgres) -> AsyncIterator[asyncpg.Connection]:
    """A superuser beside the databases of the tests."""
    connection = await asyncpg.connect(postgres_server.url())
    yield connection
    await connection.close()


@asynccontextmanager
async def made_database(admin: asyncpg.Connection, name: str, owner: str) -> AsyncIterator[None]:
    await admin.execute(f"CREATE DATABASE {quoted(name)} OWNER {owner}")
    try:
        yield
    finally:
        await admin.execute(f"DROP DATABASE {quoted(name)} WITH (FORCE)")


async def test_a_login_that_may_make_roles_migrates_and_grows_its_own_database(
    postgres_server: EmbeddedPostgres, admin: asyncpg.Connection
) -> None:
    await admin.execute("CREATE ROLE deployer LOGIN CREATEROLE")
    await admin.execute("CREATE ROLE runner LOGIN")
    url, runner = (postgres_server.url("deployed_shop", user) for user in ("deployer", "runner"))
    async with made_database(admin, "deployed_shop", "deployer"):
        grant = {"appender": ["runner"]}
        assert len(await migrate(url, SCHEMAS, grant=grant)) == len(SCHEMAS)
        assert await migrate(url, SCHEMAS, grant=grant) == []
        assert await partition(url, 1000)
        assert await add_partitions(url, 3) > 0
        assert await pending(runner, SCHEMAS) == []
        with pytest.raises(NotAllowed):
            await add_partitions(runner, 5)
        async with opened_store(postgres_server.url("deployed_shop")) as store:
            assert (await store.append(new_stream("cart-1", 2))).versions == {"cart-1": 2}


async def test_a_login_that_may_not_make_roles_is_told_so_in_one_line(
    postgres_server: EmbeddedPostgres, admin: asyncpg.Connection
) -> None:
    await admin.execute("CREATE ROLE modest LOGIN")
    url = postgres_server.url("modest_shop", "modest")
    async with made_database(admin, "modest_shop", "modest"):
        with pytest.raises(NotAllowed) as caught:
            await migrate(url)
        assert re.fullmatch(r"the database login may not make the role .*", str(caught.value))
        # What it says to do helps.
        for kind in (OWNER, *GRANTED):
            await admin.execute(f"CREATE ROLE modest_shop_{kind}")
        await admin.execute("GRANT modest_shop_owner TO modest")
        with pytest.raises(NotAllowed, match="may not grant modest_shop_projector"):
            await migrate(url)
        await admin.execute("GRANT modest_shop_projector TO modest_shop_owner")
        assert await migrate(url) == ["eventstore/schema"]


async def test_a_login_of_the_name_of_a_role_is_not_taken_for_it(
    empty_database: str, admin: asyncpg.Connection
) -> None:
    name = f"{empty_database.rpartition('/')[2]}_reader"
    await admin.execute(f"CREATE ROLE {name} LOGIN")
    with pytest.raises(NotAllowed, match=f"{name} exists and is a login"):
        await migrate(empty_database)
    await admin.execute(f"ALTER ROLE {name} NOLOGIN")
    assert await migrate(empty_database) == ["eventstore/schema"]


async def test_granting_to_a_login_that_does_not_exist_says_so(empty_database: str) -> None:
    with pytest.raises(NotAllowed, match="no database login nobody-here"):
        await migrate(empty_database, grant={"reader": ["nobody-here"]})


async def test_who_runs_processes_of_one_database_has_no_right_in_another(
    postgres_server: EmbeddedPostgres, admin: asyncpg.Connection
) -> None:
    await admin.execute("CREATE ROLE of_one LOGIN")
    async with (
        made_database(admin, "one", SUPERUSER),
        made_database(admin, "other", SUPERUSER),
    ):
        await migrate(postgres_server.url("one"), grant={"appender": ["of_one"]})
        await migrate(postgres_server.url("other"))
        assert await pending(postgres_server.url("one", "of_one")) == []
        with pytest.raises(NotAllowed, match="migrate --grant ROLE=LOGIN"):
            await pending(postgres_server.url("other", "of_one"))


async def test_databases_of_one_server_are_migrated_at_once_each_with_its_own_roles(
    postgres_server: EmbeddedPostgres, admin: asyncpg.Connection
) -> None:
    names = [LONGEST, "Odd \"name'", "at_once_1", "at_once_2"]
    urls = [postgres_server.url(quote(name)) for name in names]
    async with AsyncExitStack() as databases:
        for name in names:
            await databases.enter_async_context(made_database(admin, name, SUPERUSER))
        made = await asyncio.gather(*(migrate(url, SCHEMAS) for url in urls for _ in range(3)))
        assert sum(map(len, made)) == len(names) * len(SCHEMAS)
        owners = [await owner_at(url) for url in urls]
    assert len(set(owners)) == len(names)
    assert owners[2:] == ["at_once_1_owner", "at_once_2_owner"]


async def owner_at(url: str) -> str:
    connection = await asyncpg.connect(url)
    roles = await find_roles(connection)
    await connection.close()
    assert roles is not None
    return roles.owner


async def test_a_database_that_was_restored_without_owners_says_so(
    postgres_server: EmbeddedPostgres, admin: asyncpg.Connection
) -> None:
    async with made_database(admin, "ownerless", SUPERUSER):
        url = postgres_server.url("ownerless")
        await migrate(url)
        connection = await asyncpg.connect(url)
        await connection.execute("ALTER SCHEMA installation OWNER TO CURRENT_USER")
        await connection.close()
        with pytest.raises(NotAllowed, match="restore the dump with its owners"):
            await migrate(url)


async def test_what_was_revoked_is_granted_again_by_the_next_migrate(
    postgres_server: EmbeddedPostgres, admin: asyncpg.Connection
) -> None:
    async with made_database(admin, "robbed", SUPERUSER):
        url = postgres_server.url("robbed")
        await migrate(url, SCHEMAS)
        connection = await asyncpg.connect(url)
        await connection.execute("REVOKE SELECT ON eventstore.all_events FROM robbed_reader")
        assert await migrate(url, SCHEMAS) == []
        held = "SELECT has_table_privilege('robbed_reader', 'eventstore.all_events', 'SELECT')"
        assert await connection.fetchval(held)
        await connection.close()
