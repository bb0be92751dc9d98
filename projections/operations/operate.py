"""What operators do with projections: pause, resume, look at what failed, replay, divide."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from eventstore.codec import EventCodec
from eventstore.model import StoredEvent
from eventstore.store import EventStore
from projections.engine import control
from projections.engine.projection import LIVE, Connection, Pool, Projection, Recorded
from projections.errors import NotInstalled, describe, is_outage
from projections.read_models.paging import Page, checked_limit, decode_cursor, make_row, page_of

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ParkedStream:
    """A stream that a projection could not apply, since `position`; `events` of it wait."""

    projection: str
    stream: str
    position: int
    error: str
    attempts: int
    events: int
    parked_at: datetime


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """An event that was passed over; `waiting` is False if it is the one that failed itself."""

    position: int
    version: int
    event_type: str
    waiting: bool


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did with one parked stream: `error` is None if it goes on as usual now."""

    projection: str
    stream: str
    events: int
    error: str | None


async def pause(pool: Pool, projections: Sequence[Projection]) -> None:
    """Stop applying, everywhere; returns once no batch is under way."""
    names = [projection.name for projection in projections]
    await pool.execute(control.sql("set_paused"), LIVE, names, True)


async def resume(pool: Pool, projections: Sequence[Projection]) -> None:
    """Go on applying."""
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
    after = decode_cursor(cursor, str, str)
    rows = await pool.fetch(
        control.sql("list_parked"), LIVE, names, *after, checked_limit(limit) + 1
    )
    return page_of(
        rows, limit, make_row(ParkedStream), lambda row: (row["projection"], row["stream"])
    )


async def list_letters(
    pool: Pool, projection: Projection, stream: str, *, limit: int = 1000
) -> list[DeadLetter]:
    """The events of one parked stream that wait to be applied, in order."""
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
) -> list[Replayed]:
    """Apply what waits in one parked stream, or in all; what fails again stays parked."""
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
) -> Replayed:
    async with pool.acquire() as connection, connection.transaction():
        lane = await connection.fetchval(
            control.sql("lane_of_bucket"), LIVE, projection.name, bucket
        )
        letters = await connection.fetch(
            control.sql("load_dead_letters"), LIVE, projection.name, stream, None
        )
        waiting = {row["position"] for row in letters}
        events = [e for e in await store.read_stream(stream) if e.position in waiting]
        error = await _apply(connection, codec, projection, events)
        if error is None:
            await connection.execute(control.sql("unpark"), LIVE, projection.name, stream)
            await connection.execute(control.sql("fewer_parked"), LIVE, projection.name, lane)
        else:
            await connection.execute(
                control.sql("fail_replay"), LIVE, projection.name, stream, error
            )
    _log.info("stream replayed", projection=projection.name, stream=stream, error=error)
    return Replayed(projection.name, stream, len(waiting), error)


async def _apply(
    connection: Connection,
    codec: EventCodec,
    projection: Projection,
    events: Sequence[StoredEvent],
) -> str | None:
    """Apply all or nothing; the error's description if it fails."""
    try:
        items = [
            Recorded(event, codec.decode(event) if projection.handles else None)
            for event in events
            if not projection.passes_by(event.event_type)
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
    """Divide a projection into another number of lanes; running workers notice by themselves.

    Only possible while all lanes stand at the same position: pause, catch up, or try again.
    Returns False, and changes nothing, if they do not.

    Raises:
        NotInstalled: the projection has no lanes.
        ValueError: the number is not possible.
    """
    ranges = control.divide(lanes)
    async with pool.acquire() as connection, connection.transaction():
        old = await control.lock_lanes(connection, LIVE, projection.name)
        if not old:
            raise NotInstalled(projection.name)
        positions = {lane.position for lane in old}
        if len(positions) > 1:
            return False
        await connection.execute(control.sql("delete_lanes"), LIVE, projection.name)
        new = [(buckets, min(positions), old[0].paused) for buckets in ranges]
        await control.insert_lanes(connection, LIVE, projection.name, new)
        await connection.execute(control.sql("count_parked"), LIVE, projection.name)
    return True
