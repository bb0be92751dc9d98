"""Who looks: a session is a token of the API, or an ID token, in a cookie of the console alone.

A token that is revoked or expires ends its sessions; a process keeps none. The cookie is sent to
the pages of the console only, so no other page can make a browser act through the API.
"""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from fastapi import Depends, Request
from fastapi.responses import Response

from ordersaga.access.oidc.login import Attempt
from ordersaga.access.tokens import Token
from ordersaga.api.authentication import admit, count
from ordersaga.api.context import context_of
from ordersaga.api.problems import BAD_REQUEST, UNAUTHENTICATED, Problem
from ordersaga.api.rights import RIGHTS
from ordersaga.console.address import ROOT

SESSION: Final = "ordersaga_session"
ZONE: Final = "ordersaga_zone"
THEME: Final = "ordersaga_theme"
THEMES: Final = ("auto", "light", "dark")
CSRF: Final = "csrf"
LASTS_S: Final = 12 * 3600
"""How long a browser keeps a session."""

LOGIN: Final = "ordersaga_login"
LOGIN_WITHIN_S: Final = 900
"""How long a person may take at the issuer."""

_FOR_US_ALONE: Final = frozenset({SESSION, LOGIN})
_PREFERENCES_LAST_S: Final = 365 * 86_400
_MOST_FIELDS: Final = 500
_ZONE_FORM: Final = re.compile(r"[A-Za-z0-9_+-]{1,30}(/[A-Za-z0-9_+-]{1,30}){0,2}", re.ASCII)
_UTC: Final = "UTC"
_OWN: Final = ("same-origin", "none")


@dataclass(frozen=True, slots=True)
class Viewer:
    """Whoever looks at a page.

    Attributes:
        session: the text of the token, ours or the issuer's ID token.
        zone: in which times are shown.
        theme: auto, light or dark.
    """

    token: Token
    session: str
    zone: ZoneInfo
    theme: str

    def may(self, operation: str) -> bool:
        """Whether the token has the right to an operation of the API."""
        return RIGHTS[operation].problem(self.token) is None

    def csrf(self) -> str:
        """A mark for a form, another one each time."""
        salt = secrets.token_hex(8)
        return f"{salt}.{_mark(self.session, salt)}"


def _mark(session: str, salt: str) -> str:
    return hmac.new(session.encode(), f"{CSRF} {salt}".encode(), hashlib.sha256).hexdigest()


async def current_viewer(request: Request) -> Viewer:
    """Whoever sent a request, if the page is for them; its route is named after its operation.

    Raises:
        Problem: unauthenticated, rate_limited or forbidden.
    """
    viewer = await any_viewer(request)
    await admit(context_of(request), viewer.token, str(request.scope["route"].name))
    return viewer


async def any_viewer(request: Request) -> Viewer:
    """Whoever sent a request, whatever they may do.

    Raises:
        Problem: unauthenticated or rate_limited.
    """
    context = context_of(request)
    session = request.cookies.get(SESSION, "")
    token = await context.sessions.accepted(session) if session else None
    if token is None:
        raise Problem(UNAUTHENTICATED)
    request.state.actor = token.subject
    count(context, token.id)
    viewer = Viewer(token, session, zone_of(request), theme_of(request))
    request.state.viewer = viewer
    return viewer


CurrentViewer = Annotated[Viewer, Depends(current_viewer)]
"""Whoever sent a request, with a right to the operation that the route is named after."""

AnyViewer = Annotated[Viewer, Depends(any_viewer)]
"""Whoever sent a request and is signed in."""


# --- forms ---------------------------------------------------------------------------------------


async def read_form(request: Request, viewer: Viewer | None) -> dict[str, list[str]]:
    """The fields of a form that one of our own pages sent.

    Args:
        request: the request.
        viewer: whose form it is; None: of the page that signs in.

    Raises:
        Problem: it comes from another page, or it is no form.
    """
    _require_own_page(request)
    try:
        text = (await request.body()).decode()
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise Problem(BAD_REQUEST, "the form cannot be read") from None
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value.replace("\r\n", "\n").strip())
    if viewer is not None:
        _require_mark(viewer, fields.pop(CSRF, [""])[0])
    return fields


def _require_own_page(request: Request) -> None:
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    same = origin is None or origin.partition("://")[2] == request.headers.get("host")
    if not same or (site is not None and site not in _OWN):
        raise Problem(BAD_REQUEST, "the form was sent by a page of another site")


def _require_mark(viewer: Viewer, text: str) -> None:
    salt, _, mark = text.partition(".")
    if not hmac.compare_digest(mark.encode(), _mark(viewer.session, salt).encode()):
        raise Problem(BAD_REQUEST, "the form is of another session: open the page again")


# --- cookies -------------------------------------------------------------------------------------


def begin_session(request: Request, response: Response, session: str) -> None:
    """Let the browser keep a session."""
    _set(request, response, SESSION, session, LASTS_S)


def keep_attempt(request: Request, response: Response, attempt: Attempt) -> None:
    """Let the browser keep that it began to log in with the issuer."""
    _set(request, response, LOGIN, attempt.cookie(), LOGIN_WITHIN_S)


def attempt_of(request: Request) -> Attempt | None:
    """What the browser began; None: nothing, or it took too long."""
    return Attempt.of_cookie(request.cookies.get(LOGIN, ""))


def end_attempt(response: Response) -> None:
    """Let the browser forget that it began: an answer is taken once."""
    response.delete_cookie(LOGIN, path=ROOT)


def end_session(response: Response) -> None:
    """Let the browser forget the session."""
    response.delete_cookie(SESSION, path=ROOT)


def keep_preference(request: Request, response: Response, name: str, value: str) -> None:
    """Let the browser keep a zone or a theme."""
    _set(request, response, name, value, _PREFERENCES_LAST_S)


def _set(request: Request, response: Response, name: str, value: str, lasts_s: int) -> None:
    forwarded = request.headers.get("x-forwarded-proto", request.url.scheme)
    is_secure = "https" in (request.url.scheme, forwarded)
    response.set_cookie(
        name,
        value,
        max_age=lasts_s,
        path=ROOT,
        secure=is_secure,
        httponly=name in _FOR_US_ALONE,
        samesite="lax",
    )


def zone_of(request: Request) -> ZoneInfo:
    """The reader's time zone; UTC until the browser has said one."""
    name = request.cookies.get(ZONE, _UTC).replace("%2F", "/")
    try:
        return ZoneInfo(name if _ZONE_FORM.fullmatch(name) else _UTC)
    except (OSError, ValueError, LookupError):  # there is no such zone
        return ZoneInfo(_UTC)


def theme_of(request: Request) -> str:
    """The theme that the reader has chosen."""
    theme = request.cookies.get(THEME, THEMES[0])
    return theme if theme in THEMES else THEMES[0]
