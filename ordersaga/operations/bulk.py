"""One command to many sagas: find them, tell them at a bounded rate, report what each answered."""

import asyncio
from collections import Counter
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
from ordersaga.operations.sagas import ListedSaga

AT_ONCE: Final = 20
ANSWER_WITHIN_S: Final = 15.0
_REFUSAL_WITHIN: Final = timedelta(seconds=1)


class Fate(StrEnum):
    """What became of a command to one saga.

    ``sent`` is all that can be said of a signal: a saga ignores one that does not fit.
    """

    ACCEPTED = "accepted"
    SENT = "sent"
    REFUSED = "refused"
    ENDED = "ended"
    UNANSWERED = "unanswered"


WELL: Final = frozenset({Fate.ACCEPTED, Fate.SENT})


@dataclass(frozen=True, slots=True)
class Order:
    """What the sagas are told.

    Attributes:
        name: of the update, and of the signal of the same meaning.
        message: its one JSON argument.
        by_signal: send signals: they wait for a worker and reach paused sagas, but none answers.
        rate: at most so many a second.
    """

    name: str
    message: Mapping[str, Any]
    by_signal: bool = False
    rate: float = 50.0


@dataclass(frozen=True, slots=True)
class Told:
    """What one saga answered; `why` is empty if all is well."""

    order_id: str
    fate: Fate
    why: str = ""


@dataclass(frozen=True, slots=True)
class Overview:
    """Which sagas a command would reach; `by_status` and `by_step` count them."""

    found: int
    by_status: Mapping[str, int]
    by_step: Mapping[str, int]


def overview(sagas: Sequence[ListedSaga]) -> Overview:
    """Count sagas by order status and step."""
    return Overview(
        len(sagas),
        Counter(saga.order_status or "unknown" for saga in sagas),
        Counter(saga.step or "unknown" for saga in sagas),
    )


async def tell_all(client: Client, order_ids: Sequence[OrderId], order: Order) -> list[Told]:
    """Tell each saga, in turn; the answers stand in the order of `order_ids`.

    Raises:
        RPCError: Temporal does not answer at all, or refuses the credentials.
    """
    slots = asyncio.Semaphore(AT_ONCE)

    async def tell(number: int, order_id: OrderId) -> Told:
        await asyncio.sleep(number / order.rate)
        async with slots:
            return await _tell(client.get_workflow_handle(order_stream(order_id)), order_id, order)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(tell(n, order_id)) for n, order_id in enumerate(order_ids)]
    return [task.result() for task in tasks]


async def _tell(handle: WorkflowHandle[Any, Any], order_id: OrderId, order: Order) -> Told:
    try:
        if order.by_signal:
            await handle.signal(order.name, order.message)
            return Told(order_id, Fate.SENT)
        update = await _start(handle, order)
    except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError):
        return Told(order_id, Fate.UNANSWERED, "no worker took it in time; one may still do so")
    except RPCError as error:
        return _refused_by_server(order_id, error)
    try:
        # A refusal is there at once. What is accepted is done in its own time: not waited for.
        await update.result(rpc_timeout=_REFUSAL_WITHIN)
    except WorkflowUpdateFailedError as error:
        return Told(order_id, Fate.REFUSED, getattr(error.cause, "message", str(error.cause)))
    except WorkflowUpdateRPCTimeoutOrCancelledError:
        return Told(order_id, Fate.ACCEPTED)
    return Told(order_id, Fate.ACCEPTED)


async def _start(handle: WorkflowHandle[Any, Any], order: Order) -> WorkflowUpdateHandle[Any]:
    async with asyncio.timeout(ANSWER_WITHIN_S):
        return await handle.start_update(
            order.name, order.message, wait_for_stage=WorkflowUpdateStage.ACCEPTED
        )


def _refused_by_server(order_id: OrderId, error: RPCError) -> Told:
    if error.status is RPCStatusCode.NOT_FOUND:
        return Told(order_id, Fate.ENDED, "it has ended, or there is no such saga")
    if error.status in (RPCStatusCode.FAILED_PRECONDITION, RPCStatusCode.INVALID_ARGUMENT):
        return Told(order_id, Fate.REFUSED, error.message)
    raise error
