"""What only Temporal and the sagas know: retries, holds, waits, and what is possible now."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Final

from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import Client

from activities.messages import WORKFLOW_TYPE
from domain.ids import OrderId, order_stream
from ordersaga.operations.inbox.items import InboxItem
from ordersaga.operations.sagas import ask_status
from ordersaga.operations.temporal_runs import Run, find_run, list_runs
from workflows.common.search_attributes import SAGA_STEP, STARTING

MOST_SAGAS: Final = 200
_AT_ONCE: Final = 10
_QUERY: Final = (
    f"WorkflowType = '{WORKFLOW_TYPE}' AND ExecutionStatus = 'Running' "
    f"AND {SAGA_STEP.name} != '{STARTING}'"
)
_PREFIX: Final = order_stream(OrderId(""))


@dataclass(frozen=True, slots=True)
class LiveSaga:
    """A saga that shows where it stands: Temporal's description and its own answer."""

    run: Run
    status: Mapping[str, Any]
    note: str | None

    @property
    def order_id(self) -> str:
        """Its order."""
        return self.run.workflow_id.removeprefix(_PREFIX)

    @property
    def actions(self) -> tuple[str, ...]:
        """What it would accept now."""
        return tuple(self.status.get("actions", ()))

    def item(self) -> InboxItem:
        """It as an item of the inbox."""
        waits = [one for one in self.status.get("waiting", ()) if one]
        failing = next((each for each in self.run.pending if each.HasField("last_failure")), None)
        step = self.status.get("step") or self.run.attributes.get(SAGA_STEP) or "unknown"
        item = InboxItem(
            kind=str(step),
            subject=self.run.workflow_id,
            order_id=self.order_id,
            reason=self._reason(waits),
            since=_time(waits[0]["since"]) if waits else self.run.started_at,
            next=waits[0]["plan"] if waits else self._next(),
            due_at=_time(self.status.get("answer_by")),
            actions=self.actions,
        )
        return _with_retries(item, failing) if failing else item

    def _reason(self, waits: Sequence[Mapping[str, str]]) -> str:
        if waits:
            return f"{waits[0]['trouble']}: {waits[0]['failure']}"
        if self.status.get("held_by"):
            return f"{self.status['held_by']} holds it: {self.status.get('hold_reason')}"
        return str(self.status.get("waits_for") or self.note)

    def _next(self) -> str:
        if self.status.get("declined"):
            return "the order is cancelled when the deadline passes"
        if self.status.get("answer_by"):
            return "the order's default decides when the deadline passes"
        return "nothing happens until somebody acts" if self.status.get("held_by") else "it goes on"


def _with_retries(item: InboxItem, failing: PendingActivityInfo) -> InboxItem:
    at = failing.next_attempt_schedule_time
    return replace(
        item,
        attempt=failing.attempt,
        last_failure=failing.last_failure.message or None,
        next_try_at=at.ToDatetime(UTC) if failing.HasField("next_attempt_schedule_time") else None,
    )


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


async def live_sagas(client: Client, order_ids: Sequence[str]) -> list[LiveSaga]:
    """The sagas that show where they stand, and those of some orders.

    Raises:
        RPCError: Temporal does not answer.
    """
    listed = [run.workflow_id async for run in list_runs(client, _QUERY, MOST_SAGAS)]
    named = [order_stream(OrderId(order_id)) for order_id in order_ids]
    slots = asyncio.Semaphore(_AT_ONCE)

    async def look(workflow_id: str) -> LiveSaga | None:
        async with slots:
            run = await find_run(client, workflow_id)
            if run is None or not run.is_open or run.workflow_type != WORKFLOW_TYPE:
                return None
            return LiveSaga(run, *await ask_status(client, run))

    ids = list(dict.fromkeys([*listed, *named]))[:MOST_SAGAS]
    answers = await asyncio.gather(*map(look, ids))
    return [saga for saga in answers if saga is not None]
