"""A saga whose course was changed without a patch: what versioning and replay must keep out."""

from collections.abc import Sequence
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue

from workflows.fulfillment import OrderFulfillment

MARK = "changed-"


@workflow.defn(dynamic=True)
class ChangedSaga(OrderFulfillment):
    """Asks for its activities under other ids."""

    @workflow.run
    async def run(self, inputs: Sequence[RawValue]) -> dict[str, Any]:
        """As the saga."""
        return await super().run(inputs)

    def _activity_id(self, name: str) -> str:
        return MARK + super()._activity_id(name)
