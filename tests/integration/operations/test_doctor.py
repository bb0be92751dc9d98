"""What `doctor` says of a PostgreSQL server on which one thing is wrong, and of a good one."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from eventstore.postgres.roles import find_roles, quoted
from ordersaga.bootstrap.schema import migrate_all
from ordersaga.embedded.postgres import SUPERUSER
from ordersaga.operations.doctor import server as server_checks
from tests.support.faults import database as faults
from tests.support.stores.doctor import found, only_bad, running
from tests.support.stores.event_store import copied_database
from tests.support.stores.logins import as_only, as_processes
from tests.support.stores.postgres_server import PostgresServer

NAMES = [
    "database",
    "encoding",
    "encryption",
    "clock",
    "login",
    "connections",
    "schema",
    "incidents",
    "installation",
    "history",
    "writing",
    "partitions",
    "read models",
    "feed",
    "followers",
    "master key",
]


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A server of its own: what a test does to it, no other test sees."""
    with running(tmp_path_factory.mktemp("doctor")) as server:
        yield server


@pytest.fixture(scope="module")
async def template(own_server: PostgresServer) -> str:
    """A migrated database; copying it is quicker than migrating another one."""
    admin = await asyncpg.connect(own_server.url())
    await admin.execute("CREATE DATABASE migrated")
    await admin.close()
    await migrate_all(own_server.url("migrated"))
    return "migrated"


@pytest.fixture
async def url(own_server: PostgresServer, template: str) -> AsyncIterator[str]:
    """The URL of the login of processes in a database of its own."""
    async with copied_database(own_server, template) as url:
        yield await as_processes(url)


def owners(url: str) -> str:
    return url.replace("//processes@", f"//{SUPERUSER}@")


async def test_nothing_is_wrong_with_a_good_database(url: str) -> None:
    checks = await found(url)
    assert list(checks) == NAMES
    assert [each for each in checks.values() if not each.ok or each.advice] == []
    assert checks["login"].finding.startswith("processes may run `worker`, `starter`")


async def test_a_read_only_database_is_named(url: str) -> None:
    async with faults.read_only(owners(url)):
        assert "is read-only" in (await only_bad(url, "writing")).finding


async def test_a_lock_that_an_append_would_wait_for_is_named(url: str) -> None:
    async with faults.locked(owners(url), "eventstore.streams"):
        assert "another session locks" in (await only_bad(url, "writing")).finding


async def test_a_login_without_a_role_is_told_what_it_lacks_for_which_command(url: str) -> None:
    await as_superuser(url, *(f"REVOKE {role} FROM processes" for role in await granted_roles(url)))
    found_login = (await found(url))["login"]
    assert not found_login.ok
    assert "lacks usage on installation and" in found_login.finding
    assert "for `worker`, `starter`" in found_login.finding
    assert "--grant ROLE=processes" in found_login.advice


async def test_a_right_that_a_role_has_lost_is_named_with_the_commands_that_need_it(
    url: str,
) -> None:
    (appender,) = (role for role in await granted_roles(url) if "appender" in role)
    lost = ("SELECT ON eventstore.snapshots", "EXECUTE ON FUNCTION personal_data.claim_keys")
    for right in lost:
        await as_superuser(url, f"REVOKE {right} FROM {appender}")
        finding = (await only_bad(url, "login")).finding
        name = right.split()[-1]
        assert f"lacks {right.split()[0].lower()} on {name}, for `worker`, `starter`" in finding
        await as_superuser(url, f"GRANT {right} TO {appender}")
    assert (await found(url))["login"].ok


async def test_a_login_with_one_role_is_told_what_it_may_run(url: str) -> None:
    reader = await as_only(owners(url), "reader")
    checks = await found(reader)
    assert [each for each in checks.values() if not each.ok] == []
    finding = checks["login"].finding
    assert finding.startswith("as_reader may run `orders`, `demand`, `audit`")
    assert "lacks execute on eventstore.probe" in finding
    assert "is no member of " in finding
    assert "not tried" in checks["writing"].finding


