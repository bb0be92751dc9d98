"""The position of every lane, and whether it moves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from eventstore.model import BUCKETS
from eventstore.postgres.feed_lag import FeedHolder, age_after, feed_holder
from eventstore.store import EVERYTHING, EventStore
from projections.engine import control
from projections.engine.control import Lane
from projections.engine.projection import LIVE, Pool, Projection
from projections.errors import NotInstalled, VersionMismatch

STUCK_AFTER_S: Final = 10.0
"""A lane with events ahead of it that has not moved for this long is stuck."""


class LaneState(StrEnum):
    """The state of a lane."""

    CURRENT = "current"  # nothing is left to apply
    BEHIND = "behind"  # events are ahead of it, and it moves or they are new
    PAUSED = "paused"  # an operator paused it
    STUCK = "stuck"  # events are ahead of it and it does not move, or the feed is held up
    OUTDATED = "outdated"  # its tables belong to another version of the projection
    MISSING = "missing"  # the projection has no tables


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """The position and state of a lane; of one without lanes, a single lane 0 at position 0.

    Attributes:
        lag_positions: positions that the store's sequence has drawn and that are not applied yet.
        lag_seconds: age of the oldest event that is not applied yet, or of the open transaction
            that holds up the feed; 0.0 if there is neither.
        parked: number of parked streams.
        updated_at: when the checkpoint last moved.
        problem: what is wrong and what to do about it; None if nothing is wrong.
    """

    projection: str
    lane: int
    state: LaneState
    position: int
    head: int
    lag_positions: int
    lag_seconds: float
    paused: bool
    parked: int
    updated_at: datetime | None
    problem: str | None


async def status(
    pool: Pool,
    store: EventStore,
    projections: Sequence[Projection],
    *,
    stuck_after_s: float = STUCK_AFTER_S,
) -> list[LaneStatus]:
    """The status of every lane of some projections."""
    snapshot = _Snapshot(
        pool,
        await pool.fetchval(control.sql("clock")),
        await store.head(),
        await feed_holder(pool),
        stuck_after_s,
    )
    lanes = await control.load_lanes(pool, LIVE, [projection.name for projection in projections])
    return [
        lane_status
        for projection in projections
        for lane_status in await snapshot.status_of(
            projection, [lane for lane in lanes if lane.projection == projection.name]
        )
    ]


async def has_reached(pool: Pool, position: int, projections: Sequence[Projection]) -> bool:
    """Whether read models show everything up to a position; what is parked counts as shown.

    Raises:
        StoreUnavailable: the database does not answer.
    """
    by_name = {projection.name: projection for projection in projections}
    lanes = await control.load_lanes(pool, LIVE, list(by_name))
    for lane in lanes:
        if lane.position < position:
            selected = by_name[lane.projection].feed_filter(lane.buckets)
            if await age_after(pool, lane.position, selected) is not None:
                return False
    return True


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """Reads the status of lanes as of one moment."""

    pool: Pool
    now: datetime
    head: int
    holder: FeedHolder | None
    stuck_after_s: float

    async def status_of(self, projection: Projection, lanes: list[Lane]) -> list[LaneStatus]:
        try:
            control.require_version(lanes, projection)
        except NotInstalled as error:
            none = Lane(projection.name, 0, (0, BUCKETS), 0, 0, False, 0, None, None)
            return [self._status(none, LaneState.MISSING, 0.0, str(error))]
        except VersionMismatch as error:
            problem = str(error)
            ages = [await self._age_of_next(lane, projection) for lane in lanes]
            return [
                self._status(lane, LaneState.OUTDATED, age or 0.0, problem)
                for lane, age in zip(lanes, ages, strict=True)
            ]
        return [await self._status_of_lane(projection, lane) for lane in lanes]

    async def _status_of_lane(self, projection: Projection, lane: Lane) -> LaneStatus:
        own = await self._age_of_next(lane, projection)
        anything = await self._age_of_next(lane)
        lag = max(own or 0.0, self._held_s(lane))
        moved = self._since(lane.updated_at)
        if lane.paused:
            return self._status(lane, LaneState.PAUSED, lag)
        if self.holder is not None and self._held_s(lane) > self.stuck_after_s:
            return self._status(lane, LaneState.STUCK, lag, self.holder.problem)
        if anything is not None and min(anything, moved) > self.stuck_after_s:
            return self._status(lane, LaneState.STUCK, lag, await self._why_stuck(lane, moved))
        # Events of others do not count as lag.
        return self._status(lane, LaneState.CURRENT if own is None else LaneState.BEHIND, lag)

    def _status(
        self, lane: Lane, state: LaneState, lag_seconds: float, problem: str | None = None
    ) -> LaneStatus:
        return LaneStatus(
            projection=lane.projection,
            lane=lane.number,
            state=state,
            position=lane.position,
            head=self.head,
            lag_positions=max(self.head - lane.position, 0),
            lag_seconds=lag_seconds,
            paused=lane.paused,
            parked=lane.parked,
            updated_at=lane.updated_at,
            problem=problem,
        )

    def _held_s(self, lane: Lane) -> float:
        """For how long the feed has been held up before this lane's end, in seconds."""
        return self.holder.age_s if self.holder and lane.position < self.head else 0.0

    async def _age_of_next(self, lane: Lane, projection: Projection | None = None) -> float | None:
        """Age in seconds of the first event after the checkpoint; None if there is none."""
        if lane.position >= self.head:
            return None
        selected = projection.feed_filter(lane.buckets) if projection else EVERYTHING
        return await age_after(self.pool, lane.position, selected)

    def _since(self, at: datetime | None) -> float:
        return float("inf") if at is None else max((self.now - at).total_seconds(), 0.0)

    async def _why_stuck(self, lane: Lane, moved: float) -> str:
        held = await self.pool.fetchval(control.sql("is_held"), LIVE, lane.projection, lane.number)
        if held:
            return f"a worker holds it but has not moved it for {moved:.0f} s: see the worker's log"
        return (
            f"no worker has moved it for {moved:.0f} s: run `ordersaga projections run`, "
            "or check why its worker fails"
        )
