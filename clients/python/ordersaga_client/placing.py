"""Places an order, once, whatever became of its id before.

While a saga runs under the id, it compares the documents itself. After it ended, it is asked by a
query. After Temporal has forgotten it, a new run asks the event store.
"""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from ordersaga_client.calls import PAUSE_S, answered
from ordersaga_client.documents import Placed
from ordersaga_client.errors import OrderConflict
from ordersaga_client.failures import details_of, invalid, refusal

WORKFLOW: Final = "OrderFulfillment"
QUEUE: Final = "orders"
_SURE_WITHIN_S: Final = 20.0
_DIGITS_OF_REFERENCE: Final = 40
_FAILED_ONLY: Final = WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY
_ALWAYS: Final = WorkflowIDReusePolicy.ALLOW_DUPLICATE


class _Unsure(Exception):
    """What runs under the order id does not know yet whether the id is its own; ask again."""

    def __init__(self, reuse: WorkflowIDReusePolicy, conflict: OrderConflict | None = None) -> None:
        super().__init__()
        self.reuse = reuse
        self.conflict = conflict


def order_id_of(document: Mapping[str, Any]) -> str:
    """The order's id: the given one, or the one that is made of the shop's reference.

    Raises:
        InvalidDocument: there is neither.
    """
    if isinstance(order_id := document.get("order_id"), str):
        return order_id
    if isinstance(reference := document.get("reference"), str):
        digest = hashlib.sha256(reference.strip().encode()).hexdigest()
        return f"ref-{digest[:_DIGITS_OF_REFERENCE]}"
    raise invalid("order_id", "missing", "is missing: give it, or a reference that it is made from")


def workflow_id(order_id: str) -> str:
    """The id of the order's workflow."""
    return f"order-{order_id}"


def update_id(document: Mapping[str, Any]) -> str:
    """Made of the content: the first answer is repeated to nobody who sends something else.

    Raises:
        InvalidDocument: it is no JSON.
    """
    try:
        content = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        raise invalid("document", "json_type", "must be a JSON object") from None
    return f"place-{hashlib.sha256(content.encode()).hexdigest()}"


async def place(client: Client, document: Mapping[str, Any]) -> Placed:
    """Place an order, once; see `OrderSagaClient.place`."""
    order_id, reuse, loop = order_id_of(document), _FAILED_ONLY, asyncio.get_running_loop()
    sure_by = loop.time() + _SURE_WITHIN_S
    async with answered(f"nothing answered for order {order_id}: it may be placed; place it again"):
        while True:
            try:
                return await _place_once(client, order_id, document, reuse)
            except _Unsure as unsure:
                if unsure.conflict and loop.time() > sure_by:
                    raise unsure.conflict from None
                reuse = unsure.reuse
            await asyncio.sleep(PAUSE_S)


async def _place_once(
    client: Client, order_id: str, document: Mapping[str, Any], reuse: WorkflowIDReusePolicy
) -> Placed:
    try:
        return await _update_with_start(client, order_id, document, reuse)
    except WorkflowAlreadyStartedError:
        return await _ask_ended_run(client, order_id, document)
    except WorkflowUpdateFailedError as error:
        raise _refusal(error) from error
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:  # the saga ended while it was asked
            raise _Unsure(_FAILED_ONLY) from error
        raise


async def _update_with_start(
    client: Client, order_id: str, document: Mapping[str, Any], reuse: WorkflowIDReusePolicy
) -> Placed:
    start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
        WORKFLOW,
        document,
        id=workflow_id(order_id),
        task_queue=QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=reuse,
    )
    answer = await client.execute_update_with_start_workflow(
        "place", document, id=update_id(document), start_workflow_operation=start
    )
    return Placed.model_validate(answer)


async def _ask_ended_run(client: Client, order_id: str, document: Mapping[str, Any]) -> Placed:
    try:
        handle = client.get_workflow_handle(workflow_id(order_id))
        answer = await handle.query("same_order", document)
    except WorkflowQueryFailedError:  # the workflow is of another type, or of another build
        answer = {"same": None, "fields": []}
    if answer["same"] is None:  # a run that was told of a conflict: only the event store knows
        raise _Unsure(_ALWAYS)
    if not answer["same"]:
        fields = answer["fields"]
        problem = f"order {order_id} already exists: {', '.join(fields)} differ"
        raise OrderConflict(problem, fields)
    return Placed(order_id=order_id, created=False)


def _refusal(error: WorkflowUpdateFailedError) -> Exception:
    known = refusal(error)
    if isinstance(known, OrderConflict) and not details_of(error).get("confirmed"):
        return _Unsure(_FAILED_ONLY, known)
    return known
