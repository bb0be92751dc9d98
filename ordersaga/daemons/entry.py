"""The processes of a deployment: workers, projections, starter, notifications."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from eventstore.model import FeedFilter
from eventstore.reading.subscription import Subscription
from ordersaga.bootstrap.logging import configure_logging
from ordersaga.bootstrap.schema import pending_migrations
from ordersaga.bootstrap.settings import Settings, load_settings
from ordersaga.bootstrap.telemetry import flush_traces, start_tracing, temporal_runtime
from ordersaga.bootstrap.wiring import Services, open_services, reaching_database
from ordersaga.daemons.attention import AttentionGauge
from ordersaga.daemons.heap import freeze_startup_objects
from ordersaga.daemons.notifier import Notifier, Pace, RetryLimits
from ordersaga.daemons.service import Loop, serve
from ordersaga.errors import Unreachable
from projections.engine.runner import ProjectionRunner
from projections.read_models.fulfillments import model as fulfillments
from projections.read_models.parcels import model as parcels
from projections.read_models.returns import model as returns
from projections.registry import select

if TYPE_CHECKING:
    from temporalio.client import Client

    from ordersaga.daemons.follower import Follower
    from projections.engine.projection import Projection
    from workers.factory import WorkerVersion


FAILURES_TOLERATED: Final = 3
"""A lane is unhealthy after this many failures in a row; fewer are ordinary."""


@asynccontextmanager
async def _process(name: str) -> AsyncIterator[Services]:
    """Start and end of every process.

    Raises:
        WrongSetting: a setting is wrong.
        Unreachable: the database does not answer or lacks its schema.
    """
    settings = load_settings()
    configure_logging(settings.log_format, settings.log_level)
    await _require_schema(settings)
    structlog.contextvars.bind_contextvars(process=name)
    async with open_services(settings, application_name=f"ordersaga-{name}") as services:
        freeze_startup_objects()
        try:
            yield services
        finally:
            await flush_traces()


async def _require_schema(settings: Settings) -> None:
    with reaching_database(settings):
        missing = await pending_migrations(settings.dsn())
    if missing:
        raise Unreachable(f"the database lacks {', '.join(missing)}: run `ordersaga migrate`")


async def run_worker(queues: Sequence[str]) -> None:
    """Run workers for some task queues until a signal arrives."""
    from workers.search_attributes import (  # noqa: PLC0415  loads Temporal
        ensure_search_attributes,
    )

    name = f"worker-{'-'.join(queues)}"
    async with _process(name) as services:
        client = await services.temporal(
            runtime=temporal_runtime(services.settings),
            interceptors=start_tracing(services.settings, name),
        )
        await ensure_search_attributes(client)
        loops = [_queue_loop(services, client, queue) for queue in queues]
        await serve(services.settings, loops)


def _queue_loop(services: Services, client: "Client", queue: str) -> Loop:
    from workers.factory import Outside, build_worker  # noqa: PLC0415  loads Temporal

    settings = services.settings
    outside = Outside(
        services.handler, services.payments(), services.carrier(), services.notifications()
    )
    worker = build_worker(
        client,
        queue,
        outside,
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


def version_of(settings: Settings) -> "WorkerVersion | None":
    """The build that this worker runs; None if builds are not distinguished."""
    from workers.factory import WorkerVersion  # noqa: PLC0415  loads Temporal

    if settings.worker_versioning == "off" or settings.build_id is None:
        return None
    pinned = settings.worker_versioning == "pinned"
    return WorkerVersion(settings.deployment_name, settings.build_id, pinned)


async def run_projections(names: Sequence[str]) -> None:
    """Keep some read models (all if none is named) up to date until a signal arrives.

    Raises:
        UnknownProjection: there is no read model of a name.
    """
    chosen = select(names)
    async with _process("projections") as services:
        waker = await services.waker()
        runner = ProjectionRunner(
            services.pool, services.redacted_store, services.codec, waker, chosen
        )

        def problems() -> Sequence[str]:
            return _lane_problems(runner, services.settings.stuck_after_s)

        loop = Loop("projections", runner.run, problems=problems)
        await serve(services.settings, [loop, *_attention(services, chosen)])


def _attention(services: Services, running: "Sequence[Projection]") -> Sequence[Loop]:
    """The gauge of sagas that need attention, if metrics are on and its read models run here."""
    runtime = temporal_runtime(services.settings)
    names = {projection.name for projection in running}
    counts = {
        of: partial(model.count_needing_attention, services.pool)
        for of, name, model in (
            ("orders", "fulfillments", fulfillments),
            ("parcels", "parcels", parcels),
            ("returns", "returns", returns),
        )
        if name in names
    }
    return (AttentionGauge(runtime, counts).loop(),) if runtime and counts else ()


async def run_starter() -> None:
    """Start sagas, and signal those that wait for stock, until a signal arrives."""
    from ordersaga.daemons import starter, stock_signals  # noqa: PLC0415  loads Temporal
    from workers.search_attributes import ensure_search_attributes  # noqa: PLC0415  the same

    async with _process("starter") as services:
        client = await services.temporal(interceptors=start_tracing(services.settings, "starter"))
        await ensure_search_attributes(client)
        at_once = services.settings.starter_concurrency
        sagas = starter.SagaStarter(client, services.handler, at_once)
        stock = stock_signals.StockSignals(client, services.handler, at_once)
        loops = [
            await _following(services, "starter", sagas, starter.CHECKPOINT, starter.EVENTS),
            await _following(
                services, "arrivals", stock, stock_signals.CHECKPOINT, stock_signals.EVENTS
            ),
        ]
        await serve(services.settings, loops)


async def _following(
    services: Services, name: str, follower: "Follower", checkpoint: str, events: FeedFilter
) -> Loop:
    subscription = Subscription(
        services.redacted_store,
        services.checkpoints(),
        await services.waker(),
        checkpoint,
        events,
        follower.handle,
    )

    def problems() -> Sequence[str]:
        outage = () if subscription.healthy else ("the database does not answer",)
        return (*outage, *follower.problems())

    return Loop(name, lambda stop: follower.follow(subscription, stop), problems=problems)


async def run_notifications() -> None:
    """Send notifications from the outbox until a signal arrives."""
    async with _process("notifications") as services:
        settings = services.settings
        notifier = Notifier(
            services.pool,
            services.sink(),
            settings.notification_source,
            pace=Pace(
                at_once=settings.webhook_connections,
                timeout_s=settings.webhook_timeout_s,
                drain_s=settings.drain_timeout_s,
            ),
            limits=RetryLimits(
                attempts=settings.notification_attempts,
                max_age_s=timedelta(days=settings.notification_max_age_days).total_seconds(),
            ),
        )
        await serve(settings, [Loop("notifications", notifier.run, problems=notifier.problems)])


def _lane_problems(runner: "ProjectionRunner", stuck_after_s: float) -> Sequence[str]:
    """What is wrong with the lanes of this process."""
    problems = []
    for lane in runner.health():
        name = lane.projection if lane.lane < 0 else f"{lane.projection} lane {lane.lane}"
        if lane.failures >= FAILURES_TOLERATED:
            problems.append(f"{name}: {lane.failures} failures in a row")
        if lane.since_s > stuck_after_s:
            problems.append(f"{name}: stuck for {lane.since_s:.0f} s")
    return problems
