"""Read model `fulfillments`: every saga, where it failed, what it waits for, how it ended.

Each row is fed by one fulfillment stream, so lanes never share a row.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from domain.saga import events as saga_events
from eventstore.postgres.connection import survey
from projections.engine.projection import Pool, Projection, Recorded, names, own_id
from projections.engine.row_tables import RowTable
from projections.engine.sql_files import statement

_sql: Final = partial(statement, __package__)


@dataclass(slots=True, kw_only=True)
class Fulfillment:
    """A saga; the fields are the columns of its row.

    Attributes:
        status: not_started, running, compensating, completed or cancelled.
        needs_attention: a person must act; `at_step` and `waiting_for` say where and on what.
        failed_step: the step or compensation that failed last; `failure` is the error text,
            `failure_kind` is None for a compensation.
        last_operator: who acted on it last; `last_action` says how.
        reason: why it compensates, with `detail`; None on the happy path.
        outcome: completed or cancelled once it is closed.
    """

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
    updated_at: datetime
    version: int = 0


def _started(row: Fulfillment, event: saga_events.FulfillmentStarted, at: datetime) -> None:
    row.workflow_id, row.run_id = event.workflow_id, event.run_id
    row.status, row.started_at = "running", at


def _step_failed(row: Fulfillment, event: saga_events.StepFailed, _: datetime) -> None:
    row.failed_step, row.failure_kind = event.step.value, event.kind.value
    row.failure = event.message


def _compensating(row: Fulfillment, event: saga_events.CompensationStarted, _: datetime) -> None:
    row.status, row.reason, row.detail = "compensating", event.reason.value, event.detail


def _withdrawn(row: Fulfillment, _event: saga_events.CompensationWithdrawn, _: datetime) -> None:
    row.status, row.reason, row.detail = "running", None, None


def _compensation_failed(
    row: Fulfillment, event: saga_events.CompensationFailed, _: datetime
) -> None:
    row.failed_step, row.failure_kind = event.compensation.value, None
    row.failure = event.message


def _needs_attention(row: Fulfillment, event: saga_events.AttentionRequired, _: datetime) -> None:
    row.needs_attention = True
    row.at_step, row.waiting_for = event.at_step, event.waiting_for


def _clear_attention(row: Fulfillment) -> None:
    row.needs_attention, row.at_step, row.waiting_for = False, None, None


def _operated(row: Fulfillment, event: saga_events.OperatorActed, _: datetime) -> None:
    row.last_operator, row.last_action = event.actor, event.action
    _clear_attention(row)


def _closed(row: Fulfillment, event: saga_events.FulfillmentClosed, at: datetime) -> None:
    row.status = row.outcome = event.outcome.value
    row.reason = event.reason.value if event.reason else None
    row.detail = event.detail or None
    row.closed_at = at
    _clear_attention(row)


_CHANGES: Final[Mapping[type, Callable[[Fulfillment, Any, datetime], None]]] = {
    saga_events.FulfillmentStarted: _started,
    saga_events.StepFailed: _step_failed,
    saga_events.CompensationStarted: _compensating,
    saga_events.CompensationWithdrawn: _withdrawn,
    saga_events.CompensationFailed: _compensation_failed,
    saga_events.AttentionRequired: _needs_attention,
    saga_events.OperatorActed: _operated,
    saga_events.FulfillmentClosed: _closed,
}


def apply_to(rows: dict[str, Fulfillment], item: Recorded) -> None:
    """Apply one event to the rows, which are keyed by order id."""
    order_id, at = own_id(item), item.stored.recorded_at
    # An operator may act before the saga has started, so any event can be the first.
    row = rows.setdefault(order_id, Fulfillment(order_id=order_id, updated_at=at))
    row.updated_at, row.version = at, item.stored.version
    _CHANGES[type(item.event)](row, item.event, at)


PROJECTION: Final = Projection(
    name="fulfillments",
    version=1,
    tables=("fulfillments",),
    categories=frozenset({"fulfillment"}),
    handles=names(*_CHANGES),
    apply=RowTable(_sql, Fulfillment, apply_to).apply,
)


async def count_needing_attention(pool: Pool) -> int:
    """How many sagas need a person."""
    with survey():
        return int(await pool.fetchval(_sql("count_attention")))
