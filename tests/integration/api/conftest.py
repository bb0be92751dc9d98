"""An API for the tests of a module."""

from collections.abc import AsyncIterator

import pytest

from ordersaga.embedded.postgres import EmbeddedPostgres
from tests.support.api.shop import ApiShop, opened_api
from tests.support.stores.postgres import fresh_database


@pytest.fixture(scope="module")
async def shop(postgres_server: EmbeddedPostgres) -> AsyncIterator[ApiShop]:
    async with fresh_database(postgres_server) as database, opened_api(database) as opened:
        yield opened
