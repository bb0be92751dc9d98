"""One Temporal server for all workflow tests; a shop with its own workers for each test."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from temporalio.client import Client
from temporalio.common import RetryPolicy
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
    """Fewer attempts with longer pauses: the budgets take as long as usual."""
    backoff = RetryPolicy(
        initial_interval=timedelta(seconds=1), backoff_coefficient=10.0, maximum_attempts=4
    )
    for name in ("STEP", "COMPENSATION"):
        policy = replace(getattr(policies, name), backoff=backoff)
        monkeypatch.setattr(policies, name, policy)
