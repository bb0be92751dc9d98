"""Which errors of a loop say that a server is away, and not that our code is wrong."""

import sys

from projections.errors import is_outage as is_database_outage


class TemporalLost(Exception):
    """Temporal's worker ended: its server refused it or went away for long."""


def is_outage(error: BaseException) -> bool:
    """Whether an error comes from an outage of the database or of Temporal."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_outage(inner) for inner in error.exceptions)
    return isinstance(error, TemporalLost) or is_database_outage(error) or _is_rpc_error(error)


def _is_rpc_error(error: BaseException) -> bool:
    service = sys.modules.get("temporalio.service")  # not loaded: the error is not its
    if service is None or not isinstance(error, service.RPCError):
        return False
    return bool(error.status is not service.RPCStatusCode.INVALID_ARGUMENT)
