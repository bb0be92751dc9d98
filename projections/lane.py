"""One worker on one lane: read a page, take the fence, apply, move the checkpoint, commit."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final, TypeGuard

import structlog

from eventstore.codec import EventCodec
from eventstore.model import FeedPage, StoredEvent
from eventstore.store import EventStore
from projections import control
from projections.applying import Prepared, apply_isolated, decode, merge, without
from projections.control import Fence, Refusal
from projections.errors import describe, is_outage
from projections.observing import Counters, Observer
from projections.projection import LIVE, Connection, Pool, Projection

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
        batch: most events in a transaction.
        attempts: how often a failing batch is tried as a whole before it is taken apart.
        idle_save_s: how often at most a checkpoint is moved over events that are not wanted.
    """

    batch: int = BATCH
    attempts: int = 3
    idle_save_s: float = 1.0


DEFAULT_OPTIONS: Final = Options()


class LaneWorker:
    """Applies one lane of one projection to the tables of one schema.

    The page is read before the transaction, after the position this worker last saw: the log
    never changes behind a position, so a page stays right; if another worker has moved the
    checkpoint meanwhile the fence shows it, and nothing of the page is used.
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
    ) -> None:
        self._pool = pool
        self._store = store
        self._codec = codec
        self.projection = projection
        self.lane = lane
        self._buckets = buckets
        self._wanted = projection.wanted(buckets)
        self._target = target
        self._options = options
        self._observer: Observer = observer or Counters()
        self._saved: int | None = None  # the stored checkpoint, as far as this worker knows
        self._read_on = 0  # where to read on; beyond `_saved` after pages without wanted events
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
        page = await self._read(upto)
        prepared = decode(self.projection, self._codec, page.events)
        if not page.events and not self._is_due(page, save):
            self._read_on = page.next_position
            return self._outcome(page)
        return await self._commit(page, prepared)

    async def _load(self) -> bool:
        row = await self._pool.fetchrow(
            control.sql("load_position"), self._target, self.projection.name, self.lane
        )
        if row is None:
            return False
        self._saved = self._read_on = row["position"]
        return True

    async def _read(self, upto: int | None) -> FeedPage:
        page = await self._store.read_feed(
            self._read_on, limit=self._options.batch, wanted=self._wanted
        )
        if upto is None or page.next_position <= upto:
            return page
        kept = [event for event in page.events if event.position <= upto]
        return FeedPage(kept, max(upto, self._read_on), upto)

    def _is_due(self, page: FeedPage, save: bool) -> bool:
        if page.next_position == self._saved:
            return False
        return save or time.monotonic() - self._saved_at >= self._options.idle_save_s

    def _outcome(self, page: FeedPage) -> Step:
        if len(page.events) >= self._options.batch:
            return Step.MORE
        return Step.BEHIND if page.head > page.next_position else Step.DRAINED

    async def _commit(self, page: FeedPage, prepared: Prepared) -> Step:
        started = time.monotonic()
        async with self._pool.acquire() as connection, connection.transaction():
            fence = await control.lock_lane(
                connection, self._target, self.projection.name, self.lane
            )
            if not self._is_ours(fence):
                return self._not_ours(fence)
            refusals, letters = await self._apply(connection, fence, page, prepared)
            await control.move_lane(
                connection,
                self._target,
                self.projection.name,
                self.lane,
                page.next_position,
                len(refusals),
            )
        self._saved = self._read_on = page.next_position
        self._saved_at = time.monotonic()
        self._observer.applied(
            self.projection.name, self.lane, len(page.events), self._saved_at - started
        )
        self._tell(refusals, letters)
        return self._outcome(page)

    def _is_ours(self, fence: Fence | None) -> TypeGuard[Fence]:
        if fence is None or fence.paused:
            return False
        return fence.position == self._saved and fence.buckets == self._buckets

    def _not_ours(self, fence: Fence | None) -> Step:
        self._saved = None
        if fence is None:
            return Step.HELD
        if fence.buckets != self._buckets:
            return Step.CHANGED
        return Step.PAUSED if fence.paused else Step.MORE  # moved by another worker: read there

    async def _apply(
        self, connection: Connection, fence: Fence, page: FeedPage, prepared: Prepared
    ) -> tuple[list[Refusal], int]:
        """Apply what can be applied; the refused streams and the number of dead letters."""
        name = self.projection.name
        if fence.parked:
            streams = list({event.stream for event in page.events})
            parked = await control.parked_among(connection, self._target, name, streams)
            prepared = without(prepared, parked, page.events)
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
        self._saved = None
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
