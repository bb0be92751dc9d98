"""A saga whose course was changed without a patch: what versioning and replay must keep out."""

from typing import Any

from temporalio import workflow
from temporalio.common import RawValue

from activities.messages import WORKFLOW_TYPE
from workflows.documents.messages import NO_INPUT
from workflows.fulfillment.workflow import OrderFulfillment

MARK = "changed-"


@workflow.defn(name=WORKFLOW_TYPE)
class ChangedSaga(OrderFulfillment):
    """Asks for its activities under other ids."""

    @workflow.run
    async def run(self, given: RawValue = NO_INPUT) -> dict[str, Any]:
        """As the saga."""
        return await super().run(given)

    def _activity_id(self, name: str) -> str:
        return MARK + super()._activity_id(name)
