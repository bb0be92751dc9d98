"""Read model `returns`: every return, what is decided about it, what is done, what it waits for.

Fed by the returns stream of the order alone, so lanes never share a row.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from domain.returns import events as returns_events
from projections.engine.projection import (
    LIVE,
    Connection,
    Pool,
    Projection,
    Recorded,
    names,
    own_id,
)
from projections.engine.sql_files import statement
from projections.read_models.paging import Page, checked_limit, decode_cursor, make_row, page_of

UNDECIDED: Final = "undecided"


@dataclass(slots=True)
class _Row:
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
    opened_at: datetime | None = None
    closed_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReturnRow:
    """A return.

    Attributes:
        kind: customer, lost or returned_to_sender.
        pieces: how many pieces are in it, over all SKUs.
        refund: undecided, denied, granted (on its way) or refunded.
        restock: undecided, none, decided (on its way) or restocked.
        needs_attention: a person must act; `at_step` and `waiting_for` say where and on what.
        last_operator: who decided or steered last.
    """

    order_id: str
    return_id: str
    kind: str
    pieces: int
    refund: str
    refund_minor: int | None
    currency: str | None
    restock: str
    restock_pieces: int | None
    needs_attention: bool
    at_step: str | None
    waiting_for: str | None
    last_operator: str | None
    opened_at: datetime
    closed_at: datetime | None
    updated_at: datetime


def _opened(row: _Row, event: returns_events.ReturnOpened, at: datetime) -> None:
    row.kind, row.opened_at = event.kind.value, at
    row.pieces = sum(line.quantity for line in event.lines)
    row.currency = event.lines[0].unit_price.currency


def _granted(row: _Row, event: returns_events.RefundGranted, _: datetime) -> None:
    row.refund, row.refund_minor = "granted", event.amount.minor
    _decided(row, event.actor)


def _denied(row: _Row, event: returns_events.RefundDenied, _: datetime) -> None:
    row.refund, row.refund_minor = "denied", 0
    _decided(row, event.actor)


def _restock(row: _Row, event: returns_events.RestockDecided, _: datetime) -> None:
    row.restock_pieces = sum(item.quantity for item in event.pieces)
    row.restock = "decided" if event.pieces else "none"
    _decided(row, event.actor)


def _decided(row: _Row, actor: str) -> None:
    row.last_operator = actor
    if row.at_step == "decision" and UNDECIDED not in (row.refund, row.restock):
        _looked_after(row)


def _refunded(row: _Row, _event: returns_events.ReturnRefunded, _: datetime) -> None:
    row.refund = "refunded"


def _restocked(row: _Row, _event: returns_events.ReturnRestocked, _: datetime) -> None:
    row.restock = "restocked"


def _needs_attention(row: _Row, event: returns_events.ReturnAttentionRequired, _: datetime) -> None:
    row.needs_attention = True
    row.at_step, row.waiting_for = event.at_step, event.waiting_for


def _operated(row: _Row, event: returns_events.ReturnOperatorActed, _: datetime) -> None:
    row.last_operator = event.actor
    _looked_after(row)


def _closed(row: _Row, _event: returns_events.ReturnClosed, at: datetime) -> None:
    row.closed_at = at
    _looked_after(row)


def _looked_after(row: _Row) -> None:
    row.needs_attention, row.at_step, row.waiting_for = False, None, None


_CHANGES: Final[Mapping[type, Callable[[_Row, Any, datetime], None]]] = {
    returns_events.ReturnOpened: _opened,
    returns_events.RefundGranted: _granted,
    returns_events.RefundDenied: _denied,
    returns_events.RestockDecided: _restock,
    returns_events.ReturnRefunded: _refunded,
    returns_events.ReturnRestocked: _restocked,
    returns_events.ReturnAttentionRequired: _needs_attention,
    returns_events.ReturnOperatorActed: _operated,
    returns_events.ReturnClosed: _closed,
}
_COLUMNS: Final = [attrgetter(field.name) for field in fields(_Row)]

Key = tuple[str, str]


async def _apply(connection: Connection, schema: str, batch: Sequence[Recorded]) -> None:
    rows = await _load(connection, schema, batch)
    touched: dict[Key, _Row] = {}
    for item in batch:
        key = (own_id(item), item.event.return_id)
        row = rows.setdefault(key, _Row(*key))
        row.updated_at = item.stored.recorded_at
        _CHANGES[type(item.event)](row, item.event, item.stored.recorded_at)
        touched[key] = row
    columns: list[list[Any]] = [list(map(get, touched.values())) for get in _COLUMNS]
    await connection.execute(statement("read_models/returns", "put", schema), *columns)


async def _load(connection: Connection, schema: str, batch: Sequence[Recorded]) -> dict[Key, _Row]:
    orders = {own_id(item) for item in batch if item.stored.version > 1}
    if not orders:
        return {}
    found = await connection.fetch(statement("read_models/returns", "load", schema), sorted(orders))
    return {(row["order_id"], row["return_id"]): _Row(*row) for row in found}


PROJECTION: Final = Projection(
    name="returns",
    version=1,
    tables=("returns",),
    categories=frozenset({"returns"}),
    handles=names(*_CHANGES),
    apply=_apply,
)


async def count_needing_attention(pool: Pool) -> int:
    """How many returns wait for a person."""
    return int(await pool.fetchval(statement("read_models/returns", "count_attention", LIVE)))


async def list_returns(
    pool: Pool,
    *,
    order_id: str | None = None,
    open_only: bool = False,
    needs_attention: bool | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[ReturnRow]:
    """Returns, the latest changed first.

    Raises:
        InvalidCursor: the cursor is not from this listing.
    """
    after = decode_cursor(cursor, datetime, str, str)
    rows = await pool.fetch(
        statement("read_models/returns", "list", LIVE),
        order_id,
        open_only,
        needs_attention,
        *after,
        checked_limit(limit) + 1,
    )
    return page_of(
        rows,
        limit,
        make_row(ReturnRow),
        lambda row: (row["updated_at"], row["order_id"], row["return_id"]),
    )
