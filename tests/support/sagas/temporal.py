"""A real Temporal server with time skipping for the whole test run."""

import sysconfig
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from temporalio.testing import WorkflowEnvironment

from workers.converter import DATA_CONVERTER
from workflows.common.search_attributes import ALL_ATTRIBUTES

SERVER = Path(sysconfig.get_path("scripts")) / "temporal"

SETTINGS = {
    "frontend.WorkflowTimeSkippingEnabled": "true",
    "matching.numTaskqueueReadPartitions": "1",
    "matching.numTaskqueueWritePartitions": "1",
    "history.transferProcessorMaxPollRPS": "2000",
    "history.maxInFlightUpdatePayloads": "2000000",
    # So that a test sees a workflow continue as new without thousands of events.
    "limit.historyCount.suggestContinueAsNew": "300",
}


@asynccontextmanager
async def time_skipping_server() -> AsyncIterator[WorkflowEnvironment]:
    """The environment; each workflow started through its client has a clock of its own."""
    arguments = [
        part
        for name, value in SETTINGS.items()
        for part in ("--dynamic-config-value", f"{name}={value}")
    ]
    environment = await WorkflowEnvironment.start_time_skipping_v2(
        dev_server_existing_path=str(SERVER),
        dev_server_log_level="never",
        dev_server_extra_args=arguments,
        data_converter=DATA_CONVERTER,
        dev_server_startup_timeout=timedelta(minutes=1),  # on a busy machine
        search_attributes=list(ALL_ATTRIBUTES),
        ui=False,
    )
    async with environment:
        yield environment
