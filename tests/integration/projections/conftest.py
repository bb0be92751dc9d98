"""A database with store and read models for each test."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from eventstore.postgres.store import PostgresEventStore
from ordersaga.embedded.postgres import EmbeddedPostgres
from tests.support.stores.event_store import migrated_database, opened_app_pool
from tests.support.stores.read_models import installed_database


@pytest.fixture
async def database(postgres_server: EmbeddedPostgres) -> AsyncIterator[str]:
    async with installed_database(postgres_server) as url:
        yield url


@pytest.fixture
async def bare_database(postgres_server: EmbeddedPostgres) -> AsyncIterator[str]:
    """With the event store's schema only."""
    async with migrated_database(postgres_server) as url:
        yield url


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    """Of a caller with the role of processes."""
    async with opened_app_pool(database, max_size=20) as opened:
        yield opened


@pytest.fixture
async def store(pool: asyncpg.Pool) -> AsyncIterator[PostgresEventStore]:
    opened = PostgresEventStore(pool)
    yield opened
    await opened.close()
