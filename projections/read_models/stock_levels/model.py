"""Read model `stock_levels`: the pieces of each SKU on hand, reserved, available and backordered.

Each row is fed by one stock stream, so lanes never share a row.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, Final

from domain.stock import events as stock_events
from projections.engine.projection import Connection, Pool, Projection, Recorded, names, own_id
from projections.engine.row_tables import execute_columns
from projections.engine.sql_files import statement
from projections.paging import Page, fetch_page

_sql: Final = partial(statement, __package__)

_Sums = tuple[int, ...]

# What an event adds to on_hand, reserved, received, shipped, backordered.
_MOVEMENTS: Final[Mapping[type, Callable[[Any], _Sums]]] = {
    stock_events.StockReceived: lambda x: (x.quantity, 0, x.quantity, 0, 0),
    stock_events.StockAdjusted: lambda x: (x.delta, 0, 0, 0, 0),
    stock_events.StockReserved: lambda x: (0, x.quantity, 0, 0, 0),
    stock_events.StockReleased: lambda x: (0, -x.quantity, 0, 0, 0),
    stock_events.StockShipped: lambda x: (-x.quantity, -x.quantity, 0, x.quantity, 0),
    stock_events.StockReturned: lambda x: (x.quantity, 0, 0, 0, 0),
    stock_events.StockBackordered: lambda x: (0, 0, 0, 0, x.quantity),
    stock_events.StockAllocated: lambda x: (0, x.quantity, 0, 0, -x.quantity),
    stock_events.StockDeallocated: lambda x: (0, -x.quantity, 0, 0, x.quantity),
    stock_events.BackorderWithdrawn: lambda x: (0, 0, 0, 0, -x.quantity),
}


@dataclass(frozen=True, slots=True)
class StockLevel:
    """Pieces of a SKU.

    `available` is on hand less reserved. `received` and `shipped` are totals over all time. Open
    orders wait for the `backordered` pieces.
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
        movement = _MOVEMENTS[type(item.event)](item.event)
        change.sums = tuple(map(operator.add, change.sums, movement))
    rows = ((sku, *change.sums, change.at) for sku, change in changes.items())
    await execute_columns(connection, _sql("add", schema), rows)


PROJECTION: Final = Projection(
    name="stock_levels",
    version=2,
    tables=("stock_levels",),
    categories=frozenset({"stock"}),
    handles=names(*_MOVEMENTS),
    apply=_apply,
)


async def list_stock(
    pool: Pool,
    *,
    available_below: int | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[StockLevel]:
    """SKUs by name; with `available_below` only those with fewer pieces available, scarcest first.

    Raises InvalidCursor for a cursor of another listing.
    """
    if available_below is None:
        key: dict[str, type] = {"sku": str}
        return await fetch_page(pool, _sql("list"), StockLevel, key, limit=limit, cursor=cursor)
    key = {"available": int, "sku": str}
    return await fetch_page(
        pool,
        _sql("list_scarce"),
        StockLevel,
        key,
        limit=limit,
        cursor=cursor,
        available_below=available_below,
    )
