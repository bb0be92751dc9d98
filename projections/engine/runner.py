"""Projection workers: every lane of some projections followed in one process.

Any number of processes may run the same projections: for each batch the fence decides who applies
it, so when one dies another goes on with the next batch, and nothing is applied twice.
"""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import structlog

from eventstore.codec import EventCodec
from eventstore.model import BUCKETS
from eventstore.reading.waking import LocalWaker, Waker
from eventstore.store import EventStore
from projections.engine import control
from projections.engine.concurrently import side_by_side
from projections.engine.decoding import DecodeOnce
from projections.engine.feed import SharedFeed, union
from projections.engine.lane import DEFAULT_OPTIONS, LaneWorker, Options, Step
from projections.engine.observing import Counters, Observer
from projections.engine.projection import LIVE, Pool, Projection
from projections.errors import NotInstalled, RebuildNeeded, Stalled, is_outage

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a lane waits, in seconds.

    Attributes:
        idle: longest wait for a poke when there is nothing to do.
        behind: before looking again for positions that are drawn but not readable yet.
        held: before trying a lane again that another worker holds or an operator paused.
        linger: after a page that was not full, so that a busy store is followed in larger pages.
        retry: after a failed batch; grows to `retry_most`.
    """

    idle: float = 0.5
    behind: float = 0.003
    held: float = 0.1
    linger: float = 0.01
    retry: float = 0.05
    retry_most: float = 2.0


DEFAULT_PACE: Final = Pace()


@dataclass(frozen=True, slots=True)
class LaneHealth:
    """How a lane's loop is doing in this process.

    Attributes:
        lane: -1 as long as the lanes could not be read.
        last_step: how its last step ended, "begun" before the first has.
        since_s: seconds since then; far above `Pace.idle` the loop hangs.
        failures: failed batches in a row.
        error: why the last batch failed, None if it did not.
    """

    projection: str
    lane: int
    last_step: str
    since_s: float
    failures: int
    error: str | None


_GIVE_UP_AFTER: Final = 8
"""Failures in a row after which catching up ends; well above the attempts at a poisoned batch."""

_NO_LANE: Final = -1

_PROGRESS: Final = frozenset({Step.MORE, Step.BEHIND, Step.DRAINED})


class ProjectionRunner:
    """Keeps the live tables of some projections up to date.

    Args:
        pool: connections; a lane needs one while it commits a batch.
        waker: tells when there may be something new; None polls.
        projections: which to run; must be installed.
    """

    def __init__(
        self,
        pool: Pool,
        store: EventStore,
        codec: EventCodec,
        waker: Waker | None,
        projections: Sequence[Projection],
        *,
        options: Options = DEFAULT_OPTIONS,
        pace: Pace = DEFAULT_PACE,
        observer: Observer | None = None,
    ) -> None:
        self._pool = pool
        self._store = store
        self._feed = SharedFeed(
            pool, store, union(projection.wanted((0, BUCKETS)) for projection in projections)
        )
        self._codec = DecodeOnce(codec) if len(projections) > 1 else codec
        self._waker: Waker = waker or LocalWaker()
        self._projections = tuple(projections)
        self._options = options
        self._pace = pace
        self.observer: Observer = observer or Counters()
        self._steps: dict[tuple[str, int], tuple[float, LaneHealth]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the feed until `stop` is set; the batches under way are finished.

        Raises:
            NotInstalled: a projection has no tables.
            RebuildNeeded: the tables belong to another version of the projection.
        """
        for projection in self._projections:
            await self._check(projection)
        await side_by_side(self._follow(projection, stop) for projection in self._projections)

    async def catch_up(self) -> int:
        """Apply everything that is in the store now; returns the position reached by all lanes.

        Paused projections stay behind. Waits for lanes that other workers hold.

        Raises:
            NotInstalled: a projection has no tables.
            RebuildNeeded: the tables belong to another version of the projection.
            Stalled: the database went on failing.
        """
        head = await self._store.head()
        workers: list[LaneWorker] = []
        for projection in self._projections:
            await self._check(projection)
            workers += await self._workers(projection)
        await side_by_side(self._reach(worker, head) for worker in workers)
        return head

    def health(self) -> list[LaneHealth]:
        """What each lane of this process did last."""
        now = time.monotonic()
        return [replace(health, since_s=now - at) for at, health in self._steps.values()]

    async def _check(self, projection: Projection) -> None:
        stored = await self._pool.fetchval(control.sql("load_version"), LIVE, projection.name)
        if stored is None:
            raise NotInstalled(projection.name)
        if stored != projection.version:
            raise RebuildNeeded(projection.name, stored, projection.version)

    async def _workers(self, projection: Projection) -> list[LaneWorker]:
        lanes = await control.load_lanes(self._pool, LIVE, [projection.name])
        if not lanes:
            raise NotInstalled(projection.name)
        return [
            LaneWorker(
                self._pool,
                self._store,
                self._codec,
                projection,
                lane.number,
                lane.buckets,
                options=self._options,
                observer=self.observer,
                feed=self._feed,
            )
            for lane in lanes
        ]

    async def _follow(self, projection: Projection, stop: asyncio.Event) -> None:
        """Run the lanes of a projection; start over when it was divided into other lanes."""
        while not stop.is_set():
            self._forget_lanes(projection)
            changed = asyncio.Event()
            workers = await self._workers_patiently(projection, stop)
            await side_by_side(self._loop(worker, stop, changed) for worker in workers)

    def _forget_lanes(self, projection: Projection) -> None:
        """Until the lanes are known, the projection as a whole is what can hang."""
        for key in [key for key in self._steps if key[0] == projection.name]:
            del self._steps[key]
        self._remember(LaneHealth(projection.name, _NO_LANE, "begun", 0.0, 0, None))

    async def _workers_patiently(
        self, projection: Projection, stop: asyncio.Event
    ) -> list[LaneWorker]:
        while not stop.is_set():
            try:
                return await self._workers(projection)
            except Exception as error:
                if not is_outage(error):
                    raise
                _log.warning("lanes not readable", error=type(error).__name__)
                await self._pause(self._pace.retry_most, stop)
        return []

    async def _loop(self, worker: LaneWorker, stop: asyncio.Event, changed: asyncio.Event) -> None:
        failures = 0
        self._steps.pop((worker.projection.name, _NO_LANE), None)
        self._note(worker, "begun", failures)
        while not stop.is_set() and not changed.is_set():
            mark = self._waker.mark()
            step = await worker.step(save=False)
            failures = failures + 1 if step is Step.FAILED else 0
            self._note(worker, step.name.lower(), failures)
            if step is Step.CHANGED:
                changed.set()
            elif step is Step.DRAINED:
                await self._wait(mark, stop)
            elif step is not Step.MORE:
                await self._pause(self._delay(step, failures), stop)

    async def _wait(self, mark: int, stop: asyncio.Event) -> None:
        if await self._waker.wait(self._pace.idle, mark):
            await self._pause(self._pace.linger, stop)

    def _delay(self, step: Step, failures: int) -> float:
        if step is Step.BEHIND:
            return self._pace.behind
        if step is Step.FAILED:
            return float(min(self._pace.retry * 2 ** min(failures, 10), self._pace.retry_most))
        return self._pace.held

    async def _pause(self, seconds: float, stop: asyncio.Event) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), seconds)

    def _note(self, worker: LaneWorker, step: str, failures: int) -> None:
        health = LaneHealth(worker.projection.name, worker.lane, step, 0.0, failures, worker.error)
        self._remember(health)

    def _remember(self, health: LaneHealth) -> None:
        self._steps[health.projection, health.lane] = (time.monotonic(), health)

    async def _reach(self, worker: LaneWorker, head: int) -> None:
        failures = 0
        while True:
            step = await worker.step()
            failures = failures + 1 if step is Step.FAILED else 0
            if step is Step.PAUSED or (step in _PROGRESS and worker.position >= head):
                return
            if step is Step.CHANGED:
                raise NotInstalled(worker.projection.name)
            if failures >= _GIVE_UP_AFTER:
                raise Stalled(
                    worker.projection.name, worker.lane, worker.error or "no reason given"
                )
            if step is not Step.MORE:
                await asyncio.sleep(self._delay(step, failures))
