"""The page that signs in, and where it leads."""

from fastapi import Request
from fastapi.responses import Response

from ordersaga.api.context import context_of
from ordersaga.console.pages import bare_page


def sign_in_form(
    request: Request, next_page: str, *, token: str = "", problem: str = "", status: int = 200
) -> Response:
    """The form that asks for a token, and the button that logs in with the issuer.

    Args:
        request: the request.
        next_page: where it leads.
        token: is filled in already.
        problem: why the last attempt failed.
        status: of HTTP.
    """
    login = context_of(request).login
    values = {"next_page": next_page, "token": token, "problem": problem}
    label = login.label if login else None
    return bare_page(request, "sign_in.html", status=status, label=label, **values)


def own_page(path: str) -> str:
    """A page of the console; anything else, such as the address of another site, is its first."""
    is_own = path.startswith("/") and not path.startswith("//") and "\\" not in path
    return path if is_own and path.isprintable() else "/"
