"""Read model `customer_orders`: the orders of each customer, and what they add up to.

Fed by the order's own stream alone, so lanes never share a row; totals are summed when asked for.
Guests have no customer id and no rows.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from domain.order import events as order_events
from projections.engine.projection import LIVE, Pool, Projection, Recorded, names, own_id
from projections.engine.row_tables import RowTable
from projections.engine.sql_files import statement
from projections.read_models.paging import Page, checked_limit, decode_cursor, make_row, page_of


@dataclass(slots=True)
class _Row:
    order_id: str
    customer_id: str
    currency: str
    placed_at: datetime
    updated_at: datetime
    status: str = "draft"
    total_minor: int = 0
    item_count: int = 0
    reason: str | None = None
    tracking_number: str | None = None


@dataclass(frozen=True, slots=True)
class CustomerOrder:
    """An order of a customer; total and pieces are 0 until it is submitted."""

    order_id: str
    customer_id: str
    status: str
    currency: str
    total_minor: int
    item_count: int
    reason: str | None
    tracking_number: str | None
    placed_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class CustomerTotals:
    """What a customer ordered in one currency, drafts left out; amounts in minor units.

    `completed_minor` was paid and shipped, `open_minor` belongs to orders under way.
    """

    currency: str
    orders: int
    completed: int
    cancelled: int
    completed_minor: int
    open_minor: int
    first_placed_at: datetime
    last_placed_at: datetime


def _submitted(row: _Row, event: order_events.OrderSubmitted) -> None:
    row.status, row.total_minor = "submitted", event.total.minor
    row.item_count = sum(line.quantity for line in event.lines)


def _backordered(row: _Row, _: order_events.ItemsUnavailable) -> None:
    row.status = "backordered"


def _amended(row: _Row, event: order_events.OrderAmended) -> None:
    row.total_minor = event.total.minor
    row.item_count = sum(line.quantity for line in event.lines)


def _reserved(row: _Row, _: order_events.OrderReserved) -> None:
    row.status = "reserved"


def _processing(row: _Row, _: order_events.OrderProcessingStarted) -> None:
    row.status = "processing"


def _completed(row: _Row, event: order_events.OrderCompleted) -> None:
    row.status, row.tracking_number = "completed", event.tracking_number


def _cancelled(row: _Row, event: order_events.OrderCancelled) -> None:
    row.status, row.reason = "cancelled", event.reason.value


_CHANGES: Final[Mapping[type, Callable[[_Row, Any], None]]] = {
    order_events.OrderSubmitted: _submitted,
    order_events.ItemsUnavailable: _backordered,
    order_events.OrderAmended: _amended,
    order_events.OrderReserved: _reserved,
    order_events.OrderProcessingStarted: _processing,
    order_events.OrderCompleted: _completed,
    order_events.OrderCancelled: _cancelled,
}


def _apply_to(rows: dict[str, _Row], item: Recorded) -> None:
    order_id, event, at = own_id(item), item.event, item.stored.recorded_at
    if isinstance(event, order_events.OrderCreated):
        if event.customer_id is not None:
            rows[order_id] = _Row(order_id, event.customer_id, event.currency, event.placed_at, at)
    elif order_id in rows:  # else it is a guest's
        rows[order_id].updated_at = at
        _CHANGES[type(event)](rows[order_id], event)


PROJECTION: Final = Projection(
    name="customer_orders",
    version=1,
    tables=("customer_orders",),
    categories=frozenset({"order"}),
    handles=names(order_events.OrderCreated, *_CHANGES),
    apply=RowTable("customer_orders", _Row, _apply_to).apply,
)


async def list_customer_orders(
    pool: Pool,
    customer_id: str,
    *,
    status: str | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[CustomerOrder]:
    """A customer's orders, the latest placed first; empty for an unknown customer.

    Raises:
        InvalidCursor: the cursor is not from this listing.
    """
    after = decode_cursor(cursor, datetime, str)
    rows = await pool.fetch(
        statement("read_models/customer_orders", "list", LIVE),
        customer_id,
        status,
        *after,
        checked_limit(limit) + 1,
    )
    return page_of(
        rows, limit, make_row(CustomerOrder), lambda row: (row["placed_at"], row["order_id"])
    )


async def customer_totals(pool: Pool, customer_id: str) -> list[CustomerTotals]:
    """What a customer's orders add up to, one entry a currency."""
    rows = await pool.fetch(statement("read_models/customer_orders", "totals", LIVE), customer_id)
    return [
        CustomerTotals(
            currency=row["currency"],
            orders=row["orders"],
            completed=row["completed"],
            cancelled=row["cancelled"],
            completed_minor=int(row["completed_minor"]),
            open_minor=int(row["open_minor"]),
            first_placed_at=row["first_placed_at"],
            last_placed_at=row["last_placed_at"],
        )
        for row in rows
    ]
