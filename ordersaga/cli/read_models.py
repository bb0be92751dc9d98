"""Queries of the read models: `orders current|history|customer`, `demand top`, `audit`."""

from dataclasses import replace
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

import typer

from domain.errors import NotFound
from domain.ids import CustomerId, OrderId, parse_customer_id, parse_order_id
from domain.order.state import OrderStatus
from domain.values import Reason
from ordersaga.cli.common import (
    Cursor,
    Json,
    Limit,
    OrderArgument,
    group,
    opened,
    optional_moment,
    searchable,
)
from ordersaga.cli.output import async_command, emit, note_next_page
from ordersaga.display.tables import clock, make_table, money
from projections.read_models.audit_log.model import ANY_EVENT, list_audit, of_order
from projections.read_models.current_orders.model import OrderFilter, list_orders
from projections.read_models.customer_orders.model import customer_totals, list_customer_orders
from projections.read_models.order_history.model import list_history
from projections.read_models.product_demand.model import DemandFilter, Measure, top_products

orders = group("orders", "Query orders in the read models.")
demand = group("demand", "Query the demand for products.")

Status = Annotated[OrderStatus | None, typer.Option(help="Only this status.")]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])]


class By(StrEnum):
    """What products are ranked by."""

    ORDERED = "ordered"
    SHIPPED = "shipped"
    REVENUE = "revenue"
    ORDERS = "orders"


# --- orders --------------------------------------------------------------------------------------


