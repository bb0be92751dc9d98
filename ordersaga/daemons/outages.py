"""Which errors of a loop say that a server is away, and not that our code is wrong."""

import sys
from typing import Final

from projections.errors import describe
from projections.errors import is_outage as is_database_outage


class TemporalLost(Exception):
    """Temporal's worker ended: its server refused it or went away for long."""


def is_outage(error: BaseException) -> bool:
    """Whether an error comes from an outage of the database or of Temporal."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_outage(inner) for inner in error.exceptions)
    return isinstance(error, TemporalLost) or is_database_outage(error) or _is_rpc_outage(error)


def reason(error: BaseException) -> str:
    """Why something failed, in one line without personal data."""
    if isinstance(error, BaseExceptionGroup):
        return ", ".join(sorted({reason(inner) for inner in error.exceptions}))
    status = _rpc_status(error)
    return describe(error) if status is None else f"Temporal: {status}"


_REFUSALS: Final = frozenset(
    {"INVALID_ARGUMENT", "OUT_OF_RANGE", "FAILED_PRECONDITION", "ALREADY_EXISTS", "DATA_LOSS"}
)
"""What Temporal answers to one request; everything else may be said of any request."""


def _is_rpc_outage(error: BaseException) -> bool:
    status = _rpc_status(error)
    if status is None or status in _REFUSALS:
        return False
    # A message that is too large for the connection has the status of a rate limit.
    return not (status == "RESOURCE_EXHAUSTED" and "larger than max" in str(error))


def _rpc_status(error: BaseException) -> str | None:
    """The status of Temporal's answer; None if the error is not Temporal's."""
    service = sys.modules.get("temporalio.service")  # not loaded: the error is not its
    if service is None or not isinstance(error, service.RPCError):
        return None
    return str(error.status.name)
