"""Read model `stock_levels`: what is on hand, reserved, available and waited for of each SKU.

Fed by the stock stream of the SKU alone, so lanes never share a row.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from domain.stock import events as stock_events
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

_Sums = tuple[int, int, int, int, int]

# What an event adds to: on hand, reserved, received, shipped, backordered.
_MOVEMENTS: Final[Mapping[type, Callable[[Any], _Sums]]] = {
    stock_events.StockReceived: lambda x: (x.quantity, 0, x.quantity, 0, 0),
    stock_events.StockAdjusted: lambda x: (x.delta, 0, 0, 0, 0),
    stock_events.StockReserved: lambda x: (0, x.quantity, 0, 0, 0),
    stock_events.StockReleased: lambda x: (0, -x.quantity, 0, 0, 0),
    stock_events.StockShipped: lambda x: (-x.quantity, -x.quantity, 0, x.quantity, 0),
    stock_events.StockReturned: lambda x: (x.quantity, 0, 0, 0, 0),
    stock_events.StockBackordered: lambda x: (0, 0, 0, 0, x.quantity),
    stock_events.StockAllocated: lambda x: (0, x.quantity, 0, 0, -x.quantity),
    stock_events.BackorderWithdrawn: lambda x: (0, 0, 0, 0, -x.quantity),
}


@dataclass(frozen=True, slots=True)
class StockLevel:
    """Pieces of a SKU: `available` is on hand less reserved; received and shipped are totals.

    `backordered` pieces are waited for by open orders.
    """

    sku: str
    on_hand: int
    reserved: int
    available: int
    received: int
    shipped: int
    backordered: int
    updated_at: datetime


@dataclass(slots=True)
class _Change:
    at: datetime
    sums: _Sums = (0, 0, 0, 0, 0)


async def _apply(connection: Connection, schema: str, batch: Sequence[Recorded]) -> None:
    changes: dict[str, _Change] = {}
    for item in batch:
        sku = own_id(item)
        change = changes.setdefault(sku, _Change(item.stored.recorded_at))
        change.at = item.stored.recorded_at
        on_hand, reserved, received, shipped, backordered = change.sums
        a, b, c, d, e_ = _MOVEMENTS[type(item.event)](item.event)
        change.sums = (on_hand + a, reserved + b, received + c, shipped + d, backordered + e_)
    sums = [list(column) for column in zip(*(c.sums for c in changes.values()), strict=True)]
    await connection.execute(
        statement("read_models/stock_levels", "add", schema),
        list(changes),
        *sums,
        [change.at for change in changes.values()],
    )


PROJECTION: Final = Projection(
    name="stock_levels",
    version=2,
    tables=("stock_levels",),
    categories=frozenset({"stock"}),
    handles=names(*_MOVEMENTS),
    apply=_apply,
)


async def get_stock(pool: Pool, sku: str) -> StockLevel | None:
    """One SKU, or None if nothing is known of it."""
    row = await pool.fetchrow(statement("read_models/stock_levels", "get", LIVE), sku)
    return make_row(StockLevel)(row) if row else None


async def list_stock(
    pool: Pool,
    *,
    available_below: int | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[StockLevel]:
    """SKUs by name; with `available_below` those with fewer available, the scarcest first.

    Raises:
        InvalidCursor: the cursor is not from this listing.
    """
    if available_below is None:
        return await _list_by_name(pool, limit, cursor)
    after = decode_cursor(cursor, int, str)
    rows = await pool.fetch(
        statement("read_models/stock_levels", "list_scarce", LIVE),
        available_below,
        *after,
        checked_limit(limit) + 1,
    )
    return page_of(rows, limit, make_row(StockLevel), lambda row: (row["available"], row["sku"]))


async def _list_by_name(pool: Pool, limit: int, cursor: str | None) -> Page[StockLevel]:
    after = decode_cursor(cursor, str)
    rows = await pool.fetch(
        statement("read_models/stock_levels", "list", LIVE), *after, checked_limit(limit) + 1
    )
    return page_of(rows, limit, make_row(StockLevel), lambda row: (row["sku"],))