@orders.command()
@async_command
async def current(
    status: Status = None,
    reason: Annotated[
        Reason | None, typer.Option(help="Only orders cancelled for this reason.")
    ] = None,
    customer: Annotated[str | None, typer.Option(help="Only this customer.")] = None,
    placed_from: Annotated[str | None, typer.Option(help="Placed at this time or later.")] = None,
    placed_before: Annotated[str | None, typer.Option(help="Placed before this time.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """List orders as they are now, most recently placed first."""
    conditions = OrderFilter(
        status=status.value if status else None,
        customer_id=searchable(customer, "--customer"),
        reason=reason.value if reason else None,
        placed_from=optional_moment(placed_from),
        placed_before=optional_moment(placed_before),
    )
    await _list_orders(conditions, limit, cursor, as_json)


async def list_current_orders(
    status: OrderStatus | None, limit: int, cursor: str | None, as_json: bool
) -> None:
    """Print a page of orders, all or those in one status."""
    conditions = OrderFilter(status=status.value if status else None)
    await _list_orders(conditions, limit, cursor, as_json)


async def _list_orders(
    conditions: OrderFilter, limit: int, cursor: str | None, as_json: bool
) -> None:
    async with opened() as services:
        page = await list_orders(services.pool, conditions, limit=limit, cursor=cursor)
    emit(
        page,
        as_json=as_json,
        view=lambda: make_table(
            ("order", "status", "reason", "total>", "pieces>", "customer", "placed (UTC)"),
            (
                (
                    x.order_id,
                    x.status,
                    x.reason,
                    money(x.total_minor, x.currency),
                    x.item_count,
                    x.customer_id or "guest",
                    clock(x.placed_at),
                )
                for x in page.items
            ),
        ),
    )
    note_next_page(page.next_cursor, as_json=as_json)


@orders.command()
@async_command
async def history(
    order_id: OrderArgument,
    until: Annotated[str | None, typer.Option(help="Omit events after this time.")] = None,
    limit: Limit = 200,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """Print the timeline of an order from the read model."""
    last = optional_moment(until)
    async with opened() as services:
        page = await list_history(services.pool, order_id, until=last, limit=limit, cursor=cursor)
    if not page.items and cursor is None and until is None:
        raise NotFound("order in the read model", order_id)
    emit(
        page,
        as_json=as_json,
        view=lambda: make_table(
            ("when (UTC)", "stream", "version>", "event", "what", "who"),
            (
                (clock(x.recorded_at), x.stream, x.version, x.event_type, x.line, x.actor)
                for x in page.items
            ),
        ),
    )
    note_next_page(page.next_cursor, as_json=as_json)


@orders.command()
@async_command
async def customer(
    customer_id: Annotated[
        CustomerId, typer.Argument(metavar="ID", help="Customer id.", parser=parse_customer_id)
    ],
    status: Status = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """List a customer's orders and their totals."""
    async with opened() as services:
        page = await list_customer_orders(
            services.pool,
            customer_id,
            status=status.value if status else None,
            limit=limit,
            cursor=cursor,
        )
        totals = await customer_totals(services.pool, customer_id)
    answer = {
        "customer_id": customer_id,
        "totals": totals,
        "items": page.items,
        "next_cursor": page.next_cursor,
    }
    emit(
        answer,
        as_json=as_json,
        view=lambda: make_table(
            ("order", "status", "reason", "total>", "pieces>", "placed (UTC)"),
            (
                (
                    x.order_id,
                    x.status,
                    x.reason,
                    money(x.total_minor, x.currency),
                    x.item_count,
                    clock(x.placed_at),
                )
                for x in page.items
            ),
            title="; ".join(
                f"{x.orders} orders, {x.completed} completed for "
                f"{money(x.completed_minor, x.currency)}, {x.cancelled} cancelled"
                for x in totals
            ),
        ),
    )
    note_next_page(page.next_cursor, as_json=as_json)


# --- demand --------------------------------------------------------------------------------------


@demand.command()
@async_command
async def top(
    by: Annotated[By, typer.Option(help="Rank by this.")] = By.ORDERED,
    since: Day = None,
    until: Day = None,
    currency: Annotated[str | None, typer.Option(help="Only this currency.")] = None,
    limit: Limit = 10,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """List the products with the highest demand."""
    conditions = DemandFilter(
        since=_day(since), until=_day(until), currency=searchable(currency, "--currency")
    )
    async with opened() as services:
        page = await top_products(
            services.pool, Measure(by.value), conditions, limit=limit, cursor=cursor
        )
    emit(
        page,
        as_json=as_json,
        view=lambda: make_table(
            ("SKU", "orders>", "ordered>", "reserved>", "shipped>", "cancelled>", "revenue>"),
            (
                (
                    x.sku,
                    x.orders,
                    x.ordered,
                    x.reserved,
                    x.shipped,
                    x.cancelled,
                    money(x.revenue_minor, x.currency),
                )
                for x in page.items
            ),
        ),
    )
    note_next_page(page.next_cursor, as_json=as_json)


def _day(at: datetime | None) -> date | None:
    return None if at is None else at.date()


# --- audit ---------------------------------------------------------------------------------------


@async_command
async def audit(
    order_id: Annotated[
        OrderId | None,
        typer.Argument(metavar="[ID]", help="Order id; default: all.", parser=parse_order_id),
    ] = None,
    actor: Annotated[str | None, typer.Option(help="Only what this actor did.")] = None,
    event_type: Annotated[str | None, typer.Option(help="Only this event type.")] = None,
    since: Annotated[str | None, typer.Option(help="At this time or later.")] = None,
    until: Annotated[str | None, typer.Option(help="Before this time.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """Print who did what, when and why."""
    conditions = replace(
        ANY_EVENT if order_id is None else of_order(order_id),
        actor=searchable(actor, "--actor"),
        event_type=searchable(event_type, "--event-type"),
        since=optional_moment(since),
        until=optional_moment(until),
    )
    async with opened() as services:
        page = await list_audit(services.pool, conditions, limit=limit, cursor=cursor)
    emit(
        page,
        as_json=as_json,
        view=lambda: make_table(
            ("when (UTC)", "who", "stream", "version>", "event", "why", "because of"),
            (
                (
                    clock(x.recorded_at),
                    x.actor,
                    x.stream,
                    x.version,
                    x.event_type,
                    x.reason,
                    x.causation_id,
                )
                for x in page.items
            ),
        ),
    )
    note_next_page(page.next_cursor, as_json=as_json)
