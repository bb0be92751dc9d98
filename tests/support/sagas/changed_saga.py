"""A saga that was changed incompatibly, without a patch: versioning and replay must reject it."""

from typing import Any

from temporalio import workflow
from temporalio.common import RawValue

from activities.messages import WORKFLOW_TYPE
from workflows.common.activity_runner import ActivityRunner
from workflows.documents.messages import NO_INPUT
from workflows.fulfillment.workflow import OrderFulfillment

MARK = "changed-"


class _ChangedRunner(ActivityRunner):
    def next_id(self, name: str) -> str:
        return MARK + super().next_id(name)


@workflow.defn(name=WORKFLOW_TYPE)
class ChangedSaga(OrderFulfillment):
    """Starts its activities under different ids."""

    runner_class = _ChangedRunner

    @workflow.init
    def __init__(self, document: RawValue = NO_INPUT) -> None:
        super().__init__(document)

    @workflow.run
    async def run(self, document: RawValue = NO_INPUT) -> dict[str, Any]:
        """As the saga."""
        return await super().run(document)
