"""Maps everything that a command can raise to a message and an exit code.

Messages never hold passwords or personal data: texts of other libraries are shown only where they
are known to be safe. Large libraries are not imported here, so that quick refusals stay quick:
the error cannot come from a library that is not loaded.
"""

import json
import os
import sys
import traceback
from collections.abc import Sequence
from socket import gaierror
from typing import Any, Final, NamedTuple

from domain import faults
from domain.faults import Fault
from ordersaga.bootstrap.database_problems import is_of_the_driver, problem_of
from ordersaga.errors import (
    BROKEN_PIPE,
    INTERNAL_ERROR,
    INTERRUPTED,
    REFUSED,
    UNREACHABLE,
    WRONG_USAGE,
    OrderSagaError,
)

MIGRATE_HINT = "the database has no schema or an outdated one: run `ordersaga migrate`"
TEMPORAL_HINT = "Temporal does not answer: check TEMPORAL_ADDRESS or run `ordersaga up`"
ALREADY_STARTED = "the saga {.workflow_id} exists already"
PROVIDER_HINT = "the payment provider or carrier does not answer: check ORDERSAGA_PAYMENT_URL"


class Failure(NamedTuple):
    """How a command ends; an empty message prints nothing."""

    code: int
    message: str


RULES: Final[Sequence[tuple[str, str, int, str | None]]] = (
    ("domain.errors", "DomainError", REFUSED, None),
    ("ordersaga.bootstrap.stack_state", "AlreadyRunning", REFUSED, None),
    ("ordersaga.embedded.ports", "PortTaken", REFUSED, None),
    ("ordersaga.embedded.processes", "ProcessFailed", UNREACHABLE, None),
    ("ordersaga.embedded.postgres", "PostgresFailedError", UNREACHABLE, None),
    ("builtins", "BrokenPipeError", BROKEN_PIPE, ""),
    ("builtins", "KeyboardInterrupt", INTERRUPTED, "interrupted"),
    ("asyncio", "CancelledError", INTERRUPTED, "interrupted"),
    ("eventstore.errors", "SchemaMissing", UNREACHABLE, MIGRATE_HINT),
    ("eventstore.errors", "NotAllowed", REFUSED, None),
    ("eventstore.errors", "EventStoreError", REFUSED, None),
    ("projections.errors", "NotInstalled", UNREACHABLE, MIGRATE_HINT),
    ("projections.errors", "UnknownProjection", WRONG_USAGE, None),
    ("projections.errors", "ProjectionError", REFUSED, None),
    ("activities.ports", "GatewayRejected", REFUSED, None),
    ("activities.ports", "GatewayRefusedAccess", REFUSED, None),
    ("activities.ports", "GatewayError", UNREACHABLE, f"{PROVIDER_HINT} ({{}})"),
    ("temporalio.exceptions", "WorkflowAlreadyStartedError", REFUSED, ALREADY_STARTED),
    ("temporalio.client", "WorkflowFailureError", REFUSED, "{.cause}"),
    ("temporalio.client", "WorkflowUpdateFailedError", REFUSED, "{.cause}"),
    ("temporalio.client", "WorkflowQueryFailedError", REFUSED, None),
    ("aiohttp", "ClientConnectionError", UNREACHABLE, PROVIDER_HINT),
    ("workflows.documents.validation", "InvalidDocument", REFUSED, None),
    ("ordersaga_client", "TemporalUnavailable", UNREACHABLE, None),
    ("ordersaga_client", "OrderSagaError", REFUSED, None),
)
"""Exception (module, name), exit code, message (None: its own text); the first match applies."""


FAULTS: Final[Sequence[tuple[str, str, Fault]]] = (
    ("domain.errors", "InvalidValue", faults.INVALID_DOCUMENT),
    ("domain.errors", "NotFound", faults.NOT_FOUND),
    ("workflows.documents.validation", "InvalidDocument", faults.INVALID_DOCUMENT),
    ("activities.orders.intake", "OrderConflict", faults.ORDER_CONFLICT),
    ("activities.ports", "GatewayError", faults.PROVIDER_AWAY),
    ("aiohttp", "ClientConnectionError", faults.PROVIDER_AWAY),
    ("temporalio.client", "WorkflowUpdateFailedError", faults.NOT_POSSIBLE),
)
"""Exception (module, name), and its entry in the one list of errors; the first match applies."""

