"""Scans that reach a saga before it ends are handed to the workflow that follows the parcel.

Nothing of this costs a saga that got none.
"""

from typing import Any

from temporalio import workflow
from temporalio.exceptions import FailureError, WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

from activities.returns.messages import DELIVERY_WORKFLOW_TYPE
from domain.ids import OrderId, delivery_workflow

JsonObject = dict[str, Any]


async def hand_over(order_id: OrderId, scans: list[JsonObject]) -> None:
    """Give all `scans` to the order's delivery workflow and empty the list.

    Those that arrive meanwhile are given as well.
    """
    while scans:
        if not await _started_with(order_id, scans):
            await _told(order_id, scans)


async def _started_with(order_id: OrderId, scans: list[JsonObject]) -> bool:
    given = list(scans)
    try:
        await workflow.start_child_workflow(
            DELIVERY_WORKFLOW_TYPE,
            {"updates": given},
            id=delivery_workflow(order_id),
            parent_close_policy=ParentClosePolicy.ABANDON,
            static_summary="follows the parcel",
        )
    except WorkflowAlreadyStartedError:
        return False
    del scans[: len(given)]
    return True


async def _told(order_id: OrderId, scans: list[JsonObject]) -> None:
    """Signal the one that runs; if it ends just now, the rest stays for the next one."""
    handle = workflow.get_external_workflow_handle(delivery_workflow(order_id))
    while scans:
        try:
            await handle.signal("carrier_update", scans[0])
        except FailureError:
            return
        del scans[0]
