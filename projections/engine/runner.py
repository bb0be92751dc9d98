"""Projection workers: follow every lane of some projections in one process.

Any number of processes may run the same projections. The fence decides who applies each batch, so
when one process dies, another continues with the next batch and nothing is applied twice.
"""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import structlog

from eventstore.codec import EventCodec
from eventstore.postgres.feed_lag import complete_position
from eventstore.reading.waking import LocalWaker, Waker
from eventstore.store import EventStore
from projections.engine import control
from projections.engine.caching_codec import CachingCodec
from projections.engine.concurrently import run_concurrently
from projections.engine.feed import SharedFeed, union
from projections.engine.lane import DEFAULT_OPTIONS, LaneOptions, LaneWorker, StepResult, reach
from projections.engine.projection import LIVE, Pool, Projection
from projections.errors import NotInstalled, VersionMismatch, is_outage

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LaneDelays:
    """How long a lane waits, in seconds.

    Attributes:
        idle: longest wait for a poke when there is nothing to do.
        behind: before looking again for positions that are drawn but cannot be read yet.
        held: before retrying a lane that another worker holds or an operator paused.
        linger: after being woken, so that a busy store is followed in larger batches.
        retry: after a failed batch; doubles up to `retry_most`.
        unfit: before looking again whether the tables of a read model are there and are of this
            program's version.
    """

    idle: float = 0.5
    behind: float = 0.003
    held: float = 0.1
    linger: float = 0.01
    retry: float = 0.05
    retry_most: float = 2.0
    unfit: float = 3.0


DEFAULT_DELAYS: Final = LaneDelays()


@dataclass(frozen=True, slots=True)
class LaneHealth:
    """What a lane's loop did last in this process.

    Attributes:
        lane: -1 until the lanes are loaded.
        last_step: how the last step ended, in lower case; "begun" before the first one.
        since_s: seconds since then; far above `LaneDelays.idle` means that the loop hangs.
        failures: consecutive failed batches.
        error: why the last batch failed, or why the read model waits; None if neither.
    """

    projection: str
    lane: int
    last_step: str
    since_s: float
    failures: int
    error: str | None

    @property
    def waits(self) -> bool:
        """Whether the tables of the read model are missing or belong to another version."""
        return self.last_step in _WAITING


_MISSING: Final = "missing"
_WAITING: Final = (_MISSING, StepResult.OUTDATED.name.lower())
_NO_LANE: Final = -1


