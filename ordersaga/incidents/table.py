"""The table of incidents: what processes see of providers becomes one incident, told once."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID, uuid5

import structlog

from adapters.providers.provider import RECENTLY_S, Condition
from eventstore.postgres.connection import survey
from eventstore.postgres.migrator import Schema
from projections.engine.projection import Connection, Pool
from projections.engine.sql_files import statement
from projections.outbox import forms
from projections.outbox.outbox import announce
from projections.paging import make_row

INCIDENTS: Final = Schema("incidents", "ordersaga.incidents")
BEGUN: Final = "provider.failing"
ENDED: Final = "provider.recovered"
SHOWN: Final = 20

SILENT: Final = timedelta(seconds=30)
"""Processes report every few seconds; if none has for so long, none runs."""

REPORTED_WITHIN: Final = timedelta(minutes=2)
"""A process that has not reported for longer is gone."""

_QUIET: Final = timedelta(seconds=RECENTLY_S)
_sql: Final = partial(statement, __package__)
_log = structlog.stdlib.get_logger("ordersaga.incidents")


@dataclass(frozen=True, slots=True)
class Incident:
    """A time in which a provider failed.

    Attributes:
        failure: what it said last.
        access_refused: it did not accept our credentials.
        waiting: the sagas that wait for it now; `most_waiting`: at the same time, at most.
        reported_at: when a process last said how the provider does; older while none works.
    """

    provider: str
    begun_at: datetime
    ended_at: datetime | None
    failure: str
    access_refused: bool
    waiting: int
    most_waiting: int
    reported_at: datetime | None

    def is_unwatched(self, now: datetime) -> bool:
        """Whether it has not ended, and no process looks whether the provider works again."""
        since = self.reported_at
        return self.ended_at is None and since is not None and now - since > SILENT


@dataclass(frozen=True, slots=True)
class ProviderView:
    """A provider as one process sees it.

    Attributes:
        process: what it works on, and where.
        failing_since: it holds its calls back since then; None: calls pass.
        access_refused: the provider does not accept our credentials.
        failure: what it said last when a call failed; empty: none has.
        failed_at: when a call last failed; `worked_at`: when one last worked; None: never.
        waiting: the sagas that this process told to wait.
        reported_at: when the process said so.
    """

    provider: str
    process: str
    failing_since: datetime | None
    access_refused: bool
    failure: str
    failed_at: datetime | None
    worked_at: datetime | None
    waiting: int
    reported_at: datetime


async def providers_with_incident(pool: Pool) -> set[str]:
    """The providers that have an incident now."""
    return {row["provider"] for row in await pool.fetch(_sql("open"))}


async def forget_reports(pool: Pool) -> None:
    """Forget the reports of processes that are gone."""
    await pool.execute(_sql("forget"))


async def report(pool: Pool, process: UUID, seen: Condition, name: str = "") -> None:
    """Take how a process sees a provider; begin or end the incident, and tell of it, in one step.

    Of any number of processes, one begins it and one ends it. `name` is the process for people.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            _sql("report"),
            seen.provider,
            process,
            name,
            _age(seen.failing_s),
            seen.is_refused,
            seen.failure,
            _age(seen.failed_s),
            _age(seen.worked_s),
            _age(seen.works_s),
            seen.waiting,
        )
        row = await (_begin(connection, seen) if seen.is_incident else _end(connection, seen))
    if row is None:
        return
    if seen.is_incident:
        _log.warning(
            "a provider fails",
            provider=seen.provider,
            failure=seen.failure,
            access_refused=seen.is_refused,
            since=row["begun_at"].isoformat(),
        )
    else:
        lasted_s = round((row["ended_at"] - row["begun_at"]).total_seconds())
        _log.warning("a provider works again", provider=seen.provider, failed_for_s=lasted_s)


async def list_incidents(pool: Pool, limit: int = SHOWN) -> list[Incident]:
    """Incidents, those that have not ended first, then the latest."""
    with survey():
        return [make_row(Incident)(row) for row in await pool.fetch(_sql("list"), limit)]


async def list_views(pool: Pool) -> list[ProviderView]:
    """How each process that works now sees each provider that it has ever called."""
    with survey():
        rows = await pool.fetch(_sql("views"), REPORTED_WITHIN)
    return [make_row(ProviderView)(row) for row in rows]


async def _begin(connection: Connection, seen: Condition) -> Any:
    """The incident if this is its beginning."""
    waiting = await connection.fetchval(_sql("waiting"), seen.provider)
    row = await connection.fetchrow(
        _sql("begin"), seen.provider, _age(seen.failing_s), seen.failure, seen.is_refused, waiting
    )
    if row is None or not row["is_new"]:
        return None
    data: forms.Failing = {
        "failure": seen.failure,
        "access_refused": seen.is_refused,
        "since": _text(row),
    }
    await announce(connection, row["id"], BEGUN, seen.provider, json.dumps(data))
    return row


async def _end(connection: Connection, seen: Condition) -> Any:
    """The incident if this is its end."""
    row = await connection.fetchrow(_sql("end"), seen.provider, _QUIET)
    if row is None:
        return None
    data: forms.Recovered = {"since": _text(row), "until": row["ended_at"].isoformat()}
    await announce(connection, uuid5(row["id"], ENDED), ENDED, seen.provider, json.dumps(data))
    return row


def _text(row: Any) -> str:
    begun_at: datetime = row["begun_at"]
    return begun_at.isoformat()


def _age(seconds: float | None) -> timedelta | None:
    return None if seconds is None else timedelta(seconds=seconds)
