"""Maps everything that an operation can raise to a problem of the one list.

No text of an exception that is not ours reaches a client: it may hold personal data.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import ordersaga_client
import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from temporalio.service import RPCError, RPCStatusCode

from activities.orders.intake import OrderConflict
from activities.ports import GatewayError
from domain.errors import DomainError, InvalidValue, NotFound, RuleBroken
from domain.request.request import KEY_REUSED as KEY_REUSED_RULE
from eventstore.errors import EventStoreError, StoreUnavailable
from ordersaga.access.oidc.errors import IssuerUnavailable
from ordersaga.access.oidc.issuer import PAUSE_S
from ordersaga.api import problems
from ordersaga.api.problems import Problem
from ordersaga.daemons.outages import is_outage
from ordersaga.errors import OrderSagaError, Unreachable
from projections.errors import InvalidCursor, ProjectionError, describe
from workflows.documents.validation import FieldProblem, InvalidDocument

RETRY_AFTER: Final[Mapping[str, str]] = {"Retry-After": "2"}
_ISSUER_RETRY: Final[Mapping[str, str]] = {"Retry-After": f"{PAUSE_S:g}"}

_log = structlog.stdlib.get_logger("ordersaga.api")


def problem_of(error: Exception) -> Problem:
    """The problem that a client is told."""
    for kind, explain in _KINDS.items():
        if isinstance(error, kind):
            return explain(error)
    if is_outage(error):
        _log.warning("no answer", error=describe(error))
        return away(problems.STORE_AWAY)
    if isinstance(error, TimeoutError):
        return away(problems.TOO_LONG)
    _log.error("an unexpected error", error=describe(error))
    return away(problems.INTERNAL)


def away(kind: problems.ProblemType, detail: str = "") -> Problem:
    """Something that may be repeated after a pause."""
    return Problem(kind, detail, headers=RETRY_AFTER)


def invalid(field: str, problem: str) -> Problem:
    """One wrong field."""
    return Problem(problems.INVALID_DOCUMENT, errors=(FieldProblem(field, problem).to_json(),))


def _same(error: Problem) -> Problem:
    return error


def _document(error: InvalidDocument) -> Problem:
    return Problem(problems.INVALID_DOCUMENT, str(error), error.details)


def _parameters(error: RequestValidationError) -> Problem:
    wrong = tuple(
        FieldProblem(".".join(map(str, each["loc"][1:])), str(each["msg"]), each["type"]).to_json()
        for each in error.errors()
    )
    return Problem(problems.INVALID_DOCUMENT, errors=wrong[:20])


def _conflict(error: OrderConflict) -> Problem:
    wrong = tuple(FieldProblem(each, "differs", "same_order").to_json() for each in error.fields)
    return Problem(problems.ORDER_CONFLICT, str(error), wrong)


def _client(error: ordersaga_client.OrderSagaError) -> Problem:
    kind = problems.BY_CODE[error.code]
    if kind.repeat:
        return away(kind, str(error))
    wrong = error.details if isinstance(error, ordersaga_client.InvalidDocument) else ()
    return Problem(kind, str(error), wrong)


def _rule(error: RuleBroken) -> Problem:
    kind = problems.KEY_REUSED if error.rule == KEY_REUSED_RULE else problems.REFUSED
    return Problem(kind, str(error))


def _http(error: HTTPException) -> Problem:
    kinds = {404: problems.NOT_FOUND, 405: problems.METHOD_NOT_ALLOWED}
    return Problem(kinds.get(error.status_code, problems.BAD_REQUEST), headers=error.headers or {})


def _rpc(error: RPCError) -> Problem:
    if error.status is RPCStatusCode.NOT_FOUND:
        return Problem(problems.SAGA_UNKNOWN)
    if is_outage(error):
        return away(problems.TEMPORAL_AWAY)
    _log.error("Temporal refused a request", status=error.status.name)
    return away(problems.INTERNAL)


def _issuer(error: IssuerUnavailable) -> Problem:
    return Problem(problems.ISSUER_AWAY, str(error), headers=_ISSUER_RETRY)


def _store(error: EventStoreError) -> Problem:
    if isinstance(error, StoreUnavailable):
        return away(problems.STORE_AWAY)
    _log.error("the event store refused", error=describe(error))
    return away(problems.INTERNAL)


_KINDS: Final[Mapping[type[Exception], Callable[[Any], Problem]]] = {
    Problem: _same,
    InvalidDocument: _document,
    RequestValidationError: _parameters,
    ClientDisconnect: lambda _: Problem(problems.BAD_REQUEST, "the client has left"),
    HTTPException: _http,
    InvalidValue: lambda x: invalid(x.field, x.problem),
    NotFound: lambda x: Problem(problems.NOT_FOUND, str(x)),
    OrderConflict: _conflict,
    RuleBroken: _rule,
    DomainError: lambda x: Problem(problems.REFUSED, str(x)),
    InvalidCursor: lambda x: invalid("cursor", str(x)),
    ProjectionError: lambda x: away(problems.STORE_AWAY, str(x)),
    Unreachable: lambda x: away(problems.TEMPORAL_AWAY, str(x)),
    ordersaga_client.OrderSagaError: _client,
    OrderSagaError: lambda x: Problem(problems.REFUSED, str(x)),
    RPCError: _rpc,
    IssuerUnavailable: _issuer,
    GatewayError: lambda _: away(problems.PROVIDER_AWAY),
    EventStoreError: _store,
}
"""The first kind that fits explains an error; subclasses stand above their bases."""
