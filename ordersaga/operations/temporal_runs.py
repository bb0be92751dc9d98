"""Workflow runs as Temporal's server describes them.

The SDK's own descriptions fail for a paused run, whose status they do not know. One paused saga
must not hide the others.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from temporalio.api.common.v1 import Payload
from temporalio.api.common.v1 import WorkflowExecution as RunReference
from temporalio.api.enums.v1 import WorkflowExecutionStatus
from temporalio.api.workflow.v1 import PendingActivityInfo, WorkflowExecutionInfo
from temporalio.api.workflowservice.v1 import (
    DescribeWorkflowExecutionRequest,
    ListWorkflowExecutionsRequest,
)
from temporalio.client import Client
from temporalio.common import TypedSearchAttributes
from temporalio.converter import decode_typed_search_attributes
from temporalio.service import RPCError, RPCStatusCode

_PAGE = 1000
_PREFIX = "WORKFLOW_EXECUTION_STATUS_"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a workflow.

    Attributes:
        status: Temporal's status in lower case, such as ``running``, ``paused``, ``completed``.
        pending: pending activities; only in a description, not in a list.
        task_attempt: of the pending workflow task, 0 if there is none; only in a description.
        memo: what the workflow shows where it is listed, encoded.
    """

    workflow_id: str
    run_id: str
    workflow_type: str
    status: str
    started_at: datetime
    closed_at: datetime | None
    attributes: TypedSearchAttributes
    pending: Sequence[PendingActivityInfo] = field(default_factory=tuple)
    task_attempt: int = 0
    memo: Mapping[str, Payload] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether it has not ended; a paused one has not."""
        return self.closed_at is None and self.status in {"running", "paused"}

    @property
    def running(self) -> tuple[str, ...]:
        """The types of the pending activities."""
        return tuple(each.activity_type.name for each in self.pending)


async def list_runs(client: Client, query: str, limit: int | None = None) -> AsyncIterator[Run]:
    """Runs that a visibility query selects, most recently started first.

    Raises:
        RPCError: the query is wrong, or Temporal does not answer.
    """
    token, left = b"", limit
    while left is None or left > 0:
        request = ListWorkflowExecutionsRequest(
            namespace=client.namespace,
            query=query,
            page_size=min(_PAGE, left or _PAGE),
            next_page_token=token,
        )
        page = await client.workflow_service.list_workflow_executions(request, retry=True)
        for info in page.executions[:left]:
            yield _run(info)
        left = None if left is None else left - len(page.executions)
        token = page.next_page_token
        if not token:
            return


async def find_run(client: Client, workflow_id: str, run_id: str = "") -> Run | None:
    """A run of a workflow, by default the latest; None if there is none.

    Raises:
        RPCError: Temporal does not answer.
    """
    execution = RunReference(workflow_id=workflow_id, run_id=run_id)
    request = DescribeWorkflowExecutionRequest(namespace=client.namespace, execution=execution)
    try:
        described = await client.workflow_service.describe_workflow_execution(request, retry=True)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    run = _run(described.workflow_execution_info, tuple(described.pending_activities))
    return replace(run, task_attempt=described.pending_workflow_task.attempt)


def _run(info: WorkflowExecutionInfo, pending: Sequence[PendingActivityInfo] = ()) -> Run:
    return Run(
        workflow_id=info.execution.workflow_id,
        run_id=info.execution.run_id,
        workflow_type=info.type.name,
        status=_word(info.status),
        started_at=info.start_time.ToDatetime(UTC),
        closed_at=info.close_time.ToDatetime(UTC) if info.HasField("close_time") else None,
        attributes=decode_typed_search_attributes(info.search_attributes),
        pending=pending,
        memo=dict(info.memo.fields),
    )


def _word(status: "WorkflowExecutionStatus.ValueType") -> str:
    try:
        return WorkflowExecutionStatus.Name(status).removeprefix(_PREFIX).lower()
    except ValueError:  # a server that is newer than this program
        return f"status {status}"
