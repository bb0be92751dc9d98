"""Queries of the read models: `orders current|history|customer`, `demand top`, `audit`."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Final

import typer

from domain.errors import NotFound
from domain.ids import CustomerId, OrderId, parse_customer_id, parse_order_id
from domain.order.status import OrderStatus
from domain.values import Reason
from ordersaga.cli.answers import Answer, CommandGroup, answering, page_answer
from ordersaga.cli.common import (
    Cursor,
    Limit,
    NeedsAttention,
    OrderArgument,
    Services,
    of_this_century,
    text_argument,
    text_option,
    time_option,
)
from ordersaga.display.tables import Columns, money
from ordersaga.operations.order_lists import OrderQuery, list_with_statuses
from ordersaga.operations.statuses import FulfilmentProgress, PaymentProgress, ReturnProgress
from projections.read_models.audit_log.model import ANY_EVENT, list_audit, of_order
from projections.read_models.current_orders.model import OrderFilter, OrderSort
from projections.read_models.customer_orders.model import customer_totals, list_customer_orders
from projections.read_models.order_history.model import list_history
from projections.read_models.product_demand.model import DemandFilter, Measure, top_products

orders = CommandGroup("orders", "Query orders in the read models.")
demand = CommandGroup("demand", "Query the demand for products.")

Status = Annotated[OrderStatus | None, typer.Option(help="Only this status.")]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], callback=of_this_century)]

_ORDERS: Final = Columns(
    "order_id: order, reference, status, payment_status: payment, fulfilment_status: fulfilment, "
    "return_status: return, reason, total>, kept>, item_count: pieces>, customer, "
    "placed_at: placed (UTC), attention: needs attention",
    total=lambda x: money(x.total_minor, x.currency),
    kept=lambda x: money(x.kept_minor, x.currency) if x.captured_minor else "",
    customer=lambda x: x.customer_id or "guest",
)
_ORDERS_OF_CUSTOMER: Final = Columns(
    "order_id: order, status, reason, total>, item_count: pieces>, placed_at: placed (UTC)",
    total=lambda x: money(x.total_minor, x.currency),
)
_TIMELINE: Final = Columns(
    "recorded_at: when (UTC), stream, version>, event_type: event, line: what, actor: who"
)
_DEMAND: Final = Columns(
    "sku: SKU, orders>, ordered>, reserved>, shipped>, cancelled>, ordered_value>",
    ordered_value=lambda x: money(x.ordered_value_minor, x.currency),
)
_AUDIT: Final = Columns(
    "recorded_at: when (UTC), actor: who, act, details: with what, stream, version>, "
    "event_type: event, reason: why, "
    "causation_id: because of"
)


# --- orders --------------------------------------------------------------------------------------


@orders.answer()
async def current(
    services: Services,
    status: Status = None,
    reason: Annotated[
        Reason | None, typer.Option(help="Only orders cancelled for this reason.")
    ] = None,
    customer: Annotated[str | None, text_option("Only this customer.")] = None,
    reference: Annotated[
        str | None, text_option("Only orders with this number of the shop's own.")
    ] = None,
    placed_from: Annotated[datetime | None, time_option("Placed at this time or later.")] = None,
    placed_before: Annotated[datetime | None, time_option("Placed before this time.")] = None,
    payment: Annotated[
        PaymentProgress | None, typer.Option(help="Only orders in this payment status.")
    ] = None,
    fulfilment: Annotated[
        FulfilmentProgress | None, typer.Option(help="Only orders in this fulfilment status.")
    ] = None,
    returned: Annotated[
        ReturnProgress | None,
        typer.Option("--return", help="Only orders in this return status."),
    ] = None,
    sku: Annotated[str | None, text_option("Only orders with a line of this product.")] = None,
    country: Annotated[
        str | None, text_option("Only orders to this country, an ISO 3166 code.")
    ] = None,
    currency: Annotated[str | None, text_option("Only orders in this currency.")] = None,
    needs_attention: NeedsAttention = False,
    sort: Annotated[
        OrderSort, typer.Option(help="What comes first; totals need a currency.")
    ] = OrderSort.LATEST,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Answer:
    """List orders as they are now, most recently placed first unless told otherwise."""
    conditions = OrderFilter(
        status,
        customer,
        reason,
        placed_from,
        placed_before,
        reference=reference,
        payment_status=payment,
        fulfilment_status=fulfilment,
        currency=currency,
        sku=sku,
        country=country,
        return_status=returned,
    )
    return await _list(services, OrderQuery(conditions, needs_attention, sort), limit, cursor)


@orders.answer()
async def search(
    services: Services,
    text: Annotated[str, text_argument("Beginning of the order id or of the reference.")],
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Answer:
    """Search orders by their id or the shop's own number, most recently placed first."""
    return await _list(services, OrderQuery(OrderFilter(begins_with=text)), limit, cursor)


