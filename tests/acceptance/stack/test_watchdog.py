"""The watchdog on a whole stack: it finds everything that would go unnoticed, and nothing else."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from ordersaga_client import OrderSagaClient
from temporalio import workflow
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.aggregates import FULFILLMENT, ORDER, streams_of
from activities.messages import WORKFLOW_TYPE
from activities.orders.intake import ensure_submitted
from activities.unit_of_work import UnitOfWork, transact
from adapters.providers.faults import Fault, FaultKind
from domain.ids import OrderId, order_stream
from domain.saga.commands import StartFulfillment
from domain.saga.trail import Closed
from eventstore.commands.handler import CommandContext
from eventstore.model import Metadata
from ordersaga.daemons.starter import SAGA_ACTOR
from ordersaga.daemons.watchdog import METRIC
from ordersaga.findings.observation import Kind
from tests.support.faults.database import frozen
from tests.support.stack.stack import Ended, Up, free_ports, order_document, until
from workflows.documents.order import parse_document

BROKEN_QUEUE = "broken"
NOBODY = "a queue of nobody"
PAUSED = PendingActivityState.PENDING_ACTIVITY_STATE_PAUSED


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
        fault = Fault(FaultKind.HOLD_BEFORE, "confirm", order_id)
        number = await self.stack.payment.add(fault)
        await self.sagas.place(order_document(order_id))
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
        """Somebody paused its step in Temporal, and forgot it.

        A pause does not reach the attempt that runs, and the saga may begin the step anew after it.
        """
        handle = await self.order_at_payment(order_id)
        command = ("activity", "pause", "-w", f"order-{order_id}", "--reason", "x", "-a")

        async def is_paused() -> bool:
            pending = (await handle.describe()).raw_description.pending_activities
            if all(activity.state == PAUSED for activity in pending):
                return len(pending) == 1
            for activity in pending:
                await self.stack.temporal(*command, activity.activity_id)
            return False

        await until(is_paused)

    async def submitted_by_a_lost_saga(self, order_id: str, *, begun: bool = False) -> None:
        """An order in the event store that no starter starts: a saga that is lost submitted it.

        With `begun` it also wrote that it took the order on.
        """
        document = parse_document(order_document(order_id), f"order-{order_id}")
        stream = order_stream(document.order_id)
        context = CommandContext(f"lost-{order_id}", Metadata(stream, "lost", SAGA_ACTOR))
        async with self.stack.services() as services:
            order_and_trail = streams_of(document.order_id, ORDER, FULFILLMENT)

            def rule(unit: UnitOfWork) -> None:
                ensure_submitted(unit, document, datetime.now(UTC))
                if begun:
                    command = StartFulfillment(document.order_id, stream, "a run that is lost")
                    unit.execute(order_and_trail[1], command)

            await transact(services.handler, order_and_trail, rule, context)

    async def looked_at(self) -> str:
        """When the last look ended."""
        answer = (await self.stack.ordersaga("saga", "findings", "--json")).json()
        return str(answer["looked_at"])

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


@asynccontextmanager
async def another_starter(stack: Up) -> AsyncIterator[int]:
    """The metrics port of a second starter."""
    (port,) = free_ports(1)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "ordersaga", "starter"),
        env={**stack.env, "ORDERSAGA_METRICS_PORT": str(port)},
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield port
    finally:
        process.terminate()
        assert await process.wait() == 0


async def counts_at(url: str) -> dict[str, int]:
    """The gauge by kind, as Prometheus reads it; empty as long as nobody serves it."""
    try:
        async with aiohttp.ClientSession() as http, http.get(url) as answer:
            page = await answer.text()
    except aiohttp.ClientError:
        return {}
    values = re.findall(rf'^{METRIC}\{{kind="(\w+)".*\}} (\d+)$', page, re.MULTILINE)
    return {kind: int(value) for kind, value in values}


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

    await until(all_found, timeout_s=240)
    log = (watched.stack.data_dir / "logs" / "starter.log").read_text()
    assert log.count("a new finding") == len(EVERY_KIND)


async def test_every_starter_shows_the_number_of_each_kind(watched: Watched) -> None:
    """Also one that only stands by, since another one looks."""
    expected = {kind.value: int(kind in EVERY_KIND.values()) for kind in Kind}
    async with another_starter(watched.stack) as port:

        async def shown() -> bool:
            return await counts_at(f"http://127.0.0.1:{port}/metrics") == expected

        await until(shown)


async def test_while_temporal_is_away_the_findings_stay_as_they_are(watched: Watched) -> None:
    """It is frozen, so nothing is known: neither a new finding nor the end of one."""
    before = await watched.findings()
    log = watched.stack.data_dir / "logs" / "starter.log"
    with frozen(watched.stack.state().pids["temporal"]):
        await until(lambda: "Temporal does not answer" in log.read_text())
        assert await watched.findings() == before
    looked_at = await watched.looked_at()

    async def looks_again() -> bool:
        assert await watched.findings() == before
        return await watched.looked_at() != looked_at

    await until(looks_again)


async def test_every_list_of_what_needs_attention_shows_them(watched: Watched) -> None:
    """The order of the broken build is in no list of orders: no step of it was ever done."""
    states = set(EVERY_KIND)
    sagas = (await watched.stack.ordersaga("saga", "list", "--needs-attention", "--json")).json()
    assert {saga["order_id"] for saga in sagas} == states
    assert all(saga["attention"] and saga["needs_attention"] for saga in sagas)
    listed = {saga["order_id"]: saga["run_status"] for saga in sagas}
    assert listed["terminated"] == "terminated"
    assert listed["without_saga"] == "none"
    held = ("saga", "list", "--needs-attention", "--filter", "ExecutionStatus = 'Paused'")
    paused = (await watched.stack.ordersaga(*held, "--json")).json()
    assert [saga["order_id"] for saga in paused] == ["paused"]
    for command in (("orders", "current"), ("order", "list")):
        answer = await watched.stack.ordersaga(*command, "--needs-attention", "--json")
        orders = answer.json()["items"]
        assert {order["order_id"] for order in orders} == states - {"with_a_bug"}
        assert all(order["attention"] for order in orders)
    report = await watched.stack.ordersaga("verify", "--skip", "payments", "--json")
    assert set(json.loads(report.out)["needs_attention"]) == states


async def test_a_saga_shows_what_the_watchdog_sees_of_it(watched: Watched) -> None:
    details = (await watched.stack.ordersaga("saga", "show", "terminated", "--json")).json()
    assert [finding["kind"] for finding in details["findings"]] == ["saga_terminated"]
    without = await watched.stack.ordersaga("saga", "show", "without_saga")
    assert without.code == 1
    assert "ordersaga recover" in without.err


async def test_each_finding_is_notified_once(watched: Watched) -> None:
    listing = ("notifications", "list", "--kind", "attention.found", "--json")
    rows = (await watched.stack.ordersaga(*listing)).json()["items"]
    assert sorted(row["subject"] for row in rows) == sorted(EVERY_KIND)
    assert {row["state"] for row in rows} == {"waiting"}  # nobody sends them here


async def test_tasks_that_nobody_takes_are_found_until_a_worker_takes_them(
    watched: Watched,
) -> None:
    async def is_found() -> bool:
        return (await watched.findings()).get("inventory") == "queue_without_workers"

    async def is_over() -> bool:
        return "inventory" not in await watched.findings()

    await watched.stack.receive("71053", 2, "delivery queued")
    async with watched.no_payment_workers():
        await watched.sagas.place(order_document("queued"))
        await until(is_found, timeout_s=240)
    await until(is_over, timeout_s=240)
    async with asyncio.timeout(120):
        await watched.sagas.result("queued")


# --- the acts that end them ----------------------------------------------------------------------


async def test_what_each_finding_says_ends_it(watched: Watched) -> None:
    """Every order ends as cancelled, and holds nothing: by recovery, by Temporal, by a cancel."""
    stack = watched.stack
    require(await stack.temporal("workflow", "unpause", "-w", "order-paused", "--reason", "x"))
    for order_id in ("wrong_type", "with_a_bug"):
        require(await stack.temporal("workflow", "terminate", "-w", f"order-{order_id}"))
    for order_id in ("terminated", "failed", "timed_out"):
        require(await stack.ordersaga("order", "cancel", order_id, "--reason", "x", "--wait"))
    require(await stack.ordersaga("recover"))
    for order_id in ("wrong_type", "paused", "without_saga", "silent"):
        require(await stack.ordersaga("saga", "cancel", order_id, "--reason", "x"))
        async with asyncio.timeout(240):
            await watched.sagas.result(order_id)

    async def all_gone() -> bool:
        return await watched.findings() == {}

    await until(all_gone, timeout_s=240)
    await stack.payment.clear()
    report = (await stack.ordersaga("verify", "--json")).json()
    assert (report["clean"], report["needs_attention"]) == (True, {})
    assert report["counts"]["orders_cancelled"] == len(EVERY_KIND) - 1


async def test_findings_are_found_while_a_read_model_lags_which_is_said(watched: Watched) -> None:
    stack = watched.stack
    require(await stack.ordersaga("projections", "pause", "current_orders"))
    await watched.terminated("late")

    async def both() -> bool:
        answer = (await stack.ordersaga("saga", "findings", "--json")).json()
        rows = {row["subject"]: row["kind"] for row in answer["items"]}
        said = "current_orders is" in (answer["remark"] or "")
        return said and rows == {"order-late": "saga_terminated"}

    await until(both, timeout_s=240)
    require(await stack.ordersaga("projections", "resume", "current_orders"))
    require(await stack.ordersaga("order", "cancel", "late", "--reason", "x", "--wait"))
    await stack.payment.clear()


async def test_a_submitted_order_whose_saga_never_took_a_step_is_cancelled_at_once(
    watched: Watched,
) -> None:
    await watched.submitted_by_a_lost_saga("never-1")
    for order_id in ("never-2", "never-3"):
        await watched.submitted_by_a_lost_saga(order_id, begun=True)
    await watched.client.start_workflow(
        WORKFLOW_TYPE, "no document", id="order-never-2", task_queue="orders"
    )
    await watched.under_its_id("never-3", "OrderFulfilment", seconds=3600)
    ended = await watched.stack.ordersaga("order", "cancel", "never-1", "--reason", "x")
    assert ended.code == 0, ended.err
    assert "nothing was done for it" in ended.err
    for order_id in ("never-2", "never-3"):
        require(await watched.stack.ordersaga("saga", "cancel", order_id, "--reason", "x"))
        async with watched.stack.services() as services:
            trail = await FULFILLMENT.stream(OrderId(order_id)).load(services.handler)
        assert isinstance(trail, Closed)
    require(await watched.stack.temporal("workflow", "terminate", "-w", "order-never-3"))
    for order_id in ("never-1", "never-2", "never-3"):
        order = (await watched.stack.ordersaga("order", "show", order_id, "--json")).json()
        assert (order["status"], order["detail"]) == ("cancelled", "x")
        again = await watched.stack.ordersaga("order", "cancel", order_id)
        assert again.code == 1
        assert "cannot be cancelled any more" in again.err
