"""One worker on one lane: read a page, take the fence, apply, move the checkpoint, commit."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, TypeGuard
from uuid import UUID

import structlog

from eventstore.codec import EventCodec
from eventstore.model import StoredEvent
from eventstore.store import EventStore
from projections.engine import control
from projections.engine.batch import Prepared, apply_isolated, decode, merge, without
from projections.engine.control import Fence, Refusal
from projections.engine.feed import Portion, SharedFeed
from projections.engine.observing import Counters, Observer
from projections.engine.projection import LIVE, Connection, Pool, Projection
from projections.errors import describe, is_outage

_log = structlog.get_logger(__name__)

BATCH: Final = 500


class Step(Enum):
    """How a step ended, so that the caller knows when to take the next."""

    MORE = auto()  # the page was full: go on at once
    BEHIND = auto()  # positions are drawn that cannot be read yet: soon
    DRAINED = auto()  # nothing is left: wait to be woken
    HELD = auto()  # another worker has the lane
    PAUSED = auto()  # an operator stopped the projection
    CHANGED = auto()  # the projection was divided into other lanes: load them again
    FAILED = auto()  # the batch failed and was rolled back; `Worker.error` says why


@dataclass(frozen=True, slots=True)
class Options:
    """How lanes are worked on.

    Attributes:
        batch: most events in a transaction of a lane that is not behind.
        growth: how many times as many at most while every page is full.
        attempts: how often a failing batch is tried as a whole before it is taken apart.
        idle_save_s: how often at most a checkpoint is moved over events that are not wanted.
    """

    batch: int = BATCH
    growth: int = 8
    attempts: int = 3
    idle_save_s: float = 1.0


DEFAULT_OPTIONS: Final = Options()


class LaneWorker:
    """Applies one lane of one projection to the tables of one schema.

    The page is read before the transaction, after the position this worker last saw, and the next
    one while this one is applied. The log never changes behind a position, so a page stays right;
    if another worker has moved the checkpoint meanwhile the fence shows it, and nothing of the
    page is used. The one exception is a crash of the database, which can take back positions that
    were drawn for nothing: all that is remembered holds for one era only.
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
        options: Options = DEFAULT_OPTIONS,
        observer: Observer | None = None,
        feed: SharedFeed | None = None,
    ) -> None:
        self._pool = pool
        self._codec = codec
        self.projection = projection
        self.lane = lane
        self._buckets = buckets
        wanted = projection.wanted(buckets)
        self._feed = (feed or SharedFeed(pool, store, wanted)).reader(wanted)
        self._target = target
        self._options = options
        self._observer: Observer = observer or Counters()
        self._saved: int | None = None  # the stored checkpoint, as far as this worker knows
        self._read_on = 0  # where to read on; beyond `_saved` after pages without wanted events
        self._era: UUID | None = None  # the two lines above hold until the next crash
        self._limit = options.batch
        self._ahead: tuple[int, Portion] | None = None  # what comes after a position
        self._saved_at = time.monotonic()
        self._failures = 0
        self.error: str | None = None

    @property
    def position(self) -> int:
        """Where this worker reads on."""
        return self._read_on

    async def step(self, *, upto: int | None = None, save: bool = True) -> Step:
        """Apply the next page, not beyond position `upto`.

        `save` False leaves the checkpoint for a while if a page held nothing to apply.
        """
        try:
            outcome = await self._step(upto, save)
        except Exception as error:  # noqa: BLE001  whatever it is, it is logged and tried again
            self._note_failure(error)
            return Step.FAILED
        if outcome in (Step.MORE, Step.BEHIND, Step.DRAINED):
            self._failures, self.error = 0, None
        return outcome

    async def _step(self, upto: int | None, save: bool) -> Step:
        if self._saved is None and not await self._load():
            return Step.CHANGED
        portion = _until(await self._next(), self._read_on, upto)
        if portion.era != self._era:
            # Either may be of before a crash: the page, if it lay in the feed's window since then.
            self._feed.drop(portion.era)
            self._forget()
            return Step.MORE
        self._limit = self._grown() if portion.more else self._options.batch
        prepared = decode(self.projection, self._codec, portion.events)
        if portion.events or self._is_due(portion, save):
            return await self._commit_and_read_on(portion, prepared)
        self._read_on = portion.next_position
        return _outcome(portion)

    async def _load(self) -> bool:
        place = await control.load_place(self._pool, self._target, self.projection.name, self.lane)
        if place is None:
            return False
        self._saved, self._era = place
        self._read_on = self._saved
        return True

    def _forget(self) -> None:
        self._saved, self._ahead = None, None

    async def _next(self) -> Portion:
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead[0] == self._read_on:
            return ahead[1]
        return await self._read(self._read_on)

    async def _read(self, after: int) -> Portion:
        return await self._feed.read(after, self._limit)

    def _grown(self) -> int:
        return min(self._limit * 2, self._options.batch * self._options.growth)

    def _is_due(self, portion: Portion, save: bool) -> bool:
        if portion.next_position == self._saved:
            return False
        return save or time.monotonic() - self._saved_at >= self._options.idle_save_s

    async def _commit_and_read_on(self, portion: Portion, prepared: Prepared) -> Step:
        """While the database applies one page, the next one is read and decoded into envelopes."""
        if not portion.more:
            return await self._commit(portion, prepared)
        reading = asyncio.create_task(self._read(portion.next_position))
        try:
            outcome = await self._commit(portion, prepared)
        except BaseException:
            reading.cancel()
            await asyncio.wait({reading})
            raise
        await asyncio.wait({reading})
        if reading.exception() is None:  # else it is read again, and fails where it is counted
            self._ahead = portion.next_position, reading.result()
        return outcome

    async def _commit(self, portion: Portion, prepared: Prepared) -> Step:
        started = time.monotonic()
        async with self._pool.acquire() as connection, connection.transaction():
            fence = await control.lock_lane(
                connection, self._target, self.projection.name, self.lane
            )
            if not self._is_ours(fence):
                return self._not_ours(fence)
            refusals, letters = await self._apply(connection, fence, portion, prepared)
            await control.move_lane(
                connection,
                self._target,
                self.projection.name,
                self.lane,
                portion.next_position,
                len(refusals),
            )
        self._saved = self._read_on = portion.next_position
        self._saved_at = time.monotonic()
        self._observer.applied(
            self.projection.name, self.lane, len(portion.events), self._saved_at - started
        )
        self._tell(refusals, letters)
        return _outcome(portion)

    def _is_ours(self, fence: Fence | None) -> TypeGuard[Fence]:
        if fence is None or fence.paused or fence.era != self._era:
            return False
        return fence.position == self._saved and fence.buckets == self._buckets

    def _not_ours(self, fence: Fence | None) -> Step:
        self._forget()
        if fence is None:
            return Step.HELD
        if fence.buckets != self._buckets:
            return Step.CHANGED
        return Step.PAUSED if fence.paused else Step.MORE  # moved by another worker: read there

    async def _apply(
        self, connection: Connection, fence: Fence, portion: Portion, prepared: Prepared
    ) -> tuple[list[Refusal], int]:
        """Apply what can be applied; the refused streams and the number of dead letters."""
        name = self.projection.name
        if fence.parked:
            streams = list({event.stream for event in portion.events})
            parked = await control.parked_among(connection, self._target, name, streams)
            prepared = without(prepared, parked, portion.events)
        refusals = merge(await self._apply_ready(connection, prepared), prepared.refusals)
        await control.park(connection, self._target, name, refusals, self._failures + 1)
        await control.keep(connection, self._target, name, prepared.waiting, {})
        letters = sum(1 + len(refusal.waiting) for refusal in refusals)
        return refusals, letters + len(prepared.waiting)

    async def _apply_ready(self, connection: Connection, prepared: Prepared) -> Sequence[Refusal]:
        if self._failures >= self._options.attempts:
            return await apply_isolated(connection, self.projection, self._target, prepared.ready)
        if prepared.ready:
            await self.projection.apply(connection, self._target, prepared.ready)
        return ()

    def _note_failure(self, error: Exception) -> None:
        self._forget()
        self._limit = self._options.batch
        self.error = describe(error)
        outage = is_outage(error)
        if outage:
            self._observer.outage(self.projection.name, self.lane)
        else:
            self._failures += 1
        _log.warning(
            "projection batch failed",
            projection=self.projection.name,
            lane=self.lane,
            target=self._target,
            error=self.error,
            outage=outage,
            attempt=self._failures,
        )

    def _tell(self, refusals: Sequence[Refusal], letters: int) -> None:
        if refusals:
            self._observer.parked(self.projection.name, self.lane, len(refusals))
        if letters:
            self._observer.passed_over(self.projection.name, self.lane, letters)
            _log.warning(
                "events passed over",
                projection=self.projection.name,
                target=self._target,
                lane=self.lane,
                events=letters,
            )
        for refusal in refusals:
            _log_parked(self.projection.name, self._target, refusal.event, refusal)


def _until(portion: Portion, after: int, upto: int | None) -> Portion:
    """What of a portion lies at or below position `upto`."""
    if upto is None or portion.next_position <= upto:
        return portion
    kept = [event for event in portion.events if event.position <= upto]
    return Portion(kept, max(upto, after), upto, False, portion.era)


def _outcome(portion: Portion) -> Step:
    if portion.more:
        return Step.MORE
    return Step.BEHIND if portion.head > portion.next_position else Step.DRAINED


def _log_parked(projection: str, target: str, event: StoredEvent, refusal: Refusal) -> None:
    _log.error(
        "stream parked",
        projection=projection,
        target=target,
        stream=event.stream,
        position=event.position,
        event_type=event.event_type,
        error=refusal.error,
        waiting=len(refusal.waiting),
    )
