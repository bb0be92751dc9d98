"""Sends one command to many sagas, at a limited rate, and reports the result of each."""

import asyncio
from collections.abc import Mapping, Sequence
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

from domain.ids import OrderId, order_stream

AT_ONCE: Final = 20
ANSWER_WITHIN_S: Final = 15.0
_REFUSAL_WITHIN: Final = timedelta(seconds=1)


class CommandOutcome(StrEnum):
    """What a saga did with a command.

    ``sent`` is all that is known of a signal: a saga ignores one that it cannot accept.
    """

    ACCEPTED = "accepted"
    SENT = "sent"
    REFUSED = "refused"
    ENDED = "ended"
    UNANSWERED = "unanswered"

    @property
    def is_success(self) -> bool:
        """Whether nothing is known to have gone wrong."""
        return self in (CommandOutcome.ACCEPTED, CommandOutcome.SENT)


@dataclass(frozen=True, slots=True)
class BulkCommand:
    """A command for many sagas.

    Attributes:
        name: of the update, and of its twin signal.
        message: its one JSON argument.
        by_signal: send signals: they wait for a worker and reach paused sagas, without an answer.
        rate: at most this many per second.
    """

    name: str
    message: Mapping[str, Any]
    by_signal: bool = False
    rate: float = 50.0


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The answer of one saga; `why` is empty if it succeeded."""

    order_id: str
    outcome: CommandOutcome
    why: str = ""


async def send_to_all(
    client: Client, order_ids: Sequence[OrderId], command: BulkCommand
) -> list[CommandResult]:
    """Send a command to each saga; the results are in the order of `order_ids`.

    Raises:
        RPCError: Temporal does not answer at all, or refuses the credentials.
    """
    slots = asyncio.Semaphore(AT_ONCE)

    async def send(number: int, order_id: OrderId) -> CommandResult:
        await asyncio.sleep(number / command.rate)
        async with slots:
            handle = client.get_workflow_handle(order_stream(order_id))
            return await _send(handle, order_id, command)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(send(n, order_id)) for n, order_id in enumerate(order_ids)]
    return [task.result() for task in tasks]


async def _send(
    handle: WorkflowHandle[Any, Any], order_id: OrderId, command: BulkCommand
) -> CommandResult:
    try:
        if command.by_signal:
            await handle.signal(command.name, command.message)
            return CommandResult(order_id, CommandOutcome.SENT)
        update = await _start(handle, command)
    except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError):
        return CommandResult(
            order_id, CommandOutcome.UNANSWERED, "no worker took it in time; one may still take it"
        )
    except RPCError as error:
        return _refused_by_server(order_id, error)
    try:
        # A refusal comes immediately. Accepted commands take their time and are not awaited.
        await update.result(rpc_timeout=_REFUSAL_WITHIN)
    except WorkflowUpdateFailedError as error:
        return CommandResult(
            order_id, CommandOutcome.REFUSED, getattr(error.cause, "message", str(error.cause))
        )
    except WorkflowUpdateRPCTimeoutOrCancelledError:
        return CommandResult(order_id, CommandOutcome.ACCEPTED)
    return CommandResult(order_id, CommandOutcome.ACCEPTED)


async def _start(
    handle: WorkflowHandle[Any, Any], command: BulkCommand
) -> WorkflowUpdateHandle[Any]:
    async with asyncio.timeout(ANSWER_WITHIN_S):
        return await handle.start_update(
            command.name, command.message, wait_for_stage=WorkflowUpdateStage.ACCEPTED
        )


def _refused_by_server(order_id: OrderId, error: RPCError) -> CommandResult:
    if error.status is RPCStatusCode.NOT_FOUND:
        return CommandResult(
            order_id, CommandOutcome.ENDED, "it has ended, or there is no such saga"
        )
    if error.status in (RPCStatusCode.FAILED_PRECONDITION, RPCStatusCode.INVALID_ARGUMENT):
        return CommandResult(order_id, CommandOutcome.REFUSED, error.message)
    raise error
