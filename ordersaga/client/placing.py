"""Places an order in Temporal, once: one call, whatever became of the order id before.

While a saga runs under the id, it compares the documents itself. After it ended, it is asked by a
query. After Temporal has forgotten it, a new run asks the event store.
"""

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.failures import ORDER_CONFLICT
from activities.messages import WORKFLOW_TYPE, OrderDocument
from domain.ids import OrderId, order_stream
from ordersaga.client.errors import OrderConflict, PlacingUnanswered, SagaRefused
from ordersaga.client.starting import start_options
from workflows.documents.order import document_to_json
from workflows.fulfillment.content import content_id

PLACE_WITHIN_S: Final = 60.0
"""How long it may take to place an order; the saga itself answers within 30 s."""
_SURE_WITHIN_S: Final = 20.0
_PAUSE_S: Final = 0.2
_FAILED_ONLY: Final = WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY
_ALWAYS: Final = WorkflowIDReusePolicy.ALLOW_DUPLICATE


@dataclass(frozen=True, slots=True)
class Placed:
    """The answer to whoever placed an order.

    Attributes:
        created: False if the same order had been placed before. The same call repeated may get its
            first answer again.
        pending: the event store has not answered in time. The order is carried out unless its id
            turns out to be another order's.
    """

    order_id: OrderId
    created: bool
    pending: bool = False


class _Unsure(Exception):
    """What runs under the order id does not know yet whether the id is its own; ask again."""

    def __init__(self, reuse: WorkflowIDReusePolicy, conflict: OrderConflict | None) -> None:
        super().__init__()
        self.reuse = reuse
        self.conflict = conflict


async def place(client: Client, order: OrderDocument) -> Placed:
    """Place an order, once; the same order again changes nothing.

    Raises:
        OrderConflict: the order id belongs to an order with other content.
        PlacingUnanswered: nothing answered within `PLACE_WITHIN_S`.
        SagaRefused: too many calls wait for the event store.
        RPCError: Temporal does not answer.
    """
    reuse, loop = _FAILED_ONLY, asyncio.get_running_loop()
    sure_by = loop.time() + _SURE_WITHIN_S
    try:
        async with asyncio.timeout(PLACE_WITHIN_S):
            while True:
                try:
                    return await _place_once(client, order, reuse)
                except _Unsure as unsure:
                    if unsure.conflict and loop.time() > sure_by:
                        raise unsure.conflict from None
                    reuse = unsure.reuse
                await asyncio.sleep(_PAUSE_S)
    except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError) as error:
        problem = f"nothing answered for order {order.order_id}: it may be placed; place it again"
        raise PlacingUnanswered(problem) from error


async def _place_once(client: Client, order: OrderDocument, reuse: WorkflowIDReusePolicy) -> Placed:
    try:
        return await _update_with_start(client, order, reuse)
    except WorkflowAlreadyStartedError:
        return await _ask_ended_run(client, order)
    except WorkflowUpdateFailedError as error:
        raise _refusal(error) from error
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:  # the saga ended while it was asked
            raise _Unsure(_FAILED_ONLY, None) from error
        raise


async def _update_with_start(
    client: Client, order: OrderDocument, reuse: WorkflowIDReusePolicy
) -> Placed:
    document = document_to_json(order)
    start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
        WORKFLOW_TYPE,
        document,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=reuse,
        **start_options(order),
    )
    # Made of the content: the first answer is repeated to nobody who sends something else.
    answer = await client.execute_update_with_start_workflow(
        "place", document, id=f"place-{content_id(order)}", start_workflow_operation=start
    )
    return Placed(order.order_id, answer["created"], answer.get("pending", False))


async def _ask_ended_run(client: Client, order: OrderDocument) -> Placed:
    handle = client.get_workflow_handle(order_stream(order.order_id))
    try:
        answer = await handle.query("same_order", document_to_json(order))
    except WorkflowQueryFailedError:  # the workflow is of another type, or of another build
        answer = {"same": None, "fields": []}
    if answer["same"] is None:  # a run that was told of a conflict: only the event store knows
        raise _Unsure(_ALWAYS, None)
    if not answer["same"]:
        raise _conflict(order.order_id, tuple(answer["fields"]))
    return Placed(order.order_id, created=False)


def _refusal(error: WorkflowUpdateFailedError) -> Exception:
    cause = error.cause
    if not isinstance(cause, ApplicationError) or cause.type != ORDER_CONFLICT:
        return SagaRefused(getattr(cause, "message", str(cause)))
    details = cause.details[0]
    conflict = OrderConflict(cause.message, tuple(details["fields"]))
    return conflict if details["confirmed"] else _Unsure(_FAILED_ONLY, conflict)


def _conflict(order_id: OrderId, fields: tuple[str, ...]) -> OrderConflict:
    return OrderConflict(f"order {order_id} already exists: {', '.join(fields)} differ", fields)
