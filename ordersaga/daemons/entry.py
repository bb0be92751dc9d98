"""The processes of a deployment that need no Temporal: projections and notifications."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from ordersaga.bootstrap.telemetry import metrics_runtime
from ordersaga.bootstrap.wiring import Services
from ordersaga.daemons.attention import AttentionGauge
from ordersaga.daemons.event_store import EventStoreNeed
from ordersaga.daemons.loops import Loop
from ordersaga.daemons.notifier import Notifier, RetryLimits, SendLimits
from ordersaga.daemons.parked import ParkedStreams
from ordersaga.daemons.repairs import Repairs
from ordersaga.daemons.service import begin, run_process
from projections.engine.projection import Projection
from projections.engine.runner import ProjectionRunner
from projections.read_models.fulfillments import model as fulfillments
from projections.read_models.parcels import model as parcels
from projections.read_models.returns import model as returns
from projections.registry import select

if TYPE_CHECKING:
    from temporalio.runtime import Runtime

FAILURES_TOLERATED: Final = 3
"""A lane is unhealthy after this many failures in a row; fewer are ordinary."""

STILL_S: Final = 10.0
"""A lane is unhealthy if it has not moved for longer: an idle one looks twice a second."""


async def run_projections(names: Sequence[str]) -> None:
    """Keep some read models (all if none is named) up to date until a signal arrives.

    Raises:
        UnknownProjection: no read model has one of the names.
    """
    chosen = select(names)
    settings = begin("projections")
    store, runtime = EventStoreNeed(settings, "projections"), metrics_runtime(settings)

    async def loops() -> Sequence[Loop]:
        services = store.services
        waker = await services.waker()
        runner = ProjectionRunner(
            services.pool, services.redacted_store, services.codec, waker, chosen
        )
        lanes = Loop(
            "projections",
            runner.run,
            lambda: max((lane.since_s for lane in runner.health()), default=0.0),
            problems=lambda: _lane_problems(runner),
            notices=lambda: [str(lane.error) for lane in runner.health() if lane.waits],
        )
        parked = ParkedStreams(services.pool, runtime, chosen)
        repairs = Repairs(services, chosen)
        return [lanes, parked.loop(), repairs.loop(), *_attention(services, runtime, chosen)]

    await run_process(settings, [store], loops, runtime=runtime)


def _attention(
    services: Services, runtime: "Runtime | None", running: Sequence[Projection]
) -> Sequence[Loop]:
    """The gauge of sagas that need attention, if metrics are on and its read models run here."""
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


async def run_notifications() -> None:
    """Send notifications from the outbox until a signal arrives."""
    settings = begin("notifications")
    store, runtime = EventStoreNeed(settings, "notifications"), metrics_runtime(settings)

    async def loops() -> Sequence[Loop]:
        return [_notifier(store.services).loop()]

    await run_process(settings, [store], loops, runtime=runtime)


def _notifier(services: Services) -> Notifier:
    settings = services.settings
    return Notifier(
        services.pool,
        services.sink(),
        settings.notification_source,
        send_limits=SendLimits(
            at_once=settings.webhook_connections,
            timeout_s=settings.webhook_timeout_s,
            drain_s=settings.drain_timeout_s,
        ),
        limits=RetryLimits(
            attempts=settings.notification_attempts,
            max_age_s=timedelta(days=settings.notification_max_age_days).total_seconds(),
        ),
    )


def _lane_problems(runner: ProjectionRunner) -> Sequence[str]:
    """What is wrong with the lanes of this process."""
    problems = []
    lanes = runner.health()
    if lanes and all(lane.waits for lane in lanes):
        problems.append("no read model can be kept up to date: see `ordersaga projections status`")
    for lane in lanes:
        name = lane.projection if lane.lane < 0 else f"{lane.projection} lane {lane.lane}"
        if lane.failures >= FAILURES_TOLERATED:
            problems.append(f"{name}: {lane.failures} failures in a row")
        if lane.since_s > STILL_S:
            problems.append(f"{name}: has not moved for {lane.since_s:.0f} s")
    return problems
