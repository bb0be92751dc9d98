"""Troubles of a PostgreSQL server, each a context that ends it again.

They are made by a superuser's connection of their own, straight to the server; `login` names the
role whose sessions suffer.
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
_LIMIT_S = 30.0


@asynccontextmanager
async def superuser(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that none of the troubles touches."""
    own = {_READ_ONLY: "off", "application_name": "trouble"}
    connection = await asyncpg.connect(url, timeout=_LIMIT_S, server_settings=own)
    try:
        yield connection
    finally:
        connection.terminate()


async def end_sessions(connection: asyncpg.Connection, login: str) -> int:
    """End all sessions of a login; returns how many there were."""
    ended: int = await connection.fetchval(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = $1", login
    )
    return ended


@asynccontextmanager
async def read_only(url: str) -> AsyncIterator[None]:
    """No session may write, from its next transaction on."""
    async with superuser(url) as connection:
        await connection.execute(f"ALTER SYSTEM SET {_READ_ONLY} = on")
        await connection.execute("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            await connection.execute(f"ALTER SYSTEM RESET {_READ_ONLY}")
            await connection.execute("SELECT pg_reload_conf()")


@asynccontextmanager
async def login_refused(url: str, login: str) -> AsyncIterator[None]:
    """The role may not log in any more, and its sessions are ended."""
    async with superuser(url) as connection:
        await connection.execute(f"ALTER ROLE {login} NOLOGIN")
        await end_sessions(connection, login)
        try:
            yield
        finally:
            await connection.execute(f"ALTER ROLE {login} LOGIN")


@asynccontextmanager
async def locked(url: str, table: str) -> AsyncIterator[None]:
    """Somebody holds the strongest lock of a table."""
    async with superuser(url) as connection, connection.transaction():
        await connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE", timeout=_LIMIT_S)
        yield


@asynccontextmanager
async def no_connection_left(url: str, login: str) -> AsyncIterator[None]:
    """Others hold every connection that an ordinary role may have."""
    async with contextlib.AsyncExitStack() as held, superuser(url) as connection:
        role = "greedy"
        await connection.execute(f"CREATE ROLE {role} LOGIN")
        held.push_async_callback(_drop_role, url, role)
        host, _, database = url.partition("@")[2].rpartition("/")
        greedy = f"postgresql://{role}@{host}/{database}"
        await end_sessions(connection, login)
        while (other := await _connected(greedy)) is not None:
            held.callback(other.terminate)
            await end_sessions(connection, login)
        yield


async def _connected(url: str) -> asyncpg.Connection | None:
    with contextlib.suppress(asyncpg.TooManyConnectionsError):
        return await asyncpg.connect(url, timeout=_LIMIT_S)
    return None


async def _drop_role(url: str, role: str) -> None:
    async with superuser(url) as connection:
        await connection.execute(f"DROP ROLE {role}")


@asynccontextmanager
async def killed_connections(url: str, login: str, every_s: float = 0.4) -> AsyncIterator[None]:
    """The sessions of the role are ended again and again."""

    async def go_on(connection: asyncpg.Connection) -> None:
        while True:
            await end_sessions(connection, login)
            await asyncio.sleep(every_s)

    async with superuser(url) as connection:
        killing = asyncio.create_task(go_on(connection))
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
