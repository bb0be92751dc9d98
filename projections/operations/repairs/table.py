"""The table of repairs: a replay or a rebuild that somebody asked for, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Final
from uuid import UUID

import asyncpg

from eventstore.postgres.connection import survey
from projections.engine.projection import Pool, Projection
from projections.engine.sql_files import statement
from projections.paging import Page, checked_limit, decode_cursor, make_row, page_of

LEASE: Final = timedelta(seconds=15)
"""A process that has not said for so long that it works on a repair works on it no more."""

_sql: Final = partial(statement, __package__)


class RepairKind(StrEnum):
    """What is asked for.

    replay: apply the events of parked streams again. rebuild: fill new tables from the first event
    on and replace the old ones.
    """

    REPLAY = "replay"
    REBUILD = "rebuild"


class RepairState(StrEnum):
    """The state of a repair."""

    WAITING = "waiting"  # no process has begun
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks for.

    Attributes:
        version: of the projection, in the program that asks; only a process with it does it.
        stream: of a replay: this stream alone; empty: all.
        actor: who asks, and the `reason`.
        request_id: the same again is the same request.
    """

    kind: RepairKind
    projection: str
    version: int
    stream: str
    actor: str
    reason: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Repair:
    """A repair as people see it.

    Attributes:
        stream: of a replay: this stream alone; None: all.
        position: how far a rebuild is, of `head`.
        outcome: what was done, or why not; empty until it has ended.
        unattended: no process works on it.
    """

    id: int
    kind: RepairKind
    projection: str
    stream: str | None
    requested_by: str
    reason: str
    requested_at: datetime
    state: RepairState
    position: int
    head: int
    outcome: str
    ended_at: datetime | None
    unattended: bool


@dataclass(frozen=True, slots=True)
class TakenRepair:
    """A repair that a process works on, for the `tries`-th time; `stream` as in `Asked`."""

    id: int
    kind: RepairKind
    projection: str
    stream: str
    tries: int


_repair: Final = make_row(Repair, kind=RepairKind, state=RepairState)


async def is_parked(pool: Pool, projection: str, stream: str) -> bool:
    """Whether there is something to replay; `stream` as in `Asked`."""
    return bool(await pool.fetchval(_sql("is_parked"), projection, stream))


async def ask(pool: Pool, asked: Asked) -> Repair:
    """Ask for a repair; one that is asked for already, and has not ended, is the same."""
    place = (asked.request_id, asked.projection, asked.version, asked.kind, asked.stream)
    repair_id = None
    while repair_id is None:  # between the two statements the same repair may end
        repair_id = await pool.fetchval(_sql("request"), *place, asked.actor, asked.reason)
        repair_id = repair_id or await pool.fetchval(_sql("find"), *place)
    (row,) = await _rows(pool, repair_id, None, 1)
    return _repair(row)


async def load_repair(pool: Pool, repair_id: int) -> Repair | None:
    """One repair; None if there is none with this id."""
    rows = await _rows(pool, repair_id, None, 1)
    return _repair(rows[0]) if rows else None


async def list_repairs(pool: Pool, *, limit: int = 50, cursor: str | None = None) -> Page[Repair]:
    """Repairs, latest first.

    Raises:
        InvalidCursor: the cursor is not from this listing.
    """
    (before,) = decode_cursor(cursor, int)
    rows = await _rows(pool, None, before, checked_limit(limit) + 1)
    return page_of(rows, limit, _repair, lambda row: (row["id"],))


async def _rows(pool: Pool, *selected: int | None) -> list[asyncpg.Record]:
    """Rows by id, before a cursor, at most so many."""
    with survey():
        return list(await pool.fetch(_sql("list"), *selected))


# --- the process that carries them out -----------------------------------------------------------


async def take(pool: Pool, projections: Sequence[Projection], process: UUID) -> TakenRepair | None:
    """Take the oldest repair of these that nobody works on; None if there is none."""
    names = [projection.name for projection in projections]
    versions = [projection.version for projection in projections]
    row = await pool.fetchrow(_sql("take"), names, versions, process, LEASE)
    return make_row(TakenRepair, kind=RepairKind)(row) if row else None


async def keep(
    pool: Pool, taken: TakenRepair, process: UUID, position: int = 0, head: int = 0
) -> None:
    """Say that the process still works on it, and how far it is."""
    await pool.execute(_sql("keep"), taken.id, process, LEASE, position, head)


async def release(pool: Pool, taken: TakenRepair, process: UUID) -> None:
    """Leave it to another process, at once."""
    await pool.execute(_sql("release"), taken.id, process)


async def end(pool: Pool, taken: TakenRepair, process: UUID, *, failed: bool, outcome: str) -> None:
    """Note how it has ended; without effect if another process has taken it meanwhile."""
    await pool.execute(_sql("end"), taken.id, process, failed, outcome)
