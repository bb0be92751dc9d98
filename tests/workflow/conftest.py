"""One Temporal server for all workflow tests; a shop with its own workers for each test."""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace

import pytest
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from tests.support.sagas.shop import Shop, running_workers
from tests.support.sagas.temporal import time_skipping_server
from workflows import policies


@pytest.fixture(scope="session")
async def temporal() -> AsyncIterator[WorkflowEnvironment]:
    async with time_skipping_server() as environment:
        yield environment


@pytest.fixture
async def client(temporal: WorkflowEnvironment) -> AsyncIterator[Client]:
    """Afterwards nothing runs any more: a saga left open would act in the shop of the next test."""
    yield temporal.client
    async for left in temporal.client.list_workflows('ExecutionStatus = "Running"'):
        with suppress(RPCError):  # it has ended by itself
            await temporal.client.get_workflow_handle(left.id).terminate("the test is over")


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
