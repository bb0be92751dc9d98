"""One Temporal server for all workflow tests; a shop with its own workers for each test."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from tests.support.sagas.shop import Shop, running_workers
from tests.support.sagas.temporal import time_skipping_server
from workflows import policies


@pytest.fixture(scope="session")
async def temporal() -> AsyncIterator[WorkflowEnvironment]:
    async with time_skipping_server() as environment:
        yield environment


@pytest.fixture
def client(temporal: WorkflowEnvironment) -> Client:
    return temporal.client


@pytest.fixture
async def shop(client: Client) -> AsyncIterator[Shop]:
    """A shop whose workers run."""
    shop = Shop()
    async with running_workers(client, shop):
        yield shop


@pytest.fixture
def few_attempts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A first try of two attempts, then long pauses: an outage costs few attempts."""
    first = replace(policies.USUAL.first, maximum_attempts=2)
    monkeypatch.setattr(policies, "USUAL", replace(policies.USUAL, first=first))
