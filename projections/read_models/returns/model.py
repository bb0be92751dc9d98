"""Read model `returns`: every return, its decisions, what is done, what it waits for.

Each row is fed by one returns stream, so lanes never share a row.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import partial
from operator import attrgetter
from typing import Any, Final

from domain.returns import events as returns_events
from eventstore.postgres.connection import survey
from projections.engine.projection import Connection, Pool, Projection, Recorded, names, own_id
from projections.engine.row_tables import execute_columns, ids_of_earlier_streams
from projections.engine.sql_files import statement
from projections.paging import Page, fetch_page

_sql: Final = partial(statement, __package__)

UNDECIDED: Final = "undecided"


@dataclass(slots=True, kw_only=True)
class ReturnRow:
    """A return; the fields are the columns of its row.

    Attributes:
        kind: customer, lost or returned_to_sender.
        pieces: number of pieces over all lines.
        refund: undecided, denied, granted (not yet refunded), pending (on its way),
            failed (a person must decide) or refunded.
        restock: undecided, none, decided (not yet restocked) or restocked.
        needs_attention: a person must act; `at_step` and `waiting_for` say where and on what.
        last_operator: who decided or acted last.
    """

    order_id: str
    return_id: str
    kind: str = ""
    pieces: int = 0
    refund: str = UNDECIDED
    refund_minor: int | None = None
    currency: str | None = None
    restock: str = UNDECIDED
    restock_pieces: int | None = None
    needs_attention: bool = False
    at_step: str | None = None
    waiting_for: str | None = None
    last_operator: str | None = None
    opened_at: datetime
    closed_at: datetime | None = None
    updated_at: datetime


def _opened(row: ReturnRow, event: returns_events.ReturnOpened, _: datetime) -> None:
    row.kind = event.kind.value
    row.pieces = sum(line.quantity for line in event.lines)
    row.currency = event.lines[0].amount.currency


def _granted(row: ReturnRow, event: returns_events.RefundGranted, _: datetime) -> None:
    row.refund, row.refund_minor = "granted", event.amount.minor
    _decided(row, event.actor)


def _denied(row: ReturnRow, event: returns_events.RefundDenied, _: datetime) -> None:
    row.refund, row.refund_minor = "denied", 0
    _decided(row, event.actor)


def _restock(row: ReturnRow, event: returns_events.RestockDecided, _: datetime) -> None:
    row.restock_pieces = sum(item.quantity for item in event.pieces)
    row.restock = "decided" if event.pieces else "none"
    _decided(row, event.actor)


def _decided(row: ReturnRow, actor: str) -> None:
    row.last_operator = actor
    if row.at_step == "decision" and UNDECIDED not in (row.refund, row.restock):
        _clear_attention(row)


def _refunded(row: ReturnRow, _event: returns_events.ReturnRefunded, _: datetime) -> None:
    row.refund = "refunded"


def _pending(row: ReturnRow, _event: returns_events.ReturnRefundPending, _: datetime) -> None:
    row.refund = "pending"


def _failed(row: ReturnRow, _event: returns_events.ReturnRefundFailed, _: datetime) -> None:
    row.refund = "failed"


def _restocked(row: ReturnRow, _event: returns_events.ReturnRestocked, _: datetime) -> None:
    row.restock = "restocked"


def _needs_attention(
    row: ReturnRow, event: returns_events.ReturnAttentionRequired, _: datetime
) -> None:
    row.needs_attention = True
    row.at_step, row.waiting_for = event.at_step, event.waiting_for


def _operated(row: ReturnRow, event: returns_events.ReturnOperatorActed, _: datetime) -> None:
    row.last_operator = event.actor
    _clear_attention(row)


def _closed(row: ReturnRow, _event: returns_events.ReturnClosed, at: datetime) -> None:
    row.closed_at = at
    _clear_attention(row)


def _clear_attention(row: ReturnRow) -> None:
    row.needs_attention, row.at_step, row.waiting_for = False, None, None


_CHANGES: Final[Mapping[type, Callable[[ReturnRow, Any, datetime], None]]] = {
    returns_events.ReturnOpened: _opened,
    returns_events.RefundGranted: _granted,
    returns_events.RefundDenied: _denied,
    returns_events.RestockDecided: _restock,
    returns_events.ReturnRefunded: _refunded,
    returns_events.ReturnRefundPending: _pending,
    returns_events.ReturnRefundFailed: _failed,
    returns_events.ReturnRestocked: _restocked,
    returns_events.ReturnAttentionRequired: _needs_attention,
    returns_events.ReturnOperatorActed: _operated,
    returns_events.ReturnClosed: _closed,
}
_values: Final = attrgetter(*(field.name for field in fields(ReturnRow)))

Key = tuple[str, str]


def apply_to(rows: dict[Key, ReturnRow], item: Recorded) -> Key:
    """Apply one event to the rows, which are keyed by order and return; returns the key."""
    order_id, return_id, at = own_id(item), item.event.return_id, item.stored.recorded_at
    key = (order_id, return_id)
    new = ReturnRow(order_id=order_id, return_id=return_id, opened_at=at, updated_at=at)
    row = rows.setdefault(key, new)
    row.updated_at = at
    _CHANGES[type(item.event)](row, item.event, at)
    return key


async def _apply(connection: Connection, schema: str, batch: Sequence[Recorded]) -> None:
    rows = await _load(connection, schema, batch)
    touched: dict[Key, ReturnRow] = {}
    for item in batch:
        key = apply_to(rows, item)
        touched[key] = rows[key]
    await execute_columns(connection, _sql("put", schema), map(_values, touched.values()))


async def _load(
    connection: Connection, schema: str, batch: Sequence[Recorded]
) -> dict[Key, ReturnRow]:
    order_ids = ids_of_earlier_streams(batch)
    if not order_ids:
        return {}
    records = await connection.fetch(_sql("load", schema), order_ids)
    return {(record["order_id"], record["return_id"]): ReturnRow(**record) for record in records}


PROJECTION: Final = Projection(
    name="returns",
    version=1,
    tables=("returns",),
    categories=frozenset({"returns"}),
    handles=names(*_CHANGES),
    apply=_apply,
)


async def returns_of(pool: Pool, order_ids: Collection[str]) -> dict[str, list[ReturnRow]]:
    """The returns of some orders, by order id."""
    by_order: dict[str, list[ReturnRow]] = {}
    for row in await pool.fetch(_sql("load"), list(order_ids)):
        by_order.setdefault(row["order_id"], []).append(ReturnRow(**row))
    return by_order


async def count_needing_attention(pool: Pool) -> int:
    """How many returns need a person."""
    with survey():
        return int(await pool.fetchval(_sql("count_attention")))


async def list_returns(
    pool: Pool,
    *,
    order_id: str | None = None,
    open_only: bool = False,
    needs_attention: bool | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[ReturnRow]:
    """Returns, latest changed first. Raises InvalidCursor for a cursor of another listing."""
    return await fetch_page(
        pool,
        _sql("list"),
        ReturnRow,
        {"updated_at": datetime, "order_id": str, "return_id": str},
        limit=limit,
        cursor=cursor,
        order_id=order_id,
        open_only=open_only or None,
        needs_attention=needs_attention,
    )
