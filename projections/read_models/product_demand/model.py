"""Read model `product_demand`: what was ordered, reserved, shipped and cancelled of each product.

Everything counts for the day (UTC) on which the order was placed, so for any range of days
ordered = shipped + cancelled + still open, and `reserved` is a part of what is still open.

Many orders, from any lane and in any order, feed the row of a SKU, day and currency. So the only
change is addition, which commutes. A cancellation names no lines, so a second table keeps the
lines of each open order; one lane owns such a row. The quantities come from the order streams, not
from the stock streams: those run in other lanes, and only the order knows its day and currency.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from datetime import UTC, date
from decimal import Decimal
from enum import StrEnum
from functools import partial
from typing import Any, Final

from domain.lines import LineShare
from domain.order import events as order_events
from domain.shares import Shares
from eventstore.postgres.connection import survey
from projections.engine.projection import Connection, Pool, Projection, Recorded, names, own_id
from projections.engine.row_tables import execute_columns, ids_of_earlier_streams
from projections.engine.sql_files import statement
from projections.errors import InvalidCursor
from projections.paging import Page, checked_limit, decode_sorted, make_row, page_of

_sql: Final = partial(statement, __package__)
_WHOLE: Final = re.compile(r"-?[0-9]{1,30}", re.ASCII)


@dataclass(slots=True)
class _OpenOrder:
    """An open order; lines are (SKU, pieces, amount in minor units)."""

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
    ordered_minor: Decimal = Decimal(0)
    cancelled_minor: Decimal = Decimal(0)


_Key = tuple[str, date, str]


class _Fold:
    """What a batch adds to the sums, and how it changes the open orders."""

    def __init__(self, open_orders: dict[str, _OpenOrder]) -> None:
        self.open = open_orders
        self.touched: dict[str, None] = {}
        self.closed: list[str] = []
        self.sums: dict[_Key, _Sums] = {}

    def apply(self, item: Recorded) -> None:
        order_id = own_id(item)
        self.touched[order_id] = None
        if isinstance(item.event, order_events.OrderCreated):
            day = item.event.placed_at.astimezone(UTC).date()
            self.open[order_id] = _OpenOrder(day, item.event.currency)
        else:
            _CHANGES[type(item.event)](self, order_id, item.event)

    def submitted(self, order_id: str, event: order_events.OrderSubmitted) -> None:
        order = self.open[order_id]
        order.lines = _demanded(Shares(event.content).of_all(event.lines))
        for sums, pieces, amount in self._lines(order):
            sums.orders += 1
            sums.ordered += pieces
            sums.ordered_minor += amount

    def reserved(self, order_id: str, _: order_events.OrderReserved) -> None:
        order = self.open[order_id]
        order.reserved = True
        for sums, pieces, _amount in self._lines(order):
            sums.reserved += pieces

    def unavailable(self, order_id: str, _: order_events.ItemsUnavailable) -> None:
        order = self.open[order_id]
        if order.reserved:  # a count has taken reserved pieces away
            self._unreserve(order)

    def amended(self, order_id: str, event: order_events.OrderAmended) -> None:
        order = self.open[order_id]
        lines = _demanded(event.lines)
        amended = {sku: (pieces, amount) for sku, pieces, amount in lines}
        for (sku, pieces, amount), (sums, _, _) in zip(
            order.lines, self._lines(order), strict=True
        ):
            left, left_amount = amended.get(sku, (0, 0))
            sums.cancelled += pieces - left
            sums.cancelled_minor += amount - left_amount
            sums.reserved -= pieces - left if order.reserved else 0
        order.lines = lines

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
        if order.reserved:
            self._unreserve(order)
        return self._lines(order)

    def _unreserve(self, order: _OpenOrder) -> None:
        order.reserved = False
        for sums, pieces, _amount in self._lines(order):
            sums.reserved -= pieces

    def _lines(self, order: _OpenOrder) -> list[tuple[_Sums, int, int]]:
        return [
            (self.sums.setdefault((sku, order.day, order.currency), _Sums()), pieces, amount)
            for sku, pieces, amount in order.lines
        ]


def _demanded(shares: Iterable[LineShare]) -> list[tuple[str, int, int]]:
    """Goods by SKU: pieces, and what they cost, whether money or a gift card pays for it."""
    demanded: dict[str, tuple[int, int]] = {}
    for share in shares:
        if share.sku is not None:
            pieces, amount = demanded.get(share.sku, (0, 0))
            cost = share.amount.minor + share.gift_card.minor
            demanded[share.sku] = (pieces + share.quantity, amount + cost)
    return [(sku, pieces, amount) for sku, (pieces, amount) in demanded.items()]


_CHANGES: Final[Mapping[type, Callable[[_Fold, str, Any], None]]] = {
    order_events.OrderSubmitted: _Fold.submitted,
    order_events.OrderReserved: _Fold.reserved,
    order_events.ItemsUnavailable: _Fold.unavailable,
    order_events.OrderAmended: _Fold.amended,
    order_events.OrderCompleted: _Fold.completed,
    order_events.OrderCancelled: _Fold.cancelled,
}


async def _apply(connection: Connection, schema: str, batch: Sequence[Recorded]) -> None:
    fold = _Fold(await _load(connection, schema, batch))
    for item in batch:
        fold.apply(item)
    await _save(connection, schema, fold)
    await _add(connection, schema, fold.sums)


async def _load(
    connection: Connection, schema: str, batch: Sequence[Recorded]
) -> dict[str, _OpenOrder]:
    order_ids = ids_of_earlier_streams(batch)
    if not order_ids:
        return {}
    rows = await connection.fetch(_sql("load", schema), order_ids)
    return {
        row["order_id"]: _OpenOrder(
            row["day"],
            row["currency"],
            row["reserved"],
            [tuple(x) for x in json.loads(row["lines"])],
        )
        for row in rows
    }


async def _save(connection: Connection, schema: str, fold: _Fold) -> None:
    open_orders = [
        (order_id, order.day, order.currency, order.reserved, json.dumps(order.lines))
        for order_id in fold.touched
        if (order := fold.open.get(order_id)) is not None
    ]
    await execute_columns(connection, _sql("keep", schema), open_orders)
    if fold.closed:
        await connection.execute(_sql("forget", schema), fold.closed)


async def _add(connection: Connection, schema: str, sums: Mapping[_Key, _Sums]) -> None:
    rows = ((*key, *astuple(sums[key])) for key in sorted(sums))
    await execute_columns(connection, _sql("add", schema), rows)


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
    ORDERED_VALUE = "ordered_value"
    ORDERS = "orders"


@dataclass(frozen=True, slots=True)
class ProductDemand:
    """The demand for a product over some days in one currency, in pieces.

    `orders` is a number of orders, `reserved` what is set aside now. `ordered_value_minor` is the
    value of what was ordered and not cancelled, in minor units, whether it was paid or not.
    """

    sku: str
    currency: str
    orders: int
    ordered: int
    reserved: int
    shipped: int
    cancelled: int
    ordered_value_minor: int


@dataclass(frozen=True, slots=True)
class DemandFilter:
    """Selects demand; None means any. `until` is exclusive."""

    since: date | None = None
    until: date | None = None
    currency: str | None = None


ANY_DEMAND: Final = DemandFilter()


async def top_products(
    pool: Pool,
    measure: Measure = Measure.ORDERED,
    criteria: DemandFilter = ANY_DEMAND,
    *,
    limit: int = 10,
    cursor: str | None = None,
) -> Page[ProductDemand]:
    """Products, highest measure first. Raises InvalidCursor for a cursor of another listing."""
    value, *product = decode_sorted(cursor, measure.value, str, str, str)
    if value is not None and not _WHOLE.fullmatch(value):
        raise InvalidCursor
    with survey():
        rows = await pool.fetch(
            _sql("top"),
            measure.value,
            *astuple(criteria),
            value,
            *product,
            checked_limit(limit) + 1,
        )
    return page_of(
        rows,
        limit,
        make_row(ProductDemand, ordered_value_minor=int),
        lambda row: (measure.value, row["measure"], row["sku"], row["currency"]),
    )
