"""Queries and updates of a workflow that is there already."""

from collections.abc import Callable, Mapping
from typing import Any

from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.service import RPCError

from ordersaga_client.failures import refusal

Json = Mapping[str, Any]
Missing = Callable[[RPCError], Exception]
"""What to raise if Temporal does not have the workflow."""


async def status_of(handle: WorkflowHandle[Any, Any], missing: Missing) -> Json:
    """The answer to the query ``status``; needs a running worker."""
    try:
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
    """
    try:
        return await handle.execute_update(update, message)
    except WorkflowUpdateFailedError as error:
        raise refusal(error) from error
    except RPCError as error:
        raise missing(error) from error
