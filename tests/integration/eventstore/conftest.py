"""A migrated database of its own for each test, a pool and a store on it."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from eventstore.postgres.store import PostgresEventStore
from ordersaga.embedded.postgres import EmbeddedPostgres
from tests.support.stores.event_store import migrated_database, opened_pool, opened_store


@pytest.fixture
async def database(postgres_server: EmbeddedPostgres) -> AsyncIterator[str]:
    async with migrated_database(postgres_server) as url:
        yield url


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    async with opened_pool(database) as opened:
        yield opened


@pytest.fixture
async def store(database: str) -> AsyncIterator[PostgresEventStore]:
    async with opened_store(database) as opened:
        yield opened
