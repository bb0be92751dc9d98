"""The items of the inbox, and those that the database knows."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Final

from eventstore.postgres.connection import survey
from projections.engine.projection import Pool
from projections.engine.sql_files import statement

SHOWN: Final = 500

_sql: Final = partial(statement, __package__)


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxItem:
    """One thing that waits for a person, or will change by itself soon.

    Attributes:
        kind: such as saga_needs_attention, on_hold, waiting_for_provider, order_without_saga.
        subject: a workflow id, task queue, stream or notification.
        reason: why it is here, in one sentence.
        since: since when; None: unknown.
        next: what happens if nobody acts, or what ends it.
        due_at: when that happens; None: it is not set, or unknown.
        attempt: of the activity that is tried again and again; `last_failure` says why.
        next_try_at: when it is tried next.
        total_minor: what the order costs, in minor units; `kept_minor` is what was captured of it.
        pieces: goods of the order.
        actions: what the order's saga would accept now.
    """

    kind: str
    subject: str
    order_id: str | None
    reason: str
    since: datetime | None
    next: str
    due_at: datetime | None = None
    attempt: int | None = None
    last_failure: str | None = None
    next_try_at: datetime | None = None
    order_status: str | None = None
    currency: str | None = None
    total_minor: int | None = None
    kept_minor: int | None = None
    pieces: int | None = None
    actions: tuple[str, ...] = ()


async def stored_items(pool: Pool) -> list[InboxItem]:
    """What the database knows, oldest first."""
    with survey():
        rows = await pool.fetch(_sql("stored"), SHOWN)
    return [InboxItem(**row) for row in rows]


async def with_orders(pool: Pool, items: Collection[InboxItem]) -> list[InboxItem]:
    """The items with the money and goods of their orders."""
    rows = await pool.fetch(_sql("orders"), [item.order_id for item in items])
    stakes: dict[str, dict[str, Any]] = {row["order_id"]: dict(row) for row in rows}
    return [replace(item, **stakes.get(item.order_id or "", {})) for item in items]