class ProjectionRunner:
    """Keeps the live tables of some projections up to date.

    A projection whose tables are missing, or belong to another version, waits until they are there
    and are of this version. The others are not affected.

    Args:
        pool: each lane needs one connection while it commits a batch.
        waker: reports that there may be new events; without one, lanes poll.
        projections: which to run.
    """

    def __init__(
        self,
        pool: Pool,
        store: EventStore,
        codec: EventCodec,
        waker: Waker | None,
        projections: Sequence[Projection],
        *,
        options: LaneOptions = DEFAULT_OPTIONS,
        delays: LaneDelays = DEFAULT_DELAYS,
    ) -> None:
        self._pool = pool
        self._store = store
        self._feed = SharedFeed(
            pool, store, union(projection.feed_filter() for projection in projections)
        )
        self._codec = CachingCodec(codec) if len(projections) > 1 else codec
        self._waker: Waker = waker or LocalWaker()
        self._projections = tuple(projections)
        self._options = options
        self._delays = delays
        self._steps: dict[tuple[str, int], tuple[float, LaneHealth]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the feed until `stop` is set; current batches are finished first."""
        await run_concurrently(self._follow(projection, stop) for projection in self._projections)

    async def catch_up(self) -> int:
        """Apply everything that the feed shows now; returns the position that all lanes reached.

        Skips paused projections. Waits for lanes that other workers hold.

        Raises:
            NotInstalled: a projection has no tables.
            VersionMismatch: the tables belong to another version of the projection.
            Stalled: the database kept failing.
        """
        end = await complete_position(self._pool)
        workers: list[LaneWorker] = []
        for projection in self._projections:
            workers += await self._workers(projection)
        await run_concurrently(reach(worker, end) for worker in workers)
        return end

    def health(self) -> list[LaneHealth]:
        """What each lane of this process did last."""
        now = time.monotonic()
        return [replace(health, since_s=now - at) for at, health in self._steps.values()]

    async def _workers(self, projection: Projection) -> list[LaneWorker]:
        lanes = await control.load_lanes(self._pool, LIVE, [projection.name])
        control.require_version(lanes, projection)
        return [
            LaneWorker(
                self._pool,
                self._store,
                self._codec,
                projection,
                lane.number,
                lane.buckets,
                options=self._options,
                feed=self._feed,
            )
            for lane in lanes
        ]

    async def _follow(self, projection: Projection, stop: asyncio.Event) -> None:
        """Run the lanes of a projection; start over when it is divided into other lanes."""
        while not stop.is_set():
            self._forget_lanes(projection)
            changed = asyncio.Event()
            workers = await self._workers_with_retry(projection, stop)
            await run_concurrently(self._loop(worker, stop, changed) for worker in workers)

    def _forget_lanes(self, projection: Projection) -> None:
        """Until the lanes are loaded, the health of the projection as a whole is reported."""
        for key in [key for key in self._steps if key[0] == projection.name]:
            del self._steps[key]
        self._remember(LaneHealth(projection.name, _NO_LANE, "begun", 0.0, 0, None))

    async def _workers_with_retry(
        self, projection: Projection, stop: asyncio.Event
    ) -> list[LaneWorker]:
        while not stop.is_set():
            try:
                workers = await self._workers(projection)
            except (NotInstalled, VersionMismatch) as error:
                self._note_unfit(projection, error)
                await self._pause(self._delays.unfit, stop)
            except Exception as error:
                if not is_outage(error):
                    raise
                _log.warning("lanes not readable", error=type(error).__name__)
                await self._pause(self._delays.retry_most, stop)
            else:
                if self._steps[projection.name, _NO_LANE][1].waits:
                    _log.info("read model goes on", projection=projection.name)
                return workers
        return []

    def _note_unfit(self, projection: Projection, error: NotInstalled | VersionMismatch) -> None:
        """Say once why a read model waits; its health says so all the time."""
        step = _MISSING if isinstance(error, NotInstalled) else StepResult.OUTDATED.name.lower()
        before = self._steps.get((projection.name, _NO_LANE))
        if before is None or before[1].error != str(error):
            _log.error("read model waits", projection=projection.name, problem=str(error))
        self._remember(LaneHealth(projection.name, _NO_LANE, step, 0.0, 0, str(error)))

    async def _loop(self, worker: LaneWorker, stop: asyncio.Event, changed: asyncio.Event) -> None:
        failures = 0
        self._steps.pop((worker.projection.name, _NO_LANE), None)
        self._note(worker, "begun", failures)
        while not stop.is_set() and not changed.is_set():
            mark = self._waker.mark()
            result = await worker.step(save=False)
            failures = _failures_in_a_row(failures, result)
            self._note(worker, result.name.lower(), failures)
            if result in (StepResult.CHANGED, StepResult.OUTDATED):
                changed.set()
            elif result is StepResult.DRAINED:
                await self._wait(mark, stop)
            elif result is not StepResult.MORE:
                await self._pause(self._delay(result, failures), stop)

    async def _wait(self, mark: int, stop: asyncio.Event) -> None:
        if await self._waker.wait(self._delays.idle, mark):
            await self._pause(self._delays.linger, stop)

    def _delay(self, result: StepResult, failures: int) -> float:
        if result is StepResult.BEHIND:
            return self._delays.behind
        if result is StepResult.FAILED:
            return float(min(self._delays.retry * 2 ** min(failures, 10), self._delays.retry_most))
        return self._delays.held

    async def _pause(self, seconds: float, stop: asyncio.Event) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)

    def _note(self, worker: LaneWorker, step: str, failures: int) -> None:
        health = LaneHealth(worker.projection.name, worker.lane, step, 0.0, failures, worker.error)
        self._remember(health)

    def _remember(self, health: LaneHealth) -> None:
        self._steps[health.projection, health.lane] = (time.monotonic(), health)


def _failures_in_a_row(failures: int, result: StepResult) -> int:
    if result is StepResult.FAILED:
        return failures + 1
    # Another worker that holds the lane may fail at the same batch: that is no progress.
    return failures if result is StepResult.HELD else 0
