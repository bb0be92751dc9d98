"""The outbox: what senders of notifications and operators do with its rows.

A row waits, is leased to a sender, and ends as delivered or dead. While the lease lasts, only that
sender may change the row.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg

from eventstore.postgres.connection import survey
from projections.engine import control
from projections.engine.projection import LIVE, Connection, Pool
from projections.engine.sql_files import statement
from projections.errors import BackfillRefused
from projections.outbox.rules import PROJECTION
from projections.paging import Page, fetch_page, make_row

_sql: Final = partial(statement, __package__)

_RETRIED_AT_ONCE: Final = 5000
"""Rows that one statement makes due, so that it ends in time however many have failed."""


@dataclass(frozen=True, slots=True)
class LeasedNotification:
    """A notification that is leased to this sender.

    Attributes:
        id: the same for every attempt, so that receivers can drop duplicates.
        subject: the order id.
        occurred_at: when the event was recorded.
        attempts: number of leases, including this one.
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
        due_at: when the next attempt is due, while it waits.
        settled_at: when it was delivered or became dead.
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
    """The number of rows in each state.

    `leased` (a sender works on it) and `retrying` (it failed before) are parts of `waiting`.
    """

    waiting: int
    leased: int
    retrying: int
    delivered: int
    dead: int
    oldest_waiting_s: float


async def lease(pool: Pool, limit: int, duration: timedelta) -> list[LeasedNotification]:
    """Lease at most `limit` notifications that are due.

    Each belongs to a different order: the next one of an order is not due before the first one is
    delivered or dead.
    """
    lease_id = uuid4()
    rows = await pool.fetch(_sql("lease"), limit, lease_id, duration)
    notifications = [_leased(row, lease_id) for row in rows]
    return sorted(notifications, key=lambda notification: notification.position)


def _leased(row: asyncpg.Record, lease_id: UUID) -> LeasedNotification:
    return LeasedNotification(**{**row, "data": json.loads(row["data"])}, lease=lease_id)


async def mark_delivered(pool: Pool, leased: LeasedNotification) -> bool:
    """Record the delivery; False if another sender has the lease by now."""
    return await pool.fetchval(_sql("mark_delivered"), leased.id, leased.lease) is not None


async def postpone(pool: Pool, leased: LeasedNotification, error: str, delay: timedelta) -> bool:
    """Record a failed attempt and retry after `delay`; False if the lease was lost."""
    row_id = await pool.fetchval(_sql("postpone"), leased.id, leased.lease, error, delay)
    return row_id is not None


async def mark_dead(pool: Pool, leased: LeasedNotification, error: str) -> bool:
    """Record the last attempt; there will be no retry. False if the lease was lost."""
    return await pool.fetchval(_sql("mark_dead"), leased.id, leased.lease, error) is not None


async def retry(
    pool: Pool,
    ids: Sequence[UUID] | None = None,
    *,
    subject: str | None = None,
    kind: str | None = None,
) -> list[UUID]:
    """Make dead notifications wait again and waiting ones due now; returns their ids.

    None means any. Delivered and currently leased notifications are left alone.
    """
    selected = (None if ids is None else list(ids), subject, kind)
    retried: list[UUID] = []
    part = [UUID(int=0)]
    while part:
        with survey():
            rows = await pool.fetch(_sql("retry"), *selected, max(part), _RETRIED_AT_ONCE)
        part = [row["id"] for row in rows]
        retried += part
    return retried


async def list_notifications(
    pool: Pool,
    *,
    state: str | None = None,
    subject: str | None = None,
    kind: str | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[NotificationRow]:
    """Notifications, latest event first.

    Raises:
        InvalidCursor: the cursor is not from this listing.
    """
    key = {"position": int, "kind": str}
    filters = {"state": state, "subject": subject, "kind": kind}
    return await fetch_page(
        pool, _sql("list"), NotificationRow, key, limit=limit, cursor=cursor, **filters
    )


async def count(pool: Pool) -> OutboxStatus:
    """The number of notifications in each state."""
    with survey():
        (row,) = await pool.fetch(_sql("count"))
    status_of = make_row(OutboxStatus)
    return status_of(row)


async def announce(
    connection: Connection, notification_id: UUID, kind: str, subject: str, data: str
) -> None:
    """Insert a notification of something that is no event, in the caller's transaction.

    Args:
        connection: has an open transaction.
        notification_id: the same id again changes nothing.
        kind: in the receiver's terms, such as ``attention.found``.
        subject: notifications of the same subject are sent in their order.
        data: a JSON object.
    """
    await connection.execute(_sql("announce"), notification_id, kind, subject, data)


async def backfill(pool: Pool, after: int = 0) -> int:
    """Create notifications for past events: move the projection back to position `after`.

    Events that already have a notification do not get another. Returns the position from which
    the projection continues, which is its present one if that is before `after`.

    Raises:
        NotInstalled: the projection has no lanes.
        VersionMismatch: they belong to another version of the projection.
        BackfillRefused: streams are parked and must be replayed first.
    """
    async with pool.acquire() as connection, connection.transaction():
        lanes = await control.hold(connection, LIVE, PROJECTION)
        if any(lane.parked for lane in lanes):
            raise BackfillRefused(PROJECTION.name)
        for lane in lanes:
            position = min(lane.position, after)
            await connection.execute(
                control.sql("set_lane"), LIVE, PROJECTION.name, lane.number, position, 0
            )
    return min(after, *(lane.position for lane in lanes))
