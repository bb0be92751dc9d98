"""Runs the loops of a long-running process until SIGTERM, with a ready file and a health check."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from ordersaga.bootstrap.settings import Settings

_log = structlog.stdlib.get_logger("ordersaga.service")
_PROBE_EVERY_S: Final = 0.05
_STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Loop:
    """Work that a process does until it is stopped.

    Attributes:
        name: in logs and in the health check.
        run: works until the event is set, then finishes running work and returns.
        is_ready: whether it accepts work.
        problems: what is wrong right now, in words; empty if it is healthy.
    """

    name: str
    run: Callable[[asyncio.Event], Awaitable[None]]
    is_ready: Callable[[], bool] = field(default=lambda: True)
    problems: Callable[[], Sequence[str]] = field(default=lambda: ())


def stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM, SIGINT and SIGHUP set instead of ending the process."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, stop.set)
    return stop


@contextlib.contextmanager
def stopping_on_signals() -> Iterator[asyncio.Event]:
    """Like `stop_on_signals`; afterwards the signals have their usual effect again."""
    try:
        yield stop_on_signals()
    finally:
        loop = asyncio.get_running_loop()
        for number in _STOP_SIGNALS:
            loop.remove_signal_handler(number)


async def serve(settings: "Settings", loops: Sequence[Loop]) -> None:
    """Run all loops until a signal arrives; if one ends earlier, the others stop as well.

    Raises:
        Exception: the error of the first loop that failed, after all have stopped.
    """
    with stopping_on_signals() as stop:
        tasks = [asyncio.create_task(_guard(loop, stop), name=loop.name) for loop in loops]
        async with _health(settings, loops, tasks), _readiness(settings.ready_file, loops):
            _log.info("started", loops=[loop.name for loop in loops])
            await stop.wait()
            _log.info("stopping")
            await asyncio.wait(tasks)
        _log.info("stopped")
    for task in tasks:
        task.result()


async def _guard(loop: Loop, stop: asyncio.Event) -> None:
    try:
        await loop.run(stop)
    finally:
        if not stop.is_set():
            _log.error("a loop ended unexpectedly", loop=loop.name)
        stop.set()


@asynccontextmanager
async def _readiness(ready_file: Path | None, loops: Sequence[Loop]) -> AsyncIterator[None]:
    if ready_file is None:
        yield
        return
    announcing = asyncio.create_task(_announce(ready_file, loops))
    try:
        yield
    finally:
        announcing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await announcing
        await asyncio.to_thread(ready_file.unlink, missing_ok=True)


async def _announce(ready_file: Path, loops: Sequence[Loop]) -> None:
    # Temporal's worker shows its start only in a property, which must be polled.
    while not all(loop.is_ready() for loop in loops):  # noqa: ASYNC110  see above
        await asyncio.sleep(_PROBE_EVERY_S)
    await asyncio.to_thread(ready_file.touch)


@asynccontextmanager
async def _health(
    settings: "Settings", loops: Sequence[Loop], tasks: Sequence[asyncio.Task[None]]
) -> AsyncIterator[None]:
    if settings.health_port is None:
        yield
        return
    from aiohttp import web  # noqa: PLC0415  0.2 s, only where a health port is set

    async def healthz(_request: web.Request) -> web.Response:
        state = _state(loops, tasks)
        return web.json_response(state, status=200 if state["healthy"] else 503)

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.bind_host, settings.health_port).start()
        yield
    finally:
        await runner.cleanup()


def _state(loops: Sequence[Loop], tasks: Sequence[asyncio.Task[None]]) -> dict[str, object]:
    problems = {
        loop.name: ["is dead"] if task.done() else list(loop.problems())
        for loop, task in zip(loops, tasks, strict=True)
    }
    healthy = not any(problems.values())
    ready = all(loop.is_ready() for loop in loops)
    return {"healthy": healthy, "ready": ready, "loops": problems}
