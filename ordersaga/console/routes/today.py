"""The front page: what came in, went out, waits and was paid, today."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from ordersaga.console.pages import PageRoute, page
from ordersaga.console.sessions import AnyViewer

router: Final = APIRouter(route_class=PageRoute)


@router.get("/", name="today")
async def today(
    request: Request,
    viewer: AnyViewer,  # noqa: ARG001  it admits
) -> Response:
    """Everybody who is signed in sees it; each part only with the right to it."""
    return await page(request, "today.html")
