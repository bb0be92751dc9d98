"""The processes that a deployment runs: workers, projections, the starter."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from ordersaga.bootstrap.logging import configure_logging
from ordersaga.bootstrap.schema import pending_migrations
from ordersaga.bootstrap.settings import Settings, load_settings
from ordersaga.bootstrap.telemetry import flush_traces, start_tracing, temporal_runtime
from ordersaga.bootstrap.wiring import Services, open_services, reaching_database
from ordersaga.daemons import heap
from ordersaga.daemons.service import Loop, serve
from ordersaga.errors import Unreachable

if TYPE_CHECKING:
    from temporalio.client import Client

    from eventstore.model import FeedFilter
    from ordersaga.daemons.follower import Follower
    from projections.engine.projection import Projection
    from projections.engine.runner import ProjectionRunner
    from workers.factory import WorkerVersion


FAILURES_TOLERATED: Final = 3
"""A lane that failed more often in a row counts as ill; fewer are an ordinary hiccup."""


@asynccontextmanager
async def _process(name: str) -> AsyncIterator[Services]:
    """What every process begins and ends with.

    Raises:
        WrongSetting: a setting is wrong.
        Unreachable: the database does not answer or lacks its schema.
    """
    settings = load_settings()
    configure_logging(settings.log_format, settings.log_level)
    await _require_schema(settings)
    structlog.contextvars.bind_contextvars(process=name)
    async with open_services(settings, application_name=f"ordersaga-{name}") as services:
        heap.settle()
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
    """Work on some task queues until a signal comes."""
    from workers.search_attributes import ensure_search_attributes

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
    from workers.factory import Outside, build_worker

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
    """The build that this worker runs; None where builds are not told apart."""
    from workers.factory import WorkerVersion

    if settings.worker_versioning == "off" or settings.build_id is None:
        return None
    pinned = settings.worker_versioning == "pinned"
    return WorkerVersion(settings.deployment_name, settings.build_id, pinned)


async def run_projections(names: Sequence[str]) -> None:
    """Keep some read models (all if none is named) up to date until a signal comes.

    Raises:
        UnknownProjection: there is none of a name.
    """
    from projections.engine.runner import ProjectionRunner
    from projections.registry import select

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
    """The gauge of sagas that need attention, where metrics are on and such read models run."""
    from ordersaga.daemons.attention import AttentionGauge
    from projections.read_models.fulfillments import model as fulfillments
    from projections.read_models.parcels import model as parcels
    from projections.read_models.returns import model as returns

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
    """Start sagas, and tell those that wait for stock, until a signal comes."""
    from ordersaga.daemons import starter
    from ordersaga.daemons import stock_signals as arrivals
    from workers.search_attributes import ensure_search_attributes

    async with _process("starter") as services:
        client = await services.temporal(interceptors=start_tracing(services.settings, "starter"))
        await ensure_search_attributes(client)
        at_once = services.settings.starter_concurrency
        sagas = starter.SagaStarter(client, services.handler, at_once)
        stock = arrivals.StockArrivals(client, services.handler, at_once)
        loops = [
            await _following(services, "starter", sagas, starter.CHECKPOINT, starter.WANTED),
            await _following(services, "arrivals", stock, arrivals.CHECKPOINT, arrivals.WANTED),
        ]
        await serve(services.settings, loops)


async def _following(
    services: Services, name: str, follower: "Follower", checkpoint: str, wanted: "FeedFilter"
) -> Loop:
    from eventstore.reading.subscription import Subscription

    subscription = Subscription(
        services.redacted_store,
        services.checkpoints(),
        await services.waker(),
        checkpoint,
        wanted,
        follower.handle,
    )

    def problems() -> Sequence[str]:
        lost = () if subscription.healthy else ("the database does not answer",)
        return (*lost, *follower.problems())

    return Loop(name, lambda stop: follower.follow(subscription, stop), problems=problems)


async def run_notifications() -> None:
    """Send notifications from the outbox until a signal comes."""
    from ordersaga.daemons.notifier import Notifier, Pace, Persistence

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
            persistence=Persistence(
                attempts=settings.notification_attempts,
                max_age_s=timedelta(days=settings.notification_max_age_days).total_seconds(),
            ),
        )
        await serve(settings, [Loop("notifications", notifier.run, problems=notifier.problems)])


def _lane_problems(runner: "ProjectionRunner", stuck_after_s: float) -> Sequence[str]:
    """What is wrong with the lanes of this process; each of them looks around all the time."""
    found = []
    for lane in runner.health():
        name = lane.projection if lane.lane < 0 else f"{lane.projection} lane {lane.lane}"
        if lane.failures >= FAILURES_TOLERATED:
            found.append(f"{name}: {lane.failures} failures in a row")
        if lane.since_s > stuck_after_s:
            found.append(f"{name}: stuck for {lane.since_s:.0f} s")
    return found
