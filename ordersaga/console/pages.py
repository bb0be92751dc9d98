"""Pages: what all of them have, how they are sent, and what an error looks like."""

import asyncio
import hashlib
import importlib.resources
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl, quote, urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.routing import APIRoute
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from ordersaga.api.context import context_of
from ordersaga.api.documentation import require_known
from ordersaga.api.failures import problem_of
from ordersaga.api.problems import UNAUTHENTICATED
from ordersaga.bootstrap.wiring import Services
from ordersaga.console.address import ROOT
from ordersaga.console.formats import FILTERS, sentence
from ordersaga.console.lag import measure_lag
from ordersaga.console.remembered import Remembered
from ordersaga.console.sessions import Viewer, theme_of, zone_of
from ordersaga.console.words import REASONS, STEPS, event_meaning

T = TypeVar("T")

PAGE_WITHIN_S: Final = 25.0
"""How long a page may take; shorter than the limit of every answer, so that it ends as a page."""

LAG_LASTS_S: Final = 0.5
"""For so long all pages say the same of how far they are behind."""

HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
NO_STORE: Final = {"Cache-Control": "no-store"}
_PACKAGE: Final = "ordersaga.console"


@dataclass(frozen=True, slots=True)
class Link:
    """A page in the navigation; whoever has the right to the operation sees it."""

    path: str
    title: str
    operation: str | None
    icon: str


NAVIGATION: Final = (
    Link("/", "Today", None, "today"),
    Link("/inbox", "Inbox", "get_inbox", "inbox"),
    Link("/orders", "Orders", "list_orders", "orders"),
    Link("/jobs", "Jobs", "list_jobs", "jobs"),
    Link("/returns", "Returns", "list_returns", "returns"),
    Link("/parcels", "Parcels", "list_parcels", "parcels"),
    Link("/stock", "Stock", "list_stock", "stock"),
    Link("/money", "Money", "sum_payments", "money"),
    Link("/providers", "Providers", "list_providers", "providers"),
    Link("/projections", "Read models", "list_projections", "projections"),
    Link("/notifications", "Notifications", "list_notifications", "notifications"),
    Link("/audit", "Audit", "list_audit", "audit"),
)


@cache
def asset(name: str) -> bytes:
    """A static file."""
    return importlib.resources.files(_PACKAGE).joinpath("static", name).read_bytes()


@cache
def asset_url(name: str) -> str:
    """The address of a static file; it changes with its content."""
    return f"{ROOT}/static/{name}?v={hashlib.sha256(asset(name)).hexdigest()[:12]}"


@cache
def environment() -> Environment:
    """The templates."""
    templates = Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    templates.filters.update(FILTERS)
    templates.globals.update(
        asset_url=asset_url, root=ROOT, event_meaning=event_meaning, reasons=REASONS, steps=STEPS
    )
    return templates


async def of_process(
    request: Request, name: str, load: Callable[[Services], Awaitable[T]], lasts_s: float
) -> T:
    """A value that one request loads for all that the process answers in the next seconds."""
    remembered: Remembered[T] | None = getattr(request.app.state, name, None)
    if remembered is None:
        services = context_of(request).services
        remembered = Remembered(lambda: load(services), lasts_s)
        setattr(request.app.state, name, remembered)
    return await remembered.read()


async def page(
    request: Request, template: str, *, status: int = 200, **values: Any
) -> HTMLResponse:
    """A page for whoever is signed in; says how far it is behind the log."""
    viewer: Viewer = request.state.viewer
    common = {
        "viewer": viewer,
        "links": [
            each for each in NAVIGATION if each.operation is None or viewer.may(each.operation)
        ],
        "lag": await of_process(request, "lag", measure_lag, LAG_LASTS_S),
    }
    return _rendered(request, template, status, common | values)


def bare_page(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
    """A page for somebody who is not signed in, or while the database is away."""
    return _rendered(request, template, status, {"viewer": None, "lag": None} | values)


def _rendered(request: Request, template: str, status: int, values: dict[str, Any]) -> HTMLResponse:
    common = {
        "here": request.url.path.removeprefix(ROOT),
        "query": dict(request.query_params),
        "now": datetime.now(UTC),
        "zone": zone_of(request),
        "theme": theme_of(request),
        "with_query": lambda **changes: with_query(request, **changes),
    }
    text = environment().get_template(template).render(common | values)
    return HTMLResponse(text, status, HEADERS | NO_STORE)


def with_query(request: Request, **changes: Any) -> str:
    """The address of this page with other parameters; None removes one."""
    changed = {**request.query_params, **changes}
    query = {name: value for name, value in changed.items() if value not in (None, "", False)}
    return f"{request.url.path}?{urlencode(query)}" if query else request.url.path


def see_other(path: str, **query: str) -> RedirectResponse:
    """Send the browser to another page of the console."""
    target = f"{ROOT}{path}" + (f"?{urlencode(query)}" if query else "")
    return RedirectResponse(target, 303, HEADERS | NO_STORE)


# --- errors --------------------------------------------------------------------------------------


class PageRoute(APIRoute):
    """A route whose errors are pages, and whose empty fields of a form count as absent."""

    takes_unknown = False
    """Whether parameters that it does not read are let pass."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler of the page."""
        handle = super().get_route_handler()
        parameters = {
            each.alias
            for dependant in (self.dependant, *self.dependant.dependencies)
            for each in dependant.query_params
        }

        async def answer(request: Request) -> Response:
            try:
                drop_empty(request)
                if not self.takes_unknown:
                    require_known(request.query_params.multi_items(), parameters)
                async with asyncio.timeout(PAGE_WITHIN_S):
                    return await handle(request)
            except Exception as error:  # noqa: BLE001  whatever it is, the reader gets a page
                return await failure_page(request, error)

        return answer


def drop_empty(request: Request) -> None:
    """Forget the fields of a form that the reader left empty."""
    pairs = parse_qsl(request.scope["query_string"].decode("latin-1"))
    request.scope["query_string"] = urlencode(pairs).encode()


async def failure_page(request: Request, error: Exception) -> Response:
    """What happened and what to do, as a page."""
    problem = problem_of(error)
    if problem.type is UNAUTHENTICATED:
        return _sign_in(request)
    values = {"problem": problem, "title": sentence(problem.type.title)}
    try:
        if hasattr(request.state, "viewer"):
            response = await page(request, "problem.html", status=problem.type.status, **values)
        else:
            response = bare_page(request, "problem.html", status=problem.type.status, **values)
    except Exception as second:  # noqa: BLE001  without the database there is no lag to show
        values["problem"] = problem if problem.type.status >= 500 else problem_of(second)
        response = bare_page(request, "problem.html", status=problem.type.status, **values)
    response.headers.update(problem.headers)
    return response


def _sign_in(request: Request) -> Response:
    if request.method != "GET":
        return see_other("/sign-in")
    query = request.url.query
    here = request.url.path.removeprefix(ROOT) + (f"?{query}" if query else "")
    return RedirectResponse(f"{ROOT}/sign-in?next={quote(here, safe='')}", 303, HEADERS | NO_STORE)
