"""Orders that work are never findings: under load, and while workers are killed and come back."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from ordersaga_client import OrderSagaClient

from activities.messages import WORKFLOW_TYPE
from adapters.providers.faults import Fault, FaultKind
from ordersaga.findings.observation import Kind
from ordersaga.findings.table import list_findings, load_watch
from tests.support.stack.stack import Up, order_document, until

ORDERS_IN_A_WAVE = 25
KILLED = ("worker-steps", "worker-orders", "projections", "worker-steps")


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[Up]:
    up = Up(tmp_path / "data")
    await up.start()
    try:
        yield up
    finally:
        await up.stop()


class Looks:
    """Every look of the watchdog while orders come in."""

    def __init__(self, stack: Up) -> None:
        self.times: set[object] = set()
        self.findings: list[object] = []
        self._stack = stack

    async def watch(self) -> None:
        async with self._stack.services() as services:
            while True:
                self.times.add((await load_watch(services.pool)).looked_at)
                # A worker may take its time to come back: that nobody takes tasks is true then.
                self.findings += [
                    each
                    for each in await list_findings(services.pool)
                    if each.kind != Kind.NO_WORKERS
                ]
                await asyncio.sleep(0.3)


async def test_orders_that_work_are_never_findings_while_workers_are_killed(stack: Up) -> None:
    looks = Looks(stack)
    await stack.receive("71053", 2 * ORDERS_IN_A_WAVE * len(KILLED), "delivery")
    # Some wait for the provider meanwhile, as sagas do.
    await stack.payment.add(Fault(FaultKind.UNAVAILABLE, "confirm", "*", rate=0.3))
    async with stack.services() as services, asyncio.TaskGroup() as group:
        sagas = OrderSagaClient(await services.temporal())
        watching = group.create_task(looks.watch())
        await until(lambda: len(looks.times) > 1)
        for wave, role in enumerate(KILLED):
            ids = [f"wave-{wave}-{n}" for n in range(ORDERS_IN_A_WAVE)]
            await asyncio.gather(*(sagas.place(order_document(each)) for each in ids))
            before, pid = len(looks.times), stack.state().pids[role]
            os.kill(pid, signal.SIGKILL)
            await until(lambda role=role, pid=pid: stack.state().pids.get(role) not in (None, pid))
            await until(lambda before=before: len(looks.times) >= before + 5)
        await stack.payment.clear()
        await until(lambda: _all_ended(services))
        watching.cancel()
    assert looks.findings == []
    lines = (stack.data_dir / "logs" / "starter.log").read_text().splitlines()
    said = [line for line in lines if "a new finding" in line]
    assert [line for line in said if Kind.NO_WORKERS not in line] == []


async def _all_ended(services: object) -> bool:
    client = await services.temporal()  # type: ignore[attr-defined]  # Services
    count = await client.count_workflows(
        f"WorkflowType = '{WORKFLOW_TYPE}' AND ExecutionStatus = 'Running'"
    )
    return bool(count.count == 0)
