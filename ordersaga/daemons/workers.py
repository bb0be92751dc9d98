"""The processes of a deployment that work with Temporal: workers and the starter."""

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Final

from temporalio.client import Client
from temporalio.runtime import Runtime
from temporalio.worker import Worker

from adapters.notifications.log import LogNotifications
from domain.parcel_left import IfLeft
from eventstore.model import FeedFilter
from eventstore.postgres.checkpoints import PostgresCheckpoints
from eventstore.postgres.set_aside import PostgresSetAsideEvents
from eventstore.reading.subscription import Subscription
from ordersaga.bootstrap.settings import Settings
from ordersaga.bootstrap.telemetry import start_tracing, temporal_runtime
from ordersaga.bootstrap.wiring import Services
from ordersaga.daemons import starter, stock_signals
from ordersaga.daemons.event_store import EventStoreNeed
from ordersaga.daemons.follower import Follower
from ordersaga.daemons.incidents import ProviderWatch
from ordersaga.daemons.loops import BEAT_EVERY_S, Heartbeat, Loop
from ordersaga.daemons.outages import TemporalLost
from ordersaga.daemons.service import begin, run_process
from ordersaga.daemons.set_aside import SetAside
from ordersaga.daemons.temporal import TemporalNeed
from ordersaga.daemons.watchdog import Watchdog
from ordersaga.operations.jobs.acts import SagaActs
from ordersaga.operations.watchdog.look import Observer
from workers.factory import Dependencies, WorkerVersion, build_worker

SET_ASIDE: Final = "ordersaga_events_set_aside"


async def run_worker(queues: Sequence[str]) -> None:
    """Run workers for some task queues until a signal arrives."""
    name = f"worker-{'-'.join(queues)}"
    settings = begin(name)
    store, temporal = _needs(settings, name)

    async def loops() -> Sequence[Loop]:
        services = store.services
        workers = [
            TaskQueue(partial(_worker, services, temporal.client, queue)).loop(queue)
            for queue in queues
        ]
        providers = [services.providers.payments, services.providers.carrier]
        watch = ProviderWatch(services.pool, temporal.runtime, providers, name)
        return [*workers, watch.loop()]

    await run_process(settings, [store, temporal], loops, runtime=temporal.runtime)


def _needs(settings: Settings, name: str) -> tuple[EventStoreNeed, TemporalNeed]:
    store = EventStoreNeed(settings, name, opens_personal_data=True)
    interceptors = start_tracing(settings, name)
    return store, TemporalNeed(settings, temporal_runtime(settings), interceptors)


class TaskQueue:
    """The worker of one task queue.

    Args:
        build: makes a worker; each start needs a new one.
    """

    def __init__(self, build: Callable[[], Worker]) -> None:
        self._build = build
        self._worker: Worker | None = None
        self._heartbeat = Heartbeat()

    def loop(self, queue: str) -> Loop:
        """The work as a loop of a process."""
        return Loop(queue, self.run, self._heartbeat.age_s, is_ready=self._is_running)

    async def run(self, stop: asyncio.Event) -> None:
        """Poll the task queue until `stop` is set, then finish what runs.

        Raises:
            TemporalLost: the server refuses the worker. Nothing else ends one.
        """
        self._worker = worker = self._build()
        working, stopping = asyncio.create_task(worker.run()), asyncio.create_task(stop.wait())
        try:
            while not working.done() and not stop.is_set():
                self._heartbeat.beat()
                await asyncio.wait(
                    {working, stopping},
                    timeout=BEAT_EVERY_S,
                    return_when=asyncio.FIRST_COMPLETED,
                )
            if not working.done():
                await worker.shutdown()
            await working
        except Exception as error:
            raise TemporalLost(type(error).__name__) from error
        finally:
            working.cancel()
            stopping.cancel()

    def _is_running(self) -> bool:
        return self._worker is not None and self._worker.is_running


def _worker(services: Services, client: Client, queue: str) -> Worker:
    settings = services.settings
    dependencies = Dependencies(
        services.handler,
        services.payments(),
        services.carrier(),
        LogNotifications(),
        services.installation,
        partial(SagaActs, services.handler),
        settings.cancel_after_s,
        IfLeft(settings.if_parcel_left),
    )
    return build_worker(
        client,
        queue,
        dependencies,
        max_concurrent_activities=settings.worker_concurrency,
        max_concurrent_workflow_tasks=settings.workflow_concurrency,
        grace=timedelta(seconds=settings.drain_timeout_s),
        version=version_of(settings),
    )


def version_of(settings: Settings) -> WorkerVersion | None:
    """The build that this worker runs; None if builds are not distinguished."""
    if settings.worker_versioning == "off" or settings.build_id is None:
        return None
    pinned = settings.worker_versioning == "pinned"
    return WorkerVersion(settings.deployment_name, settings.build_id, pinned)


async def run_starter() -> None:
    """Start sagas, signal those that wait for stock, and watch all, until a signal arrives."""
    settings = begin("starter")
    store, temporal = _needs(settings, "starter")

    async def loops() -> Sequence[Loop]:
        services, client, at_once = store.services, temporal.client, settings.starter_concurrency
        aside = partial(_set_aside, services, temporal.runtime)
        sagas = starter.SagaStarter(client, services.handler, at_once, aside(starter.CHECKPOINT))
        stock = stock_signals.StockSignals(
            client, services.handler, at_once, aside(stock_signals.CHECKPOINT)
        )
        return [
            await _following(services, "starter", sagas, starter.CHECKPOINT, starter.EVENTS),
            await _following(
                services, "arrivals", stock, stock_signals.CHECKPOINT, stock_signals.EVENTS
            ),
            _watchdog(services, client, temporal.runtime),
        ]

    await run_process(settings, [store, temporal], loops, runtime=temporal.runtime)


def _watchdog(services: Services, client: Client, runtime: Runtime) -> Loop:
    silent_after = timedelta(seconds=services.settings.silent_after_s)
    observer = Observer(
        services.pool, services.redacted_store, client, silent_after, time.monotonic
    )
    return Watchdog(services.pool, observer, runtime).loop()


def _set_aside(services: Services, runtime: Runtime, follower: str) -> SetAside:
    """What a follower sets aside, and its number as a metric."""
    gauge = runtime.metric_meter.create_gauge(SET_ASIDE, "Events that a follower tries again")
    return SetAside(
        follower,
        PostgresSetAsideEvents(services.pool),
        services.redacted_store,
        show=lambda count: gauge.set(count, {"follower": follower}),
    )


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

    return Loop(
        name,
        lambda stop: follower.follow(subscription, stop),
        lambda: min(follower.heartbeat.age_s(), subscription.age_s()),
        problems=problems,
        notices=follower.notices,
    )
