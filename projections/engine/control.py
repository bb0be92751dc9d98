"""The control tables: where each lane stands and what could not be applied."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final
from uuid import UUID

import asyncpg

from eventstore.model import BUCKETS, StoredEvent
from projections.engine.projection import Connection, Pool
from projections.engine.sql_files import statement

_FOLDER: Final = "engine/sql"


@dataclass(frozen=True, slots=True)
class Lane:
    """A range of buckets of a projection, half-open, and how far it has been applied."""

    projection: str
    number: int
    buckets: tuple[int, int]
    position: int
    paused: bool
    parked: int
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fence:
    """What the checkpoint row says once its lock is held."""

    position: int
    buckets: tuple[int, int]
    paused: bool
    parked: int
    era: UUID | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """An event that could not be applied, why, and the events of its stream behind it."""

    event: StoredEvent
    error: str
    waiting: tuple[StoredEvent, ...] = ()


def divide(lanes: int) -> list[tuple[int, int]]:
    """All buckets as `lanes` ranges of about the same size.

    Raises:
        ValueError: not 1 to BUCKETS lanes.
    """
    if not 1 <= lanes <= BUCKETS:
        raise ValueError(f"there can be 1 to {BUCKETS} lanes, not {lanes}")
    edges = [BUCKETS * number // lanes for number in range(lanes + 1)]
    return list(pairwise(edges))


def sql(name: str) -> str:
    """A statement on the control tables."""
    return statement(_FOLDER, name)


async def lock_lane(
    connection: Connection, target: str, projection: str, lane: int
) -> Fence | None:
    """Take the fence for this transaction; None if another worker holds it."""
    row = await connection.fetchrow(sql("lock_lane"), target, projection, lane)
    if row is None:
        return None
    buckets = (row["first_bucket"], row["end_bucket"])
    return Fence(row["position"], buckets, row["paused"], row["parked"], row["era"])


async def load_place(
    pool: Pool, target: str, projection: str, lane: int
) -> tuple[int, UUID] | None:
    """Where a lane stands and since which crash that is known; None if there is no such lane."""
    while True:
        row = await pool.fetchrow(sql("load_position"), target, projection, lane)
        if row is None:
            return None
        if row["era"] is not None:
            return row["position"], row["era"]
        await pool.execute(sql("begin_era"))


async def lock_lanes(connection: Connection, target: str, projection: str) -> list[Lane]:
    """Wait for the fences of all lanes of a projection and take them for this transaction."""
    rows = await connection.fetch(sql("lock_lanes"), target, projection)
    return [_lane(projection, row) for row in rows]


async def load_lanes(
    pool: Pool, target: str, projections: Sequence[str] | None = None
) -> list[Lane]:
    """The lanes of some projections, or of all."""
    rows = await pool.fetch(sql("load_lanes"), target, projections)
    return [_lane(row["projection"], row, row["updated_at"]) for row in rows]


def _lane(projection: str, row: asyncpg.Record, updated_at: datetime | None = None) -> Lane:
    return Lane(
        projection=projection,
        number=row["lane"],
        buckets=(row["first_bucket"], row["end_bucket"]),
        position=row["position"],
        paused=row["paused"],
        parked=row["parked"],
        updated_at=updated_at,
    )


async def insert_lanes(
    connection: Connection,
    target: str,
    projection: str,
    lanes: Sequence[tuple[tuple[int, int], int, bool]],
) -> None:
    """Give a projection lanes of (buckets, position, paused), unless it has some."""
    await connection.execute(
        sql("insert_lanes"),
        target,
        projection,
        list(range(len(lanes))),
        [buckets[0] for buckets, _, _ in lanes],
        [buckets[1] for buckets, _, _ in lanes],
        [position for _, position, _ in lanes],
        [paused for _, _, paused in lanes],
    )


async def move_lane(
    connection: Connection, target: str, projection: str, lane: int, position: int, parked: int = 0
) -> None:
    """Move a checkpoint whose fence is held; `parked` streams were parked in this batch."""
    await connection.execute(sql("move_lane"), target, projection, lane, position, parked)


async def parked_among(
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
    """Park the streams of refused events and keep a row of every event passed over."""
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
    causes = {refusal.event.position: False for refusal in refusals}
    letters = [event for refusal in refusals for event in (refusal.event, *refusal.waiting)]
    await keep(connection, target, projection, letters, causes)


async def keep(
    connection: Connection,
    target: str,
    projection: str,
    letters: Sequence[StoredEvent],
    waiting: Mapping[int, bool],
) -> None:
    """Keep a row of every event of a parked stream that was passed over.

    `waiting` tells by position which of them failed themselves (False); the others wait.
    """
    if not letters:
        return
    await connection.execute(
        sql("insert_dead_letters"),
        target,
        projection,
        [event.position for event in letters],
        [event.stream for event in letters],
        [event.version for event in letters],
        [event.event_id for event in letters],
        [event.event_type for event in letters],
        [waiting.get(event.position, True) for event in letters],
    )
