"""Read model `product_demand`: what was ordered, reserved, shipped and cancelled of each product.

Everything is booked on the day (UTC) on which the order was placed, so that for any span of days
ordered = shipped + cancelled + what is still open, of which `reserved` is set aside.

A row belongs to a SKU, a day and a currency, and many orders feed it, in any lane and in any
order. Therefore the only change is adding, which commutes. What a later event of an order has to
add (a cancellation names no lines) is kept in a row of that order, which one lane owns. The
quantities come from the order streams and not from the stock streams: the two run in different
lanes, and only the order knows its day and currency.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

import asyncpg

from domain.order import events as order_events
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
from projections.read_models.paging import Page, checked_limit, decode_cursor, page_of


@dataclass(slots=True)
class _Open:
    """An order that is not closed; lines are (SKU, pieces, amount in minor units)."""

    day: date
    currency: str
    reserved: bool = False
    lines: list[tuple[str, int, int]] = field(default_factory=list)


@dataclass(slots=True)
class _Sums:
    orders: int = 0
    ordered: int = 0
    reserved: int = 0
    shipped: int = 0
    cancelled: int = 0
    ordered_minor: int = 0
    cancelled_minor: int = 0


_Key = tuple[str, date, str]


class _Fold:
    """What a batch adds to the sums, and the open orders before and after it."""

    def __init__(self, open_orders: dict[str, _Open]) -> None:
        self.open = open_orders
        self.touched: dict[str, None] = {}
        self.closed: list[str] = []
        self.sums: dict[_Key, _Sums] = {}

    def apply(self, item: Recorded) -> None:
        order_id = own_id(item)
        self.touched[order_id] = None
        if isinstance(item.event, order_events.OrderCreated):
            day = item.event.placed_at.astimezone(UTC).date()
            self.open[order_id] = _Open(day, item.event.currency)
        else:
            _CHANGES[type(item.event)](self, order_id, item.event)

    def submitted(self, order_id: str, event: order_events.OrderSubmitted) -> None:
        order = self.open[order_id]
        order.lines = [(line.sku, line.quantity, line.amount.minor) for line in event.lines]
        for sums, pieces, amount in self._lines(order):
            sums.orders += 1
            sums.ordered += pieces
            sums.ordered_minor += amount

    def reserved(self, order_id: str, _: order_events.OrderReserved) -> None:
        order = self.open[order_id]
        order.reserved = True
        for sums, pieces, _amount in self._lines(order):
            sums.reserved += pieces

    def amended(self, order_id: str, event: order_events.OrderAmended) -> None:
        order = self.open[order_id]
        left: dict[str, tuple[int, int]] = {
            line.sku: (line.quantity, line.amount.minor) for line in event.lines
        }
        for (sku, pieces, amount), (sums, _, _) in zip(
            order.lines, self._lines(order), strict=True
        ):
            kept, kept_amount = left.get(sku, (0, 0))
            sums.cancelled += pieces - kept
            sums.cancelled_minor += amount - kept_amount
            sums.reserved -= pieces - kept if order.reserved else 0
        order.lines = [(line.sku, line.quantity, line.amount.minor) for line in event.lines]

    def completed(self, order_id: str, _: order_events.OrderCompleted) -> None:
        for sums, pieces, _amount in self._close(order_id):
            sums.shipped += pieces

    def cancelled(self, order_id: str, _: order_events.OrderCancelled) -> None:
        for sums, pieces, amount in self._close(order_id):
            sums.cancelled += pieces
            sums.cancelled_minor += amount

    def _close(self, order_id: str) -> list[tuple[_Sums, int, int]]:
        order = self.open.pop(order_id)
        self.closed.append(order_id)
        lines = self._lines(order)
        if order.reserved:
            for sums, pieces, _amount in lines:
                sums.reserved -= pieces
        return lines

    def _lines(self, order: _Open) -> list[tuple[_Sums, int, int]]:
        return [
            (self.sums.setdefault((sku, order.day, order.currency), _Sums()), pieces, amount)
            for sku, pieces, amount in order.lines
        ]


_CHANGES: Final[Mapping[type, Callable[[_Fold, str, Any], None]]] = {
    order_events.OrderSubmitted: _Fold.submitted,
    order_events.OrderReserved: _Fold.reserved,
    order_events.OrderAmended: _Fold.amended,
    order_events.OrderCompleted: _Fold.completed,
    order_events.OrderCancelled: _Fold.cancelled,
}


async def _apply(connection: Connection, schema: str, batch: Sequence[Recorded]) -> None:
    fold = _Fold(await _load(connection, schema, batch))
    for item in batch:
        fold.apply(item)
    await _keep(connection, schema, fold)
    await _add(connection, schema, fold.sums)


async def _load(connection: Connection, schema: str, batch: Sequence[Recorded]) -> dict[str, _Open]:
    begun = {item.stored.stream for item in batch if item.stored.version == 1}
    wanted = {own_id(item) for item in batch if item.stored.stream not in begun}
    if not wanted:
        return {}
    rows = await connection.fetch(
        statement("read_models/product_demand", "load", schema), list(wanted)
    )
    return {
        row["order_id"]: _Open(
            row["day"],
            row["currency"],
            row["reserved"],
            [tuple(x) for x in json.loads(row["lines"])],
        )
        for row in rows
    }


async def _keep(connection: Connection, schema: str, fold: _Fold) -> None:
    kept = [(order_id, fold.open[order_id]) for order_id in fold.touched if order_id in fold.open]
    if kept:
        await connection.execute(
            statement("read_models/product_demand", "keep", schema),
            [order_id for order_id, _ in kept],
            [order.day for _, order in kept],
            [order.currency for _, order in kept],
            [order.reserved for _, order in kept],
            [json.dumps(order.lines) for _, order in kept],
        )
    if fold.closed:
        await connection.execute(
            statement("read_models/product_demand", "forget", schema), fold.closed
        )


async def _add(connection: Connection, schema: str, sums: Mapping[_Key, _Sums]) -> None:
    if not sums:
        return
    rows = sorted(sums.items(), key=lambda row: row[0])
    await connection.execute(
        statement("read_models/product_demand", "add", schema),
        [key[0] for key, _ in rows],
        [key[1] for key, _ in rows],
        [key[2] for key, _ in rows],
        [row.orders for _, row in rows],
        [row.ordered for _, row in rows],
        [row.reserved for _, row in rows],
        [row.shipped for _, row in rows],
        [row.cancelled for _, row in rows],
        [Decimal(row.ordered_minor) for _, row in rows],
        [Decimal(row.cancelled_minor) for _, row in rows],
    )


PROJECTION: Final = Projection(
    name="product_demand",
    version=1,
    tables=("product_demand", "product_demand_open_orders"),
    categories=frozenset({"order"}),
    handles=names(order_events.OrderCreated, *_CHANGES),
    apply=_apply,
)


class Measure(StrEnum):
    """What products are ranked by."""

    ORDERED = "ordered"
    SHIPPED = "shipped"
    REVENUE = "revenue"
    ORDERS = "orders"


@dataclass(frozen=True, slots=True)
class ProductDemand:
    """Pieces of a product over a span of days in one currency.

    `orders` counts orders, `reserved` what is set aside now; `revenue_minor` is the value of what
    was ordered and not cancelled, in minor units.
    """

    sku: str
    currency: str
    orders: int
    ordered: int
    reserved: int
    shipped: int
    cancelled: int
    revenue_minor: int


@dataclass(frozen=True, slots=True)
class DayDemand:
    """The same for one day (UTC) on which orders were placed."""

    sku: str
    day: date
    currency: str
    orders: int
    ordered: int
    reserved: int
    shipped: int
    cancelled: int
    revenue_minor: int


@dataclass(frozen=True, slots=True)
class DemandFilter:
    """Which demand is wanted: days from `since` to before `until`, one currency; None is any."""

    since: date | None = None
    until: date | None = None
    currency: str | None = None


ANY_DEMAND: Final = DemandFilter()


async def top_products(
    pool: Pool,
    measure: Measure = Measure.ORDERED,
    wanted: DemandFilter = ANY_DEMAND,
    *,
    limit: int = 10,
    cursor: str | None = None,
) -> Page[ProductDemand]:
    """Products with the highest measure first.

    Raises:
        InvalidCursor: the cursor is not from this listing.
    """
    after = decode_cursor(cursor, int, str, str)
    rows = await pool.fetch(
        statement("read_models/product_demand", "top", LIVE),
        measure.value,
        wanted.since,
        wanted.until,
        wanted.currency,
        None if after[0] is None else str(after[0]),
        *after[1:],
        checked_limit(limit) + 1,
    )
    return page_of(
        rows, limit, _product, lambda row: (int(row["measure"]), row["sku"], row["currency"])
    )


async def list_days(
    pool: Pool,
    sku: str,
    wanted: DemandFilter = ANY_DEMAND,
    *,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[DayDemand]:
    """A product day by day, oldest first (`wanted.currency` is not looked at).

    Raises:
        InvalidCursor: the cursor is not from this listing.
    """
    day, currency = decode_cursor(cursor, datetime, str)
    rows = await pool.fetch(
        statement("read_models/product_demand", "days", LIVE),
        sku,
        wanted.since,
        wanted.until,
        day and day.date(),
        currency,
        checked_limit(limit) + 1,
    )
    return page_of(rows, limit, _day, lambda row: (_midnight(row["day"]), row["currency"]))


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _product(row: asyncpg.Record) -> ProductDemand:
    values = {name: row[name] for name in ProductDemand.__slots__}
    return ProductDemand(**{**values, "revenue_minor": int(row["revenue_minor"])})


def _day(row: asyncpg.Record) -> DayDemand:
    values = {name: row[name] for name in DayDemand.__slots__}
    return DayDemand(**{**values, "revenue_minor": int(row["revenue_minor"])})
