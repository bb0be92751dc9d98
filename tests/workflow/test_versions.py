"""Two builds of the workers side by side: who carries on an open saga after a deployment."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from unittest.mock import patch

import pytest
from temporalio.api.enums.v1 import EventType, TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from activities.messages import ORDERS_QUEUE
from adapters.providers.faults import Fault, FaultKind
from tests.support.sagas.changed_saga import MARK, ChangedSaga
from tests.support.sagas.sagas import (
    Handle,
    activities_of,
    failed_tasks,
    result,
    stocked_saga,
    until,
)
from tests.support.sagas.shop import Shop, running_workers
from tests.support.sagas.temporal import SERVER, time_skipping_server
from tests.support.stack.stack import clean_environment, run_program
from workers import factory
from workers.factory import WorkerVersion

DEPLOYMENT = "shop"


@pytest.fixture(scope="module")
async def versioned() -> AsyncIterator[Client]:
    """A server of its own, because the current version is set for a whole queue."""
    async with time_skipping_server() as environment:
        yield environment.client


async def set_current(client: Client, *version: str) -> None:
    """Make a version current; the server refuses while workers of a queue are still missing."""
    address = client.service_client.config.target_host
    command = ("worker", "deployment", "set-current-version", "--deployment-name", DEPLOYMENT)

    async def is_set() -> bool:
        words = (str(SERVER), *command, *version, "--yes", "--address", address)
        return (await run_program(*words, env=clean_environment())).code == 0

    await until(is_set)


async def make_current(client: Client, build: str) -> None:
    await set_current(client, "--build-id", build)


@asynccontextmanager
async def build(
    client: Client, shop: Shop, name: str, *, pinned: bool, saga: type | None = None
) -> AsyncIterator[None]:
    """All workers of one build; `saga` is the saga of that build."""
    with saga_is(saga):
        running = running_workers(client, shop, version=WorkerVersion(DEPLOYMENT, name, pinned))
        async with running:
            yield


@contextmanager
def saga_is(saga: type | None) -> Iterator[None]:
    if saga is None:
        yield
        return
    with patch.object(factory, "WORKFLOWS", (saga, *factory.WORKFLOWS[1:])):
        yield


async def builds_of(handle: Handle) -> list[str]:
    """The builds that carried out the saga's workflow tasks, in order, without repetitions."""
    completed = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    builds: list[str] = []
    for event in (await handle.fetch_history()).events:
        if event.event_type == completed:
            attributes = event.workflow_task_completed_event_attributes
            builds.append(attributes.deployment_version.build_id)
    return list(dict.fromkeys(builds))


async def paying(client: Client, shop: Shop) -> Handle:
    """A saga whose charge hangs until the fault is removed."""
    held = shop.payments.faults.add(Fault(FaultKind.HOLD_BEFORE, operation="confirm"))
    _, handle = await stocked_saga(client, shop)

    async def holding() -> bool:
        return held.holding > 0

    await until(holding)
    return handle


async def test_a_pinned_saga_stays_with_its_build_and_new_ones_take_the_current_one(
    versioned: Client,
) -> None:
    shop = Shop()
    async with build(versioned, shop, "p1", pinned=True):
        await make_current(versioned, "p1")
        old = await paying(versioned, shop)
        async with build(versioned, shop, "p2", pinned=True, saga=ChangedSaga):
            await make_current(versioned, "p2")
            shop.payments.faults.clear()
            assert (await result(old))["outcome"] == "completed"
            _, new = await stocked_saga(versioned, shop)
            assert (await result(new))["outcome"] == "completed"
    assert (await builds_of(old), await builds_of(new)) == (["p1"], ["p2"])
    assert await failed_tasks(old) == []
    assert {name.startswith(MARK) for name in await activities_of(old)} == {False}
    assert {name.startswith(MARK) for name in await activities_of(new)} == {True}


async def test_a_saga_that_may_upgrade_goes_on_with_the_current_build(versioned: Client) -> None:
    shop = Shop()
    async with build(versioned, shop, "u1", pinned=False):
        await make_current(versioned, "u1")
        handle = await paying(versioned, shop)
    # The old build is gone; a pinned saga would be stuck.
    async with build(versioned, shop, "u2", pinned=False):
        await make_current(versioned, "u2")
        shop.payments.faults.clear()
        assert (await result(handle))["outcome"] == "completed"
    assert await builds_of(handle) == ["u1", "u2"]
    assert await failed_tasks(handle) == []


async def test_the_control_an_incompatible_build_cannot_carry_on_a_saga_that_upgrades(
    versioned: Client,
) -> None:
    shop = Shop()
    async with build(versioned, shop, "i1", pinned=False):
        await make_current(versioned, "i1")
        handle = await paying(versioned, shop)
    async with build(versioned, shop, "i2", pinned=False, saga=ChangedSaga):
        await make_current(versioned, "i2")
        shop.payments.faults.clear()

        async def failed() -> bool:
            return bool(await failed_tasks(handle))

        await until(failed)
    assert "ondeterminis" in (await failed_tasks(handle))[0]
    # The remedy: make the last compatible build current again.
    async with build(versioned, shop, "i1", pinned=False):
        await make_current(versioned, "i1")
        assert (await result(handle))["outcome"] == "completed"


async def test_a_versioned_worker_waits_until_its_build_is_made_current(versioned: Client) -> None:
    shop = Shop()
    await set_current(versioned, "--unversioned", "--ignore-missing-task-queues")
    async with build(versioned, shop, "w1", pinned=True):
        _, handle = await stocked_saga(versioned, shop)
        await until(lambda: polls(versioned, "w1"))
        assert await builds_of(handle) == []
        await make_current(versioned, "w1")
        assert (await result(handle))["outcome"] == "completed"
    assert await builds_of(handle) == ["w1"]


async def polls(client: Client, build: str) -> bool:
    """Whether workers of a build poll for workflow tasks."""
    described = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=ORDERS_QUEUE),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
    )
    return build in {poller.deployment_options.build_id for poller in described.pollers}
