"""Signing in and out, what the reader prefers, and the static files."""

import mimetypes
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from ordersaga.api.context import context_of
from ordersaga.api.failures import invalid
from ordersaga.api.problems import NOT_FOUND, Problem
from ordersaga.console.pages import HEADERS, PageRoute, asset, see_other
from ordersaga.console.routes.login import LONGEST_PATH
from ordersaga.console.sessions import (
    THEME,
    THEMES,
    ZONE,
    AnyViewer,
    begin_session,
    end_session,
    keep_preference,
    read_form,
)
from ordersaga.console.signing_in import own_page, sign_in_form

router: Final = APIRouter(route_class=PageRoute)

STATIC: Final = frozenset({"console.css", "console.js", "icon.svg"})
_FOR_EVER: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
_LONGEST: Final = 200
_UNKNOWN: Final = (
    "This token is not accepted. It is unknown, expired or revoked. Ask whoever runs the "
    "installation for a new one."
)


@router.get("/sign-in", name="sign_in")
async def sign_in_page(
    request: Request,
    next_page: Annotated[str, Query(alias="next", max_length=LONGEST_PATH)] = "/",
    token: Annotated[str, Query(max_length=_LONGEST)] = "",
) -> Response:
    """The form that asks for a token; the address that `ordersaga up` prints has filled it in."""
    return sign_in_form(request, own_page(next_page), token=token)


@router.post("/sign-in", name="sign_in")
async def sign_in(request: Request) -> Response:
    """Begin a session."""
    form = await read_form(request, None)
    text = form.get("token", [""])[0]
    next_page = own_page(form.get("next", ["/"])[0])
    if len(text) > _LONGEST or await context_of(request).sessions.accepted(text) is None:
        return sign_in_form(request, next_page, problem=_UNKNOWN, status=401)
    response = see_other(next_page)
    begin_session(request, response, text)
    return response


@router.post("/sign-out", name="sign_out")
async def sign_out(request: Request, viewer: AnyViewer) -> Response:
    """End the session in this browser."""
    await read_form(request, viewer)
    response = see_other("/sign-in")
    end_session(response)
    return response


@router.post("/preferences", name="preferences")
async def preferences(request: Request, viewer: AnyViewer) -> Response:
    """Keep the theme and the time zone that the reader wants."""
    form = await read_form(request, viewer)
    response = see_other(own_page(form.get("next", ["/"])[0]))
    if theme := form.get("theme", [""])[0]:
        if theme not in THEMES:
            raise invalid("theme", f"must be one of {', '.join(THEMES)}")
        keep_preference(request, response, THEME, theme)
    if zone := form.get("zone", [""])[0]:
        keep_preference(request, response, ZONE, _zone(zone))
    return response


@router.get("/static/{name}", name="static")
async def static(name: str, v: str = "") -> Response:  # noqa: ARG001  a new address for new content
    """A static file, kept by browsers until its content changes."""
    if name not in STATIC:
        raise Problem(NOT_FOUND)
    kind = mimetypes.guess_type(name)[0] or "text/javascript"
    return Response(asset(name), media_type=kind, headers=HEADERS | _FOR_EVER)


def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (OSError, ValueError, LookupError):
        raise invalid("zone", "is no time zone of the IANA database") from None
