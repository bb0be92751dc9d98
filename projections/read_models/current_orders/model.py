"""Read model `current_orders`: every order as it is now, without personal data.

Each row is fed by one order stream, so lanes never share a row.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Any, Final

from domain.order.events import OrderCreated
from eventstore.postgres.connection import survey
from projections.conditions import with_conditions
from projections.engine.projection import Pool, Projection, Recorded, own_id
from projections.engine.row_tables import RowTable
from projections.engine.sql_files import statement
from projections.paging import Page, asked_for, checked_limit, decode_sorted, make_row, page_of
from projections.read_models.order_row import (
    ALL_CHANGES,
    CurrentOrder,
    OrderRow,
    new_row,
    settle,
    update_row,
)

_sql: Final = partial(statement, __package__)


def _apply_to(rows: dict[str, OrderRow], item: Recorded) -> None:
    order_id = own_id(item)
    if isinstance(item.event, OrderCreated):
        rows[order_id] = new_row(item)
    else:
        update_row(rows[order_id], item)


PROJECTION: Final = Projection(
    name="current_orders",
    version=1,
    tables=("current_orders",),
    categories=frozenset({"order"}),
    handles=ALL_CHANGES,
    apply=RowTable(_sql, OrderRow, _apply_to, settle=settle).apply,
)


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Selects orders; None means any.

    `placed_before` is exclusive; `begins_with` is the beginning of the id or of the reference.
    `payment_status`, `fulfilment_status` and `return_status` are those that people read; see
    `ordersaga.operations.statuses`. Amounts are in minor units, whatever the currency. `sku` is a
    product of the lines that the order has now.
    """

    status: str | None = None
    customer_id: str | None = None
    reason: str | None = None
    placed_from: datetime | None = None
    placed_before: datetime | None = None
    order_ids: tuple[str, ...] | None = None
    reference: str | None = None
    begins_with: str | None = None
    payment_status: str | None = None
    fulfilment_status: str | None = None
    currency: str | None = None
    total_from: int | None = None
    total_until: int | None = None
    sku: str | None = None
    country: str | None = None
    return_status: str | None = None


class OrderSort(StrEnum):
    """What comes first in a list of orders."""

    LATEST = "latest"
    EARLIEST = "earliest"
    HIGHEST_TOTAL = "highest_total"
    LOWEST_TOTAL = "lowest_total"

    @property
    def is_by_total(self) -> bool:
        """Whether amounts are compared, which says something in one currency only."""
        return self in (OrderSort.HIGHEST_TOTAL, OrderSort.LOWEST_TOTAL)

    @property
    def key(self) -> str:
        """The column that is sorted by; orders that are equal in it are sorted by their ids."""
        return "total_minor" if self.is_by_total else "placed_at"

    @property
    def kind(self) -> type:
        """The type of the key."""
        return int if self.is_by_total else datetime

    def apply_to(self, query: str) -> str:
        """The text of the list in this order."""
        goes_down = self in (OrderSort.LATEST, OrderSort.HIGHEST_TOTAL)
        beyond, direction = ("<", "DESC") if goes_down else (">", "ASC")
        for name, text in (("key", self.key), ("beyond", beyond), ("direction", direction)):
            query = query.replace(f"{{{name}}}", text)
        return query


@dataclass(frozen=True, slots=True)
class StatusCount:
    """How many orders have this status and, if cancelled, this reason."""

    status: str
    reason: str | None
    orders: int


ANY_ORDER: Final = OrderFilter()


async def list_orders(
    pool: Pool,
    criteria: OrderFilter = ANY_ORDER,
    sort: OrderSort = OrderSort.LATEST,
    *,
    limit: int = 50,
    cursor: str | None = None,
) -> Page[CurrentOrder]:
    """A page of orders. Raises InvalidCursor for a cursor of another listing."""
    query, values = list_statement(criteria, sort, cursor)
    with survey():
        rows = await pool.fetch(query, *values, checked_limit(limit) + 1)
    key = sort.key
    return page_of(
        rows, limit, make_row(CurrentOrder), lambda row: (sort, row[key], row["order_id"])
    )


def list_statement(
    criteria: OrderFilter, sort: OrderSort, cursor: str | None
) -> tuple[str, list[Any]]:
    """The text of a list and its values but the last one, the number of rows.

    Raises:
        InvalidCursor: the cursor is of another listing.
    """
    conditions = asked_for(criteria)
    if criteria.begins_with is not None:
        conditions["begins_with"] = f"{_literal(criteria.begins_with)}%"
    if criteria.order_ids is not None:
        conditions["order_ids"] = list(criteria.order_ids)
    if cursor is not None:
        conditions["after"] = decode_sorted(cursor, sort, sort.kind, str)
    return with_conditions(sort.apply_to(_sql("list")), conditions)


def _literal(text: str) -> str:
    """The text as a pattern of LIKE that only it matches."""
    return re.sub(r"([\\%_])", r"\\\1", text)


async def count_orders(pool: Pool) -> list[StatusCount]:
    """The number of orders by status and reason."""
    with survey():
        rows = await pool.fetch(_sql("count"))
    return [make_row(StatusCount)(row) for row in rows]


async def count_open(pool: Pool) -> dict[str, int]:
    """The number of open orders by status."""
    with survey():
        rows = await pool.fetch(_sql("count_open"))
    return {row["status"]: row["orders"] for row in rows}
