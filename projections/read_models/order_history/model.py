"""Read model `order_history`: the timeline of an order over all its streams.

Rows are only inserted, one per event, so lanes never share a row. Stock events belong to the
timeline of the order that they name; stock movements without an order do not appear.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final, get_args

from domain import events as domain_events
from domain.customer import events as customer_events
from domain.request.events import OrderRequested
from domain.stock import events as stock_events
from projections.engine.projection import Connection, Pool, Projection, Recorded, names, own_id
from projections.engine.row_tables import execute_columns
from projections.engine.sql_files import statement
from projections.paging import Page, fetch_page
from projections.read_models.descriptions import describe_event

_sql: Final = partial(statement, __package__)

_OF_NO_ORDER: Final = names(
    stock_events.StockReceived,
    stock_events.StockAdjusted,
    customer_events.CustomerErased,
    OrderRequested,
)


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One event in the timeline of an order; `line` describes it without personal data."""

    order_id: str
    position: int
    recorded_at: datetime
    stream: str
    version: int
    event_type: str
    line: str
    actor: str


async def _apply(connection: Connection, schema: str, batch: Sequence[Recorded]) -> None:
    await execute_columns(connection, _sql("insert", schema), map(_row, batch))


def _row(item: Recorded) -> tuple[str, int, datetime, str, int, str, str, str]:
    stored = item.stored
    return (
        _order_id(item),
        stored.position,
        stored.recorded_at,
        stored.stream,
        stored.version,
        stored.event_type,
        describe_event(item.event),
        stored.metadata.actor,
    )


def _order_id(item: Recorded) -> str:
    if item.stored.category == "stock":
        return str(item.event.order_id)
    return own_id(item)


PROJECTION: Final = Projection(
    name="order_history",
    version=1,
    tables=("order_history",),
    categories=frozenset({"order", "stock", "payment", "shipment", "fulfillment", "returns"}),
    handles=names(*get_args(domain_events.Event)) - _OF_NO_ORDER,
    apply=_apply,
)


async def list_history(
    pool: Pool,
    order_id: str,
    *,
    until: datetime | None = None,
    limit: int = 200,
    cursor: str | None = None,
) -> Page[TimelineRow]:
    """The timeline of an order, oldest first, up to a time; empty for an unknown order.

    Raises InvalidCursor for a cursor of another listing.
    """
    key = {"position": int}
    return await fetch_page(
        pool,
        _sql("list"),
        TimelineRow,
        key,
        limit=limit,
        cursor=cursor,
        order_id=order_id,
        until=until,
    )
