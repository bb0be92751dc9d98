"""What operators do with projections: pause, resume, inspect failures, replay, change lanes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from eventstore.codec import EventCodec
from eventstore.model import StoredEvent
from eventstore.postgres.connection import survey
from eventstore.store import EventStore
from projections.engine import control
from projections.engine.projection import LIVE, Connection, Pool, Projection, Recorded
from projections.errors import NotInstalled, VersionMismatch, describe, is_outage
from projections.paging import Page, checked_limit, fetch_page, make_row

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ParkedStream:
    """A stream that a projection could not apply from `position` on; `events` are dead letters."""

    projection: str
    stream: str
    position: int
    error: str
    attempts: int
    events: int
    parked_at: datetime


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A skipped event; `waiting` is False for the event that failed."""

    position: int
    version: int
    event_type: str
    waiting: bool


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """The replay of one parked stream: `error` is None if it is no longer parked."""

    projection: str
    stream: str
    events: int
    error: str | None


async def pause(pool: Pool, projections: Sequence[Projection]) -> None:
    """Stop applying in all processes; returns when the current batches are finished."""
    names = [projection.name for projection in projections]
    await pool.execute(control.sql("set_paused"), LIVE, names, True)


async def resume(pool: Pool, projections: Sequence[Projection]) -> None:
    """Resume applying."""
    names = [projection.name for projection in projections]
    await pool.execute(control.sql("set_paused"), LIVE, names, False)


async def list_parked(
    pool: Pool,
    projections: Sequence[Projection],
    *,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[ParkedStream]:
    """Parked streams by projection and name.

    Raises:
        InvalidCursor: the cursor is not from this listing.
    """
    names = [projection.name for projection in projections]
    query, key = control.sql("list_parked"), {"projection": str, "stream": str}
    return await fetch_page(
        pool, query, ParkedStream, key, limit=limit, cursor=cursor, target=LIVE, projections=names
    )


async def list_dead_letters(
    pool: Pool, projection: Projection, stream: str, *, limit: int = 1000
) -> list[DeadLetter]:
    """The dead letters of one parked stream, in order."""
    rows = await pool.fetch(
        control.sql("load_dead_letters"), LIVE, projection.name, stream, checked_limit(limit)
    )
    return [make_row(DeadLetter)(row) for row in rows]


async def replay(
    pool: Pool,
    store: EventStore,
    codec: EventCodec,
    projection: Projection,
    stream: str | None = None,
) -> list[ReplayResult]:
    """Apply the dead letters of one parked stream, or of all; what fails again stays parked.

    Raises:
        VersionMismatch: the tables belong to another version of the projection.
    """
    with survey():
        parked = await pool.fetch(control.sql("all_parked"), LIVE, projection.name, stream)
    return [
        await _replay_one(pool, store, codec, projection, row["stream"], row["bucket"])
        for row in parked
    ]


async def _replay_one(
    pool: Pool,
    store: EventStore,
    codec: EventCodec,
    projection: Projection,
    stream: str,
    bucket: int,
) -> ReplayResult:
    async with pool.acquire() as connection, connection.transaction():
        lane = await _hold_lane(connection, projection, bucket)
        letters = await connection.fetch(
            control.sql("load_dead_letters"), LIVE, projection.name, stream, None
        )
        positions = {row["position"] for row in letters}
        events = [e for e in await store.read_stream(stream) if e.position in positions]
        error = await _apply(connection, codec, projection, events)
        if error is None:
            await connection.execute(control.sql("unpark"), LIVE, projection.name, stream)
            await connection.execute(control.sql("decrement_parked"), LIVE, projection.name, lane)
        else:
            await connection.execute(
                control.sql("fail_replay"), LIVE, projection.name, stream, error
            )
    _log.info("stream replayed", projection=projection.name, stream=stream, error=error)
    return ReplayResult(projection.name, stream, len(positions), error)


async def _hold_lane(connection: Connection, projection: Projection, bucket: int) -> int:
    """Wait for the fence of the lane with this bucket; returns its number.

    Raises:
        VersionMismatch: its tables belong to another version of the projection.
    """
    lane = await connection.fetchrow(control.sql("lane_of_bucket"), LIVE, projection.name, bucket)
    if lane is None:
        raise NotInstalled(projection.name)
    if lane["version"] != projection.version:
        raise VersionMismatch(projection.name, lane["version"], projection.version)
    number: int = lane["lane"]
    return number


async def _apply(
    connection: Connection,
    codec: EventCodec,
    projection: Projection,
    events: Sequence[StoredEvent],
) -> str | None:
    """Apply all events or none; returns the description of the error if it fails."""
    try:
        items = [
            Recorded(event, codec.decode(event) if projection.handles else None)
            for event in events
            if not projection.ignores(event.event_type)
        ]
        async with connection.transaction():
            if items:
                await projection.apply(connection, LIVE, items)
    except Exception as error:
        if is_outage(error):
            raise
        return describe(error)
    return None


async def set_lanes(pool: Pool, projection: Projection, lanes: int) -> bool:
    """Divide a projection into another number of lanes; running workers notice it.

    Possible only while all lanes are at the same position; returns False otherwise and changes
    nothing. Then let it catch up, or try again.

    Raises:
        NotInstalled: the projection has no lanes.
        VersionMismatch: the tables belong to another version of the projection.
        ValueError: the number is not possible.
    """
    buckets = control.divide(lanes)
    async with pool.acquire() as connection, connection.transaction():
        old = await control.hold(connection, LIVE, projection)
        positions = {lane.position for lane in old}
        if len(positions) > 1:
            return False
        await connection.execute(control.sql("delete_lanes"), LIVE, projection.name)
        (position,) = positions
        await control.insert_lanes(
            connection, LIVE, projection, buckets, position, paused=old[0].paused
        )
        await connection.execute(control.sql("count_parked"), LIVE, projection.name)
    return True
