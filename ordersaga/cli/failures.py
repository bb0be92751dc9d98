"""Maps everything that a command can raise to a message and an exit code.

Messages never hold passwords or personal data: texts of other libraries are shown only where they
are known to be safe. Large libraries are not imported here: one that is not loaded raised nothing,
and a quick refusal stays quick.
"""

import os
import sys
import traceback
from asyncio import CancelledError
from socket import gaierror
from typing import Any, NamedTuple

from activities.ports import GatewayError, GatewayRejected
from domain.errors import DomainError
from eventstore.errors import EventStoreError, SchemaMissing, StoreUnavailable
from ordersaga.errors import (
    BROKEN_PIPE,
    INTERNAL_ERROR,
    INTERRUPTED,
    REFUSED,
    UNREACHABLE,
    WRONG_USAGE,
    OrderSagaError,
)

MIGRATE_HINT = "the database schema is missing or outdated: run `ordersaga migrate`"
DATABASE_HINT = "the database does not answer: check ORDERSAGA_DATABASE_URL or run `ordersaga up`"
RIGHT_HINT = "use the login that runs `ordersaga migrate`"
TEMPORAL_HINT = "Temporal does not answer: check TEMPORAL_ADDRESS or run `ordersaga up`"
PROVIDER_HINT = "the payment provider or carrier does not answer: check ORDERSAGA_PAYMENT_URL"


class Failure(NamedTuple):
    """How a command ends; an empty message prints nothing."""

    code: int
    message: str


def explain(error: BaseException) -> Failure:
    """The exit code, and the line on stderr, for anything that ended a command."""
    for rule in (
        _ours,
        _embedded,
        _interrupts,
        _event_store,
        _projections,
        _postgres,
        _gateways,
        _temporal,
        _network,
    ):
        failure = rule(error)
        if failure is not None:
            return failure
    if isinstance(error, BaseExceptionGroup):
        return explain(error.exceptions[0])
    return _internal(error)


def _is(error: BaseException, module: str, *names: str) -> bool:
    """Whether `error` is one of these exceptions of a module; never, if that is not loaded."""
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(error, tuple(getattr(loaded, name) for name in names))


def _ours(error: BaseException) -> Failure | None:
    if isinstance(error, OrderSagaError):
        return Failure(error.exit_code, str(error))
    if isinstance(error, DomainError):
        return Failure(REFUSED, str(error))
    return None


def _embedded(error: BaseException) -> Failure | None:
    if _is(error, "ordersaga.bootstrap.stack_state", "AlreadyRunning") or _is(
        error, "ordersaga.embedded.ports", "PortTaken"
    ):
        return Failure(REFUSED, str(error))
    if _is(error, "ordersaga.embedded.processes", "ProcessFailed") or _is(
        error, "ordersaga.embedded.postgres", "PostgresFailedError"
    ):
        return Failure(UNREACHABLE, str(error))
    return None


def _interrupts(error: BaseException) -> Failure | None:
    if isinstance(error, BrokenPipeError):
        return Failure(BROKEN_PIPE, "")
    if isinstance(error, KeyboardInterrupt | CancelledError):
        return Failure(INTERRUPTED, "interrupted")
    return None


def _event_store(error: BaseException) -> Failure | None:
    if isinstance(error, SchemaMissing):
        return Failure(UNREACHABLE, MIGRATE_HINT)
    if isinstance(error, StoreUnavailable):
        return Failure(UNREACHABLE, DATABASE_HINT)
    if isinstance(error, EventStoreError):
        return Failure(REFUSED, str(error))
    return None


def _projections(error: BaseException) -> Failure | None:
    if _is(error, "projections.errors", "NotInstalled"):
        return Failure(UNREACHABLE, MIGRATE_HINT)
    if _is(error, "projections.errors", "UnknownProjection"):
        return Failure(WRONG_USAGE, str(error))
    if _is(error, "projections.errors", "ProjectionError"):
        return Failure(REFUSED, str(error))
    return None


def _postgres(error: BaseException) -> Failure | None:
    if _is(
        error,
        "asyncpg",
        "UndefinedTableError",
        "InvalidSchemaNameError",
        "UndefinedFunctionError",
        "UndefinedColumnError",
    ):
        return Failure(UNREACHABLE, MIGRATE_HINT)
    if _is(error, "asyncpg", "InvalidAuthorizationSpecificationError"):
        return Failure(UNREACHABLE, "the database refused the user or password of the settings")
    if _is(error, "asyncpg", "InvalidCatalogNameError"):
        return Failure(UNREACHABLE, "the database of ORDERSAGA_DATABASE_URL does not exist")
    if _is(error, "asyncpg", "InsufficientPrivilegeError"):
        return Failure(REFUSED, f"the database login lacks a right ({error.args[0]}): {RIGHT_HINT}")
    if _is(
        error,
        "asyncpg",
        "PostgresConnectionError",
        "CannotConnectNowError",
        "AdminShutdownError",
        "CrashShutdownError",
        "TooManyConnectionsError",
    ):
        return Failure(UNREACHABLE, DATABASE_HINT)
    return None


def _gateways(error: BaseException) -> Failure | None:
    if isinstance(error, GatewayRejected):
        return Failure(REFUSED, str(error))
    if isinstance(error, GatewayError):
        return Failure(UNREACHABLE, f"{PROVIDER_HINT} ({error})")
    return None


def _temporal(error: Any) -> Failure | None:
    if _is(error, "temporalio.exceptions", "WorkflowAlreadyStartedError"):
        return Failure(REFUSED, f"the saga {error.workflow_id} exists already")
    if _is(error, "temporalio.service", "RPCError"):
        return _rpc(error)
    if isinstance(error, RuntimeError) and "client connect" in str(error):
        return Failure(UNREACHABLE, TEMPORAL_HINT)
    if _is(error, "temporalio.client", "WorkflowFailureError", "WorkflowUpdateFailedError"):
        return Failure(REFUSED, str(error.cause))
    if _is(error, "temporalio.client", "WorkflowQueryFailedError"):
        return Failure(REFUSED, str(error))
    return None


def _rpc(error: Any) -> Failure:
    if error.status.name in ("UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED"):
        return Failure(UNREACHABLE, TEMPORAL_HINT)
    if error.status.name in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
        return Failure(UNREACHABLE, f"Temporal refused the credentials: {error.message}")
    return Failure(REFUSED, f"Temporal: {error.message}")


def _network(error: BaseException) -> Failure | None:
    if _is(error, "aiohttp", "ClientConnectionError"):
        return Failure(UNREACHABLE, PROVIDER_HINT)
    return _operating_system(error) if isinstance(error, OSError) else None


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
