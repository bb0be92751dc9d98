"""The watchdog on a whole stack: it finds everything that would go unnoticed, and nothing else."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.messages import WORKFLOW_TYPE
from adapters.providers.faults import Fault, FaultKind
from ordersaga.client.orders import OrderSagaClient
from tests.support.stack.stack import Ended, Up, order_document, until

BROKEN_QUEUE = "broken"
NOBODY = "a queue of nobody"


@workflow.defn(name=WORKFLOW_TYPE)
class BrokenSaga:
    """A build of the saga with a bug."""

    @workflow.run
    async def run(self, _document: Any) -> None:
        raise RuntimeError("a bug")


class Watched:
    """A stack, and orders that are brought into every state that the watchdog must find."""

    def __init__(self, stack: Up, client: Client) -> None:
        self.stack = stack
        self.client = client
        self.sagas = OrderSagaClient(client)

    async def order_at_payment(self, order_id: str) -> WorkflowHandle[Any, Any]:
        """An order that holds its stock, and whose charge is not answered."""
        await self.stack.receive("71053", 2, f"delivery {order_id}")
        fault = Fault(FaultKind.HOLD_BEFORE, "charge", order_id)
        number = await self.stack.payment.add(fault)
        await self.sagas.start(order_document(order_id))
        await self.stack.payment.wait_until_holding(number)
        return self.client.get_workflow_handle(f"order-{order_id}")

    async def terminated(self, order_id: str) -> None:
        await (await self.order_at_payment(order_id)).terminate(reason="seemed stuck")

    async def failed(self, order_id: str) -> None:
        """A run that is refused at once, under the id of an order that is open."""
        await self.terminated(order_id)
        await self.client.start_workflow(
            WORKFLOW_TYPE, "no document", id=f"order-{order_id}", task_queue="orders"
        )

    async def timed_out(self, order_id: str) -> None:
        await self.terminated(order_id)
        await self.under_its_id(order_id, WORKFLOW_TYPE, seconds=1)

    async def wrong_type(self, order_id: str) -> None:
        await self.terminated(order_id)
        await self.under_its_id(order_id, "OrderFulfilment", seconds=3600)

    async def under_its_id(self, order_id: str, kind: str, seconds: int) -> None:
        """A run that no worker takes."""
        command = ("workflow", "start", "-w", f"order-{order_id}", "--type", kind)
        options = ("--task-queue", NOBODY, "--execution-timeout", f"{seconds}s")
        require(await self.stack.temporal(*command, *options))

    async def paused(self, order_id: str) -> None:
        await self.order_at_payment(order_id)
        command = ("workflow", "pause", "-w", f"order-{order_id}", "--reason", "x")
        require(await self.stack.temporal(*command))

    async def with_a_bug(self, order_id: str) -> None:
        await self.client.start_workflow(
            WORKFLOW_TYPE, "x", id=f"order-{order_id}", task_queue=BROKEN_QUEUE
        )

    async def without_saga(self, order_id: str) -> None:
        await self.order_at_payment(order_id)
        require(await self.stack.temporal("workflow", "delete", "-w", f"order-{order_id}", "-y"))

    async def silent(self, order_id: str) -> None:
        """Somebody paused its step in Temporal, and forgot it."""
        handle = await self.order_at_payment(order_id)
        pending = (await handle.describe()).raw_description.pending_activities
        command = ("activity", "pause", "-w", f"order-{order_id}", "--reason", "x")
        require(await self.stack.temporal(*command, "-a", pending[0].activity_id))

    async def findings(self) -> dict[str, str]:
        """What the watchdog sees: subject to kind."""
        answer = (await self.stack.ordersaga("saga", "findings", "--json")).json()
        return {row["subject"]: row["kind"] for row in answer["items"]}

    @asynccontextmanager
    async def no_payment_workers(self) -> AsyncIterator[None]:
        """Kill the workers of the steps; what would start them again is stopped."""
        os.kill(self.stack.pid, signal.SIGSTOP)
        try:
            os.kill(self.stack.state().pids["worker-steps"], signal.SIGKILL)
            yield
        finally:
            os.kill(self.stack.pid, signal.SIGCONT)


def require(ended: Ended) -> None:
    assert ended.code == 0, ended.err


EVERY_KIND = {
    "terminated": "saga_terminated",
    "failed": "saga_failed",
    "timed_out": "saga_timed_out",
    "wrong_type": "wrong_workflow_type",
    "paused": "saga_paused",
    "with_a_bug": "workflow_task_failing",
    "without_saga": "order_without_saga",
    "silent": "order_without_event",
}


@pytest.fixture(scope="module")
async def watched(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watched]:
    """A stack with an order in each state."""
    up = Up(tmp_path_factory.mktemp("watched") / "data", ORDERSAGA_SILENT_AFTER_S="15")
    await up.start()
    try:
        async with up.services() as services:
            client = await services.temporal()
            broken = Worker(
                client,
                task_queue=BROKEN_QUEUE,
                workflows=[BrokenSaga],
                workflow_runner=UnsandboxedWorkflowRunner(),
            )
            async with broken:
                shop = Watched(up, client)
                for state in EVERY_KIND:
                    await getattr(shop, state)(state)
                yield shop
    finally:
        await up.stop()


async def test_every_finding_about_an_order_is_found_and_nothing_else(watched: Watched) -> None:
    expected = {f"order-{state}": kind for state, kind in EVERY_KIND.items()}

    async def all_found() -> bool:
        return await watched.findings() == expected

    await until(all_found, timeout_s=90)


async def test_tasks_that_nobody_takes_are_found_until_a_worker_takes_them(
    watched: Watched,
) -> None:
    async def is_found() -> bool:
        return (await watched.findings()).get("inventory") == "queue_without_workers"

    async def is_over() -> bool:
        return "inventory" not in await watched.findings()

    await watched.stack.receive("71053", 2, "delivery queued")
    async with watched.no_payment_workers():
        await watched.sagas.start(order_document("queued"))
        await until(is_found, timeout_s=90)
    await until(is_over, timeout_s=90)
    async with asyncio.timeout(120):
        await watched.sagas.result("queued")
