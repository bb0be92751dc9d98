"""The life of a long-running process.

It answers signals and health checks from its first moment, waits for what it needs, then runs its
loops until a signal arrives. The end has a limit: loops may finish running work until the drain
limit, and the process is gone two seconds later, whatever hangs.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, Final

import structlog

from ordersaga.bootstrap.logging import configure_logging
from ordersaga.bootstrap.settings import Settings, load_settings
from ordersaga.bootstrap.telemetry import flush_traces
from ordersaga.daemons.ending import LOOPS_BEYOND_S, LastResort, stopping_on_signals
from ordersaga.daemons.health import Health, answering, ready_gauge, shown
from ordersaga.daemons.heap import freeze_startup_objects
from ordersaga.daemons.loops import Loop, RunningLoop
from ordersaga.daemons.needs import Need, Watch
from ordersaga.errors import StoppedLate

if TYPE_CHECKING:
    from temporalio.runtime import Runtime

_log = structlog.stdlib.get_logger("ordersaga.service")

_CANCEL_WITHIN_S: Final = 0.1
_CLOSE_WITHIN_S: Final = 0.4


def begin(name: str) -> Settings:
    """The first act of a process: its settings and its log.

    Raises:
        WrongSetting: a setting is wrong.
    """
    settings = load_settings()
    configure_logging(settings.log_format, settings.log_level)
    structlog.contextvars.bind_contextvars(process=name)
    return settings


async def run_process(
    settings: Settings,
    needs: Sequence[Need],
    loops: Callable[[], Awaitable[Sequence[Loop]]],
    *,
    runtime: "Runtime | None" = None,
    last_resort: Callable[[], None] | None = None,
) -> None:
    """Wait for what a process needs and run its loops, until a signal arrives.

    Args:
        settings: ports, limits, ready file.
        needs: what the process needs, in the order in which it is connected.
        loops: makes the loops, once everything needed is there.
        runtime: its metrics endpoint serves the gauges; None: no metrics.
        last_resort: arms what ends the process if it does not end by itself; for tests.

    Raises:
        StoppedLate: running work was given up at the drain limit.
        Exception: an error of ours, after everything else has stopped.
    """
    arm = last_resort or LastResort(settings.drain_timeout_s).arm
    watches = [Watch(need, ready_gauge(runtime, need.name)) for need in needs]
    health = Health(watches)
    with stopping_on_signals(arm) as stop:
        async with answering(settings, health), shown(settings.ready_file, runtime, health):
            try:
                built = await _unless(stop, _begin_work(watches, loops))
                if built is not None:
                    await _serve(
                        settings, health, [*built, *(each.loop() for each in watches)], stop
                    )
            finally:
                arm()
                await _close(needs)
        _log.info("stopped")


async def _begin_work(
    watches: Sequence[Watch], loops: Callable[[], Awaitable[Sequence[Loop]]]
) -> Sequence[Loop]:
    for watch in watches:
        await watch.meet()
    built = await loops()
    freeze_startup_objects()
    return built


async def _unless(
    stop: asyncio.Event, work: Coroutine[Any, Any, Sequence[Loop]]
) -> Sequence[Loop] | None:
    """The result of the work; None if `stop` was set first."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if working.done():
        return working.result()
    await _cancelled({working})
    return None


async def _serve(
    settings: Settings, health: Health, loops: Sequence[Loop], stop: asyncio.Event
) -> None:
    """Run all loops until the stop; if one ends by an error of ours, the others stop as well."""
    health.loops = [RunningLoop(loop, settings.stuck_after_s) for loop in loops]
    tasks = {
        asyncio.create_task(_guard(each, stop), name=each.loop.name): each.loop.name
        for each in health.loops
    }
    _log.info("started", loops=[loop.name for loop in loops])
    await stop.wait()
    _log.info("stopping")
    _, late = await asyncio.wait(tasks, timeout=settings.drain_timeout_s + LOOPS_BEYOND_S)
    await _cancelled(late)
    for task in tasks.keys() - late:
        task.result()
    if late:
        names = ", ".join(sorted(tasks[task] for task in late))
        raise StoppedLate(f"gave up running work of {names}: it is repeated elsewhere")


async def _guard(running: RunningLoop, stop: asyncio.Event) -> None:
    try:
        await running.run(stop)
    finally:
        stop.set()


async def _cancelled(tasks: "set[asyncio.Task[Any]]") -> None:
    """Cancel tasks, and leave those that do not obey."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks, timeout=_CANCEL_WITHIN_S)


async def _close(needs: Sequence[Need]) -> None:
    """Close connections, so that the servers learn of the end; each has its limit."""
    await flush_traces()
    closing = {asyncio.create_task(need.close()) for need in needs}
    if closing:
        _, late = await asyncio.wait(closing, timeout=_CLOSE_WITHIN_S)
        await _cancelled(late)
