"""The processes of a deployment that need no Temporal: projections and notifications."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Final

import structlog

from ordersaga.bootstrap.logging import configure_logging
from ordersaga.bootstrap.schema import pending_migrations
from ordersaga.bootstrap.settings import Settings, load_settings
from ordersaga.bootstrap.telemetry import flush_traces, temporal_runtime
from ordersaga.bootstrap.wiring import Services, open_services, reaching_database
from ordersaga.daemons.attention import AttentionGauge
from ordersaga.daemons.heap import freeze_startup_objects
from ordersaga.daemons.notifier import Notifier, RetryLimits, SendLimits
from ordersaga.daemons.service import Loop, serve
from ordersaga.errors import Unreachable
from projections.engine.projection import Projection
from projections.engine.runner import ProjectionRunner
from projections.read_models.fulfillments import model as fulfillments
from projections.read_models.parcels import model as parcels
from projections.read_models.returns import model as returns
from projections.registry import select

FAILURES_TOLERATED: Final = 3
"""A lane is unhealthy after this many failures in a row; fewer are ordinary."""


@asynccontextmanager
async def process(name: str) -> AsyncIterator[Services]:
    """Start and end of every process: logging, schema check, services, traces.

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


async def run_projections(names: Sequence[str]) -> None:
    """Keep some read models (all if none is named) up to date until a signal arrives.

    Raises:
        UnknownProjection: no read model has one of the names.
    """
    chosen = select(names)
    async with process("projections") as services:
        waker = await services.waker()
        runner = ProjectionRunner(
            services.pool, services.redacted_store, services.codec, waker, chosen
        )

        def problems() -> Sequence[str]:
            return _lane_problems(runner, services.settings.stuck_after_s)

        loop = Loop("projections", runner.run, problems=problems)
        await serve(services.settings, [loop, *_attention(services, chosen)])


def _attention(services: Services, running: Sequence[Projection]) -> Sequence[Loop]:
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


async def run_notifications() -> None:
    """Send notifications from the outbox until a signal arrives."""
    async with process("notifications") as services:
        settings = services.settings
        notifier = Notifier(
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
        await serve(settings, [Loop("notifications", notifier.run, problems=notifier.problems)])


def _lane_problems(runner: ProjectionRunner, stuck_after_s: float) -> Sequence[str]:
    """What is wrong with the lanes of this process."""
    problems = []
    for lane in runner.health():
        name = lane.projection if lane.lane < 0 else f"{lane.projection} lane {lane.lane}"
        if lane.failures >= FAILURES_TOLERATED:
            problems.append(f"{name}: {lane.failures} failures in a row")
        if lane.since_s > stuck_after_s:
            problems.append(f"{name}: stuck for {lane.since_s:.0f} s")
    return problems
