"""What a process says about itself: `/livez`, `/readyz`, the ready file and gauges.

Ready: every loop moves and the process can do its work now. Live is bad only for what a restart of
the process cures.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import structlog

from ordersaga.daemons.loops import RunningLoop
from ordersaga.daemons.needs import Watch

if TYPE_CHECKING:
    from aiohttp import web
    from temporalio.runtime import Runtime

    from ordersaga.bootstrap.settings import Settings

READY: Final = "ordersaga_ready"
HEARTBEAT_AGE: Final = "ordersaga_loop_heartbeat_age_seconds"
RESTARTS: Final = "ordersaga_loop_restarts"
"""Prometheus shows it with the suffix ``_total``, as any counter."""

_log = structlog.stdlib.get_logger("ordersaga.health")

_SHOW_EVERY_S: Final = 1.0
_SAY_AFTER_S: Final = 15.0
_CLOSE_WITHIN_S: Final = 0.3


class Health:
    """The state of a process.

    Attributes:
        watches: what the process needs.
        loops: what it does; empty while it waits for what it needs.
    """

    def __init__(self, watches: Sequence[Watch] = ()) -> None:
        self.watches = watches
        self.loops: Sequence[RunningLoop] = ()

    @property
    def is_live(self) -> bool:
        """False if only a restart of the process helps."""
        return not any(running.is_lost for running in self.loops)

    @property
    def is_ready(self) -> bool:
        """Whether it can do its work now."""
        return bool(self.loops) and not self.problems()

    def problems(self) -> list[str]:
        """Everything that is wrong, in words; empty if it is ready."""
        problems = [f"{each.need.name}: {each.problem}" for each in self.watches if each.problem]
        problems += [
            f"{each.loop.name}: {problem}" for each in self.loops for problem in each.problems()
        ]
        return problems if self.loops else [*problems, "has not begun to work"]

    def report(self) -> dict[str, Any]:
        """The body of both addresses."""
        return {
            "live": self.is_live,
            "ready": self.is_ready,
            "problems": self.problems(),
            "needs": {each.need.name: each.problem is None for each in self.watches},
            "loops": {
                each.loop.name: {
                    "heartbeat_age_s": round(each.age_s(), 1),
                    "restarts": each.restarts,
                    "problems": list(each.problems()),
                    "notices": list(each.loop.notices()),
                }
                for each in self.loops
            },
        }


@asynccontextmanager
async def answering(settings: "Settings", health: Health) -> AsyncIterator[None]:
    """Serve `/livez` and `/readyz`, if a port is set.

    Raises:
        OSError: the port is taken.
    """
    if settings.health_port is None:
        yield
        return
    from aiohttp import web  # noqa: PLC0415  0.2 s, only where a health port is set

    app = web.Application()
    app.router.add_get("/livez", _answer(lambda: health.is_live, health))
    app.router.add_get("/readyz", _answer(lambda: health.is_ready, health))
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_CLOSE_WITHIN_S)
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.bind_host, settings.health_port).start()
        yield
    finally:
        await runner.cleanup()


def _answer(is_good: Callable[[], bool], health: Health) -> Any:
    from aiohttp import web  # noqa: PLC0415  as above

    async def answer(_request: "web.Request") -> "web.Response":
        return web.json_response(health.report(), status=200 if is_good() else 503)

    return answer


@asynccontextmanager
async def shown(
    ready_file: Path | None, runtime: "Runtime | None", health: Health
) -> AsyncIterator[None]:
    """Keep the ready file and the gauges of the loops up to date."""
    showing = asyncio.create_task(_show(ready_file, _LoopGauges(runtime), health))
    try:
        yield
    finally:
        showing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await showing
        _mark(ready_file, False)


async def _show(ready_file: Path | None, gauges: "_LoopGauges", health: Health) -> None:
    was_ready, reports = False, _Reports()
    while True:
        if health.is_ready != was_ready:
            was_ready = not was_ready
            _mark(ready_file, was_ready)
        gauges.set(health)
        reports.look(health)
        # Temporal's worker shows its start only in a property, which must be polled.
        await asyncio.sleep(_SHOW_EVERY_S if was_ready else _SHOW_EVERY_S / 20)


def _mark(ready_file: Path | None, is_ready: bool) -> None:
    if ready_file is not None and is_ready:
        ready_file.touch()
    elif ready_file is not None:
        ready_file.unlink(missing_ok=True)


class _Reports:
    """Says once that a loop cannot work, and once that it can again.

    What a need explains is said by its watch alone, and what passes by itself is not said.
    """

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self._said: set[str] = set()

    def look(self, health: Health) -> None:
        needs_are_met = not any(each.problem for each in health.watches)
        for each in health.loops:
            name, problems = each.loop.name, each.problems()
            if not problems:
                self._end(name)
            elif not needs_are_met:
                self._since.pop(name, None)
            elif name not in self._said:
                since = self._since.setdefault(name, time.monotonic())
                if time.monotonic() - since > _SAY_AFTER_S:
                    self._said.add(name)
                    _log.warning("a loop cannot work", loop=name, problems=problems)

    def _end(self, name: str) -> None:
        self._since.pop(name, None)
        if name in self._said:
            self._said.remove(name)
            _log.info("a loop works again", loop=name)


class _LoopGauges:
    def __init__(self, runtime: "Runtime | None") -> None:
        self._runtime = runtime  # without it the endpoint would close
        self._restarts: dict[str, int] = {}
        if runtime is not None:
            meter = runtime.metric_meter
            self._age = meter.create_gauge_float(
                HEARTBEAT_AGE, "Seconds since a loop of the process last moved"
            )
            self._restarted = meter.create_counter(
                RESTARTS, "How often a loop that hung, or that an outage ended, was started again"
            )

    def set(self, health: Health) -> None:
        if self._runtime is None:
            return
        for each in health.loops:
            label = {"loop": each.loop.name}
            self._age.set(each.age_s(), label)
            self._restarted.add(each.restarts - self._restarts.get(each.loop.name, 0), label)
            self._restarts[each.loop.name] = each.restarts


def ready_gauge(runtime: "Runtime | None", need: str) -> Callable[[bool], None]:
    """Sets the gauge that says whether a need is met."""
    if runtime is None:
        return lambda _: None
    gauge = runtime.metric_meter.create_gauge(READY, "1 if what the process needs can be used")
    return lambda is_met: gauge.set(int(is_met), {"needs": need})
