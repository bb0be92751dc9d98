"""The application: its routes, its errors, and its OpenAPI document."""

from importlib.metadata import version
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import Response
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from ordersaga.api.acting import OPERATIONS
from ordersaga.api.documentation import definitions_of, settle_parameters
from ordersaga.api.failures import problem_of
from ordersaga.api.problems import problem_schema
from ordersaga.api.rights import RIGHTS
from ordersaga.api.routes import (
    actions,
    jobs,
    lists,
    live,
    notes,
    orders,
    payments,
    recovering,
    repairing,
    resending,
    returning,
    search,
    stock,
    system,
)
from ordersaga.api.routes.stock import AdjustBody, ReceiveBody
from workflows.documents.order import OrderDocumentModel

_ROUTERS: Final = (
    orders.router,
    actions.router,
    notes.router,
    recovering.router,
    returning.router,
    jobs.router,
    stock.router,
    lists.router,
    payments.router,
    search.router,
    live.router,
    system.router,
    resending.router,
    repairing.router,
)
_BODIES: Final[tuple[type[BaseModel], ...]] = (
    OrderDocumentModel,
    notes.NoteBody,
    recovering.RecoverBody,
    jobs.JobBody,
    resending.ResendBody,
    repairing.RebuildBody,
    repairing.ReplayBody,
    ReceiveBody,
    AdjustBody,
    returning.OpenReturnBody,
    returning.ScanBody,
    *(act.body for act in (*returning.ON_RETURNS, *returning.ON_PARCELS)),
    *(operation.body for operation in OPERATIONS),
)
_DESCRIPTION: Final = """\
Every request needs a bearer token (`ordersaga token create`). Every write needs an
`Idempotency-Key`: the same request again gets the first answer, the same key with anything else is
refused. Errors are problem details (RFC 9457) from one list: see docs/errors.md.
"""


class UnknownOperation(Exception):
    """A route has no entry in the table of rights, or an entry has no route."""


def build_app() -> FastAPI:
    """The API; `app.state.context` must be set before it takes a request.

    Raises:
        UnknownOperation: the table of rights does not fit the routes.
    """
    app = FastAPI(
        title="ordersaga",
        version=version("ordersaga"),
        description=_DESCRIPTION,
        docs_url=None,  # both pages load scripts of other hosts
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
    )
    for router in _ROUTERS:
        app.include_router(router)
    app.add_exception_handler(HTTPException, _answer)
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]  # as FastAPI documents it
    _check_rights()
    return app


async def _answer(_request: Request, error: Exception) -> Response:
    return problem_of(error).response()


def operations() -> dict[str, APIRoute]:
    """Every operation by its id."""
    routes = [route for router in _ROUTERS for route in router.routes]
    return {route.name: route for route in routes if isinstance(route, APIRoute)}


def _check_rights() -> None:
    difference = operations().keys() ^ RIGHTS.keys()
    if difference:
        raise UnknownOperation(", ".join(sorted(difference)))


def _document(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            openapi_version="3.1.0",
            description=app.description,
            routes=app.routes,
        )
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas["Problem"] = problem_schema()
        for body in _BODIES:
            schemas.update(definitions_of(body))
        settle_parameters(document)
        for name, route in operations().items():
            _describe_right(document, route, name)
        app.openapi_schema = document
    return app.openapi_schema


def _describe_right(document: dict[str, Any], route: APIRoute, name: str) -> None:
    right = RIGHTS[name]
    roles = ", ".join(sorted(right.roles))
    for method in route.methods or ():
        operation = document["paths"][route.path][method.lower()]
        text = operation.get("description", route.summary)
        operation["description"] = f"{text}\n\nRoles: {roles}. Scope: `{right.scope}`."
