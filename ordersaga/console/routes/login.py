"""Logging in with the issuer: to it and back."""

import re
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from ordersaga.access.oidc.errors import NotAdmitted, TokenRefused
from ordersaga.access.oidc.login import Login
from ordersaga.api.authentication import count, not_admitted
from ordersaga.api.context import context_of
from ordersaga.api.problems import NOT_FOUND, Problem
from ordersaga.console.pages import HEADERS, NO_STORE, PageRoute, see_other
from ordersaga.console.sessions import attempt_of, begin_session, end_attempt, keep_attempt
from ordersaga.console.signing_in import own_page, sign_in_form

LONGEST_PATH: Final = 2000
_LONGEST_ANSWER: Final = 4000
_ERROR: Final = re.compile(r"[a-z_]{1,60}", re.ASCII)
_ANOTHER_LOGIN: Final = "The answer is not the one to a login that this browser began. Begin again."


class AnswerRoute(PageRoute):
    """Takes what an issuer sends; RFC 6749 has clients ignore what they do not know."""

    takes_unknown = True


router: Final = APIRouter(route_class=PageRoute)
answers: Final = APIRouter(route_class=AnswerRoute)

Answer = Annotated[str, Query(max_length=_LONGEST_ANSWER)]


@router.get("/sign-in/begin", name="begin_login")
async def begin_login(
    request: Request,
    next_page: Annotated[str, Query(alias="next", max_length=LONGEST_PATH)] = "/",
) -> Response:
    """Send the browser to the issuer, which asks the person who they are."""
    attempt, address = await _login(request).begin(own_page(next_page))
    response = RedirectResponse(address, 303, HEADERS | NO_STORE)
    keep_attempt(request, response, attempt)
    return response


@answers.get("/sign-in/return", name="finish_login")
async def finish_login(
    request: Request,
    code: Answer = "",
    state: Answer = "",
    error: Answer = "",
    iss: Answer = "",
) -> Response:
    """The browser comes back from the issuer: begin a session."""
    login, attempt = _login(request), attempt_of(request)
    if attempt is None or not attempt.fits(state) or iss not in ("", login.issuer_url):
        return _failed(request, "/", _ANOTHER_LOGIN, 400)
    if error or not code:
        named = error if _ERROR.fullmatch(error) else "no code"
        return _failed(request, attempt.next_page, f"{login.label} answered: {named}.", 401)
    try:
        session = await login.finish(attempt, code)
    except TokenRefused as refusal:
        return _failed(request, attempt.next_page, f"{login.label}: {refusal}.", 401)
    except NotAdmitted as refusal:
        context = context_of(request)
        count(context, refusal.token_id)
        raise await not_admitted(context, refusal, "sign_in") from None
    response = see_other(own_page(attempt.next_page))
    begin_session(request, response, session)
    end_attempt(response)
    return response


def _login(request: Request) -> Login:
    login = context_of(request).login
    if login is None:
        raise Problem(NOT_FOUND)
    return login


def _failed(request: Request, next_page: str, problem: str, status: int) -> Response:
    response = sign_in_form(request, own_page(next_page), problem=problem, status=status)
    end_attempt(response)
    return response
