"""A console over orders of every kind: completed, undone, on its way, a draft."""

from collections.abc import AsyncIterator

import pytest

from ordersaga.embedded.postgres import EmbeddedPostgres
from tests.support.api.shop import ApiShop, opened_api
from tests.support.stores.postgres import fresh_database
from tests.support.stores.read_models import append_events
from tests.unit.ordersaga.operations.verification.story import STORY


@pytest.fixture(scope="module")
async def shop(postgres_server: EmbeddedPostgres) -> AsyncIterator[ApiShop]:
    async with fresh_database(postgres_server) as database, opened_api(database) as opened:
        await append_events(opened.services.log, *([item] for item in STORY))
        await opened.project()
        yield opened
