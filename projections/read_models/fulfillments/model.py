"""Read model `fulfillments`: every saga, where it failed, what it waits for, how it ended.

Fed by the fulfillment stream of the order alone, so lanes never share a row.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from domain.saga import events as saga_events
from projections.engine.projection import LIVE, Pool, Projection, Recorded, names, own_id
from projections.engine.row_tables import RowTable
from projections.engine.sql_files import statement
from projections.read_models.paging import Page, checked_limit, decode_cursor, make_row, page_of


@dataclass(slots=True)
class _Row:
    order_id: str
    workflow_id: str | None = None
    run_id: str | None = None
    status: str = "not_started"
    needs_attention: bool = False
    waiting_for: str | None = None
    at_step: str | None = None
    failed_step: str | None = None
    failure_kind: str | None = None
    failure: str | None = None
    last_operator: str | None = None
    last_action: str | None = None
    outcome: str | None = None
    reason: str | None = None
    detail: str | None = None
    started_at: datetime | None = None
    closed_at: datetime | None = None
    updated_at: datetime | None = None
    version: int = 0


@dataclass(frozen=True, slots=True)
class Fulfillment:
    """A saga.

    Attributes:
        status: not_started, running, compensating, completed or cancelled.
        needs_attention: a person must act; `at_step` and `waiting_for` say where and on what.
        failed_step: the step or compensation that failed last, with `failure_kind` (none for a
            compensation) and the text `failure`.
        last_operator: who steered it last, by `last_action`.
        reason: why it turned back, with `detail`; None on the happy path.
        outcome: completed or cancelled once it is closed.
    """

    order_id: str
    workflow_id: str | None
    run_id: str | None
    status: str
    needs_attention: bool
    at_step: str | None
    waiting_for: str | None
    failed_step: str | None
    failure_kind: str | None
    failure: str | None
    last_operator: str | None
    last_action: str | None
    outcome: str | None
    reason: str | None
    detail: str | None
    started_at: datetime | None
    closed_at: datetime | None
    updated_at: datetime
    version: int


def _started(row: _Row, event: saga_events.FulfillmentStarted, at: datetime) -> None:
    row.workflow_id, row.run_id = event.workflow_id, event.run_id
    row.status, row.started_at = "running", at


def _step_failed(row: _Row, event: saga_events.StepFailed, _: datetime) -> None:
    row.failed_step, row.failure_kind = event.step.value, event.kind.value
    row.failure = event.message


def _turned_back(row: _Row, event: saga_events.CompensationStarted, _: datetime) -> None:
    row.status, row.reason, row.detail = "compensating", event.reason.value, event.detail


def _undoing_failed(row: _Row, event: saga_events.CompensationFailed, _: datetime) -> None:
    row.failed_step, row.failure_kind = event.compensation.value, None
    row.failure = event.message


def _needs_attention(row: _Row, event: saga_events.AttentionRequired, _: datetime) -> None:
    row.needs_attention = True
    row.at_step, row.waiting_for = event.at_step, event.waiting_for


def _no_attention(row: _Row) -> None:
    row.needs_attention, row.at_step, row.waiting_for = False, None, None


def _operated(row: _Row, event: saga_events.OperatorActed, _: datetime) -> None:
    row.last_operator, row.last_action = event.actor, event.action
    _no_attention(row)


def _closed(row: _Row, event: saga_events.FulfillmentClosed, at: datetime) -> None:
    row.status = row.outcome = event.outcome.value
    row.reason = event.reason.value if event.reason else None
    row.detail = event.detail or None
    row.closed_at = at
    _no_attention(row)


_CHANGES: Final[Mapping[type, Callable[[_Row, Any, datetime], None]]] = {
    saga_events.FulfillmentStarted: _started,
    saga_events.StepFailed: _step_failed,
    saga_events.CompensationStarted: _turned_back,
    saga_events.CompensationFailed: _undoing_failed,
    saga_events.AttentionRequired: _needs_attention,
    saga_events.OperatorActed: _operated,
    saga_events.FulfillmentClosed: _closed,
}


def _apply_to(rows: dict[str, _Row], item: Recorded) -> None:
    order_id = own_id(item)
    # An operator may act before the saga has started, so any event can be the first.
    row = rows.setdefault(order_id, _Row(order_id))
    row.updated_at, row.version = item.stored.recorded_at, item.stored.version
    _CHANGES[type(item.event)](row, item.event, item.stored.recorded_at)


PROJECTION: Final = Projection(
    name="fulfillments",
    version=1,
    tables=("fulfillments",),
    categories=frozenset({"fulfillment"}),
    handles=names(*_CHANGES),
    apply=RowTable("fulfillments", _Row, _apply_to).apply,
)


async def get_fulfillment(pool: Pool, order_id: str) -> Fulfillment | None:
    """The saga of an order, or None if none is known."""
    row = await pool.fetchrow(statement("read_models/fulfillments", "get", LIVE), order_id)
    return make_row(Fulfillment)(row) if row else None


async def count_needing_attention(pool: Pool) -> int:
    """How many sagas wait for a person."""
    return int(await pool.fetchval(statement("read_models/fulfillments", "count_attention", LIVE)))


async def list_fulfillments(
    pool: Pool,
    *,
    status: str | None = None,
    needs_attention: bool | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[Fulfillment]:
    """Sagas, the latest changed first.

    Raises:
        InvalidCursor: the cursor is not from this listing.
    """
    after = decode_cursor(cursor, datetime, str)
    rows = await pool.fetch(
        statement("read_models/fulfillments", "list", LIVE),
        status,
        needs_attention,
        *after,
        checked_limit(limit) + 1,
    )
    return page_of(
        rows, limit, make_row(Fulfillment), lambda row: (row["updated_at"], row["order_id"])
    )
