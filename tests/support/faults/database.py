"""Troubles of a PostgreSQL server, each a context that ends it again.

They are made by a superuser's connection of their own, straight to the server; `logins` names the
roles whose sessions suffer.
"""

import asyncio
import contextlib
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg
import psutil

_READ_ONLY = "default_transaction_read_only"
_GREEDY = "greedy"
_LIMIT_S = 60.0
LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
"""What a superuser's connection may raise while other troubles are on."""


@asynccontextmanager
async def superuser(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that none of the troubles touches."""
    own = {_READ_ONLY: "off", "application_name": "trouble"}
    connection = await asyncpg.connect(url, timeout=_LIMIT_S, server_settings=own)
    try:
        yield connection
    finally:
        connection.terminate()


async def execute(url: str, *statements: str) -> None:
    """Execute statements as superuser, again and again while the server is away."""
    async with asyncio.timeout(_LIMIT_S):
        while True:
            with contextlib.suppress(*LOST):
                async with superuser(url) as connection:
                    for statement in statements:
                        await connection.execute(statement)
                return
            await asyncio.sleep(0.2)


async def end_sessions(url: str, *logins: str) -> None:
    """End all sessions of some logins."""
    names = ", ".join(f"'{login}'" for login in logins)
    ended = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IN ({names})"  # noqa: S608  names of ours
    await execute(url, ended)


@asynccontextmanager
async def read_only(url: str) -> AsyncIterator[None]:
    """No session may write, from its next transaction on."""
    await execute(url, f"ALTER SYSTEM SET {_READ_ONLY} = on", "SELECT pg_reload_conf()")
    try:
        yield
    finally:
        await execute(url, f"ALTER SYSTEM RESET {_READ_ONLY}", "SELECT pg_reload_conf()")


@asynccontextmanager
async def login_refused(url: str, *logins: str) -> AsyncIterator[None]:
    """The roles may not log in any more, and their sessions are ended."""
    await execute(url, *(f"ALTER ROLE {login} NOLOGIN" for login in logins))
    await end_sessions(url, *logins)
    try:
        yield
    finally:
        await execute(url, *(f"ALTER ROLE {login} LOGIN" for login in logins))


@asynccontextmanager
async def locked(url: str, table: str) -> AsyncIterator[None]:
    """Somebody holds the strongest lock of a table."""
    async with superuser(url) as connection:
        await connection.execute("BEGIN")
        await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE", timeout=_LIMIT_S)
        yield


@asynccontextmanager
async def no_connection_left(url: str, *logins: str) -> AsyncIterator[None]:
    """Others hold every connection that an ordinary role may have."""
    host, _, database = url.partition("@")[2].rpartition("/")
    made = f"CREATE ROLE {_GREEDY} LOGIN PASSWORD '{_GREEDY}'"
    await execute(url, f"DROP ROLE IF EXISTS {_GREEDY}", made)
    with contextlib.ExitStack() as held:
        free = f"postgresql://{_GREEDY}:{_GREEDY}@{host}/{database}"
        await end_sessions(url, *logins)
        while (other := await _connected(free)) is not None:
            held.callback(other.terminate)
            await end_sessions(url, *logins)
        yield
    await execute(url, f"DROP ROLE {_GREEDY}")


async def _connected(url: str) -> asyncpg.Connection | None:
    with contextlib.suppress(asyncpg.TooManyConnectionsError):
        return await asyncpg.connect(url, timeout=_LIMIT_S)
    return None


@asynccontextmanager
async def killed_connections(url: str, *logins: str, every_s: float = 0.4) -> AsyncIterator[None]:
    """The sessions of the roles are ended again and again."""

    async def go_on() -> None:
        while True:
            await end_sessions(url, *logins)
            await asyncio.sleep(every_s)

    killing = asyncio.create_task(go_on())
    try:
        yield
    finally:
        killing.cancel()
        await asyncio.wait({killing})


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """A process and all its children stand still, PostgreSQL's or any other server's."""
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    for process in family:  # the parent first, so that it starts no more
        _send(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in reversed(family):
            _send(process, signal.SIGCONT)


def _send(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """The file system of a folder has no byte left; give it one that is small and its own."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            with contextlib.suppress(OSError):
                while file.write(b"\0" * size):
                    pass
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """A file system in memory, mounted on the folder; only root may."""
    folder.mkdir(parents=True, exist_ok=True)
    options = f"size={megabytes}m,mode=755"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
