"""Proof that the read models equal the fold of the events."""

import secrets
from collections.abc import Sequence
from typing import Any, Final

from eventstore.codec import EventCodec
from eventstore.postgres.connection import maintenance, survey
from eventstore.store import EventStore
from projections.conditions import with_conditions
from projections.engine import control
from projections.engine.caching_codec import CachingCodec
from projections.engine.concurrently import run_concurrently
from projections.engine.feed import SharedFeed, union
from projections.engine.projection import LIVE, Connection, Pool, Projection
from projections.operations.shadow import Shadow
from projections.registry import ALL

_MOST_NAMED: Final = 10
"""Most rows and streams named per table and projection."""


async def check(
    pool: Pool,
    store: EventStore,
    codec: EventCodec,
    projections: Sequence[Projection] = ALL,
) -> list[str]:
    """One line for each row that differs from its events; empty if everything agrees.

    Folds all events into tables in another schema, up to the positions of the live lanes, and
    compares. The live lanes are locked only for the last events and the comparison.

    A projection without tables, or with those of another version, is an offender, and the others
    are checked.

    Raises:
        Stalled: the database kept failing.
    """
    projections, offenders = await control.usable(pool, projections)
    # Rows with side effects (sent notifications) do not follow from the events alone.
    acting = [projection.name for projection in projections if projection.side_effects]
    foldable = [projection for projection in projections if not projection.side_effects]
    offenders += [line for name in acting for line in await _parked(pool, name)]
    if not foldable:
        return offenders
    # All of them share one reader of the feed.
    feed = SharedFeed(pool, store, union(projection.feed_filter() for projection in foldable))
    codec, run = CachingCodec(codec), secrets.token_hex(4)
    shadows = [
        Shadow(pool, store, codec, projection, f"read_models_check_{run}_{number}", feed=feed)
        for number, projection in enumerate(foldable)
    ]
    with maintenance():
        try:
            await run_concurrently(_fold(pool, shadow) for shadow in shadows)
            for shadow in shadows:
                offenders += await _check_one(pool, shadow)
        finally:
            for shadow in shadows:
                await _drop(pool, shadow)
    return offenders


async def _fold(pool: Pool, shadow: Shadow) -> None:
    """Bring the second set of tables up to the current positions of the live lanes."""
    live = await control.load_lanes(pool, LIVE, [shadow.projection.name])
    await shadow.prepare()
    await shadow.advance([lane.position for lane in live])


async def _check_one(pool: Pool, shadow: Shadow) -> list[str]:
    name = shadow.projection.name
    async with pool.acquire() as connection, connection.transaction():
        live = await control.hold(connection, LIVE, shadow.projection)
        await shadow.advance([lane.position for lane in live])
        offenders = await _parked(connection, name)
        for table in shadow.projection.tables:
            offenders += await _compare(connection, shadow, table)
    return offenders


async def _parked(connection: "Connection | Pool", name: str) -> list[str]:
    conditions = {"target": LIVE, "projections": [name]}
    text, values = with_conditions(control.sql("list_parked"), conditions)
    with survey():
        rows = await connection.fetch(text, *values, _MOST_NAMED)
    return [
        f"{name}: stream {row['stream']} is parked with {row['events']} events: {row['error']}"
        for row in rows
    ]


async def _compare(connection: Connection, shadow: Shadow, table: str) -> list[str]:
    live, fold = f"{LIVE}.{table}", f"{shadow.target}.{table}"
    key = await _key_columns(connection, fold)
    surplus = await _difference(connection, live, fold, key)
    missing = await _difference(connection, fold, live, key)
    both = set(surplus) & set(missing)
    return [
        *(f"{table}: row {_text(row)} differs from its events" for row in sorted(both)),
        *(f"{table}: row {_text(row)} follows from no event" for row in surplus if row not in both),
        *(f"{table}: row {_text(row)} is missing" for row in missing if row not in both),
    ]


async def _key_columns(connection: Connection, table: str) -> str:
    rows = await connection.fetch(control.sql("key_columns"), table)
    return ", ".join(f"{row['column_name']}::text" for row in rows)


async def _difference(
    connection: Connection, left: str, right: str, key: str
) -> list[tuple[Any, ...]]:
    rows = await connection.fetch(
        f"SELECT {key} FROM (TABLE {left} EXCEPT ALL TABLE {right}) AS odd"  # noqa: S608  names of our own tables
        f" ORDER BY {key} LIMIT {_MOST_NAMED}"
    )
    return [tuple(row) for row in rows]


def _text(row: tuple[Any, ...]) -> str:
    return "/".join(map(str, row))


async def _drop(pool: Pool, shadow: Shadow) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await shadow.discard(connection)
        await connection.execute(f"DROP SCHEMA IF EXISTS {shadow.target} CASCADE")
