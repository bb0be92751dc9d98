"""What operators do with projections: look, pause, resume, replay, divide into lanes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from eventstore.codec import EventCodec
from eventstore.model import StoredEvent
from eventstore.store import EventStore
from projections import control
from projections.control import Lane
from projections.errors import NotInstalled, describe, is_outage
from projections.paging import Page, checked_limit, decode_cursor, make_row, page_of
from projections.projection import LIVE, Connection, Pool, Projection, Recorded

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """How far a lane is.

    Attributes:
        lag_positions: positions drawn by the store's sequence and not yet applied.
        lag_seconds: age of the oldest event that is not applied, 0.0 if there is none.
        parked: streams that wait for a replay.
        updated_at: when the checkpoint moved last.
    """

    projection: str
    lane: int
    position: int
    head: int
    lag_positions: int
    lag_seconds: float
    paused: bool
    parked: int
    updated_at: datetime | None


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
class Replayed:
    """What a replay did with one parked stream: `error` is None if it goes on as usual now."""

    projection: str
    stream: str
    events: int
    error: str | None


async def status(
    pool: Pool, store: EventStore, projections: Sequence[Projection]
) -> list[LaneStatus]:
    """Where every lane of some projections stands."""
    by_name = {projection.name: projection for projection in projections}
    lanes = await control.load_lanes(pool, LIVE, list(by_name))
    head = await store.head()
    return [await _status(store, by_name[lane.projection], lane, head) for lane in lanes]


async def _status(store: EventStore, projection: Projection, lane: Lane, head: int) -> LaneStatus:
    seconds = 0.0
    if lane.position < head:
        wanted = projection.wanted(lane.buckets)
        page = await store.read_feed(lane.position, limit=1, wanted=wanted)
        if page.events:
            age = datetime.now(UTC) - page.events[0].recorded_at
            seconds = max(age.total_seconds(), 0.0)
    return LaneStatus(
        projection=projection.name,
        lane=lane.number,
        position=lane.position,
        head=head,
        lag_positions=max(head - lane.position, 0),
        lag_seconds=seconds,
        paused=lane.paused,
        parked=lane.parked,
        updated_at=lane.updated_at,
    )


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
            control.sql("load_dead_letters"), LIVE, projection.name, stream
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
