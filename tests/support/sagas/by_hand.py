"""What anybody with access to Temporal can do to a pending activity and to a run."""

import json
from collections.abc import Awaitable, Callable
from typing import Any, Final

from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from temporalio.api.activity.v1 import ActivityOptions
from temporalio.api.common.v1 import Payload, Payloads, WorkflowExecution
from temporalio.api.failure.v1 import ApplicationFailureInfo, Failure
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.api.workflowservice.v1 import (
    DescribeWorkflowExecutionRequest,
    PauseActivityRequest,
    ResetActivityRequest,
    RespondActivityTaskCanceledByIdRequest,
    RespondActivityTaskCompletedByIdRequest,
    RespondActivityTaskFailedByIdRequest,
    UnpauseActivityRequest,
    UpdateActivityOptionsRequest,
)
from temporalio.client import Client

Act = Callable[[Client, str, str], Awaitable[None]]
"""Does something to an activity: given the client, the workflow id and the activity id."""


async def pending_activity(client: Client, workflow_id: str) -> PendingActivityInfo | None:
    """The activity that a run waits for."""
    request = DescribeWorkflowExecutionRequest(
        namespace=client.namespace, execution=WorkflowExecution(workflow_id=workflow_id)
    )
    described = await client.workflow_service.describe_workflow_execution(request)
    return described.pending_activities[0] if described.pending_activities else None


def completed(result: Any) -> Act:
    """Complete it with a result of one's own."""

    async def act(client: Client, workflow_id: str, activity_id: str) -> None:
        payload = Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(result).encode())
        await client.workflow_service.respond_activity_task_completed_by_id(
            RespondActivityTaskCompletedByIdRequest(
                namespace=client.namespace,
                workflow_id=workflow_id,
                activity_id=activity_id,
                result=Payloads(payloads=[payload]),
            )
        )

    return act


def failed(kind: str) -> Act:
    """Fail it for good, as Temporal's command line does."""

    async def act(client: Client, workflow_id: str, activity_id: str) -> None:
        info = ApplicationFailureInfo(type=kind, non_retryable=True)
        await client.workflow_service.respond_activity_task_failed_by_id(
            RespondActivityTaskFailedByIdRequest(
                namespace=client.namespace,
                workflow_id=workflow_id,
                activity_id=activity_id,
                failure=Failure(message="enough", application_failure_info=info),
            )
        )

    return act


async def _reset(client: Client, workflow_id: str, activity_id: str) -> None:
    await client.workflow_service.reset_activity(
        ResetActivityRequest(
            namespace=client.namespace,
            execution=WorkflowExecution(workflow_id=workflow_id),
            id=activity_id,
        )
    )


async def _paused_and_unpaused(client: Client, workflow_id: str, activity_id: str) -> None:
    execution = WorkflowExecution(workflow_id=workflow_id)
    await client.workflow_service.pause_activity(
        PauseActivityRequest(
            namespace=client.namespace, execution=execution, id=activity_id, reason="wait"
        )
    )
    await client.workflow_service.unpause_activity(
        UnpauseActivityRequest(namespace=client.namespace, execution=execution, id=activity_id)
    )


async def _given_one_attempt(client: Client, workflow_id: str, activity_id: str) -> None:
    options = ActivityOptions(schedule_to_close_timeout=Duration(seconds=1))
    await client.workflow_service.update_activity_options(
        UpdateActivityOptionsRequest(
            namespace=client.namespace,
            execution=WorkflowExecution(workflow_id=workflow_id),
            id=activity_id,
            activity_options=options,
            update_mask=FieldMask(paths=["schedule_to_close_timeout"]),
        )
    )


async def _cancelled(client: Client, workflow_id: str, activity_id: str) -> None:
    await client.workflow_service.respond_activity_task_canceled_by_id(
        RespondActivityTaskCanceledByIdRequest(
            namespace=client.namespace, workflow_id=workflow_id, activity_id=activity_id
        )
    )


RESULTS: Final[dict[str, Any]] = {
    "reserve": {"total": {"minor": 300, "currency": "GBP"}},
    "payment": {"reference": "pay_by_hand", "captured": True},
    "label": {"label_id": "L1", "tracking_number": "T1", "order_completed": True},
    "capture": {"reference": "pay_by_hand", "captured": True},
    "refund_down": {"undone": "refunded"},
}
"""What somebody would enter as the result of the activity at a place."""

ACTS: Final[dict[str, Act]] = {
    "completed-with-nonsense": completed({"done": "yes"}),
    "completed-with-null": completed(None),
    "failed": failed("CLI-Failure"),
    "reset": _reset,
    "paused-and-unpaused": _paused_and_unpaused,
    "given-a-second": _given_one_attempt,
}
"""Acts whose result does not depend on the activity."""

CANCELLED: Final[Act] = _cancelled
