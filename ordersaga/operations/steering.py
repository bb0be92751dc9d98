"""One update of one workflow, whose id is that of the request: sent again, it acts once.

An update that was accepted is known to Temporal under its id, also after the run has ended. So a
request whose answer was lost finds out what became of it in the run that it was sent to, before
it is sent to the present one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final

from temporalio.client import (
    Client,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateHandle,
    WorkflowUpdateRPCTimeoutOrCancelledError,
    WorkflowUpdateStage,
)
from temporalio.service import RPCError, RPCStatusCode

from ordersaga.operations.temporal_runs import Run, find_run

ACCEPTED_WITHIN_S: Final = 10.0
_ANSWER_WITHIN: Final = timedelta(seconds=8)


class Act(StrEnum):
    """What can be asked of a saga; the values are the names of its updates."""

    CANCEL = "cancel"
    HOLD = "hold"
    RESUME = "resume"
    RETRY = "retry"
    RESOLVE = "resolve"
    CHANGE_ADDRESS = "change_address"
    AMEND = "amend"
    CHOOSE = "choose"
    PAY = "pay"


class Outcome(StrEnum):
    """What became of an act.

    pending: it is accepted, and how it ends is not certain yet. unanswered: no worker took it.
    unknown: Temporal has no such workflow.
    """

    DONE = "done"
    PENDING = "pending"
    REFUSED = "refused"
    ENDED = "ended"
    UNKNOWN = "unknown"
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True)
class Acted:
    """The result of an act; `why` says why it was refused."""

    outcome: Outcome
    why: str = ""


@dataclass(frozen=True, slots=True)
class UpdateRequest:
    """An update of a workflow.

    Attributes:
        workflow_id: of the workflow.
        workflow_type: it must be of this type.
        update: the name of the update.
        message: its argument.
        request_id: the same for the same request.
        sent_to: the run that an earlier try was sent to.
        answer_within: how long its end is awaited; a refusal comes at once.
    """

    workflow_id: str
    workflow_type: str
    update: str
    message: Mapping[str, Any]
    request_id: str
    sent_to: str | None = None
    answer_within: timedelta = _ANSWER_WITHIN


async def steer(
    client: Client, request: UpdateRequest, note_run: Callable[[str], Awaitable[None]]
) -> Acted:
    """Ask a workflow for something, once for each request id.

    Args:
        client: Temporal.
        request: what is asked of it.
        note_run: keeps the run that it is sent to, before it is sent.

    Raises:
        RPCError: Temporal does not answer.
    """
    if request.sent_to is not None:
        earlier = await _earlier(client, request, request.sent_to)
        if earlier is not None:
            return earlier
    run = await find_run(client, request.workflow_id)
    if run is None or run.workflow_type != request.workflow_type:
        return Acted(Outcome.UNKNOWN)
    if not run.is_open:
        return Acted(Outcome.ENDED)
    await note_run(run.run_id)
    return await _send(_handle(client, run), request)


def _handle(client: Client, run: Run) -> WorkflowHandle[Any, Any]:
    return client.get_workflow_handle(run.workflow_id, run_id=run.run_id)


async def _earlier(client: Client, request: UpdateRequest, run_id: str) -> Acted | None:
    """What became of the request in the run that it was sent to; None: it never got there."""
    handle = client.get_workflow_handle(request.workflow_id, run_id=run_id)
    try:
        return await _result(handle.get_update_handle(request.request_id), request)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise


async def _send(handle: WorkflowHandle[Any, Any], request: UpdateRequest) -> Acted:
    try:
        async with asyncio.timeout(ACCEPTED_WITHIN_S):
            update = await handle.start_update(
                request.update,
                request.message,
                wait_for_stage=WorkflowUpdateStage.ACCEPTED,
                id=request.request_id,
            )
    except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError):
        return Acted(Outcome.UNANSWERED)
    except WorkflowUpdateFailedError as error:
        return _refused(error)
    except RPCError as error:
        return _by_server(error)
    return await _result(update, request)


async def _result(update: "WorkflowUpdateHandle[Any]", request: UpdateRequest) -> Acted:
    try:
        await update.result(rpc_timeout=request.answer_within)
    except WorkflowUpdateFailedError as error:
        return _refused(error)
    except WorkflowUpdateRPCTimeoutOrCancelledError:
        return Acted(Outcome.PENDING)
    return Acted(Outcome.DONE)


def _refused(error: WorkflowUpdateFailedError) -> Acted:
    return Acted(Outcome.REFUSED, getattr(error.cause, "message", str(error.cause)))


def _by_server(error: RPCError) -> Acted:
    if error.status is RPCStatusCode.NOT_FOUND:
        return Acted(Outcome.ENDED)
    if error.status in (RPCStatusCode.FAILED_PRECONDITION, RPCStatusCode.INVALID_ARGUMENT):
        return Acted(Outcome.REFUSED, "Temporal refused it: it is paused, or told too much")
    raise error
