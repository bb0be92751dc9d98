"""Fixtures for all tests; servers start only when a test asks for them."""

from collections.abc import AsyncIterator, Iterator

import pytest

from ordersaga.embedded.postgres import EmbeddedPostgres
from tests.support.stores import postgres


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    """One real PostgreSQL server for the whole run."""
    yield from postgres.run_server()


@pytest.fixture
async def empty_database(postgres_server: EmbeddedPostgres) -> AsyncIterator[str]:
    """The URL of a database of its own without any tables."""
    async with postgres.fresh_database(postgres_server) as url:
        yield url
