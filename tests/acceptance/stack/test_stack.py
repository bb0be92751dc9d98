"""`ordersaga up`: what it says, how it ends, what survives."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from ordersaga_client import OrderSagaClient

from tests.support.stack.stack import (
    Up,
    clean_environment,
    living,
    order_document,
    ordersaga,
    until,
)

ROLES = {
    "postgres",
    "temporal",
    "sandboxes",
    "worker-orders",
    "worker-steps",
    "projections",
    "starter",
    "api",
}


@pytest.fixture
async def own_stack(tmp_path: Path) -> AsyncIterator[Up]:
    up = Up(tmp_path / "a folder" / "data")
    await up.start()
    try:
        yield up
    finally:
        await up.stop(signal.SIGKILL)


async def test_up_prints_the_addresses_and_runs_each_part_as_a_process(running_stack: Up) -> None:
    state = running_stack.state()
    printed = "".join(running_stack.printed)
    for address in (
        state.ui_url,
        state.temporal_address,
        state.shown_database(),
        state.payment_url,
    ):
        assert address in printed
    assert set(state.pids) == ROLES
    assert len(set(state.pids.values())) == len(ROLES)


async def test_a_second_up_on_the_same_folder_says_so(running_stack: Up) -> None:
    ended = await running_stack.ordersaga("up", "--data-dir", str(running_stack.data_dir))
    assert ended.code == 1
    assert "running" in ended.err
    assert str(running_stack.data_dir) in ended.err
    assert ended.err.count("\n") == 1


async def test_a_port_that_was_asked_for_and_is_taken_is_an_error(
    running_stack: Up, tmp_path: Path
) -> None:
    taken = running_stack.state().temporal_address.rpartition(":")[2]
    ended = await ordersaga(
        "up", "--data-dir", str(tmp_path), "--temporal-port", taken, env=clean_environment()
    )
    assert ended.code == 1
    assert f"port {taken} for Temporal is in use" in ended.err


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_everything_in_time_and_leaves_no_process(
    own_stack: Up, how: signal.Signals
) -> None:
    family = own_stack.family()
    assert len(family) >= len(ROLES)
    async with asyncio.timeout(60):
        assert await own_stack.stop(how) == 0
    assert living(family) == []
    assert not (own_stack.data_dir / "stack.json").exists()


async def test_a_signal_during_the_start_leaves_no_process(tmp_path: Path) -> None:
    up = Up(tmp_path)
    starting = asyncio.create_task(up.start())
    await until((tmp_path / "logs" / "postgres.log").exists)
    family = up.family()
    async with asyncio.timeout(60):
        assert await up.stop() == 0
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    assert living(family) == []


async def test_no_child_outlives_an_up_that_was_killed(own_stack: Up) -> None:
    family = own_stack.family()
    await own_stack.stop(signal.SIGKILL)
    await until(lambda: living(family) == [], timeout_s=60)


async def test_a_later_up_goes_on_where_the_first_one_was_killed(own_stack: Up) -> None:
    await own_stack.receive("71053", 10, "delivery-1")
    await finish_order(own_stack, "before")
    await own_stack.stop(signal.SIGKILL)

    await own_stack.start()

    described = await own_stack.temporal("workflow", "describe", "-w", "order-before", "-o", "json")
    assert described.json()["workflowExecutionInfo"]["status"].endswith("COMPLETED")
    assert await finish_order(own_stack, "after") == "completed"
    async with own_stack.services() as services:
        feed = await services.store.read_stream("order-before")
    assert feed[-1].event_type == "OrderCompleted"


@pytest.mark.parametrize("role", ["worker-orders", "worker-steps", "starter", "projections"])
async def test_a_worker_that_is_killed_is_started_again(running_stack: Up, role: str) -> None:
    first = running_stack.state().pids[role]
    os.kill(first, signal.SIGKILL)

    def again() -> bool:
        pid = running_stack.state().pids.get(role, first)
        ready = running_stack.data_dir / "run" / f"{role}.ready"
        return pid != first and psutil.pid_exists(pid) and ready.exists()

    await until(again)
    await running_stack.receive("71053", 2, f"delivery after {role}")
    assert await finish_order(running_stack, f"after-{role}") == "completed"


async def finish_order(stack: Up, order_id: str) -> str:
    """Fulfil an order through the typed client; returns the outcome."""
    async with stack.services() as services:
        sagas = OrderSagaClient(await services.temporal())
        await sagas.place(order_document(order_id))
        async with asyncio.timeout(60):
            return (await sagas.result(order_id)).outcome
