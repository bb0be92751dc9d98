"""A worker process of the saga benchmark.

`python -m benchmarks.saga_worker bare|saga QUEUE...`; the kind `saga` is ordersaga as it is, only
with providers inside the process.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from temporalio.client import Client
from temporalio.worker import Worker

from activities.messages import ORDERS_QUEUE
from adapters.notifications.recording import RecordingNotifications
from adapters.providers.fakes import FakeCarrier, FakePaymentGateway
from benchmarks.bare import Bare, nothing
from ordersaga.bootstrap.logging import configure_logging
from ordersaga.bootstrap.settings import Settings, load_settings
from ordersaga.bootstrap.temporal import connect_temporal
from ordersaga.bootstrap.wiring import open_services
from ordersaga.daemons.ending import stop_on_signals
from ordersaga.operations.jobs.acts import SagaActs
from workers.factory import Dependencies, build_worker, polling
from workers.sandbox import workflow_runner

READY_FILE = "BENCHMARK_READY_FILE"


def bare_worker(client: Client, queue: str, settings: Settings) -> Worker:
    """A worker with the options of ordersaga's own that has nothing to do."""
    on_orders = queue == ORDERS_QUEUE
    return Worker(
        client,
        task_queue=queue,
        workflows=[Bare] if on_orders else [],
        activities=[] if on_orders else [nothing],
        workflow_runner=workflow_runner(),
        max_cached_workflows=1000,
        max_concurrent_activities=settings.worker_concurrency,
        max_concurrent_workflow_tasks=settings.workflow_concurrency,
        **polling(),
    )


@asynccontextmanager
async def workers(kind: str, queues: Sequence[str]) -> AsyncIterator[list[Worker]]:
    """The workers of this process."""
    settings = load_settings()
    client = await connect_temporal(settings)
    if kind == "bare":
        yield [bare_worker(client, queue, settings) for queue in queues]
        return
    async with open_services(settings) as services:
        dependencies = Dependencies(
            services.handler,
            FakePaymentGateway(),
            FakeCarrier(),
            RecordingNotifications(),
            services.installation,
            partial(SagaActs, services.handler),
        )
        yield [
            build_worker(
                client,
                queue,
                dependencies,
                max_concurrent_activities=settings.worker_concurrency,
                max_concurrent_workflow_tasks=settings.workflow_concurrency,
            )
            for queue in queues
        ]


async def main(kind: str, queues: Sequence[str]) -> None:
    """Work until a signal comes."""
    configure_logging("console", "info")
    ready = Path(os.environ[READY_FILE])
    stop = stop_on_signals()
    async with AsyncExitStack() as running, workers(kind, queues) as made:
        for worker in made:
            await running.enter_async_context(worker)
        ready.touch()  # noqa: ASYNC240  once, on a local disk
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2:]))
    sys.stdout.flush()
    os._exit(0)  # the runtime's threads would race with the interpreter's end
