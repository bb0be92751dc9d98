"""Checks of what the database holds."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import asyncpg

from eventstore.errors import NotAllowed
from eventstore.postgres.feed_lag import feed_holder
from eventstore.postgres.growth.partitions import layout_at
from eventstore.postgres.set_aside import PostgresSetAsideEvents
from eventstore.postgres.store import PostgresEventStore
from ordersaga.bootstrap.protection import master_key_state
from ordersaga.bootstrap.schema import pending_migrations, read_model_problems
from ordersaga.bootstrap.settings import Settings
from ordersaga.errors import REFUSED
from ordersaga.incidents.table import list_incidents
from ordersaga.installation.history import HistoryTable, unexamined
from ordersaga.installation.identity import Installation
from ordersaga.operations.doctor.diagnosis import Diagnosis, bad, from_message
from projections.engine import control
from projections.engine.projection import LIVE
from projections.registry import ALL

_LOOK_AGAIN_S: Final = 1.0


async def schema(settings: Settings) -> Diagnosis:
    """Whether the schema is there and current."""
    missing = await pending_migrations(settings.dsn())
    if missing:
        return bad("schema", f"lacks {', '.join(missing)}", "run `ordersaga migrate`")
    return Diagnosis("schema", True, "up to date")


async def _writing(pool: asyncpg.Pool, _: Settings) -> Diagnosis:
    """Whether an append would work now: a standby, a full disk, a lock would keep it from it."""
    try:
        await PostgresEventStore(pool).probe()
    except NotAllowed:  # what the login lacks, its own line says
        return Diagnosis("writing", True, "not tried: the login may only read")
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
    """Whether their tables are of this program's versions, and no stream is parked."""
    name = "read models"
    problems = [problem.partition(": ") for problem in await read_model_problems(pool)]
    if problems:
        finding = "; ".join(finding for finding, _, _ in problems)
        return bad(name, finding, "; ".join(advice for _, _, advice in problems), REFUSED)
    parked = sum(lane.parked for lane in await control.load_lanes(pool, LIVE))
    if parked:
        advice = "see `ordersaga projections dead-letters`"
        return bad(name, f"{parked} streams are parked", advice, REFUSED)
    return Diagnosis(name, True, f"{len(ALL)}, of this program's versions")


async def _feed(pool: asyncpg.Pool, _: Settings) -> Diagnosis:
    """Whether a transaction that does not end holds up everybody who reads events."""
    earlier = await feed_holder(pool)
    if earlier is not None:
        await asyncio.sleep(_LOOK_AGAIN_S)
        later = await feed_holder(pool)
        # The same append still: those that come and go are ordinary.
        if later and (later.pid, later.position) == (earlier.pid, earlier.position):
            return from_message("feed", later.problem, REFUSED)
    return Diagnosis("feed", True, "nothing holds it up")


async def _followers(pool: asyncpg.Pool, _: Settings) -> Diagnosis:
    """Whether the starter could act on every event."""
    events = await PostgresSetAsideEvents(pool).first(100)
    if events:
        finding = f"{len(events)} events are set aside, the first one: {events[0].error}"
        return bad("followers", finding, "see `ordersaga store set-aside`", REFUSED)
    return Diagnosis("followers", True, "no event is set aside")


async def _master_key(pool: asyncpg.Pool, settings: Settings) -> Diagnosis:
    """Whether the personal data that is stored can be read."""
    state = await master_key_state(pool, settings)
    if state.problem is not None:
        return from_message("master key", state.problem, REFUSED)
    return Diagnosis("master key", True, "opens all stored keys")


async def _installation(pool: asyncpg.Pool, _: Settings) -> Diagnosis:
    """Which payments and labels at the providers are this database's."""
    return Diagnosis("installation", True, await Installation(pool).current())


async def _history(pool: asyncpg.Pool, _: Settings) -> Diagnosis:
    """Whether the database goes on with what it was, or somebody has looked for what is lost."""
    name, histories = "history", await HistoryTable(pool).list()
    if not unexamined(histories):
        present = histories[-1]
        return Diagnosis(name, True, f"{present.number}, since {present.at:%Y-%m-%d %H:%M} UTC")
    since = unexamined(histories)[0]
    finding = (
        f"the database goes on elsewhere since {since.at:%Y-%m-%d %H:%M} UTC, and nobody has "
        "looked for what was lost"
    )
    return bad(name, finding, "run `ordersaga restored`", REFUSED)


async def _incidents(pool: asyncpg.Pool, _: Settings) -> Diagnosis:
    """Whether workers see a provider fail; whether it answers us is asked elsewhere."""
    failing = [each for each in await list_incidents(pool) if each.ended_at is None]
    if failing:
        finding = "; ".join(
            f"{each.provider} since {each.begun_at:%Y-%m-%d %H:%M} UTC ({each.failure})"
            for each in failing
        )
        return Diagnosis("incidents", True, finding, "see `ordersaga providers`")
    return Diagnosis("incidents", True, "workers see no provider fail")


OF_A_SCHEMA: Final[Mapping[str, Callable[[asyncpg.Pool, Settings], Awaitable[Diagnosis]]]] = {
    "incidents": _incidents,
    "installation": _installation,
    "history": _history,
    "writing": _writing,
    "partitions": _partitions,
    "read models": _read_models,
    "feed": _feed,
    "followers": _followers,
    "master key": _master_key,
}
"""Checks that need the schema, by name."""
