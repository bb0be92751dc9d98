"""Read model `customer_orders`: the orders of each customer, and their totals.

Each row is fed by one order stream, so lanes never share a row; totals are summed when queried.
Guests have no customer id and no rows.
"""

from dataclasses import dataclass, fields
from datetime import datetime
from functools import partial
from typing import Final

from domain.order.events import OrderCreated
from eventstore.postgres.connection import survey
from projections.engine.projection import Pool, Projection, Recorded, own_id
from projections.engine.row_tables import RowTable
from projections.engine.sql_files import statement
from projections.paging import Page, fetch_page, make_row
from projections.read_models.order_row import WITHOUT_DRAFTS, OrderRow, new_row, update_row

_sql: Final = partial(statement, __package__)


@dataclass(frozen=True, slots=True)
class CustomerOrder:
    """An order of a customer; the fields are the columns of its row.

    Its total and its number of pieces are 0 until it is submitted.
    """

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
    """What a customer ordered in one currency, without drafts; amounts in minor units.

    `completed_minor` is what completed orders cost, `open_minor` what open ones do. What providers
    captured and refunded of all of them is what counts as money; `kept_minor` is the difference.
    """

    currency: str
    orders: int
    completed: int
    cancelled: int
    completed_minor: int
    open_minor: int
    captured_minor: int
    refunded_minor: int
    kept_minor: int
    first_placed_at: datetime
    last_placed_at: datetime


def _apply_to(rows: dict[str, OrderRow], item: Recorded) -> None:
    order_id = own_id(item)
    if isinstance(item.event, OrderCreated):
        if item.event.customer_id is not None:
            rows[order_id] = new_row(item)
    elif order_id in rows:  # an order without a row is a guest's
        update_row(rows[order_id], item)


PROJECTION: Final = Projection(
    name="customer_orders",
    version=1,
    tables=("customer_orders",),
    categories=frozenset({"order"}),
    handles=WITHOUT_DRAFTS,
    apply=RowTable(
        _sql, OrderRow, _apply_to, columns=[column.name for column in fields(CustomerOrder)]
    ).apply,
)


async def list_customer_orders(
    pool: Pool,
    customer_id: str,
    *,
    status: str | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[CustomerOrder]:
    """A customer's orders, latest placed first; empty for an unknown customer.

    Raises InvalidCursor for a cursor of another listing.
    """
    return await fetch_page(
        pool,
        _sql("list"),
        CustomerOrder,
        {"placed_at": datetime, "order_id": str},
        limit=limit,
        cursor=cursor,
        customer_id=customer_id,
        status=status,
    )


async def customer_totals(pool: Pool, customer_id: str) -> list[CustomerTotals]:
    """The totals of a customer's orders, one per currency."""
    with survey():
        rows = await pool.fetch(_sql("totals"), customer_id)
    sums = ("completed_minor", "open_minor", "captured_minor", "refunded_minor", "kept_minor")
    totals_of = make_row(CustomerTotals, **dict.fromkeys(sums, int))
    return [totals_of(row) for row in rows]
