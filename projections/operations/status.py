"""The position of every lane, and whether it moves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from eventstore.model import FeedFilter
from eventstore.store import EVERYTHING, EventStore
from projections.engine import control
from projections.engine.control import Lane
from projections.engine.projection import LIVE, Pool, Projection
from projections.errors import NotInstalled

STUCK_AFTER_S: Final = 10.0
"""A lane with events ahead of it that has not moved for this long is stuck."""


class LaneState(StrEnum):
    """The state of a lane."""

    CURRENT = "current"  # nothing is left to apply
    BEHIND = "behind"  # events are ahead of it, and it moves or they are new
    PAUSED = "paused"  # an operator paused it
    STUCK = "stuck"  # events are ahead of it and it does not move
    OUTDATED = "outdated"  # its tables belong to another version of the projection


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """The position and state of a lane.

    Attributes:
        lag_positions: positions that the store's sequence has drawn and that are not applied yet.
        lag_seconds: age of the oldest event that is not applied yet, 0.0 if there is none.
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
    """The status of every lane of some projections.

    Raises:
        NotInstalled: a projection has no lanes.
    """
    snapshot = _Snapshot(pool, store, await pool.fetchval(control.sql("clock")), await store.head())
    lane_statuses: list[LaneStatus] = []
    for projection in projections:
        lanes = await control.load_lanes(pool, LIVE, [projection.name])
        if not lanes:
            raise NotInstalled(projection.name)
        version = await pool.fetchval(control.sql("load_version"), LIVE, projection.name)
        outdated = _outdated(projection, version)
        lane_statuses += [
            await snapshot.status_of(projection, lane, outdated, stuck_after_s) for lane in lanes
        ]
    return lane_statuses


def _outdated(projection: Projection, stored: int | None) -> str | None:
    if stored == projection.version:
        return None
    return (
        f"its tables are of version {stored}, this program requires {projection.version}: "
        f"run `ordersaga projections rebuild {projection.name}`"
    )


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """Reads the status of lanes as of one moment."""

    pool: Pool
    store: EventStore
    now: datetime
    head: int

    async def status_of(
        self, projection: Projection, lane: Lane, outdated: str | None, stuck_after_s: float
    ) -> LaneStatus:
        next_own = await self._age_of_next(lane, projection.feed_filter(lane.buckets))
        next_any = await self._age_of_next(lane, EVERYTHING)
        moved = self._age(lane.updated_at)
        if outdated:
            state, problem = LaneState.OUTDATED, outdated
        elif lane.paused:
            state, problem = LaneState.PAUSED, None
        elif next_any is None:
            state, problem = LaneState.CURRENT, None
        elif min(next_any, moved) > stuck_after_s:
            state, problem = LaneState.STUCK, await self._why_stuck(lane, moved)
        else:  # events of others do not count as lag
            state, problem = LaneState.CURRENT if next_own is None else LaneState.BEHIND, None
        return LaneStatus(
            projection=projection.name,
            lane=lane.number,
            state=state,
            position=lane.position,
            head=self.head,
            lag_positions=max(self.head - lane.position, 0),
            lag_seconds=next_own or 0.0,
            paused=lane.paused,
            parked=lane.parked,
            updated_at=lane.updated_at,
            problem=problem,
        )

    async def _age_of_next(self, lane: Lane, feed_filter: FeedFilter) -> float | None:
        """Age in seconds of the first event after the checkpoint; None if there is none."""
        if lane.position >= self.head:
            return None
        page = await self.store.read_feed(lane.position, limit=1, feed_filter=feed_filter)
        return self._age(page.events[0].recorded_at) if page.events else None

    def _age(self, at: datetime | None) -> float:
        return float("inf") if at is None else max((self.now - at).total_seconds(), 0.0)

    async def _why_stuck(self, lane: Lane, moved: float) -> str:
        held = await self.pool.fetchval(control.sql("is_held"), LIVE, lane.projection, lane.number)
        if held:
            return f"a worker holds it but has not moved it for {moved:.0f} s: see the worker's log"
        return (
            f"no worker has moved it for {moved:.0f} s: run `ordersaga projections run`, "
            "or check why its worker fails"
        )
