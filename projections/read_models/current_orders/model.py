"""Read model `current_orders`: every order as it is now, without personal data.

Fed by the order's own stream alone, so lanes never share a row.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from projections.engine.projection import LIVE, Pool, Projection
from projections.engine.row_tables import RowTable
from projections.engine.sql_files import statement
from projections.read_models.current_orders.order_row import HANDLES, OrderRow, apply_to, settle
from projections.read_models.paging import Page, checked_limit, decode_cursor, make_row, page_of

_TABLE: Final = RowTable("current_orders", OrderRow, apply_to, settle)

PROJECTION: Final = Projection(
    name="current_orders",
    version=1,
    tables=("current_orders",),
    categories=frozenset({"order"}),
    handles=HANDLES,
    apply=_TABLE.apply,
)


@dataclass(frozen=True, slots=True)
class CurrentOrder:
    """An order as it is now.

    `status` is draft, submitted, reserved, processing, completed or cancelled; `reason` is set
    when it is cancelled. `line_count` counts SKUs, `item_count` pieces. `placed_at` is the shop's
    time, the others are the store's. `closed_at` is when it was completed or cancelled.
    """

    order_id: str
    customer_id: str | None
    status: str
    currency: str
    total_minor: int
    line_count: int
    item_count: int
    reason: str | None
    payment_reference: str | None
    tracking_number: str | None
    placed_at: datetime
    submitted_at: datetime | None
    closed_at: datetime | None
    updated_at: datetime
    version: int


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders are wanted; None means any. `placed_before` is exclusive."""

    status: str | None = None
    customer_id: str | None = None
    reason: str | None = None
    placed_from: datetime | None = None
    placed_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class StatusCount:
    """How many orders have a status and, when cancelled, a reason."""

    status: str
    reason: str | None
    orders: int


ANY_ORDER: Final = OrderFilter()


async def get_order(pool: Pool, order_id: str) -> CurrentOrder | None:
    """One order, or None if the read model has none of that id."""
    row = await pool.fetchrow(statement("read_models/current_orders", "get", LIVE), order_id)
    return make_row(CurrentOrder)(row) if row else None


async def list_orders(
    pool: Pool,
    wanted: OrderFilter = ANY_ORDER,
    *,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[CurrentOrder]:
    """Orders, the latest placed first.

    Raises:
        InvalidCursor: the cursor is not from this listing.
    """
    after = decode_cursor(cursor, datetime, str)
    rows = await pool.fetch(
        statement("read_models/current_orders", "list", LIVE),
        wanted.status,
        wanted.customer_id,
        wanted.reason,
        wanted.placed_from,
        wanted.placed_before,
        *after,
        checked_limit(limit) + 1,
    )
    return page_of(
        rows, limit, make_row(CurrentOrder), lambda row: (row["placed_at"], row["order_id"])
    )


async def count_orders(pool: Pool) -> list[StatusCount]:
    """Orders by status and reason."""
    rows = await pool.fetch(statement("read_models/current_orders", "count", LIVE))
    return [make_row(StatusCount)(row) for row in rows]
