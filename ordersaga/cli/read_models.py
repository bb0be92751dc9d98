"""Questions to the read models: `orders current|history|customer`, `demand top`, `audit`."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from domain.order.state import OrderStatus
from domain.values import Reason
from ordersaga.cli.common import (
    Cursor,
    Json,
    Limit,
    OrderArgument,
    clock,
    moment,
    money,
    opened,
    refusals,
    storable,
)
from ordersaga.cli.output import emit, make_table, note, run

if TYPE_CHECKING:
    from datetime import date

    from projections.paging import Page
    from projections.read_models.audit_log.model import AuditFilter
    from projections.read_models.current_orders.model import CurrentOrder, OrderFilter
    from projections.read_models.product_demand.model import DemandFilter, Measure

orders = typer.Typer(name="orders", help="Orders in the read models.", no_args_is_help=True)
demand = typer.Typer(name="demand", help="Which products are wanted.", no_args_is_help=True)

Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])]


class By(StrEnum):
    """What products are ranked by."""

    ORDERED = "ordered"
    SHIPPED = "shipped"
    REVENUE = "revenue"
    ORDERS = "orders"


def register(app: typer.Typer) -> None:
    """Mount the commands."""
    app.add_typer(orders)
    app.add_typer(demand)
    app.command()(audit)


# --- orders --------------------------------------------------------------------------------------


@orders.command()
def current(
    status: Annotated[OrderStatus | None, typer.Option(help="Only these.")] = None,
    reason: Annotated[Reason | None, typer.Option(help="Only cancelled for this.")] = None,
    customer: Annotated[str | None, typer.Option(help="Only of this customer.")] = None,
    placed_from: Annotated[str | None, typer.Option(help="Placed at this time or later.")] = None,
    placed_before: Annotated[str | None, typer.Option(help="Placed before this time.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """List orders as they are now, the latest placed first."""
    from projections.read_models.current_orders.model import OrderFilter

    wanted = OrderFilter(
        status=status.value if status else None,
        customer_id=storable(customer, "--customer"),
        reason=reason.value if reason else None,
        placed_from=_moment(placed_from),
        placed_before=_moment(placed_before),
    )
    run(_current(wanted, limit, cursor, as_json))


async def _current(wanted: "OrderFilter", limit: int, cursor: str | None, as_json: bool) -> None:
    from projections.read_models.current_orders.model import list_orders

    async with opened() as services:
        with refusals():
            page = await list_orders(services.pool, wanted, limit=limit, cursor=cursor)
    emit_orders(page, as_json)


def emit_orders(page: "Page[CurrentOrder]", as_json: bool) -> None:
    """Print a page of orders."""
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
    _more(page.next_cursor, as_json)


@orders.command()
def history(
    order_id: OrderArgument,
    until: Annotated[str | None, typer.Option(help="Leave out what came after this time.")] = None,
    limit: Limit = 200,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """Print the timeline of an order from the read model."""
    run(_history(order_id, _moment(until), limit, cursor, as_json))


async def _history(
    order_id: str, until: datetime | None, limit: int, cursor: str | None, as_json: bool
) -> None:
    from domain.errors import NotFound
    from domain.ids import parse_order_id
    from projections.read_models.order_history.model import list_history

    known = parse_order_id(order_id)
    async with opened() as services:
        with refusals():
            page = await list_history(services.pool, known, until=until, limit=limit, cursor=cursor)
    if not page.items and cursor is None and until is None:
        raise NotFound("order in the read model", known)
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
    _more(page.next_cursor, as_json)


@orders.command()
def customer(
    customer_id: Annotated[str, typer.Argument(metavar="ID", help="Customer id.")],
    status: Annotated[OrderStatus | None, typer.Option(help="Only these.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """List a customer's orders and what they add up to."""
    run(_customer(customer_id, status, limit, cursor, as_json))


async def _customer(
    customer_id: str, status: OrderStatus | None, limit: int, cursor: str | None, as_json: bool
) -> None:
    from domain.ids import parse_customer_id
    from projections.read_models.customer_orders.model import customer_totals, list_customer_orders

    known = parse_customer_id(customer_id)
    async with opened() as services:
        with refusals():
            page = await list_customer_orders(
                services.pool,
                known,
                status=status.value if status else None,
                limit=limit,
                cursor=cursor,
            )
        totals = await customer_totals(services.pool, known)
    answer = {
        "customer_id": known,
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
    _more(page.next_cursor, as_json)


# --- demand --------------------------------------------------------------------------------------


@demand.command()
def top(
    by: Annotated[By, typer.Option(help="Ranked by this.")] = By.ORDERED,
    since: Day = None,
    until: Day = None,
    currency: Annotated[str | None, typer.Option(help="Only this currency.")] = None,
    limit: Limit = 10,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """List the products that are wanted most."""
    from projections.read_models.product_demand.model import DemandFilter, Measure

    wanted = DemandFilter(
        since=_day(since), until=_day(until), currency=storable(currency, "--currency")
    )
    run(_top(Measure(by.value), wanted, limit, cursor, as_json))


async def _top(
    by: "Measure", wanted: "DemandFilter", limit: int, cursor: str | None, as_json: bool
) -> None:
    from projections.read_models.product_demand.model import top_products

    async with opened() as services:
        with refusals():
            page = await top_products(services.pool, by, wanted, limit=limit, cursor=cursor)
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
    _more(page.next_cursor, as_json)


# --- audit ---------------------------------------------------------------------------------------


def audit(
    order_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Order id; everything if left out.")
    ] = None,
    actor: Annotated[str | None, typer.Option(help="Only what this one did.")] = None,
    event_type: Annotated[str | None, typer.Option(help="Only these events.")] = None,
    since: Annotated[str | None, typer.Option(help="At this time or later.")] = None,
    until: Annotated[str | None, typer.Option(help="Before this time.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
    as_json: Json = False,
) -> None:
    """Print who did what, when and why."""
    from dataclasses import replace

    from domain.ids import parse_order_id
    from projections.read_models.audit_log.model import ANY_EVENT, of_order

    wanted = of_order(parse_order_id(order_id)) if order_id is not None else ANY_EVENT
    wanted = replace(
        wanted,
        actor=storable(actor, "--actor"),
        event_type=storable(event_type, "--event-type"),
        since=_moment(since),
        until=_moment(until),
    )
    run(_audit(wanted, limit, cursor, as_json))


async def _audit(wanted: "AuditFilter", limit: int, cursor: str | None, as_json: bool) -> None:
    from projections.read_models.audit_log.model import list_audit

    async with opened() as services:
        with refusals():
            page = await list_audit(services.pool, wanted, limit=limit, cursor=cursor)
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
    _more(page.next_cursor, as_json)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else moment(text)


def _day(parsed: datetime | None) -> "date | None":
    return None if parsed is None else parsed.date()


def _more(cursor: str | None, as_json: bool) -> None:
    if cursor and not as_json:
        note(f"there is more: --cursor {cursor}")