async def as_superuser(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(owners(url))
    for statement in statements:
        await connection.execute(statement)
    await connection.close()


async def granted_roles(url: str) -> list[str]:
    """The names of the roles that the login of processes has."""
    connection = await asyncpg.connect(url)
    roles = await find_roles(connection)
    await connection.close()
    assert roles is not None
    return [quoted(roles.name(kind)) for kind in ("appender", "projector")]


async def test_a_superuser_is_a_note(url: str) -> None:
    note = (await found(owners(url)))["login"]
    assert note.ok
    assert note.finding == f"{SUPERUSER} is a superuser"
    assert note.advice


async def test_an_outdated_read_model_is_named_with_what_to_run(url: str) -> None:
    owner = await asyncpg.connect(owners(url))
    await owner.execute(
        "UPDATE read_models.checkpoints SET version = version - 1 WHERE projection = 'parcels'"
    )
    await owner.close()
    bad = await only_bad(url, "read models")
    assert bad.advice == "run `ordersaga projections rebuild parcels`"


async def test_what_read_models_and_followers_could_not_apply_is_named(url: str) -> None:
    owner = await asyncpg.connect(owners(url))
    await owner.execute(
        "UPDATE read_models.checkpoints SET parked = 2 WHERE projection = 'parcels'"
    )
    assert (await only_bad(url, "read models")).finding == "2 streams are parked"
    await owner.execute("UPDATE read_models.checkpoints SET parked = 0")
    await owner.execute(
        "INSERT INTO eventstore.set_aside (follower, position, stream, version, event_type, error,"
        " due_at) VALUES ('starter', 7, 'order-A1', 2, 'OrderSubmitted', 'locked', now())"
    )
    await owner.close()
    bad = await only_bad(url, "followers")
    assert bad.finding == "1 events are set aside, the first one: locked"
    assert bad.advice == "see `ordersaga store set-aside`"


async def test_a_transaction_that_holds_up_the_feed_is_named(url: str) -> None:
    name = {"application_name": "a forgotten psql"}
    owner = await asyncpg.connect(owners(url), server_settings=name)
    async with owner.transaction():
        await owner.execute("SELECT pg_advisory_xact_lock_shared(eventstore.watermark_key(1))")
        bad = await only_bad(url, "feed")
        pid = await owner.fetchval("SELECT pg_backend_pid()")
        assert f"process {pid} (a forgotten psql)" in bad.finding
        assert f"pg_terminate_backend({pid})" in bad.advice
    await owner.close()
    assert (await found(url))["feed"].ok


async def test_too_few_connections_for_all_processes_are_named(url: str) -> None:
    bad = await only_bad(url, "connections", database_pool_size=60)
    assert "5 processes and a command may open 363, the server has 1" in bad.finding
    owner = await asyncpg.connect(owners(url))
    await owner.execute("ALTER ROLE processes CONNECTION LIMIT 20")
    try:
        assert "the server has 20 for them" in (await only_bad(url, "connections")).finding
    finally:
        await owner.execute("ALTER ROLE processes CONNECTION LIMIT -1")
        await owner.close()


async def test_a_clock_that_differs_is_a_note(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_checks, "_SKEW_S", -1.0)
    assert "the server's is 0 s" in (await found(url))["clock"].finding


async def test_a_server_that_is_too_old_is_named(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_checks, "OLDEST", 99)
    assert "99 or newer" in (await only_bad(url, "database")).advice


@pytest.mark.parametrize("name", ["SQL_ASCII", "LATIN1"])
async def test_an_encoding_that_cannot_keep_names_is_named(
    own_server: PostgresServer, name: str
) -> None:
    admin = await asyncpg.connect(own_server.url())
    database = f"in_{name.lower()}"
    await admin.execute(
        f"CREATE DATABASE {database} TEMPLATE template0 ENCODING '{name}' LOCALE 'C'"
    )
    await admin.close()
    assert name in (await found(own_server.url(database)))["encoding"].finding


async def test_a_database_without_schema_is_one_line(own_server: PostgresServer) -> None:
    bad = await only_bad(own_server.url(), "schema")
    assert "ordersaga migrate" in bad.advice


async def test_a_master_key_that_opens_nothing_is_named(url: str) -> None:
    owner = await asyncpg.connect(owners(url))
    await owner.execute(
        "INSERT INTO personal_data.data_keys (subject, key_id, master_key_id, wrapped)"
        " VALUES ('C1', gen_random_uuid(), '0123456789abcdef', '\\x00')"
    )
    await owner.close()
    assert "opens none" in (await only_bad(url, "master key")).finding


async def test_a_silent_server_is_said_to_be_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as accepts_and_says_nothing:
        port = accepts_and_says_nothing.getsockname()[1]
        async with asyncio.timeout(30):
            checks = await found(f"postgresql://shop@127.0.0.1:{port}/orders")
    assert list(checks) == ["database"]
    assert "did not answer in time" in checks["database"].finding
