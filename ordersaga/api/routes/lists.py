"""Lists of the read models, with filters, cursors and CSV."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from domain.fields import MAX_AMOUNT
from domain.order.status import OrderStatus
from domain.values import Reason
from ordersaga.access.refusals import Refusal, list_refusals
from ordersaga.api.answers import AsForm, Cursor, Form, Limit, json_answer, list_answer
from ordersaga.api.authentication import Caller
from ordersaga.api.context import context_of
from ordersaga.api.documentation import ProblemRoute, answers, list_answers, not_shown_yet
from ordersaga.api.histories import cursor_of, in_history
from ordersaga.api.parameters import Country, CustomerPath, Moment, OfOrder, OfProduct, Word, moment
from ordersaga.api.reading import SHOWS_POSITION
from ordersaga.operations.order_lists import ListedOrder, OrderQuery, list_with_statuses
from ordersaga.operations.statuses import FulfilmentProgress, PaymentProgress, ReturnProgress
from projections.paging import Page
from projections.read_models.audit_log.model import AuditFilter, AuditRow, list_audit, of_order
from projections.read_models.current_orders.model import OrderFilter, OrderSort
from projections.read_models.customer_orders.model import (
    CustomerOrder,
    CustomerTotals,
    customer_totals,
    list_customer_orders,
)
from projections.read_models.parcels.model import Parcel, list_parcels
from projections.read_models.product_demand.model import (
    DemandFilter,
    Measure,
    ProductDemand,
    top_products,
)
from projections.read_models.returns.model import ReturnRow, list_returns

router: Final = APIRouter(route_class=ProblemRoute, tags=["lists"], dependencies=[SHOWS_POSITION])

Day = Annotated[date | None, Query(ge=date(2000, 1, 1), le=date(2100, 1, 1))]
Code = Annotated[str | None, Query(pattern="^[A-Z]{3}$")]
Sort = Annotated[OrderSort, Query(description="By totals only with a currency.")]
Minor = Annotated[int | None, Query(ge=0, le=MAX_AMOUNT, description="in minor units")]


@dataclass(frozen=True)
class OrderFilters:
    """Which orders, and what comes first."""

    status: OrderStatus | None = None
    reason: Reason | None = None
    customer: Word = None
    placed_from: Moment = None
    placed_before: Moment = None
    payment_status: PaymentProgress | None = None
    fulfilment_status: FulfilmentProgress | None = None
    return_status: ReturnProgress | None = None
    currency: Code = None
    total_from_minor: Minor = None
    total_until_minor: Minor = None
    sku: OfProduct = None
    country: Country = None
    needs_attention: bool = False
    sort: Sort = OrderSort.LATEST

    def query(self) -> OrderQuery:
        """The same for the read models."""
        conditions = OrderFilter(
            self.status,
            self.customer,
            self.reason,
            moment(self.placed_from, "placed_from"),
            moment(self.placed_before, "placed_before"),
            payment_status=self.payment_status,
            fulfilment_status=self.fulfilment_status,
            currency=self.currency,
            total_from=self.total_from_minor,
            total_until=self.total_until_minor,
            sku=self.sku,
            country=self.country,
            return_status=self.return_status,
        )
        return OrderQuery(conditions, self.needs_attention, self.sort)


@router.get(
    "/orders",
    operation_id="list_orders",
    name="list_orders",
    summary="List orders, by default the most recently placed first",
    responses=list_answers(ListedOrder),
)
async def orders(
    request: Request,
    caller: Caller,  # noqa: ARG001  it authorises
    filters: Annotated[OrderFilters, Depends()],
    limit: Limit = 50,
    cursor: Cursor = None,
    form: AsForm = Form.JSON,
) -> Response:
    """With all four statuses, the money, and why an order needs a person.

    `sku` finds orders by the lines that they have now, also while they are drafts. `country` is
    where they are delivered to.
    """
    pool, query = context_of(request).services.pool, filters.query()

    async def fetch(rows: int, after: str | None) -> Page[Any]:
        return await list_with_statuses(pool, query, rows, after)

    return await list_answer(request, fetch, ListedOrder, limit, cursor, form)


@router.get(
    "/returns",
    operation_id="list_returns",
    name="list_returns",
    summary="List returns, most recently changed first",
    responses=list_answers(ReturnRow),
)
async def returns(
    request: Request,
    caller: Caller,  # noqa: ARG001  it authorises
    order_id: Word = None,
    open_only: bool = False,
    needs_attention: bool = False,
    limit: Limit = 50,
    cursor: Cursor = None,
    form: AsForm = Form.JSON,
) -> Response:
    """Every return with its decisions and what it waits for."""
    pool = context_of(request).services.pool

    async def fetch(rows: int, after: str | None) -> Page[Any]:
        return await list_returns(
            pool,
            order_id=order_id,
            open_only=open_only,
            needs_attention=needs_attention or None,
            limit=rows,
            cursor=after,
        )

    return await list_answer(request, fetch, ReturnRow, limit, cursor, form)


@router.get(
    "/parcels",
    operation_id="list_parcels",
    name="list_parcels",
    summary="List parcels, most recently changed first",
    responses=list_answers(Parcel),
)
async def parcels(
    request: Request,
    caller: Caller,  # noqa: ARG001  it authorises
    status: Word = None,
    needs_attention: bool = False,
    limit: Limit = 50,
    cursor: Cursor = None,
    form: AsForm = Form.JSON,
) -> Response:
    """Every parcel with the last scan."""
    pool = context_of(request).services.pool

    async def fetch(rows: int, after: str | None) -> Page[Any]:
        return await list_parcels(
            pool, status=status, needs_attention=needs_attention or None, limit=rows, cursor=after
        )

    return await list_answer(request, fetch, Parcel, limit, cursor, form)


@router.get(
    "/demand",
    operation_id="list_demand",
    name="list_demand",
    summary="Rank products by demand",
    responses=list_answers(ProductDemand),
)
async def demand(
    request: Request,
    caller: Caller,  # noqa: ARG001  it authorises
    by: Measure = Measure.ORDERED,
    since: Day = None,
    until: Day = None,
    currency: Code = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    form: AsForm = Form.JSON,
) -> Response:
    """What was ordered, reserved, shipped and cancelled; `until` is exclusive."""
    pool = context_of(request).services.pool
    conditions = DemandFilter(since, until, currency)

    async def fetch(rows: int, after: str | None) -> Page[Any]:
        return await top_products(pool, by, conditions, limit=rows, cursor=after)

    return await list_answer(request, fetch, ProductDemand, limit, cursor, form)


@dataclass(frozen=True, slots=True)
class CustomerAnswer:
    """A customer's totals by currency, and a page of orders."""

    customer_id: str
    totals: list[CustomerTotals]
    orders: Page[CustomerOrder]


