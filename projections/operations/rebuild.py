"""Rebuild a read model beside the live tables, then switch in one transaction.

Readers see the old tables until the switch and the new ones after it, never an empty view. The
new tables stand in a schema of their own with checkpoints of their own: a rebuild that was
stopped or killed goes on where it was.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import asyncpg

from eventstore.codec import EventCodec
from eventstore.store import EventStore
from projections.engine import control
from projections.engine.control import Lane
from projections.engine.lane import DEFAULT_OPTIONS, Options
from projections.engine.projection import LIVE, Connection, Pool, Projection
from projections.errors import Interrupted, NotInstalled
from projections.operations.shadow import Shadow

NEXT: Final = "read_models_next"
"""The schema in which the new tables are filled."""

_SWITCH_ATTEMPTS: Final = 20


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a rebuild is: positions, and seconds left (None while that is unknown)."""

    projection: str
    position: int
    head: int
    eta_s: float | None


Report = Callable[[Progress], None]


def _say_nothing(_: Progress) -> None:
    return None


async def rebuild(
    pool: Pool,
    store: EventStore,
    codec: EventCodec,
    projection: Projection,
    *,
    report: Report = _say_nothing,
    stop: asyncio.Event | None = None,
    options: Options = DEFAULT_OPTIONS,
) -> None:
    """Fill new tables from the first event on and put them in the place of the live ones.

    A projection with side effects keeps its tables and its place, and takes on the new version.
    `report` is called after each batch. When `stop` is set the rebuild ends after the batches
    under way. The pool must give two connections more than the projection has lanes.

    Raises:
        NotInstalled: the projection has no live tables.
        Interrupted: `stop` was set; calling again goes on.
        Stalled: the database went on failing; calling again goes on.
    """
    live = await control.load_lanes(pool, LIVE, [projection.name])
    if not live:
        raise NotInstalled(projection.name)
    if projection.side_effects:
        await _note_version(pool, projection)
        return
    shadow = Shadow(pool, store, codec, projection, NEXT, options)
    await shadow.prepare()
    meter = _Meter(projection.name, await store.head(), report, stop)
    await shadow.advance([meter.head] * len(live), meter.watch)
    await _switch(pool, shadow)


async def _note_version(pool: Pool, projection: Projection) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await control.lock_lanes(connection, LIVE, projection.name)
        await connection.execute(
            control.sql("set_version"), LIVE, projection.name, projection.version
        )


class _Meter:
    """Turns positions into progress and watches for the stop."""

    def __init__(
        self, projection: str, head: int, report: Report, stop: asyncio.Event | None
    ) -> None:
        self._projection = projection
        self.head = head
        self._report = report
        self._stop = stop
        self._first: tuple[float, int] | None = None

    async def watch(self, position: int) -> None:
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
        except asyncpg.LockNotAvailableError:  # somebody reads for long: let others read meanwhile
            if attempt + 1 == _SWITCH_ATTEMPTS:
                raise
            await asyncio.sleep(0.2)
        else:
            return


async def _try_switch(pool: Pool, shadow: Shadow) -> None:
    """Hold the live lanes, bring the new tables to the same positions, exchange, let go."""
    name = shadow.projection.name
    async with pool.acquire() as connection, connection.transaction():
        live = await control.lock_lanes(connection, LIVE, name)
        mine = await control.load_lanes(pool, NEXT, [name])
        if not mine:
            return  # another process that rebuilt the same read model has switched already
        if [lane.buckets for lane in mine] != [lane.buckets for lane in live]:
            raise Interrupted(f"{name!r} was divided into other lanes meanwhile: rebuild again")
        goals = [max(a.position, b.position) for a, b in zip(live, mine, strict=True)]
        await shadow.advance(goals)
        await connection.execute("SET LOCAL lock_timeout = '500ms'")
        for table in shadow.projection.tables:
            await connection.execute(f"DROP TABLE IF EXISTS {LIVE}.{table}")
            await connection.execute(f"ALTER TABLE {NEXT}.{table} SET SCHEMA {LIVE}")
        await _adopt(connection, shadow, live)


async def _adopt(connection: Connection, shadow: Shadow, live: list[Lane]) -> None:
    """Give the live lanes the positions and the parked streams of the new tables."""
    name = shadow.projection.name
    mine = await control.lock_lanes(connection, NEXT, name)
    for old, new in zip(live, mine, strict=True):
        await connection.execute(
            control.sql("set_lane"), LIVE, name, old.number, new.position, new.parked
        )
    await connection.execute(control.sql("unpark_all"), LIVE, name)
    await connection.execute(control.sql("adopt_parked"), NEXT, LIVE, name)
    await connection.execute(control.sql("set_version"), LIVE, name, shadow.projection.version)
    await shadow.discard(connection)
