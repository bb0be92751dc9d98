"""Read model `audit_log`: every event of every stream with who, what, when and why.

It reads only envelopes, so it also shows events of unknown types. Rows are only inserted, one per
event, so lanes never share a row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from domain.ids import OrderId, streams_of_order
from domain.returns import events as returns_events
from domain.saga import events as saga_events
from domain.shipment.events import DeliveryOperatorActed, ParcelGivenUp
from eventstore.model import StoredEvent
from eventstore.postgres.connection import survey
from projections.engine.projection import Connection, Pool, Projection, Recorded, names
from projections.engine.row_tables import execute_columns
from projections.engine.sql_files import statement
from projections.paging import Page, asked_for, fetch_page, make_row

_sql: Final = partial(statement, __package__)

_WHY: Final = ("reason", "detail", "message", "code", "waiting_for")
"""Fields of the event data that say why; all are safe to show."""

_WITH: Final = (
    "order_id",
    "return_id",
    "sku",
    "quantity",
    "delta",
    "amount",
    "total",
    "lines",
    "pieces",
    "kind",
    "status",
    "outcome",
    "step",
    "compensation",
    "reference",
    "refund_reference",
    "payment_reference",
    "tracking_number",
    "label_id",
    "carrier",
)
"""Fields of the event data that say with what; of a list, the number of its items."""

_ACTS: Final = {
    "ReturnOpened": "open_return",
    "RefundGranted": "grant_refund",
    "RefundDenied": "deny_refund",
    "RestockDecided": "decide_restock",
    "StockReceived": "receive_stock",
    "StockAdjusted": "adjust_stock",
    "OrderRequested": "place_order",
    "CustomerErased": "erase_customer",
    "NoteAdded": "add_note",
}
"""Acts of people that have event types of their own."""

_LONGEST: Final = 100

_BY_PEOPLE: Final = names(
    saga_events.OperatorActed,
    DeliveryOperatorActed,
    ParcelGivenUp,
    returns_events.ReturnOpened,
    returns_events.RefundGranted,
    returns_events.RefundDenied,
    returns_events.RestockDecided,
    returns_events.ReturnOperatorActed,
)
"""Events whose data names the person who acted."""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An event: `actor` is who, `event_type` what, `reason` why (None if no reason is recorded).

    `act` is what a person did, such as ``hold``; None if the event is no act. `details` says with
    what: pieces, amounts, references, as ``name=value``.

    `correlation_id` names the business transaction (for sagas the workflow id), `causation_id` the
    direct cause, `run_id` the saga's run, `trace_id` the trace of the request that led to it.
    """

    position: int
    recorded_at: datetime
    stream: str
    category: str
    version: int
    event_type: str
    act: str | None
    details: str | None
    actor: str
    reason: str | None
    correlation_id: str
    causation_id: str
    run_id: str | None
    trace_id: str | None
    event_id: str


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Selects events; None means any. `until` is exclusive."""

    actor: str | None = None
    event_type: str | None = None
    streams: tuple[str, ...] | None = None
    correlation_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


ANY_EVENT: Final = AuditFilter()


def of_order(order_id: OrderId) -> AuditFilter:
    """Selects all events in the streams of one order."""
    return AuditFilter(streams=streams_of_order(order_id))


async def _apply(connection: Connection, schema: str, batch: Sequence[Recorded]) -> None:
    rows = (_row(item.stored) for item in batch)
    await execute_columns(connection, _sql("insert", schema), rows)


def _row(stored: StoredEvent) -> tuple[Any, ...]:
    return (
        stored.position,
        stored.recorded_at,
        stored.stream,
        stored.category,
        stored.version,
        stored.event_type,
        _act(stored),
        _details(stored),
        who_acted(stored),
        _why(stored),
        stored.metadata.correlation_id,
        stored.metadata.causation_id,
        stored.metadata.extra.get("run_id"),
        _trace(stored.metadata.traceparent),
        stored.event_id,
    )


def _trace(traceparent: str | None) -> str | None:
    """The trace id in a W3C trace context."""
    return traceparent.split("-")[1] if traceparent and traceparent.count("-") == 3 else None


def who_acted(stored: StoredEvent) -> str:
    """The person who acted or decided, even if a workflow recorded the event."""
    if stored.event_type in _BY_PEOPLE:
        return str(stored.data["actor"])
    return stored.metadata.actor


def _act(stored: StoredEvent) -> str | None:
    action = stored.data.get("action")
    return action if isinstance(action, str) else _ACTS.get(stored.event_type)


def _details(stored: StoredEvent) -> str | None:
    """What of the data may be shown: no text that a person wrote, nothing personal."""
    shown = [
        f"{name}={text}" for name in _WITH if (text := _value(stored.data.get(name))) is not None
    ]
    return ", ".join(shown) or None


def _value(value: Any) -> str | None:
    match value:
        case {"minor": int() as minor, "currency": str() as currency}:
            return f"{minor} {currency}"
        case bool() | int() | str():
            return str(value)[:_LONGEST]
        case [*items]:
            return str(len(items))
        case _:
            return None


def _why(stored: StoredEvent) -> str | None:
    values = [stored.data.get(key) for key in _WHY]
    texts = [value for value in values if isinstance(value, str) and value]
    return ": ".join(texts) or None


PROJECTION: Final = Projection(
    name="audit_log",
    version=1,
    tables=("audit_log",),
    categories=frozenset(),
    handles=frozenset(),
    apply=_apply,
)


@dataclass(frozen=True, slots=True)
class HourCount:
    """How many events of a type were recorded in the hour that begins at `hour`."""

    hour: datetime
    event_type: str
    events: int


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a step took of late: half the orders at most `median_s`, 95 of 100 `slow_s`."""

    step: str
    orders: int
    median_s: float
    slow_s: float


async def count_by_hour(pool: Pool, since: datetime) -> list[HourCount]:
    """Orders submitted, completed and cancelled, by hour."""
    with survey():
        rows = await pool.fetch(_sql("hours"), since)
    return [make_row(HourCount)(row) for row in rows]


async def step_pace(pool: Pool, orders: int = 200) -> list[Pace]:
    """The pace of the steps of the orders that were completed last."""
    with survey():
        rows = await pool.fetch(_sql("pace"), orders)
    return [make_row(Pace, median_s=float, slow_s=float)(row) for row in rows]


async def list_audit(
    pool: Pool,
    criteria: AuditFilter = ANY_EVENT,
    *,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[AuditRow]:
    """Events, oldest first. Raises InvalidCursor for a cursor of another listing."""
    key = {"position": int}
    filters = asked_for(criteria)
    if criteria.streams is not None:
        filters["streams"] = list(criteria.streams)
    return await fetch_page(
        pool, _sql("list"), AuditRow, key, limit=limit, cursor=cursor, **filters
    )
