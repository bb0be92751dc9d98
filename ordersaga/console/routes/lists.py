"""Lists beside orders: returns, parcels, customers, the audit trail."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from ordersaga.access.refusals import list_refusals
from ordersaga.api.answers import Cursor, Form, list_answer
from ordersaga.api.context import context_of
from ordersaga.api.parameters import CustomerPath, OfOrder, Word
from ordersaga.console.pages import PageRoute, page
from ordersaga.console.sessions import CurrentViewer
from projections.paging import Page
from projections.read_models.audit_log.model import AuditFilter, AuditRow, list_audit, of_order
from projections.read_models.customer_orders.model import customer_totals, list_customer_orders
from projections.read_models.parcels.model import list_parcels
from projections.read_models.returns.model import list_returns

router: Final = APIRouter(route_class=PageRoute)

ROWS: Final = 50
Only = Annotated[bool, Query(description="Only those.")]


@router.get("/returns", name="list_returns")
async def returns(
    request: Request,
    viewer: CurrentViewer,  # noqa: ARG001  it admits
    open_only: Only = False,
    needs_attention: Only = False,
    cursor: Cursor = None,
) -> Response:
    """Returns, the latest changed first."""
    rows = await list_returns(
        context_of(request).services.pool,
        open_only=open_only,
        needs_attention=needs_attention or None,
        limit=ROWS,
        cursor=cursor,
    )
    return await page(request, "returns.html", rows=rows)


@router.get("/parcels", name="list_parcels")
async def parcels(
    request: Request,
    viewer: CurrentViewer,  # noqa: ARG001  it admits
    status: Word = None,
    needs_attention: Only = False,
    cursor: Cursor = None,
) -> Response:
    """Parcels, the latest changed first."""
    rows = await list_parcels(
        context_of(request).services.pool,
        status=status,
        needs_attention=needs_attention or None,
        limit=ROWS,
        cursor=cursor,
    )
    return await page(request, "parcels.html", rows=rows)


@router.get("/customers/{customer_id}", name="get_customer")
async def customer(
    request: Request,
    customer_id: CustomerPath,
    viewer: CurrentViewer,  # noqa: ARG001  it admits
    cursor: Cursor = None,
) -> Response:
    """A customer's orders and what came of them."""
    pool = context_of(request).services.pool
    rows = await list_customer_orders(pool, customer_id, limit=ROWS, cursor=cursor)
    totals = await customer_totals(pool, customer_id)
    return await page(request, "customer.html", customer_id=customer_id, totals=totals, rows=rows)


# --- audit ---------------------------------------------------------------------------------------


def _audit_filter(order_id: Any, actor: str | None, event_type: str | None) -> AuditFilter:
    streams = of_order(order_id).streams if order_id else None
    return AuditFilter(actor=actor, event_type=event_type, streams=streams)


@router.get("/audit", name="list_audit")
async def audit(
    request: Request,
    viewer: CurrentViewer,
    order_id: OfOrder = None,
    actor: Word = None,
    event_type: Word = None,
    cursor: Cursor = None,
) -> Response:
    """Who did what, to what, with what, and why."""
    pool = context_of(request).services.pool
    conditions = _audit_filter(order_id, actor, event_type)
    rows = await list_audit(pool, conditions, limit=ROWS, cursor=cursor)
    refusals = await list_refusals(pool, limit=ROWS) if viewer.may("list_refusals") else None
    return await page(request, "audit.html", rows=rows, refusals=refusals)


@router.get("/audit.csv", name="list_audit")
async def audit_csv(
    request: Request,
    viewer: CurrentViewer,  # noqa: ARG001  it admits
    order_id: OfOrder = None,
    actor: Word = None,
    event_type: Word = None,
) -> Response:
    """The same, all of it, for a spreadsheet."""
    pool = context_of(request).services.pool
    conditions = _audit_filter(order_id, actor, event_type)

    async def fetch(limit: int, after: str | None) -> Page[Any]:
        return await list_audit(pool, conditions, limit=limit, cursor=after)

    response = await list_answer(request, fetch, AuditRow, ROWS, None, Form.CSV)
    response.headers["Content-Disposition"] = 'attachment; filename="audit.csv"'
    return response
