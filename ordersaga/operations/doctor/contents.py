"""Checks of what the database holds."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import asyncpg

from eventstore.postgres.growth.partitions import layout_at
from eventstore.postgres.sql_files import statement
from eventstore.postgres.store import PostgresEventStore
from ordersaga.bootstrap.protection import master_key_state
from ordersaga.bootstrap.schema import pending_migrations
from ordersaga.bootstrap.settings import Settings
from ordersaga.errors import REFUSED
from ordersaga.operations.doctor.diagnosis import Diagnosis, bad, from_message
from projections.engine import control
from projections.engine.projection import LIVE
from projections.registry import ALL

_HOLDERS: Final = statement("feed_holders", "ordersaga.operations.doctor.sql")
_LOOK_AGAIN_S: Final = 1.0


async def schema(settings: Settings) -> Diagnosis:
    """Whether the schema is there and current."""
    missing = await pending_migrations(settings.dsn())
    if missing:
        return bad("schema", f"lacks {', '.join(missing)}", "run `ordersaga migrate`")
    return Diagnosis("schema", True, "up to date")


async def _writing(pool: asyncpg.Pool, _: Settings) -> Diagnosis:
    """Whether an append would work now: a standby, a full disk, a lock would keep it from it."""
    await PostgresEventStore(pool).probe()
    return Diagnosis("writing", True, "an append would work now")


async def _partitions(_: asyncpg.Pool, settings: Settings) -> Diagnosis:
    layout = await layout_at(settings.dsn())
    name = "partitions"
    if layout.partitions_ahead is None:
        if layout.unfinished:
            advice = "run `ordersaga store partition` again"
            return bad(name, "the partitioning of the events was interrupted", advice, REFUSED)
        return Diagnosis(name, True, "events are kept in one table")
    if layout.partitions_ahead < 1:
        finding = f"{max(layout.partitions_ahead, 0):.1f} are left"
        return bad(name, finding, "run `ordersaga store add-partitions`", REFUSED)
    return Diagnosis(name, True, f"{layout.partitions_ahead:.1f} are ready")


async def _read_models(pool: asyncpg.Pool, _: Settings) -> Diagnosis:
    """Whether their tables are of this program's versions."""
    load = control.sql("load_version")
    stored = {each.name: await pool.fetchval(load, LIVE, each.name) for each in ALL}
    outdated = [each.name for each in ALL if stored[each.name] != each.version]
    if outdated:
        advice = "; ".join(f"run `ordersaga projections rebuild {name}`" for name in outdated)
        return bad("read models", f"of another version: {', '.join(outdated)}", advice, REFUSED)
    return Diagnosis("read models", True, f"{len(ALL)}, of this program's versions")


async def _feed(pool: asyncpg.Pool, _: Settings) -> Diagnosis:
    """Whether a transaction that does not end holds up everybody who reads events."""
    earlier = await _holders(pool)
    if not earlier:
        return Diagnosis("feed", True, "nothing holds it up")
    await asyncio.sleep(_LOOK_AGAIN_S)
    later = await _holders(pool)
    # The same append still: those that come and go are ordinary.
    stays = next((later[lock] for lock in earlier if lock in later), None)
    if stays is None:
        return Diagnosis("feed", True, "nothing holds it up")
    age = f"{stays['age_s']:.0f} s" if stays["age_s"] is not None else "some time"
    finding = f"a transaction holds it up for {age} (pid {stays['pid']}, {stays['program']!r})"
    return bad("feed", finding, f"end it: SELECT pg_terminate_backend({stays['pid']})", REFUSED)


async def _holders(pool: asyncpg.Pool) -> dict[tuple[int, int, int], asyncpg.Record]:
    rows = await pool.fetch(_HOLDERS)
    return {(row["pid"], row["classid"], row["objid"]): row for row in rows}


async def _master_key(pool: asyncpg.Pool, settings: Settings) -> Diagnosis:
    """Whether the personal data that is stored can be read."""
    state = await master_key_state(pool, settings)
    if state.problem is not None:
        return from_message("master key", state.problem, REFUSED)
    return Diagnosis("master key", True, "opens all stored keys")


OF_A_SCHEMA: Final[Mapping[str, Callable[[asyncpg.Pool, Settings], Awaitable[Diagnosis]]]] = {
    "writing": _writing,
    "partitions": _partitions,
    "read models": _read_models,
    "feed": _feed,
    "master key": _master_key,
}
"""Checks that need the schema, by name."""
