"""One mapping of everything a command can raise to a message and an exit code.

Messages never hold passwords or personal data: texts of foreign libraries are shown only where they
are known to be safe. Libraries are looked up only if they were loaded, so that a quick refusal
stays quick.
"""

import os
import sys
import traceback
from asyncio import CancelledError
from socket import gaierror
from typing import Any, NamedTuple

from ordersaga.errors import (
    BROKEN_PIPE,
    INTERNAL_ERROR,
    INTERRUPTED,
    REFUSED,
    UNREACHABLE,
    WRONG_USAGE,
    OrderSagaError,
)

MIGRATE_HINT = "the database has no (or an older) schema: run `ordersaga migrate`"
DATABASE_HINT = "the database does not answer: check ORDERSAGA_DATABASE_URL or run `ordersaga up`"
TEMPORAL_HINT = "Temporal does not answer: check TEMPORAL_ADDRESS or run `ordersaga up`"
SANDBOX_HINT = "the payment provider or carrier does not answer: check ORDERSAGA_PAYMENT_URL"


class Failure(NamedTuple):
    """How a command ends; an empty message prints nothing."""

    code: int
    message: str


def explain(error: BaseException) -> Failure:
    """The exit code and the line on stderr for anything that ended a command."""
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


def _ours(error: BaseException) -> Failure | None:
    from domain.errors import DomainError

    if isinstance(error, OrderSagaError):
        return Failure(error.exit_code, str(error))
    if isinstance(error, DomainError):
        return Failure(REFUSED, str(error))
    return None


def _embedded(error: BaseException) -> Failure | None:
    if not _loaded("ordersaga.embedded.stack"):
        return None
    from ordersaga.embedded.ports import PortTaken
    from ordersaga.embedded.postgres import PostgresFailedError
    from ordersaga.embedded.processes import ProcessFailed
    from ordersaga.embedded.state import AlreadyRunning

    if isinstance(error, AlreadyRunning | PortTaken):
        return Failure(REFUSED, str(error))
    if isinstance(error, ProcessFailed | PostgresFailedError):
        return Failure(UNREACHABLE, str(error))
    return None


def _interrupts(error: BaseException) -> Failure | None:
    if isinstance(error, BrokenPipeError):
        return Failure(BROKEN_PIPE, "")
    if isinstance(error, KeyboardInterrupt | CancelledError):
        return Failure(INTERRUPTED, "interrupted")
    return None


def _event_store(error: BaseException) -> Failure | None:
    from eventstore.errors import EventStoreError, SchemaMissing, StoreUnavailable

    if isinstance(error, SchemaMissing):
        return Failure(UNREACHABLE, MIGRATE_HINT)
    if isinstance(error, StoreUnavailable):
        return Failure(UNREACHABLE, DATABASE_HINT)
    if isinstance(error, EventStoreError):
        return Failure(REFUSED, str(error))
    return None


def _projections(error: BaseException) -> Failure | None:
    if not _loaded("projections.errors"):
        return None
    from projections.errors import NotInstalled, ProjectionError, UnknownProjection

    if isinstance(error, NotInstalled):
        return Failure(UNREACHABLE, MIGRATE_HINT)
    if isinstance(error, UnknownProjection):
        return Failure(WRONG_USAGE, str(error))
    if isinstance(error, ProjectionError):
        return Failure(REFUSED, str(error))
    return None


def _postgres(error: BaseException) -> Failure | None:
    if not _loaded("asyncpg"):
        return None
    import asyncpg

    missing = (
        asyncpg.UndefinedTableError,
        asyncpg.InvalidSchemaNameError,
        asyncpg.UndefinedFunctionError,
        asyncpg.UndefinedColumnError,
    )
    if isinstance(error, missing):
        return Failure(UNREACHABLE, MIGRATE_HINT)
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return Failure(UNREACHABLE, "the database refused the user or password of the settings")
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return Failure(UNREACHABLE, "the database of ORDERSAGA_DATABASE_URL does not exist")
    if isinstance(error, asyncpg.PostgresError | asyncpg.InterfaceError):
        return _other_postgres(error)
    return None


def _other_postgres(error: Exception) -> Failure | None:
    import asyncpg

    gone = (
        asyncpg.PostgresConnectionError,
        asyncpg.CannotConnectNowError,
        asyncpg.AdminShutdownError,
        asyncpg.CrashShutdownError,
        asyncpg.TooManyConnectionsError,
    )
    if isinstance(error, gone):
        return Failure(UNREACHABLE, DATABASE_HINT)
    return None


def _gateways(error: BaseException) -> Failure | None:
    from activities.ports import GatewayError, GatewayRejected

    if isinstance(error, GatewayRejected):
        return Failure(REFUSED, str(error))
    if isinstance(error, GatewayError):
        return Failure(UNREACHABLE, f"{SANDBOX_HINT} ({error})")
    return None


def _temporal(error: BaseException) -> Failure | None:
    if not _loaded("temporalio"):
        return None
    from temporalio.exceptions import WorkflowAlreadyStartedError
    from temporalio.service import RPCError

    if isinstance(error, WorkflowAlreadyStartedError):
        return Failure(REFUSED, f"the saga {error.workflow_id} exists already")
    if isinstance(error, RPCError):
        return _rpc(error)
    if isinstance(error, RuntimeError) and "client connect" in str(error):
        return Failure(UNREACHABLE, TEMPORAL_HINT)
    return _client_failure(error)


def _rpc(error: Any) -> Failure:
    from temporalio.service import RPCStatusCode

    away = (RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED)
    if error.status in away:
        return Failure(UNREACHABLE, TEMPORAL_HINT)
    if error.status in (RPCStatusCode.UNAUTHENTICATED, RPCStatusCode.PERMISSION_DENIED):
        return Failure(UNREACHABLE, f"Temporal refused the credentials: {error.message}")
    return Failure(REFUSED, f"Temporal: {error.message}")


def _client_failure(error: BaseException) -> Failure | None:
    from temporalio.client import (
        WorkflowFailureError,
        WorkflowQueryFailedError,
        WorkflowUpdateFailedError,
    )

    if isinstance(error, WorkflowFailureError | WorkflowUpdateFailedError):
        return Failure(REFUSED, str(error.cause))
    if isinstance(error, WorkflowQueryFailedError):
        return Failure(REFUSED, str(error))
    return None


def _network(error: BaseException) -> Failure | None:
    if _loaded("aiohttp"):
        import aiohttp

        if isinstance(error, aiohttp.ClientConnectionError):
            return Failure(UNREACHABLE, SANDBOX_HINT)
    if isinstance(error, OSError):
        return _operating_system(error)
    return None


def _operating_system(error: OSError) -> Failure:
    if error.filename is not None:
        return Failure(REFUSED, f"{error.strerror}: {error.filename}")
    # Several addresses tried in vain come as an OSError without a number.
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


def _loaded(package: str) -> bool:
    return package in sys.modules
