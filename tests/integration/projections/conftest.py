"""A database with store and read models for each test."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from eventstore.postgres.store import PostgresEventStore
from ordersaga.embedded.postgres import EmbeddedPostgres
from tests.support.event_store import migrated_database
from tests.support.read_models import installed


@pytest.fixture
async def database(postgres_server: EmbeddedPostgres) -> AsyncIterator[str]:
    async with migrated_database(postgres_server) as url:
        yield url


@pytest.fixture
async def pool(database: str) -> AsyncIterator[asyncpg.Pool]:
    async with installed(database) as opened:
        yield opened


@pytest.fixture
async def store(pool: asyncpg.Pool) -> AsyncIterator[PostgresEventStore]:
    opened = PostgresEventStore(pool)
    yield opened
    await opened.close()
