"""Scans that reach a saga go to the workflow that follows the parcel, at once.

So they are kept there, and recorded, whatever becomes of the saga. A saga that got no scans starts
nothing.
"""

from temporalio import workflow
from temporalio.exceptions import FailureError, WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

from activities.messages import Scan
from activities.returns.messages import DELIVERY_WORKFLOW_TYPE
from domain.ids import OrderId, delivery_workflow


async def hand_over_scans(order_id: OrderId, scans: list[Scan]) -> None:
    """Give all `scans` to the order's delivery workflow and empty the list.

    Scans that arrive meanwhile are given as well.
    """
    while scans:
        if not await _start_delivery(order_id, scans):
            await _signal_delivery(order_id, scans)


async def _start_delivery(order_id: OrderId, scans: list[Scan]) -> bool:
    """Start the delivery workflow with all scans; False: it is running already."""
    batch = list(map(_message, scans))
    try:
        await workflow.start_child_workflow(
            DELIVERY_WORKFLOW_TYPE,
            {"updates": batch},
            id=delivery_workflow(order_id),
            parent_close_policy=ParentClosePolicy.ABANDON,
            static_summary="follows the parcel",
        )
    except WorkflowAlreadyStartedError:
        return False
    del scans[: len(batch)]
    return True


async def _signal_delivery(order_id: OrderId, scans: list[Scan]) -> None:
    """Signal the running workflow; if it ends just now, the rest is for the next one."""
    handle = workflow.get_external_workflow_handle(delivery_workflow(order_id))
    while scans:
        try:
            await handle.signal("carrier_update", _message(scans[0]))
        except FailureError:
            return
        del scans[0]


def _message(scan: Scan) -> dict[str, str]:
    return {"status": scan.status, "at": scan.at.isoformat()}
