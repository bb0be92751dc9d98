"""The processes of a deployment that work with Temporal: workers and the starter."""

import asyncio
import time
from collections.abc import Sequence
from datetime import timedelta

from temporalio.client import Client
from temporalio.runtime import Runtime

from adapters.notifications.log import LogNotifications
from eventstore.model import FeedFilter
from eventstore.postgres.checkpoints import PostgresCheckpoints
from eventstore.reading.subscription import Subscription
from ordersaga.bootstrap.settings import Settings
from ordersaga.bootstrap.telemetry import start_tracing, temporal_runtime
from ordersaga.bootstrap.wiring import Services
from ordersaga.daemons import starter, stock_signals
from ordersaga.daemons.entry import process
from ordersaga.daemons.follower import Follower
from ordersaga.daemons.service import Loop, serve
from ordersaga.daemons.watchdog import Watchdog
from ordersaga.operations.watchdog.look import Observer
from workers.factory import Dependencies, WorkerVersion, build_worker
from workers.search_attributes import ensure_search_attributes


async def run_worker(queues: Sequence[str]) -> None:
    """Run workers for some task queues until a signal arrives."""
    name = f"worker-{'-'.join(queues)}"
    async with process(name) as services:
        client = await services.temporal(
            runtime=temporal_runtime(services.settings),
            interceptors=start_tracing(services.settings, name),
        )
        await ensure_search_attributes(client)
        loops = [_queue_loop(services, client, queue) for queue in queues]
        await serve(services.settings, loops)


def _queue_loop(services: Services, client: Client, queue: str) -> Loop:
    settings = services.settings
    dependencies = Dependencies(
        services.handler, services.payments(), services.carrier(), LogNotifications()
    )
    worker = build_worker(
        client,
        queue,
        dependencies,
        max_concurrent_activities=settings.worker_concurrency,
        max_concurrent_workflow_tasks=settings.workflow_concurrency,
        grace=timedelta(seconds=settings.drain_timeout_s),
        version=version_of(settings),
    )

    async def run(stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            working = group.create_task(worker.run())
            stopping = group.create_task(stop.wait())
            await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            await worker.shutdown()

    return Loop(queue, run, is_ready=lambda: worker.is_running)


def version_of(settings: Settings) -> WorkerVersion | None:
    """The build that this worker runs; None if builds are not distinguished."""
    if settings.worker_versioning == "off" or settings.build_id is None:
        return None
    pinned = settings.worker_versioning == "pinned"
    return WorkerVersion(settings.deployment_name, settings.build_id, pinned)


async def run_starter() -> None:
    """Start sagas, signal those that wait for stock, and watch all, until a signal arrives."""
    async with process("starter") as services:
        runtime = temporal_runtime(services.settings)
        client = await services.temporal(
            runtime=runtime, interceptors=start_tracing(services.settings, "starter")
        )
        await ensure_search_attributes(client)
        at_once = services.settings.starter_concurrency
        sagas = starter.SagaStarter(client, services.handler, at_once)
        stock = stock_signals.StockSignals(client, services.handler, at_once)
        loops = [
            await _following(services, "starter", sagas, starter.CHECKPOINT, starter.EVENTS),
            await _following(
                services, "arrivals", stock, stock_signals.CHECKPOINT, stock_signals.EVENTS
            ),
            _watchdog(services, client, runtime),
        ]
        await serve(services.settings, loops)


def _watchdog(services: Services, client: Client, runtime: Runtime | None) -> Loop:
    silent_after = timedelta(seconds=services.settings.silent_after_s)
    observer = Observer(
        services.pool, services.redacted_store, client, silent_after, time.monotonic
    )
    return Watchdog(services.pool, observer, runtime).loop()


async def _following(
    services: Services, name: str, follower: Follower, checkpoint: str, events: FeedFilter
) -> Loop:
    subscription = Subscription(
        services.redacted_store,
        PostgresCheckpoints(services.pool),
        await services.waker(),
        checkpoint,
        events,
        follower.handle,
    )

    def problems() -> Sequence[str]:
        outage = () if subscription.healthy else ("the database does not answer",)
        return (*outage, *follower.problems())

    return Loop(name, lambda stop: follower.follow(subscription, stop), problems=problems)
