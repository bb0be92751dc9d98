"""One `ordersaga up` for all acceptance tests that do not need one of their own."""

from collections.abc import AsyncIterator

import pytest

from tests.support.stack.stack import Up
from tests.support.stack.traces import Collector, running_collector


@pytest.fixture(scope="session")
async def trace_collector() -> AsyncIterator[Collector]:
    """Where the shared stack sends its traces."""
    async with running_collector() as collector:
        yield collector


@pytest.fixture(scope="session")
async def running_stack(
    tmp_path_factory: pytest.TempPathFactory, trace_collector: Collector
) -> AsyncIterator[Up]:
    """A whole stack, shared: use order ids and SKUs of your own, leave no faults behind."""
    data_dir = tmp_path_factory.mktemp("shared stack") / "data"
    up = Up(data_dir, ORDERSAGA_OTLP_ENDPOINT=trace_collector.url)
    await up.start()
    try:
        yield up
    finally:
        await up.stop()
