"""Queries and updates of a workflow that is there already, and the limit of every call."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from temporalio.client import (
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.service import RPCError, RPCStatusCode

from ordersaga_client.errors import TemporalUnavailable
from ordersaga_client.failures import refusal

ANSWER_WITHIN_S: Final = 60.0
"""How long a call may take; workflows answer within 30 s."""
PAUSE_S: Final = 0.2
"""Between two tries."""

Json = Mapping[str, Any]
Missing = Callable[[RPCError], Exception]
"""What to raise if Temporal does not have the workflow."""


@asynccontextmanager
async def answered(problem: str) -> AsyncIterator[None]:
    """Limit what is called inside to `ANSWER_WITHIN_S`.

    Raises:
        TemporalUnavailable: nothing answered in time; its text is `problem`.
    """
    cancelled = _cancellations()
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            yield
    except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError) as error:
        if _cancellations() > cancelled:  # the SDK tells a caller's cancellation like a time-out
            raise asyncio.CancelledError from error
        raise TemporalUnavailable(problem) from error
    except RPCError as error:
        if error.status is not RPCStatusCode.DEADLINE_EXCEEDED:
            raise
        raise TemporalUnavailable(problem) from error


def _cancellations() -> int:
    task = asyncio.current_task()
    return task.cancelling() if task else 0


async def status_of(handle: WorkflowHandle[Any, Any], missing: Missing) -> Json:
    """The answer to the query ``status``; needs a running worker.

    Raises:
        TemporalUnavailable: nothing answered within a minute.
    """
    try:
        async with answered(f"nothing answered for {handle.id}: ask again"):
            answer: Json = await handle.query("status")
    except RPCError as error:
        raise missing(error) from error
    return answer


async def send_update(
    handle: WorkflowHandle[Any, Any], update: str, message: Json, missing: Missing
) -> Any:
    """The answer to an update.

    Raises:
        OrderSagaError: it is refused.
        TemporalUnavailable: nothing answered within a minute.
    """
    problem = f"nothing answered for {handle.id}: {update} may be done; look at the status first"
    try:
        async with answered(problem):
            return await handle.execute_update(update, message)
    except WorkflowUpdateFailedError as error:
        raise refusal(error) from error
    except RPCError as error:
        raise missing(error) from error
