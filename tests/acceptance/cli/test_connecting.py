"""What a command says of a database that answers, but not with what it was asked for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from ordersaga.embedded.postgres import SUPERUSER, EmbeddedPostgres
from tests.acceptance.cli_shop import MASTER_KEY
from tests.support.stack.stack import Ended, clean_environment, ordersaga, until
from tests.support.stores.postgres import TEST_OPTIONS, programs
from tests.support.stores.postgres_server import PostgresServer, free_port

COMMANDS = (("order", "list"), ("migrate",), ("projections", "status"))
PROCESS = ("starter",)


async def asked(url: str, *command: str) -> Ended:
    """A command against a database; it says one line and never that the fault is ours."""
    env = clean_environment(ORDERSAGA_DATABASE_URL=url, ORDERSAGA_MASTER_KEY=MASTER_KEY)
    ended = await ordersaga(*command, env=env)
    assert ended.err.count("\n") == 1, ended.err
    assert ended.err.startswith("error: "), ended.err
    assert "internal error" not in ended.err
    return ended


async def as_login(url: str, name: str, *attributes: str) -> str:
    """The URL of a new login with these attributes."""
    admin = await asyncpg.connect(url)
    try:
        await admin.execute(f"DROP ROLE IF EXISTS {name}")
        await admin.execute(f"CREATE ROLE {name} {' '.join(attributes)}")
    finally:
        await admin.close()
    return url.replace(f"//{SUPERUSER}@", f"//{name}@")


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        (("LOGIN", "CONNECTION LIMIT 0"), "has no connection left (too many connections for role"),
        (("NOLOGIN",), "is not permitted to log in"),
    ],
)
async def test_a_refused_login_is_told_the_reason(
    empty_database: str, attributes: tuple[str, ...], says: str
) -> None:
    url = await as_login(empty_database, "unwelcome", *attributes)
    for command in COMMANDS:
        ended = await asked(url, *command)
        assert (ended.code, says in ended.err) == (3, True), ended.err


@pytest.mark.parametrize(
    ("more", "code", "says"),
    [
        ("?sslmode=sometimes", 2, "ORDERSAGA_DATABASE_URL: `sslmode`"),
        ("?sslmode=verify-full&sslrootcert=/nowhere/root.crt", 3, "a TLS file or a socket that"),
        ("?sslmode=require", 3, "could not be reached by TLS"),
        ("?target_session_attrs=standby", 3, "target_session_attrs"),
        ("-that-is-not-there", 3, "has no database of that name"),
    ],
)
async def test_a_url_that_leads_nowhere_is_told_what_is_wrong_in_it(
    empty_database: str, more: str, code: int, says: str
) -> None:
    # A process waits for whatever may come right by itself.
    for command in (*COMMANDS, PROCESS) if code == 2 else COMMANDS:
        ended = await asked(empty_database + more, *command)
        assert (ended.code, says in ended.err) == (code, True), ended.err


async def test_migrating_without_the_right_to_is_one_line(empty_database: str) -> None:
    url = await as_login(empty_database, "guest", "LOGIN")
    ended = await asked(url, "migrate")
    assert (ended.code, "role" in ended.err) == (1, True), ended.err


@asynccontextmanager
async def recovering(folder: Path) -> AsyncIterator[str]:
    """A server that answers that it is starting: it waits for a log that does not come."""
    server = PostgresServer(folder / "pgdata", free_port(), TEST_OPTIONS, programs())
    server.start()
    server.stop()
    server = PostgresServer(
        folder / "pgdata",
        server.port,
        {**TEST_OPTIONS, "restore_command": "sleep 1; false", "hot_standby": "off"},
        programs(),
    )
    (folder / "pgdata" / "standby.signal").touch()
    server._spawn()
    try:
        await until(lambda: starting(server))
        yield server.url()
    finally:
        server.stop()


async def starting(server: EmbeddedPostgres) -> bool:
    try:
        await asyncpg.connect(server.url())
    except asyncpg.CannotConnectNowError:
        return True
    except OSError:
        return False
    raise AssertionError("it started")


async def test_a_server_that_is_starting_is_not_called_one_that_does_not_answer(
    tmp_path: Path,
) -> None:
    async with recovering(tmp_path) as url:
        for command in COMMANDS:
            ended = await asked(url, *command)
            assert (ended.code, "starting, shutting down or recovering" in ended.err) == (3, True)


async def test_a_server_without_a_free_connection_says_so(tmp_path: Path) -> None:
    options = {**TEST_OPTIONS, "max_connections": "6", "superuser_reserved_connections": "2"}
    server = PostgresServer(tmp_path / "pgdata", free_port(), options, programs())
    await asyncio.to_thread(server.start)
    try:
        url = await as_login(server.url(), "shop", "LOGIN")
        others = [await asyncpg.connect(url) for _ in range(4)]
        ended = await asked(url, "order", "list")
        assert (ended.code, "has no connection left (" in ended.err) == (3, True), ended.err
        for other in others:
            await other.close()
    finally:
        await asyncio.to_thread(server.stop)
