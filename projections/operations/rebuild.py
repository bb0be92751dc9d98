"""Rebuild a read model beside the live tables, then switch in one transaction.

Readers see the old tables until the switch and the new ones after it, never empty ones. The new
tables are in another schema and have their own checkpoints: a rebuild that was stopped or killed
continues where it was.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import asyncpg

from eventstore.codec import EventCodec
from eventstore.postgres.connection import maintenance
from eventstore.postgres.feed_lag import complete_position
from eventstore.store import EventStore
from projections.engine import control
from projections.engine.control import Lane
from projections.engine.lane import DEFAULT_OPTIONS, LaneOptions
from projections.engine.projection import LIVE, Connection, Pool, Projection
from projections.errors import Interrupted, NotInstalled
from projections.operations.install import NEXT
from projections.operations.shadow import Shadow

_SWITCH_ATTEMPTS: Final = 20


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a rebuild: positions, and seconds left (None while unknown).

    `head` is the end of the feed when the rebuild began.
    """

    projection: str
    position: int
    head: int
    eta_s: float | None


Report = Callable[[Progress], None]


async def rebuild(
    pool: Pool,
    store: EventStore,
    codec: EventCodec,
    projection: Projection,
    *,
    report: Report | None = None,
    stop: asyncio.Event | None = None,
    options: LaneOptions = DEFAULT_OPTIONS,
) -> None:
    """Fill new tables from the first event on and replace the live ones with them.

    A projection with side effects keeps its tables and positions; only its version is recorded.
    `report` is called after each batch. When `stop` is set, the rebuild ends after the current
    batches. It needs as many connections of the pool as the projection has lanes, plus two.

    Raises:
        NotInstalled: the projection has no live tables.
        Interrupted: `stop` was set; calling again continues.
        Stalled: the database kept failing; calling again continues.
        VersionMismatch: a program of another version has begun a rebuild meanwhile.
    """
    live = await control.load_lanes(pool, LIVE, [projection.name])
    if not live:
        raise NotInstalled(projection.name)
    if projection.side_effects:
        await _record_version(pool, projection)
        return
    with maintenance():
        shadow = Shadow(pool, store, codec, projection, NEXT, options)
        await shadow.prepare()
        meter = _Meter(projection.name, await complete_position(pool), report, stop)
        await shadow.advance([meter.head] * len(live), meter.watch)
        await _switch(pool, shadow)


async def _record_version(pool: Pool, projection: Projection) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await control.lock_lanes(connection, LIVE, projection.name)
        await connection.execute(
            control.sql("set_version"), LIVE, projection.name, projection.version
        )


class _Meter:
    """Turns positions into progress reports and checks whether to stop."""

    def __init__(
        self, projection: str, head: int, report: Report | None, stop: asyncio.Event | None
    ) -> None:
        self._projection = projection
        self.head = head
        self._report = report
        self._stop = stop
        self._first: tuple[float, int] | None = None

    async def watch(self, position: int) -> None:
        if self._report is not None:
            self._report(Progress(self._projection, position, self.head, self._eta(position)))
        if self._stop is not None and self._stop.is_set():
            raise Interrupted(f"the rebuild of {self._projection!r} stopped at {position}")

    def _eta(self, position: int) -> float | None:
        now = time.monotonic()
        if self._first is None:
            self._first = (now, position)
        since, start = self._first
        if position <= start:
            return None
        return (self.head - position) * (now - since) / (position - start)


async def _switch(pool: Pool, shadow: Shadow) -> None:
    for attempt in range(_SWITCH_ATTEMPTS):
        try:
            await _try_switch(pool, shadow)
        except asyncpg.LockNotAvailableError:  # a long query runs: let other readers pass
            if attempt + 1 == _SWITCH_ATTEMPTS:
                raise
            await asyncio.sleep(0.2)
        else:
            return


async def _try_switch(pool: Pool, shadow: Shadow) -> None:
    """Lock the live lanes, bring the new tables to the same positions, exchange the tables."""
    name = shadow.projection.name
    async with pool.acquire() as connection, connection.transaction():
        live = await control.lock_lanes(connection, LIVE, name)
        new = await control.load_lanes(pool, NEXT, [name])
        if not new:
            return  # another process that rebuilds the same read model has switched already
        if [lane.buckets for lane in new] != [lane.buckets for lane in live]:
            raise Interrupted(
                f"{name!r} was divided into other lanes meanwhile: run the rebuild again"
            )
        control.require_version(new, shadow.projection)
        goals = [max(a.position, b.position) for a, b in zip(live, new, strict=True)]
        await shadow.advance(goals)
        await connection.execute("SET LOCAL lock_timeout = '500ms'")
        for table in shadow.projection.tables:
            await connection.execute(f"DROP TABLE IF EXISTS {LIVE}.{table}")
            await connection.execute(f"ALTER TABLE {NEXT}.{table} SET SCHEMA {LIVE}")
        await _adopt(connection, shadow, live)


async def _adopt(connection: Connection, shadow: Shadow, live: list[Lane]) -> None:
    """Give the live lanes the positions and the parked streams of the new tables."""
    name = shadow.projection.name
    filled = await control.lock_lanes(connection, NEXT, name)
    for old, new in zip(live, filled, strict=True):
        await connection.execute(
            control.sql("set_lane"), LIVE, name, old.number, new.position, new.parked
        )
    await connection.execute(control.sql("unpark_all"), LIVE, name)
    await connection.execute(control.sql("adopt_parked"), NEXT, LIVE, name)
    await connection.execute(control.sql("set_version"), LIVE, name, shadow.projection.version)
    await shadow.discard(connection)
