"""Read model `audit_log`: every event of every stream with who, what, when and why.

Works on envelopes, so it also shows events whose type this program does not know. Rows are only
ever inserted, one an event, so lanes do not meet.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from domain.ids import OrderId, streams_of_order
from domain.returns import events as returns_events
from domain.saga import events as saga_events
from domain.shipment.events import DeliveryOperatorActed
from eventstore.model import StoredEvent
from projections.engine.projection import LIVE, Connection, Pool, Projection, Recorded, names
from projections.engine.sql_files import statement
from projections.read_models.paging import Page, checked_limit, decode_cursor, make_row, page_of

_WHY: Final = ("reason", "detail", "message", "code", "waiting_for")
"""Where an event's data says why; all of them are safe to show."""

_BY_PEOPLE: Final = names(
    saga_events.OperatorActed,
    DeliveryOperatorActed,
    returns_events.ReturnOpened,
    returns_events.RefundGranted,
    returns_events.RefundDenied,
    returns_events.RestockDecided,
    returns_events.ReturnOperatorActed,
)
"""Events whose data names who is behind them."""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An event: `actor` is who, `event_type` what, `reason` why (None if it needs no reason).

    `correlation_id` names the business transaction (for sagas the workflow id), `causation_id`
    what led to it directly, `run_id` the saga's run.
    """

    position: int
    recorded_at: datetime
    stream: str
    category: str
    version: int
    event_type: str
    actor: str
    reason: str | None
    correlation_id: str
    causation_id: str
    run_id: str | None
    event_id: str


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which events are wanted; None means any. `until` is exclusive."""

    actor: str | None = None
    event_type: str | None = None
    streams: tuple[str, ...] | None = None
    correlation_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


ANY_EVENT: Final = AuditFilter()


def of_order(order_id: OrderId) -> AuditFilter:
    """Everything recorded in the streams of one order."""
    return AuditFilter(streams=streams_of_order(order_id))


async def _apply(connection: Connection, schema: str, batch: Sequence[Recorded]) -> None:
    rows = [_row(item.stored) for item in batch]
    columns = [list(column) for column in zip(*rows, strict=True)]
    await connection.execute(statement("read_models/audit_log", "insert", schema), *columns)


def _row(stored: StoredEvent) -> tuple[Any, ...]:
    return (
        stored.position,
        stored.recorded_at,
        stored.stream,
        stored.category,
        stored.version,
        stored.event_type,
        _who(stored),
        _why(stored),
        stored.metadata.correlation_id,
        stored.metadata.causation_id,
        stored.metadata.extra.get("run_id"),
        stored.event_id,
    )


def _who(stored: StoredEvent) -> str:
    """The person behind an act or a decision, which a workflow records on their behalf."""
    if stored.event_type in _BY_PEOPLE:
        return str(stored.data["actor"])
    return stored.metadata.actor


def _why(stored: StoredEvent) -> str | None:
    given = [stored.data.get(key) for key in _WHY]
    said = [text for text in given if isinstance(text, str) and text]
    return ": ".join(said) or None


PROJECTION: Final = Projection(
    name="audit_log",
    version=1,
    tables=("audit_log",),
    categories=frozenset(),
    handles=frozenset(),
    apply=_apply,
)


async def list_audit(
    pool: Pool,
    wanted: AuditFilter = ANY_EVENT,
    *,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[AuditRow]:
    """Events, oldest first.

    Raises:
        InvalidCursor: the cursor is not from this listing.
    """
    after = decode_cursor(cursor, int)
    rows = await pool.fetch(
        statement("read_models/audit_log", "list", LIVE),
        wanted.actor,
        wanted.event_type,
        None if wanted.streams is None else list(wanted.streams),
        wanted.correlation_id,
        wanted.since,
        wanted.until,
        *after,
        checked_limit(limit) + 1,
    )
    return page_of(rows, limit, make_row(AuditRow), lambda row: (row["position"],))
