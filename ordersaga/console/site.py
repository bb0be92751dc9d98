"""The whole site: the API at its addresses, the console under /console, and / leads to it."""

from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import State
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware

from ordersaga.api.app import build_app
from ordersaga.console.address import ROOT
from ordersaga.console.pages import failure_page
from ordersaga.console.routes import (
    acting,
    changes,
    inbox,
    jobs,
    lists,
    login,
    money,
    order,
    orders,
    repairing,
    returning,
    session,
    stock,
    system,
    today,
)

_ROUTERS: Final = (
    session.router,
    login.router,
    login.answers,
    today.router,
    inbox.router,
    orders.router,
    order.router,
    acting.router,
    returning.router,
    jobs.router,
    lists.router,
    stock.router,
    money.router,
    system.router,
    repairing.router,
    changes.router,
)
_SMALLEST: Final = 1000


def build_site() -> FastAPI:
    """The API and the console; `app.state.context` must be set before it takes a request."""
    app = build_app()
    app.mount(ROOT, _console(app.state))
    app.add_route("/", _to_console, include_in_schema=False)
    return app


def _console(state: State) -> FastAPI:
    console = FastAPI(openapi_url=None, redirect_slashes=False)
    for router in _ROUTERS:
        console.include_router(router)
    console.add_exception_handler(HTTPException, failure_page)
    console.add_middleware(GZipMiddleware, minimum_size=_SMALLEST)
    console.state = state
    return console


async def _to_console(_request: Request) -> Response:
    return RedirectResponse(f"{ROOT}/", 303)
