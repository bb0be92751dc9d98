"""One worker on one lane: read a slice, take the fence, apply, move the checkpoint, commit."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final, TypeGuard

import structlog

from eventstore.codec import EventCodec
from eventstore.store import EventStore
from projections.engine import control
from projections.engine.batch import Batch, apply_isolated, decode, merge, without_parked
from projections.engine.control import Lane, Refusal
from projections.engine.feed import FeedSlice, SharedFeed
from projections.engine.lane_position import LanePosition
from projections.engine.projection import LIVE, Connection, Pool, Projection
from projections.errors import Stalled, VersionMismatch, describe, is_outage

_log = structlog.get_logger(__name__)

BATCH: Final = 500


class StepResult(Enum):
    """How a step ended, so that the caller knows when to take the next one."""

    MORE = auto()  # there is more to apply: continue immediately
    BEHIND = auto()  # positions are drawn that cannot be read yet: try again soon
    DRAINED = auto()  # nothing is left: wait to be woken
    HELD = auto()  # another worker holds the lane
    PAUSED = auto()  # an operator paused the projection
    OUTDATED = auto()  # the tables belong to another version; `LaneWorker.error` says what to do
    CHANGED = auto()  # the projection was divided into other lanes: load them again
    FAILED = auto()  # the batch was rolled back; `LaneWorker.error` says why


_PROGRESS: Final = (StepResult.MORE, StepResult.BEHIND, StepResult.DRAINED)

Watch = Callable[[int], Awaitable[None]]
"""Called after each batch with the position that was reached; raises to stop."""


@dataclass(frozen=True, slots=True)
class LaneOptions:
    """How lanes are applied.

    Attributes:
        batch: most events in a transaction of a lane that is not behind.
        growth: factor by which a batch may grow while the lane is behind.
        attempts: how often a failing batch is retried as a whole before it is split.
        idle_save_s: shortest interval between two checkpoints without events to apply.
    """

    batch: int = BATCH
    growth: int = 8
    attempts: int = 3
    idle_save_s: float = 1.0


DEFAULT_OPTIONS: Final = LaneOptions()


class LaneWorker:
    """Applies one lane of one projection to the tables of one schema.

    Each slice of the feed is read before the transaction, after the position that this worker saw
    last; the next one is read while this one is applied. The log never changes behind a position,
    so a slice stays valid. If another worker moved the checkpoint meanwhile, the fence shows it
    and the slice is dropped. The one exception is a crash of the database, which can take back
    positions that no event used: whatever a worker remembers holds for one era only.
    """

    def __init__(
        self,
        pool: Pool,
        store: EventStore,
        codec: EventCodec,
        projection: Projection,
        lane: int,
        buckets: tuple[int, int],
        *,
        target: str = LIVE,
        options: LaneOptions = DEFAULT_OPTIONS,
        feed: SharedFeed | None = None,
    ) -> None:
        self._pool = pool
        self._codec = codec
        self.projection = projection
        self.lane = lane
        self._buckets = buckets
        feed_filter = projection.feed_filter(buckets)
        self._feed = (feed or SharedFeed(pool, store, feed_filter)).reader(feed_filter)
        self._target = target
        self._options = options
        self._position = LanePosition(options.batch, options.growth)
        self._saved_at = time.monotonic()
        self._failures = 0
        self.error: str | None = None

    @property
    def position(self) -> int:
        """The position from which this worker reads next."""
        return self._position.next

    async def step(self, *, upto: int | None = None, save: bool = True) -> StepResult:
        """Apply the next slice, not beyond position `upto`.

        With `save` False, a slice that holds nothing to apply moves the checkpoint only once in a
        while.
        """
        try:
            result = await self._step(upto, save)
        except Exception as error:  # noqa: BLE001  any failure is logged and retried
            self._note_failure(error)
            return StepResult.FAILED
        if result in _PROGRESS:
            self._failures, self.error = 0, None
        return result

    async def _step(self, upto: int | None, save: bool) -> StepResult:
        if self._position.checkpoint is None and (missing := await self._load()):
            return missing
        feed_slice = _truncate(await self._next_slice(), self._position.next, upto)
        if feed_slice.era != self._position.era:
            # The database has crashed since the position was loaded, or since the slice was read if
            # it came from the feed's window.
            self._feed.drop(feed_slice.era)
            self._position.forget()
            return StepResult.MORE
        self._position.resize(full=feed_slice.more)
        batch = decode(self.projection, self._codec, feed_slice.events)
        if feed_slice.events or self._must_save(feed_slice, save):
            return await self._commit_and_prefetch(feed_slice, batch)
        self._position.next = feed_slice.next_position
        return _result(feed_slice)

    async def _load(self) -> StepResult | None:
        """Load the checkpoint; the result of the step if it cannot be taken."""
        loaded = await control.load_position(
            self._pool, self._target, self.projection.name, self.lane
        )
        if loaded is None:
            return StepResult.CHANGED
        position, version, era = loaded
        if version != self.projection.version:
            return self._outdated(version)
        self._position.load(position, era)
        return None

    def _outdated(self, version: int) -> StepResult:
        self.error = str(VersionMismatch(self.projection.name, version, self.projection.version))
        return StepResult.OUTDATED

    async def _next_slice(self) -> FeedSlice:
        return self._position.take_prefetched() or await self._read(self._position.next)

    async def _read(self, after: int) -> FeedSlice:
        return await self._feed.read(after, self._position.limit)

    def _must_save(self, feed_slice: FeedSlice, save: bool) -> bool:
        if feed_slice.next_position == self._position.checkpoint:
            return False
        return save or time.monotonic() - self._saved_at >= self._options.idle_save_s

    async def _commit_and_prefetch(self, feed_slice: FeedSlice, batch: Batch) -> StepResult:
        """While the database applies one slice, read the next one."""
        if not feed_slice.more:
            return await self._commit(feed_slice, batch)
        reading = asyncio.create_task(self._read(feed_slice.next_position))
        try:
            result = await self._commit(feed_slice, batch)
        except BaseException:
            reading.cancel()
            await asyncio.wait({reading})
            raise
        await asyncio.wait({reading})
        if reading.exception() is None:  # otherwise the next step reads again and reports it
            self._position.prefetch(feed_slice.next_position, reading.result())
        return result

    async def _commit(self, feed_slice: FeedSlice, batch: Batch) -> StepResult:
        async with self._pool.acquire() as connection, connection.transaction():
            fence = await control.lock_lane(
                connection, self._target, self.projection.name, self.lane
            )
            if not self._is_ours(fence):
                return self._not_ours(fence)
            refusals, letters = await self._apply(connection, fence, feed_slice, batch)
            await control.move_lane(
                connection,
                self._target,
                self.projection.name,
                self.lane,
                feed_slice.next_position,
                len(refusals),
            )
        self._position.commit(feed_slice.next_position)
        self._saved_at = time.monotonic()
        self._report(refusals, letters)
        return _result(feed_slice)

    def _is_ours(self, fence: Lane | None) -> TypeGuard[Lane]:
        if fence is None or fence.paused or fence.era != self._position.era:
            return False
        if fence.version != self.projection.version:
            return False
        return fence.position == self._position.checkpoint and fence.buckets == self._buckets

    def _not_ours(self, fence: Lane | None) -> StepResult:
        self._position.forget()
        if fence is None:
            return StepResult.HELD
        if fence.version != self.projection.version:
            return self._outdated(fence.version)
        if fence.buckets != self._buckets:
            return StepResult.CHANGED
        # Otherwise another worker moved the checkpoint: continue from there.
        return StepResult.PAUSED if fence.paused else StepResult.MORE

    async def _apply(
        self, connection: Connection, fence: Lane, feed_slice: FeedSlice, batch: Batch
    ) -> tuple[list[Refusal], int]:
        """Apply what can be applied; returns the refusals and the number of dead letters."""
        name = self.projection.name
        if fence.parked:
            streams = list({event.stream for event in feed_slice.events})
            parked = await control.load_parked(connection, self._target, name, streams)
            batch = without_parked(batch, parked, feed_slice.events)
        refusals = merge(await self._apply_ready(connection, batch), batch.refusals)
        await control.park(connection, self._target, name, refusals, self._failures + 1)
        await control.insert_dead_letters(connection, self._target, name, batch.waiting)
        letters = sum(1 + len(refusal.waiting) for refusal in refusals)
        return refusals, letters + len(batch.waiting)

    async def _apply_ready(self, connection: Connection, batch: Batch) -> Sequence[Refusal]:
        if self._failures >= self._options.attempts:
            return await apply_isolated(connection, self.projection, self._target, batch.ready)
        if batch.ready:
            await self.projection.apply(connection, self._target, batch.ready)
        return ()

    def _note_failure(self, error: Exception) -> None:
        self._position.forget()
        self._position.resize(full=False)
        self.error = describe(error)
        if is_outage(error):  # said once, by the process
            self._log.debug("projection batch failed", error=self.error)
            return
        self._failures += 1
        self._log.warning("projection batch failed", error=self.error, attempt=self._failures)

    def _report(self, refusals: Sequence[Refusal], letters: int) -> None:
        if letters:
            self._log.warning("events passed over", events=letters)
        for refusal in refusals:
            self._log.error(
                "stream parked",
                stream=refusal.event.stream,
                position=refusal.event.position,
                event_type=refusal.event.event_type,
                error=refusal.error,
                waiting=len(refusal.waiting),
            )

    @property
    def _log(self) -> Any:
        return _log.bind(projection=self.projection.name, lane=self.lane, target=self._target)


def _truncate(feed_slice: FeedSlice, after: int, upto: int | None) -> FeedSlice:
    """The part of a slice at or below position `upto`."""
    if upto is None or feed_slice.next_position <= upto:
        return feed_slice
    events = [event for event in feed_slice.events if event.position <= upto]
    return FeedSlice(events, max(upto, after), upto, False, feed_slice.era)


def _result(feed_slice: FeedSlice) -> StepResult:
    if feed_slice.more:
        return StepResult.MORE
    behind = feed_slice.head > feed_slice.next_position
    return StepResult.BEHIND if behind else StepResult.DRAINED


_ENDED: Final = (StepResult.CHANGED, StepResult.OUTDATED)
_GIVE_UP_AFTER: Final = 8
"""Consecutive failures after which `reach` ends; well above the attempts at a poison batch."""


async def reach(worker: LaneWorker, goal: int, watch: Watch | None = None) -> None:
    """Apply a lane up to position `goal`, not beyond; a paused one stays where it is.

    Waits for a lane that another worker holds.

    Raises:
        Stalled: the database kept failing, the lane does not exist any more, or its tables belong
            to another version.
        Exception: what `watch` raised.
    """
    failures = 0
    while True:
        result = await worker.step(upto=goal)
        failures = failures + 1 if result is StepResult.FAILED else 0
        if failures >= _GIVE_UP_AFTER or result in _ENDED:
            reason = worker.error or "its lanes were dropped or divided"
            raise Stalled(worker.projection.name, worker.lane, reason)
        if result in _PROGRESS and watch is not None:
            await watch(worker.position)
        if result is StepResult.PAUSED or (result in _PROGRESS and worker.position >= goal):
            return
        if result is not StepResult.MORE:
            await asyncio.sleep(0.05 if failures else 0.001)
