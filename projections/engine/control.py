"""The control tables: the checkpoint of each lane and the events that could not be applied."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import Final
from uuid import UUID

import asyncpg

from eventstore.model import BUCKETS, StoredEvent
from projections.engine.projection import LIVE, Connection, Pool, Projection
from projections.engine.sql_files import statement
from projections.errors import NotInstalled, VersionMismatch

sql: Final = partial(statement, "projections.engine.sql")
"""A statement on the control tables."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A half-open range of buckets of a projection, and the position up to which it is applied.

    `version` is that of the projection whose program made the tables.
    `era` is loaded only with the lock on the lane (the fence), `updated_at` only without it.
    """

    projection: str
    number: int
    buckets: tuple[int, int]
    version: int
    position: int
    paused: bool
    parked: int
    updated_at: datetime | None
    era: UUID | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """An event that could not be applied, why, and the later events of its stream."""

    event: StoredEvent
    error: str
    waiting: tuple[StoredEvent, ...] = ()


def divide(lanes: int) -> list[tuple[int, int]]:
    """All buckets, divided into `lanes` ranges of about the same size.

    Raises:
        ValueError: not 1 to BUCKETS lanes.
    """
    if not 1 <= lanes <= BUCKETS:
        raise ValueError(f"there can be 1 to {BUCKETS} lanes, not {lanes}")
    edges = [BUCKETS * number // lanes for number in range(lanes + 1)]
    return list(pairwise(edges))


async def lock_lane(connection: Connection, target: str, projection: str, lane: int) -> Lane | None:
    """Acquire the fence for this transaction; None if another worker holds it."""
    row = await connection.fetchrow(sql("lock_lane"), target, projection, lane)
    return _lane(projection, row) if row else None


async def load_position(
    pool: Pool, target: str, projection: str, lane: int
) -> tuple[int, int, UUID] | None:
    """The position of a lane, its version and the current era; None if there is no such lane."""
    while True:
        row = await pool.fetchrow(sql("load_position"), target, projection, lane)
        if row is None:
            return None
        if row["era"] is not None:
            return row["position"], row["version"], row["era"]
        await pool.execute(sql("begin_era"))


async def lock_lanes(connection: Connection, target: str, projection: str) -> list[Lane]:
    """Wait for the fences of all lanes of a projection and hold them for this transaction."""
    rows = await connection.fetch(sql("lock_lanes"), target, projection)
    return [_lane(projection, row) for row in rows]


async def hold(connection: Connection, target: str, projection: Projection) -> list[Lane]:
    """Wait for the fences of all lanes, as `lock_lanes`, to write as this version's program.

    Raises:
        NotInstalled: the projection has no lanes.
        VersionMismatch: the tables belong to another version of the projection.
    """
    return require_version(await lock_lanes(connection, target, projection.name), projection)


def require_version(lanes: list[Lane], projection: Projection) -> list[Lane]:
    """The lanes themselves; raises as `hold`."""
    if not lanes:
        raise NotInstalled(projection.name)
    if lanes[0].version != projection.version:
        raise VersionMismatch(projection.name, lanes[0].version, projection.version)
    return lanes


async def usable(
    pool: Pool, projections: Sequence[Projection]
) -> tuple[list[Projection], list[str]]:
    """The projections whose live tables fit this program, and what is wrong with each other one."""
    lanes = await load_lanes(pool, LIVE, [projection.name for projection in projections])
    fitting, problems = [], []
    for projection in projections:
        own = [lane for lane in lanes if lane.projection == projection.name]
        try:
            require_version(own, projection)
        except (NotInstalled, VersionMismatch) as error:
            problems.append(str(error))
        else:
            fitting.append(projection)
    return fitting, problems


async def load_lanes(
    pool: Pool, target: str, projections: Sequence[str] | None = None
) -> list[Lane]:
    """The lanes of these projections; of all if None."""
    rows = await pool.fetch(sql("load_lanes"), target, projections)
    return [_lane(row["projection"], row) for row in rows]


def _lane(projection: str, row: asyncpg.Record) -> Lane:
    return Lane(
        projection=projection,
        number=row["lane"],
        buckets=(row["first_bucket"], row["end_bucket"]),
        version=row["version"],
        position=row["position"],
        paused=row["paused"],
        parked=row["parked"],
        updated_at=row.get("updated_at"),
        era=row.get("era"),
    )


async def insert_lanes(
    connection: Connection,
    target: str,
    projection: Projection,
    buckets: Sequence[tuple[int, int]],
    position: int,
    *,
    paused: bool = False,
) -> None:
    """Create a lane at `position` for each range of buckets, unless the projection has lanes.

    They record that the tables belong to this version of the projection.
    """
    await connection.execute(
        sql("insert_lanes"),
        target,
        projection.name,
        projection.version,
        list(range(len(buckets))),
        [first for first, _ in buckets],
        [end for _, end in buckets],
        position,
        paused,
    )


async def move_lane(
    connection: Connection, target: str, projection: str, lane: int, position: int, parked: int = 0
) -> None:
    """Move a checkpoint whose fence is held; this batch parked `parked` streams."""
    await connection.execute(sql("move_lane"), target, projection, lane, position, parked)


async def load_parked(
    connection: Connection, target: str, projection: str, streams: Sequence[str]
) -> frozenset[str]:
    """Which of the streams are parked."""
    rows = await connection.fetch(sql("load_parked"), target, projection, streams)
    return frozenset(row["stream"] for row in rows)


async def park(
    connection: Connection,
    target: str,
    projection: str,
    refusals: Sequence[Refusal],
    attempts: int,
) -> None:
    """Park the streams of refused events; these and the later events become dead letters."""
    if not refusals:
        return
    await connection.execute(
        sql("park_streams"),
        target,
        projection,
        [refusal.event.stream for refusal in refusals],
        [refusal.event.bucket for refusal in refusals],
        [refusal.event.position for refusal in refusals],
        [refusal.error for refusal in refusals],
        attempts,
    )
    failed = [refusal.event for refusal in refusals]
    await insert_dead_letters(connection, target, projection, failed, waiting=False)
    behind = [event for refusal in refusals for event in refusal.waiting]
    await insert_dead_letters(connection, target, projection, behind)


async def insert_dead_letters(
    connection: Connection,
    target: str,
    projection: str,
    events: Sequence[StoredEvent],
    *,
    waiting: bool = True,
) -> None:
    """Record events of parked streams: failed ones, or those `waiting` behind them."""
    if not events:
        return
    await connection.execute(
        sql("insert_dead_letters"),
        target,
        projection,
        [event.position for event in events],
        [event.stream for event in events],
        [event.version for event in events],
        [event.event_id for event in events],
        [event.event_type for event in events],
        waiting,
    )