async def orders_in_status(
    services: Services,
    status: OrderStatus | None,
    needs_attention: bool,
    limit: int,
    cursor: str | None,
) -> Answer:
    """A page of orders, all or those in one status."""
    query = OrderQuery(OrderFilter(status), needs_attention)
    return await _list(services, query, limit, cursor)


async def _list(services: Services, query: OrderQuery, limit: int, cursor: str | None) -> Answer:
    page = await list_with_statuses(services.pool, query, limit, cursor)
    return page_answer(page, _ORDERS)


@orders.answer()
async def history(
    services: Services,
    order_id: OrderArgument,
    until: Annotated[datetime | None, time_option("Omit events after this time.")] = None,
    limit: Limit = 200,
    cursor: Cursor = None,
) -> Answer:
    """Print the timeline of an order from the read model."""
    page = await list_history(services.pool, order_id, until=until, limit=limit, cursor=cursor)
    if not page.items and cursor is None and until is None:
        raise NotFound("order in the read model", order_id)
    return page_answer(page, _TIMELINE)


@orders.answer()
async def customer(
    services: Services,
    customer_id: Annotated[
        CustomerId, typer.Argument(metavar="ID", help="Customer id.", parser=parse_customer_id)
    ],
    status: Status = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Answer:
    """List a customer's orders and their totals."""
    page = await list_customer_orders(
        services.pool, customer_id, status=status, limit=limit, cursor=cursor
    )
    totals = await customer_totals(services.pool, customer_id)
    title = "; ".join(
        f"{x.orders} orders, {x.completed} completed for "
        f"{money(x.completed_minor, x.currency)}, {x.cancelled} cancelled"
        for x in totals
    )
    answer = {
        "customer_id": customer_id,
        "totals": totals,
        "items": page.items,
        "next_cursor": page.next_cursor,
    }
    return page_answer(page, _ORDERS_OF_CUSTOMER, title=title)._replace(data=answer)


# --- demand --------------------------------------------------------------------------------------


@demand.answer()
async def top(
    services: Services,
    by: Annotated[Measure, typer.Option(help="Rank by this.")] = Measure.ORDERED,
    since: Day = None,
    until: Day = None,
    currency: Annotated[str | None, text_option("Only this currency.")] = None,
    limit: Limit = 10,
    cursor: Cursor = None,
) -> Answer:
    """List the products with the highest demand."""
    conditions = DemandFilter(
        since=since and since.date(), until=until and until.date(), currency=currency
    )
    page = await top_products(services.pool, by, conditions, limit=limit, cursor=cursor)
    return page_answer(page, _DEMAND)


# --- audit ---------------------------------------------------------------------------------------


@answering
async def audit(
    services: Services,
    order_id: Annotated[
        OrderId | None,
        typer.Argument(metavar="[ID]", help="Order id; default: all.", parser=parse_order_id),
    ] = None,
    actor: Annotated[str | None, text_option("Only what this actor did.")] = None,
    event_type: Annotated[str | None, text_option("Only this event type.")] = None,
    since: Annotated[datetime | None, time_option("At this time or later.")] = None,
    until: Annotated[datetime | None, time_option("Before this time.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Answer:
    """Print who did what, when and why."""
    of = ANY_EVENT if order_id is None else of_order(order_id)
    conditions = replace(of, actor=actor, event_type=event_type, since=since, until=until)
    return page_answer(
        await list_audit(services.pool, conditions, limit=limit, cursor=cursor), _AUDIT
    )