_BY_EXIT: Final = {
    WRONG_USAGE: faults.WRONG_USAGE,
    UNREACHABLE: faults.UNREACHABLE,
    INTERNAL_ERROR: faults.INTERNAL,
    INTERRUPTED: faults.INTERRUPTED,
}


def fault_of(error: Any, failure: Failure) -> Fault:
    """The entry of an error in the one list."""
    if isinstance(error, OrderSagaError):
        return error.fault
    if _is(error, "ordersaga_client", "OrderSagaError"):
        return faults.BY_CODE[error.code]
    for module, name, fault in FAULTS:
        if _is(error, module, name):
            return fault
    if failure.message.startswith(TEMPORAL_HINT):
        return faults.TEMPORAL_AWAY
    if is_of_the_driver(error) or _is(error, "eventstore.errors", "StoreUnavailable"):
        return faults.STORE_AWAY
    return _BY_EXIT.get(failure.code, faults.REFUSED)


def error_line(error: BaseException, failure: Failure, *, as_json: bool) -> str:
    """The line on stderr: for people, or as JSON with the code of the one list."""
    if not as_json:
        return f"error: {failure.message}"
    fault = fault_of(error, failure)
    answer = {
        "code": fault.code,
        "message": failure.message,
        "repeat": fault.repeat,
        "advice": fault.advice,
    }
    return json.dumps({"error": answer}, ensure_ascii=False)


def explain(error: BaseException) -> Failure:
    """The exit code, and the line on stderr, for anything that ended a command."""
    if isinstance(error, OrderSagaError):
        return Failure(error.exit_code, str(error))
    if is_of_the_driver(error) or _is_unavailability(error):
        problem = problem_of(error)
        return Failure(problem.exit_code, problem.sentence())
    for module, name, code, message in RULES:
        if _is(error, module, name):
            return Failure(code, (message if message is not None else "{}").format(error))
    failure = _temporal(error)
    if failure is not None:
        return failure
    if isinstance(error, OSError):
        return _operating_system(error)
    if isinstance(error, BaseExceptionGroup):
        return explain(error.exceptions[0])
    return _internal(error)


def _is_unavailability(error: BaseException) -> bool:
    """Whether the store is away for a reason that does not have a text of its own."""
    own_text = any(
        _is(error, "eventstore.errors", name) for name in ("NotAllowed", "SchemaMissing")
    )
    return _is(error, "eventstore.errors", "StoreUnavailable") and not own_text


def _is(error: BaseException, module: str, name: str) -> bool:
    """Whether `error` is this exception of a module; False if the module is not loaded."""
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(error, getattr(loaded, name))


def _temporal(error: Any) -> Failure | None:
    if _is(error, "temporalio.service", "RPCError"):
        return _rpc(error)
    if isinstance(error, RuntimeError) and "client connect" in str(error):
        return Failure(UNREACHABLE, TEMPORAL_HINT)
    return None


def _rpc(error: Any) -> Failure:
    if error.status.name in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED"):
        return Failure(UNREACHABLE, TEMPORAL_HINT)
    if error.status.name in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
        return Failure(UNREACHABLE, f"Temporal refused the credentials: {error.message}")
    return Failure(REFUSED, f"Temporal: {error.message}")


def _operating_system(error: OSError) -> Failure:
    if error.filename is not None:
        return Failure(REFUSED, f"{error.strerror}: {error.filename}")
    # If a host has several addresses and none answers, the OSError has no number.
    if error.errno is None or isinstance(error, ConnectionError | TimeoutError | gaierror):
        return Failure(UNREACHABLE, f"a server does not answer ({type(error).__name__})")
    return Failure(REFUSED, str(error.strerror))


def _internal(error: BaseException) -> Failure:
    if os.environ.get("ORDERSAGA_LOG_LEVEL", "").lower() == "debug":
        traceback.print_exception(error)
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{frames[-1].name}, line {frames[-1].lineno}" if frames else "unknown place"
    return Failure(
        INTERNAL_ERROR,
        f"internal error: {type(error).__name__} in {place}; "
        "ORDERSAGA_LOG_LEVEL=debug shows the whole trace",
    )
