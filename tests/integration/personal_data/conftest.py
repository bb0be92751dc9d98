"""A database with a key vault for each test, and a shop on it."""

from collections.abc import AsyncIterator

import pytest

from ordersaga.embedded.postgres import EmbeddedPostgres
from tests.support.stores.personal_data import (
    SealedShop,
    new_master_key,
    sealed_shop,
    vault_database,
)


@pytest.fixture
def master_key() -> str:
    return new_master_key()


@pytest.fixture
async def database(postgres_server: EmbeddedPostgres) -> AsyncIterator[str]:
    async with vault_database(postgres_server) as url:
        yield url


@pytest.fixture
async def shop(database: str, master_key: str) -> AsyncIterator[SealedShop]:
    async with sealed_shop(database, master_key) as opened:
        yield opened
