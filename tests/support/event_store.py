"""Event stores for tests: events, a migrated database, both kinds of store."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import asyncpg

from eventstore.model import Expected, JsonObject, Metadata, NewEvent, StreamAppend
from eventstore.postgres.migrations import migrate
from eventstore.postgres.pool import create_pool
from eventstore.postgres.store import PostgresEventStore
from ordersaga.embedded.postgres import EmbeddedPostgres
from tests.support.postgres import fresh_database

TEMPLATE = "event_store_template"
_templates: dict[int, str] = {}

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
async def migrated_database(server: EmbeddedPostgres) -> AsyncIterator[str]:
    """The URL of a database of its own with the event store's schema."""
    async with fresh_database(server, await _template(server)) as url:
        yield url


async def _template(server: EmbeddedPostgres) -> str:
    # Migrated once a server; copying it is many times faster.
    if server.port not in _templates:
        admin = await asyncpg.connect(server.url())
        try:
            await admin.execute(f"CREATE DATABASE {TEMPLATE}")
        finally:
            await admin.close()
        await migrate(server.url(TEMPLATE))
        _templates[server.port] = TEMPLATE
    return _templates[server.port]


@asynccontextmanager
async def opened_pool(url: str, max_size: int = 10) -> AsyncIterator[asyncpg.Pool]:
    pool = await create_pool(url, max_size=max_size)
    try:
        yield pool
    finally:
        await pool.close()


@asynccontextmanager
async def opened_store(
    url: str, *, group_append: bool = True, max_size: int = 10
) -> AsyncIterator[PostgresEventStore]:
    async with opened_pool(url, max_size) as pool:
        store = PostgresEventStore(pool, group_append=group_append)
        try:
            yield store
        finally:
            await store.close()
