"""One Temporal server for all workflow tests; a shop with its own workers for each test."""

from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from tests.support.shop import Shop, running_workers
from tests.support.temporal import time_skipping_server


@pytest.fixture(scope="session")
async def temporal() -> AsyncIterator[WorkflowEnvironment]:
    async with time_skipping_server() as environment:
        yield environment


@pytest.fixture
def client(temporal: WorkflowEnvironment) -> Client:
    return temporal.client


@pytest.fixture
async def shop(client: Client) -> AsyncIterator[Shop]:
    """A shop that is open: its workers run."""
    shop = Shop()
    async with running_workers(client, shop):
        yield shop
