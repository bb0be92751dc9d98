"""The tools that make troubles make them, and end them again."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread

import asyncpg
import pytest

from tests.support.faults import database
from tests.support.faults.proxy import BOTH, HOST, Address, Proxy, Way
from tests.support.stack.stack import until
from tests.support.stores.postgres import TEST_OPTIONS
from tests.support.stores.postgres_server import PostgresServer, free_port

LOGIN = "somebody"
LIMIT_S = 3.0  # of what never ends; an ordinary answer takes milliseconds


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PostgresServer]:
    async with running_server(tmp_path_factory.mktemp("troubles")) as server:
        yield server


@asynccontextmanager
async def running_server(folder: Path) -> AsyncIterator[PostgresServer]:
    options = {**TEST_OPTIONS, "max_connections": "20"}
    server = PostgresServer(folder / "pgdata", free_port(), options)
    await asyncio.to_thread(server.start)
    made = (f"CREATE ROLE {LOGIN} LOGIN", "CREATE TABLE t (x text)", f"GRANT ALL ON t TO {LOGIN}")
    await database.execute(server.url(), *made)
    yield server
    await asyncio.to_thread(server.stop)


MANY_BYTES = (
    "INSERT INTO t SELECT md5(n::text) || md5(random()::text) FROM generate_series(1, 999) n"
)


async def write(url: str) -> None:
    """Connect as the login and write more than the table's last page has room for."""
    async with asyncio.timeout(LIMIT_S):
        connection = await asyncpg.connect(url)
        try:
            await connection.execute(MANY_BYTES)
        finally:
            connection.terminate()


async def works(url: str) -> bool:
    try:
        await write(url)
    except (asyncpg.PostgresError, OSError):
        return False
    return True


Trouble = Callable[[PostgresServer], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def frozen(server: PostgresServer) -> AsyncIterator[None]:
    with database.frozen(server.pid):
        yield


TROUBLES: dict[str, tuple[Trouble, type[Exception]]] = {
    "read-only": (lambda s: database.read_only(s.url()), asyncpg.ReadOnlySQLTransactionError),
    "login": (
        lambda s: database.login_refused(s.url(), LOGIN),
        asyncpg.InvalidAuthorizationSpecificationError,
    ),
    "locked": (lambda s: database.locked(s.url(), "t"), TimeoutError),
    "no-connection": (
        lambda s: database.no_connection_left(s.url(), LOGIN),
        asyncpg.TooManyConnectionsError,
    ),
    "frozen": (frozen, TimeoutError),
}


@pytest.mark.parametrize("name", TROUBLES)
async def test_a_trouble_of_the_database_begins_and_ends(server: PostgresServer, name: str) -> None:
    url, (trouble, error) = server.url(user=LOGIN), TROUBLES[name]
    await write(url)
    async with trouble(server):
        with pytest.raises(error):
            await write(url)
    await until(lambda: works(url))


@pytest.mark.system  # only root may mount
async def test_a_disk_is_full_and_has_room_again(tmp_path: Path) -> None:
    with database.small_disk(tmp_path / "disk", 300):
        async with running_server(tmp_path / "disk") as server:
            url = server.url(user=LOGIN)
            assert await works(url)
            with database.full(tmp_path / "disk"), pytest.raises(asyncpg.DiskFullError):
                await write(url)
            assert await works(url)


async def test_sessions_are_ended_again_and_again(server: PostgresServer) -> None:
    async with database.killed_connections(server.url(), LOGIN, every_s=0.1):
        for _ in range(2):
            connection = await asyncpg.connect(server.url(user=LOGIN))
            await until(connection.is_closed)
    assert await works(server.url(user=LOGIN))


class Upper(BaseRequestHandler):
    """Sends back what it gets, in upper case."""

    def handle(self) -> None:
        while data := self.request.recv(100):
            self.request.sendall(data.upper())


class Twice(BaseRequestHandler):
    """Sends back twice what it gets first."""

    def handle(self) -> None:
        self.request.sendall(self.request.recv(100) * 2)


class Server(ThreadingTCPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that is reset is no news here."""


@contextmanager
def serving(handler: type[BaseRequestHandler]) -> Iterator[Address]:
    with Server((HOST, 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address
        server.shutdown()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    with serving(Upper) as address, Proxy(address) as proxy:
        yield proxy


@contextmanager
def client(proxy: Proxy) -> Iterator[Callable[..., bytes]]:
    """A connection through the proxy: sends something and waits for an answer."""
    with socket.create_connection((HOST, proxy.port), timeout=1) as connection:

        def ask(text: bytes = b"") -> bytes:
            connection.sendall(text)
            return connection.recv(100)

        yield ask


def test_what_was_held_back_arrives_later(proxy: Proxy) -> None:
    with client(proxy) as ask, client(proxy) as other:
        assert ask(b"a") == b"A"
        for ways in (frozenset({Way.TO_SERVER}), frozenset({Way.TO_CLIENT}), BOTH):
            proxy.hold(ways)
            for each in (ask, other):
                with pytest.raises(TimeoutError):
                    each(b"b")
            proxy.forward()
            assert [ask(), other()] == [b"B", b"B"]


def test_forgotten_connections_are_silent_for_ever_and_new_ones_work(proxy: Proxy) -> None:
    with client(proxy) as ask:
        assert ask(b"a") == b"A"
        proxy.forget()
        with client(proxy) as other:
            assert other(b"b") == b"B"
        proxy.forward()
        with pytest.raises(TimeoutError):
            ask(b"c")
        proxy.end_forgotten()
        with pytest.raises(ConnectionResetError):
            ask()


def test_bytes_are_lost_slow_refused_or_cut_off(proxy: Proxy) -> None:
    with client(proxy) as ask:
        proxy.halve()
        assert ask(b"abcd") == b"A"
        proxy.slow(0.01)
        assert ask(b"abcd") == b"A"
        proxy.forward()
        proxy.refuse()
        with pytest.raises(ConnectionRefusedError), client(proxy):
            pass
        assert ask(b"ab") == b"AB"
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            ask()
    proxy.forward()
    with client(proxy) as ask:
        assert ask(b"x") == b"X"


def test_a_switched_target_is_where_new_connections_go(proxy: Proxy) -> None:
    with client(proxy) as before, serving(Twice) as address:
        assert before(b"x") == b"X"
        proxy.target = address
        with client(proxy) as after:
            assert after(b"x") == b"xx"
        assert before(b"y") == b"Y"
