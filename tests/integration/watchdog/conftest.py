"""A database with all schemas."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from ordersaga.bootstrap.schema import migrate_all
from tests.support.stores.event_store import opened_app_pool


@pytest.fixture
async def pool(empty_database: str) -> AsyncIterator[asyncpg.Pool]:
    await migrate_all(empty_database)
    async with opened_app_pool(empty_database) as pool:
        yield pool
