"""The outbox: what senders of notifications and their operators do with its rows.

A row waits, is taken by a sender for a short time, and ends as delivered or dead. The sender that
took it is the only one that may write to it, until the time is over.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg

from projections.engine import control
from projections.engine.projection import LIVE, Pool
from projections.engine.sql_files import statement
from projections.errors import BackfillRefused, NotInstalled
from projections.outbox.rules import PROJECTION
from projections.read_models.paging import Page, checked_limit, decode_cursor, make_row, page_of

_FOLDER: Final = "outbox"


@dataclass(frozen=True, slots=True)
class Taken:
    """A notification that this sender has for a while.

    Attributes:
        id: the same for every attempt, so that a receiver can drop a repetition.
        subject: the order's id.
        occurred_at: when the event was recorded.
        attempts: how often it was taken, this time included.
        age: how long it has been waiting.
    """

    id: UUID
    lease: UUID
    kind: str
    data_version: int
    position: int
    subject: str
    occurred_at: datetime
    traceparent: str | None
    data: dict[str, Any]
    attempts: int
    age: timedelta


@dataclass(frozen=True, slots=True)
class NotificationRow:
    """A row of the outbox as operators see it.

    Attributes:
        state: waiting, delivered or dead.
        due_at: when it is tried next, as long as it waits.
        settled_at: when it was delivered or given up.
    """

    id: str
    kind: str
    subject: str
    state: str
    attempts: int
    last_error: str | None
    position: int
    occurred_at: datetime
    event_id: str
    due_at: datetime
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class OutboxStatus:
    """How many rows there are of each state.

    `leased` (a sender has it) and `retrying` (failed before) are parts of `waiting`.
    """

    waiting: int
    leased: int
    retrying: int
    delivered: int
    dead: int
    oldest_waiting_s: float


def _sql(name: str) -> str:
    return statement(_FOLDER, name, LIVE)


async def take(pool: Pool, limit: int, lease: timedelta) -> list[Taken]:
    """Take at most `limit` notifications that are due, for the time `lease`.

    They are of different orders: the next of an order can be taken only when the first one is
    delivered or dead.
    """
    mine = uuid4()
    rows = await pool.fetch(_sql("take"), limit, mine, lease)
    taken = [_taken(row, mine) for row in rows]
    return sorted(taken, key=lambda each: each.position)


def _taken(row: asyncpg.Record, lease: UUID) -> Taken:
    return Taken(**{**row, "data": json.loads(row["data"])}, lease=lease)


async def deliver(pool: Pool, taken: Taken) -> bool:
    """Note that it was received; False if the lease had gone to another sender."""
    return await pool.fetchval(_sql("deliver"), taken.id, taken.lease) is not None


async def postpone(pool: Pool, taken: Taken, error: str, delay: timedelta) -> bool:
    """Note why it was not received; it is due again after `delay`. False: the lease was lost."""
    found = await pool.fetchval(_sql("postpone"), taken.id, taken.lease, error, delay)
    return found is not None


async def bury(pool: Pool, taken: Taken, error: str) -> bool:
    """Note why it is not tried any more. False: the lease was lost."""
    return await pool.fetchval(_sql("bury"), taken.id, taken.lease, error) is not None


async def retry(
    pool: Pool,
    ids: Sequence[UUID] | None = None,
    *,
    subject: str | None = None,
    kind: str | None = None,
) -> list[UUID]:
    """Make dead notifications wait again and waiting ones due now; returns which.

    None is no restriction. Delivered ones, and those that a sender has right now, are left alone.
    """
    chosen = None if ids is None else list(ids)
    return [row["id"] for row in await pool.fetch(_sql("retry"), chosen, subject, kind)]


async def list_notifications(
    pool: Pool,
    *,
    state: str | None = None,
    subject: str | None = None,
    kind: str | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[NotificationRow]:
    """Notifications, the latest event first.

    Raises:
        InvalidCursor: the cursor is not from this listing.
    """
    after = decode_cursor(cursor, int, str)
    rows = await pool.fetch(_sql("list"), state, subject, kind, *after, checked_limit(limit) + 1)
    return page_of(
        rows, limit, make_row(NotificationRow), lambda row: (row["position"], row["kind"])
    )


async def count(pool: Pool) -> OutboxStatus:
    """How many notifications there are of each state."""
    (row,) = await pool.fetch(_sql("count"))
    return make_row(OutboxStatus)(row)


async def backfill(pool: Pool, after: int = 0) -> int:
    """Go back: events after position `after` that were never told become notifications now.

    Those that have a row already are left alone. Returns the position from which it goes on;
    nothing happens if the projection has not come as far as `after`.

    Raises:
        NotInstalled: the projection has no lanes.
        BackfillRefused: streams are parked; they must be replayed first.
    """
    async with pool.acquire() as connection, connection.transaction():
        lanes = await control.lock_lanes(connection, LIVE, PROJECTION.name)
        if not lanes:
            raise NotInstalled(PROJECTION.name)
        if any(lane.parked for lane in lanes):
            raise BackfillRefused(PROJECTION.name)
        for lane in lanes:
            position = min(lane.position, after)
            await connection.execute(
                control.sql("set_lane"), LIVE, PROJECTION.name, lane.number, position, 0
            )
    return min(after, *(lane.position for lane in lanes))
