"""The table of findings: each look replaces it, and every list of what needs a person reads it."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

import structlog

from domain.ids import OrderId
from eventstore.postgres.connection import survey
from eventstore.postgres.migrator import Schema
from ordersaga.findings.observation import Kind, Observation
from projections.engine.projection import Connection, Pool
from projections.engine.sql_files import statement
from projections.outbox import forms
from projections.outbox.outbox import announce
from projections.paging import make_row

WATCHDOG: Final = Schema("watchdog", "ordersaga.findings")
NOTIFICATION: Final = "attention.found"
SHOWN: Final = 1000
_SILENT_FOR_S: Final = 60.0

_sql: Final = partial(statement, __package__)
_log = structlog.stdlib.get_logger("ordersaga.watchdog")


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding that holds, as people see it.

    Attributes:
        subject: a workflow id or a task queue.
        order_id: the order; None for a task queue.
        run_id: the run that it is about, if there is one.
        detail: what is wrong.
        action: what ends it.
        last_seen: when a look last saw it; older while a server is away.
        notification: waiting, delivered or dead; None: there is no such row.
    """

    kind: str
    subject: str
    order_id: str | None
    run_id: str | None
    detail: str
    action: str
    first_seen: datetime
    last_seen: datetime
    notification: str | None


@dataclass(frozen=True, slots=True)
class Watch:
    """How current the findings are.

    Attributes:
        looked_at: when a look last ended; None: never.
        remark: what it could not rely on, or that no watchdog looks; None if all is well.
    """

    looked_at: datetime | None
    remark: str | None


# --- for the watchdog ----------------------------------------------------------------------------


async def take_watch(pool: Pool, holder: UUID, lease: timedelta) -> bool:
    """Become or stay the watchdog that looks; False if another one is."""
    return await pool.fetchval(_sql("take_watch"), holder, lease) is not None


async def leave_watch(pool: Pool, holder: UUID) -> None:
    """Let another watchdog look at once."""
    await pool.execute(_sql("leave_watch"), holder)


async def least_recent(pool: Pool, limit: int) -> list[OrderId]:
    """The orders with findings that were looked at longest ago."""
    rows = await pool.fetch(_sql("least_recent"), limit)
    return list(dict.fromkeys(OrderId(row["order_id"]) for row in rows))


async def keys_of(pool: Pool, order_ids: Collection[OrderId]) -> set[tuple[str, str]]:
    """Kind and subject of the findings about these orders, and of those about task queues."""
    rows = await pool.fetch(_sql("keys"), list(order_ids))
    return {(row["kind"], row["subject"]) for row in rows}


async def replace(
    pool: Pool,
    holder: UUID,
    subjects: Collection[str],
    holding: Sequence[Observation],
    remark: str | None,
) -> bool:
    """Replace what is known of the subjects that were looked at; False if the watch was lost.

    A finding that is new gets its notification in the same transaction.
    """
    async with pool.acquire() as connection, connection.transaction():
        if await connection.fetchval(_sql("end_look"), holder, remark) is None:
            return False
        kinds, keys = [each.kind.value for each in holding], [each.subject for each in holding]
        gone = await connection.fetch(_sql("forget"), list(subjects), kinds, keys)
        begun = await _keep(connection, holding)
    for row in gone:
        _log.info("a finding has ended", kind=row["kind"], subject=row["subject"])
    for row in begun:
        _log.warning("a new finding", kind=row["kind"], subject=row["subject"])
    return True


async def _keep(connection: Connection, holding: Sequence[Observation]) -> list[Any]:
    rows = [(x.kind.value, x.subject, x.order_id, x.run_id, x.detail, x.action) for x in holding]
    columns = [list(column) for column in zip(*rows, strict=True)] or [[]] * 6
    kept = await connection.fetch(_sql("keep"), *columns)
    begun = [row for row in kept if row["is_new"]]
    for row in begun:
        data: forms.Found = {
            "finding": row["kind"],
            "subject": row["subject"],
            "run_id": row["run_id"],
        }
        subject = row["order_id"] or row["subject"]
        await announce(connection, row["id"], NOTIFICATION, subject, json.dumps(data))
    return begun


# --- for people ----------------------------------------------------------------------------------


async def list_findings(
    pool: Pool, order_ids: Sequence[str] | None = None, limit: int = SHOWN
) -> list[Finding]:
    """Findings, oldest first; None: of all orders and task queues."""
    with survey():
        rows = await pool.fetch(_sql("list"), None if order_ids is None else list(order_ids), limit)
    return [make_row(Finding)(row) for row in rows]


async def count_findings(pool: Pool) -> dict[Kind, int]:
    """The number of findings of every kind, also where it is 0."""
    with survey():
        rows = {row["kind"]: int(row["findings"]) for row in await pool.fetch(_sql("count"))}
    return {kind: rows.get(kind.value, 0) for kind in Kind}


async def load_watch(pool: Pool) -> Watch:
    """How current the findings are."""
    row = await pool.fetchrow(_sql("load_watch"))
    if row is None or row["looked_at"] is None:
        return Watch(None, "nobody has looked yet: is `ordersaga starter` running?")
    if row["age_s"] > _SILENT_FOR_S:
        remark = (
            f"the last look was {row['age_s']:.0f} s ago: is `ordersaga starter` running, and do "
            "PostgreSQL and Temporal answer it?"
        )
        return Watch(row["looked_at"], remark)
    return Watch(row["looked_at"], row["remark"])
