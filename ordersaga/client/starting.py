"""How ordersaga's own programs start a saga: id, queue, and what the Temporal UI shows at once."""

from typing import Any

from temporalio.client import Client, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from activities.messages import ORDERS_QUEUE, WORKFLOW_TYPE, OperatorAction, OrderDocument
from domain.currencies import format_amount
from domain.ids import order_stream
from workflows.documents.order import document_to_json, document_total
from workflows.fulfillment.visibility import initial_attributes


async def start_saga(
    client: Client,
    document: OrderDocument,
    conflict: WorkflowIDConflictPolicy,
    *,
    # A run that failed on a bad document must not keep the good one from starting.
    reuse: WorkflowIDReusePolicy = WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
    held_by: OperatorAction | None = None,
) -> WorkflowHandle[Any, Any]:
    """Start the saga of an order.

    Args:
        client: Temporal.
        document: the order.
        conflict: what happens when the saga of this order is running.
        reuse: what happens when one has ended.
        held_by: start it on hold, for this operator; one that is running is then held as well,
            whatever `conflict` says: Temporal has no such start that fails.

    Raises:
        WorkflowAlreadyStartedError: it ended well before, or runs and `conflict` is FAIL.
    """
    return await client.start_workflow(
        WORKFLOW_TYPE,
        document_to_json(document),
        id=order_stream(document.order_id),
        task_queue=ORDERS_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING if held_by else conflict,
        id_reuse_policy=reuse,
        start_signal="hold" if held_by else None,
        start_signal_args=[{"actor": held_by.actor, "reason": held_by.reason}] if held_by else [],
        search_attributes=initial_attributes(document),
        static_summary=_summary(document),
    )


def _summary(document: OrderDocument) -> str:
    """What the Temporal UI says of the order in a line; it holds no personal data."""
    count = len(document.lines)
    total = format_amount(document_total(document))
    return f"{count} {'line' if count == 1 else 'lines'}, {total}"
