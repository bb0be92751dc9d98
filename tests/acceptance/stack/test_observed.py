"""What can be seen of a running deployment from outside: traces, metrics, health, logs."""

import asyncio
import re
import signal
import sys

import aiohttp
import pytest
from ordersaga_client import OrderSagaClient

from tests.support.stack.stack import Up, free_ports, order_document, until
from tests.support.stack.traces import Collector


async def fulfil(stack: Up, order_id: str) -> None:
    await stack.receive("71053", 2, f"delivery {order_id}")
    async with stack.services() as services:
        sagas = OrderSagaClient(await services.temporal())
        await sagas.place(order_document(order_id))
        async with asyncio.timeout(60):
            await sagas.result(order_id)


async def test_events_of_a_saga_name_the_trace_they_belong_to(
    running_stack: Up, trace_collector: Collector
) -> None:
    await fulfil(running_stack, "traced")
    async with running_stack.services() as services:
        events = await services.store.read_stream("payment-traced")
    traceparent = events[0].metadata.traceparent or ""
    trace_id = traceparent.split("-")[1]

    def arrived() -> bool:
        return any(span.trace_id == trace_id for span in trace_collector.spans)

    await until(arrived)
    spans = [span for span in trace_collector.spans if span.trace_id == trace_id]
    assert "RunActivity:process_payment" in {span.name for span in spans}
    for personal in ("Ann Example", "High Street", "LS1 4AP", "tok_visa"):
        assert not any(personal in span.text for span in trace_collector.spans)


async def test_a_worker_serves_health_and_metrics_and_drains_on_sigterm(
    running_stack: Up,
) -> None:
    health, metrics = free_ports(2)
    ports = {"ORDERSAGA_HEALTH_PORT": str(health), "ORDERSAGA_METRICS_PORT": str(metrics)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "ordersaga", "worker", "payments", "shipping"),
        env={**running_stack.env, **ports, "ORDERSAGA_LOG_FORMAT": "json"},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        await until(lambda: is_ready(f"http://127.0.0.1:{health}/readyz"))
        assert "temporal_" in await text_of(f"http://127.0.0.1:{metrics}/metrics")
    finally:
        process.send_signal(signal.SIGTERM)
        _, log = await process.communicate()
    assert process.returncode == 0
    assert b'"event": "stopped"' in log


COMMANDS = {
    "worker": (("worker", "payments"), {"event_store", "temporal"}, {"payments"}),
    "starter": (("starter",), {"event_store", "temporal"}, {"starter", "arrivals", "watchdog"}),
    "projections": (("projections", "run"), {"event_store"}, {"projections", "attention"}),
    "notifications": (("notifications", "run"), {"event_store"}, {"notifications"}),
}


@pytest.mark.parametrize("name", COMMANDS)
async def test_every_process_shows_in_metrics_what_it_needs_and_that_its_loops_move(
    running_stack: Up, name: str
) -> None:
    command, needs, loops = COMMANDS[name]
    (port,) = free_ports(1)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "ordersaga", *command),
        env={**running_stack.env, "ORDERSAGA_METRICS_PORT": str(port)},
        stderr=asyncio.subprocess.DEVNULL,
    )
    loops |= {f"probe of {need}" for need in needs}
    expected = [f'ordersaga_ready{{needs="{need}",[^}}]*}} 1\n' for need in needs]
    expected += [f'ordersaga_loop_restarts_total{{loop="{loop}",[^}}]*}} 0\n' for loop in loops]
    expected += [f'ordersaga_loop_heartbeat_age_seconds{{loop="{loop}"' for loop in loops]

    async def are_shown() -> bool:
        try:
            page = await text_of(f"http://127.0.0.1:{port}/metrics")
        except aiohttp.ClientError:
            return False
        return all(re.search(each, page) for each in expected)

    try:
        await until(are_shown)
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()
    assert process.returncode == 0


async def text_of(url: str) -> str:
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        return await answer.text()


async def is_ready(url: str) -> bool:
    try:
        return '"ready": true' in await text_of(url)
    except aiohttp.ClientError:
        return False


async def test_no_log_of_the_stack_holds_personal_data(running_stack: Up) -> None:
    await fulfil(running_stack, "private")
    logs = [path.read_text(errors="replace") for path in running_stack.data_dir.glob("logs/*.log")]
    assert any("started" in log for log in logs)
    for personal in ("Ann Example", "High Street", "LS1 4AP", "tok_visa"):
        assert not any(personal in log for log in logs)
