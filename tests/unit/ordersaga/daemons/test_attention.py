"""The gauge of sagas that need attention, as Prometheus reads it."""

import asyncio
import gc

from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from ordersaga.daemons.attention import AttentionGauge
from tests.acceptance.cli.test_many_sagas import gauge_is
from tests.support.stack.stack import free_ports, until


async def test_the_metrics_page_shows_the_count_as_long_as_the_loop_runs() -> None:
    (port,) = free_ports(1)
    watched = AttentionGauge(_runtime(port), {"orders": _three, "parcels": _two})
    gc.collect()
    stop = asyncio.Event()
    running = asyncio.create_task(watched.loop().run(stop))
    await until(lambda: gauge_is(port, 5))
    assert watched.loop().problems() == ()
    stop.set()
    await running


async def test_a_database_that_is_away_is_a_problem_and_no_end() -> None:
    (port,) = free_ports(1)
    watched = AttentionGauge(_runtime(port), {"orders": _away})
    stop = asyncio.Event()
    running = asyncio.create_task(watched.run(stop))
    await until(lambda: watched.loop().problems() == ("the database does not answer",))
    assert not running.done()
    stop.set()
    await running


async def _two() -> int:
    return 2


async def _three() -> int:
    return 3


async def _away() -> int:
    raise ConnectionRefusedError


def _runtime(port: int) -> Runtime:
    prometheus = PrometheusConfig(bind_address=f"127.0.0.1:{port}")
    return Runtime(telemetry=TelemetryConfig(metrics=prometheus))
