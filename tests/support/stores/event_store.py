"""Event stores for tests: events, a migrated database, both kinds of store."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import asyncpg
import pytest

from eventstore.memory import InMemoryEventStore
from eventstore.model import AppendResult, Expected, JsonObject, Metadata, NewEvent, StreamAppend
from eventstore.postgres.growth.archive import Archive
from eventstore.postgres.growth.partitions import add_partitions, partition
from eventstore.postgres.migrator import migrate
from eventstore.postgres.pool import create_pool
from eventstore.postgres.roles import ensure_roles
from eventstore.postgres.store import PostgresEventStore
from eventstore.store import EventStore
from ordersaga.embedded.postgres import EmbeddedPostgres
from tests.support.stores.counters import StoreWrapper
from tests.support.stores.logins import as_operator, as_processes
from tests.support.stores.postgres import as_stores_connect, fresh_database
from tests.support.stores.sealed import sealed

PARTITION_SIZE = 4
_PARTITIONS = 5
_templates: dict[tuple[int, bool], str] = {}

METADATA = Metadata("saga-1", "command-1", "tester")


def event(
    event_type: str = "Happened",
    data: JsonObject | None = None,
    *,
    event_id: UUID | None = None,
    metadata: Metadata = METADATA,
    schema_version: int = 1,
) -> NewEvent:
    return NewEvent(
        event_id or uuid4(),
        event_type,
        {"n": 1} if data is None else data,
        metadata,
        schema_version,
    )


def events(count: int) -> list[NewEvent]:
    return [event(data={"n": n}) for n in range(1, count + 1)]


def new_stream(name: str, count: int = 1) -> StreamAppend:
    return StreamAppend(name, Expected.NO_STREAM, events(count))


@asynccontextmanager
async def migrated_database(
    server: EmbeddedPostgres, *, partitioned: bool = False
) -> AsyncIterator[str]:
    """The URL of a database of its own with the event store's schema.

    A partitioned one has tiny partitions, so that the events of a test meet their borders.
    """
    async with copied_database(server, await _template(server, partitioned)) as url:
        yield url


async def _template(server: EmbeddedPostgres, partitioned: bool) -> str:
    # Migrated once a server; copying it is many times faster.
    key = (server.port, partitioned)
    if key not in _templates:
        name = "event_store_partitioned" if partitioned else "event_store_template"
        admin = await asyncpg.connect(server.url())
        try:
            await admin.execute(f"CREATE DATABASE {name}")
        finally:
            await admin.close()
        await migrate(server.url(name))
        if partitioned:
            await partition(server.url(name), PARTITION_SIZE)
            await add_partitions(server.url(name), _PARTITIONS)
        _templates[key] = name
    return _templates[key]


@asynccontextmanager
async def opened_pool(url: str, max_size: int = 10) -> AsyncIterator[asyncpg.Pool]:
    pool = await create_pool(as_stores_connect(url), max_size=max_size)
    try:
        yield pool
    finally:
        await pool.close()


@asynccontextmanager
async def opened_app_pool(url: str, max_size: int = 10) -> AsyncIterator[asyncpg.Pool]:
    """A pool of a caller who has the role of processes, as the product's own have."""
    async with opened_pool(await as_processes(url), max_size) as pool:
        yield pool


@asynccontextmanager
async def opened_operator_pool(url: str, max_size: int = 10) -> AsyncIterator[asyncpg.Pool]:
    """A pool of a caller who may do all that the owner of the schemas may."""
    async with opened_pool(await as_operator(url), max_size) as pool:
        yield pool


@asynccontextmanager
async def copied_database(server: EmbeddedPostgres, template: str) -> AsyncIterator[str]:
    """The URL of a copy of a migrated database; it has the same roles."""
    async with fresh_database(server, template) as url:
        connection = await asyncpg.connect(url)
        await ensure_roles(connection)
        await connection.close()
        yield url


@asynccontextmanager
async def opened_store(url: str, *, max_size: int = 10) -> AsyncIterator[PostgresEventStore]:
    async with opened_app_pool(url, max_size) as pool:
        store = PostgresEventStore(pool)
        try:
            yield store
        finally:
            await store.close()


KINDS = (
    "memory",
    "postgres",
    "postgres-partitioned",
    "postgres-archiving",
    "sealed-memory",
    "sealed-postgres",
)
"""The stores that the contract suites run on."""


@asynccontextmanager
async def opened_kind(request: pytest.FixtureRequest) -> AsyncIterator[EventStore]:
    """The store that a fixture's parameter names, a database one on a database of its own."""
    kind = request.param
    if kind in {"memory", "sealed-memory"}:
        memory = InMemoryEventStore()
        yield sealed(memory) if kind == "sealed-memory" else memory
        return
    server = request.getfixturevalue("postgres_server")
    async with (
        migrated_database(server, partitioned=kind == "postgres-partitioned") as url,
        opened_app_pool(url) as pool,
        opened_operator_pool(url) as operators,
    ):
        store = PostgresEventStore(pool)
        if kind == "postgres-archiving":
            await Archive(operators).archive([], "nothing yet")  # opens the archive
        try:
            match kind:
                case "postgres-archiving":
                    yield Archiving(store, Archive(operators))
                case "sealed-postgres":
                    yield sealed(store)
                case _:
                    yield store
        finally:
            await store.close()


class Archiving(StoreWrapper):
    """Archives whatever was appended, at once: hardly an event is read from anywhere else."""

    def __init__(self, store: EventStore, archive: Archive) -> None:
        super().__init__(store)
        self._archive = archive

    async def append(self, *appends: StreamAppend) -> AppendResult:
        result = await super().append(*appends)
        await self._archive.archive([one.stream for one in appends], "the contract suite")
        return result