@router.get(
    "/customers/{customer_id}",
    operation_id="get_customer",
    name="get_customer",
    summary="Show a customer's orders and totals",
    responses=answers(CustomerAnswer) | not_shown_yet(),
)
async def customer(
    request: Request,
    customer_id: CustomerPath,
    caller: Caller,  # noqa: ARG001  it authorises
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Empty for a customer without orders."""
    services = context_of(request).services
    pool, histories = services.pool, services.histories
    after = cursor_of(histories, cursor)
    page = await list_customer_orders(pool, customer_id, limit=limit, cursor=after)
    totals = await customer_totals(pool, customer_id)
    return json_answer(CustomerAnswer(customer_id, totals, in_history(histories, page)))


@router.get(
    "/audit",
    operation_id="list_audit",
    name="list_audit",
    summary="List who did what, oldest first",
    responses=list_answers(AuditRow),
)
async def audit(
    request: Request,
    caller: Caller,  # noqa: ARG001  it authorises
    order_id: OfOrder = None,
    actor: Word = None,
    event_type: Word = None,
    since: Moment = None,
    until: Moment = None,
    limit: Limit = 100,
    cursor: Cursor = None,
    form: AsForm = Form.JSON,
) -> Response:
    """Every event with who, what, why and what caused it."""
    pool = context_of(request).services.pool
    conditions = AuditFilter(
        actor=actor,
        event_type=event_type,
        streams=of_order(order_id).streams if order_id else None,
        since=moment(since, "since"),
        until=moment(until, "until"),
    )

    async def fetch(rows: int, after: str | None) -> Page[Any]:
        return await list_audit(pool, conditions, limit=rows, cursor=after)

    return await list_answer(request, fetch, AuditRow, limit, cursor, form)


@router.get(
    "/audit/refusals",
    operation_id="list_refusals",
    name="list_refusals",
    summary="List what tokens were refused, latest first",
    responses=list_answers(Refusal),
)
async def refusals(
    request: Request,
    caller: Caller,  # noqa: ARG001  it authorises
    limit: Limit = 50,
    cursor: Cursor = None,
    form: AsForm = Form.JSON,
) -> Response:
    """Requests that a token had no right to."""
    pool = context_of(request).services.pool

    async def fetch(rows: int, after: str | None) -> Page[Any]:
        return await list_refusals(pool, limit=rows, cursor=after)

    return await list_answer(request, fetch, Refusal, limit, cursor, form)
