"""Stock: levels, and one product with who holds it, who waits, and what moved."""

from itertools import islice
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from activities.aggregates import STOCK
from domain.ids import Sku, stock_stream
from ordersaga.api.answers import Cursor
from ordersaga.api.context import context_of
from ordersaga.api.parameters import SkuPath
from ordersaga.console.pages import PageRoute, page
from ordersaga.console.sessions import CurrentViewer
from ordersaga.operations.orders import OrdersService
from projections.read_models.descriptions import describe_event
from projections.read_models.stock_levels.model import list_stock

router: Final = APIRouter(route_class=PageRoute)

ROWS: Final = 50
MOVEMENTS: Final = 60
HOLDERS: Final = 50


@router.get("/stock", name="list_stock")
async def levels(
    request: Request,
    viewer: CurrentViewer,  # noqa: ARG001  it admits
    below: Annotated[int | None, Query(ge=-(2**31), le=2**31 - 1)] = None,
    cursor: Cursor = None,
) -> Response:
    """All products, or those of which few pieces are left, scarcest first."""
    pool = context_of(request).services.pool
    rows = await list_stock(pool, available_below=below, limit=ROWS, cursor=cursor)
    return await page(request, "stock.html", rows=rows)


@router.get("/stock/{sku}", name="get_stock")
async def product(
    request: Request,
    sku: SkuPath,
    viewer: CurrentViewer,  # noqa: ARG001  it admits
) -> Response:
    """From the event store: what is there, reserved by whom, waited for, and moved last."""
    services = context_of(request).services
    shown = await OrdersService.of(services).show_stock(sku)
    state = await STOCK.stream(Sku(sku)).load(services.handler)
    events = await services.redacted_store.read_stream(
        stock_stream(Sku(sku)), backward=True, limit=MOVEMENTS
    )
    movements = [(event, describe_event(services.codec.decode(event))) for event in events]
    holders = list(islice(state.reservations.items(), HOLDERS))
    return await page(
        request,
        "product.html",
        stock=shown,
        holders=holders,
        orders_holding=len(state.reservations),
        movements=movements,
    )
