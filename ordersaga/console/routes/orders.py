"""Lists of orders, and the search."""

import secrets
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from domain.order.status import OrderStatus
from domain.values import Reason
from ordersaga.api.answers import Cursor, Form, list_answer
from ordersaga.api.context import context_of
from ordersaga.api.parameters import Word
from ordersaga.console.acts import one
from ordersaga.console.filters import Filters
from ordersaga.console.pages import PageRoute, page, see_other
from ordersaga.console.routes.jobs import acts_together
from ordersaga.console.sessions import CurrentViewer, keep_preference, read_form
from ordersaga.console.views import USUAL, VIEWS, View, cookie_of, kept_views, normal, with_view
from ordersaga.operations.order_lists import ListedOrder, list_with_statuses
from ordersaga.operations.search.search import search
from ordersaga.operations.statuses import FulfilmentProgress, PaymentProgress, ReturnProgress
from projections.paging import Page
from projections.read_models.current_orders.model import OrderSort

router: Final = APIRouter(route_class=PageRoute)

ROWS: Final = 50
Asked = Annotated[Filters, Depends()]


@router.get("/orders", name="list_orders")
async def orders(
    request: Request,
    viewer: CurrentViewer,
    filters: Asked,
    cursor: Cursor = None,
) -> Response:
    """Orders by what the address says, so that it can be kept and shared."""
    pool = context_of(request).services.pool
    rows = await list_with_statuses(pool, filters.query(viewer.zone), ROWS, cursor)
    return await page(
        request,
        "orders.html",
        rows=rows,
        statuses=list(OrderStatus),
        payments=list(PaymentProgress),
        fulfilments=list(FulfilmentProgress),
        return_states=list(ReturnProgress),
        all_reasons=list(Reason),
        sorts=list(OrderSort),
        is_filtered=filters != Filters(),
        acts=acts_together(viewer) if viewer.may("start_job") else [],
        key=secrets.token_hex(16),
        usual=USUAL,
        kept=kept_views(request),
        chosen=normal(request.url.query),
    )


@router.post("/views", name="list_orders")
async def keep_view(request: Request, viewer: CurrentViewer) -> Response:
    """Keep the filters of the list under a name, in this browser; an empty one is forgotten."""
    form = await read_form(request, viewer)
    name, query = one(form, "name"), normal(one(form, "query"))
    views = kept_views(request)
    if one(form, "forget"):
        views = [each for each in views if each.query != query]
    elif name:
        views = with_view(views, View(name, query))
    response = see_other("/orders", **dict(parse_qsl(query)))
    keep_preference(request, response, VIEWS, cookie_of(views))
    return response


@router.get("/orders.csv", name="list_orders")
async def orders_csv(
    request: Request,
    viewer: CurrentViewer,
    filters: Asked,
) -> Response:
    """The same orders, all of them, for a spreadsheet."""
    query, pool = filters.query(viewer.zone), context_of(request).services.pool

    async def fetch(limit: int, after: str | None) -> Page[Any]:
        return await list_with_statuses(pool, query, limit, after)

    response = await list_answer(request, fetch, ListedOrder, ROWS, None, Form.CSV)
    response.headers["Content-Disposition"] = 'attachment; filename="orders.csv"'
    return response


@router.get("/search", name="search")
async def find(
    request: Request,
    viewer: CurrentViewer,  # noqa: ARG001  it admits
    q: Word = None,
) -> Response:
    """What a text names; a single order is opened at once."""
    if q is None:
        return see_other("/orders")
    matches = await search(context_of(request).services.pool, q)
    whole = {match.order_id for match in matches.matches if match.value == q.strip()}
    if len(whole) == 1 and (only := whole.pop()) is not None and len(matches.orders) == 1:
        return see_other(f"/orders/{only}")
    return await page(request, "search.html", q=q, matches=matches.matches, orders=matches.orders)
