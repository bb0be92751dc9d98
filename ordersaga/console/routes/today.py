"""The front page: what came in, went out, waits and was paid, today."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ordersaga.api.context import context_of
from ordersaga.console.charts import share_bar
from ordersaga.console.pages import PageRoute, of_process, page
from ordersaga.console.sessions import AnyViewer
from ordersaga.console.today import hours_chart, load_today
from ordersaga.incidents.table import list_incidents
from ordersaga.operations.inbox.items import SHOWN, stored_items

router: Final = APIRouter(route_class=PageRoute)

_LASTS_S: Final = 5.0
_FIRST: Final = 6


@router.get("/", name="today")
async def today(request: Request, viewer: AnyViewer) -> Response:
    """Everybody who is signed in sees it; each part only with the right to it."""
    services = context_of(request).services
    day = await of_process(request, "today", load_today, _LASTS_S)
    waiting = await stored_items(services.pool) if viewer.may("get_inbox") else []
    failing = [each for each in await list_incidents(services.pool) if each.ended_at is None]
    return await page(
        request,
        "today.html",
        today=day,
        chart=hours_chart(day, viewer.zone),
        waiting=waiting[:_FIRST],
        waiting_count=len(waiting),
        has_more=len(waiting) >= SHOWN,
        failing=failing,
        share_bar=share_bar,
    )
