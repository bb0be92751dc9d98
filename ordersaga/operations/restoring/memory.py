"""What the run of a workflow remembers, read from its history: no worker is asked."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.messages import WORKFLOW_TYPE, OperatorAction
from activities.returns.messages import DELIVERY_WORKFLOW_TYPE, RETURN_WORKFLOW_TYPE
from ordersaga.operations.temporal_runs import Run, list_runs
from workflows.common.answers import seen_in

_TYPES: Final = (WORKFLOW_TYPE, DELIVERY_WORKFLOW_TYPE, RETURN_WORKFLOW_TYPE)
_WITHOUT_RECORD: Final = frozenset({"place", "carrier_update", "stock_arrived"})
"""Messages that are no act of a person."""


@dataclass
class Memory:
    """What a run remembers.

    Attributes:
        run: as Temporal lists it.
        seen_up_to: the highest position of the event store that it has learnt of.
        first_input: what the first run of the workflow was started with; None: Temporal has
            forgotten it.
        outcome: how it ended, ``completed`` or ``cancelled``; None: it did not.
        turned_back: it has begun to undo its order.
        hold: who has put it on hold.
        acts: what people asked of it that the event store may have lost, in order.
        scans: what the carrier told it.
    """

    run: Run
    seen_up_to: int = 0
    first_input: Payload | None = None
    outcome: str | None = None
    turned_back: bool = False
    hold: OperatorAction | None = None
    acts: list[str] = field(default_factory=list)
    scans: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_cancelled(self) -> bool:
        """Whether it ended as cancelled, or was on the way there."""
        return self.outcome == "cancelled" or (self.outcome is None and self.turned_back)


async def runs_since(client: Client, since: datetime | None) -> AsyncIterator[Run]:
    """The latest run of every workflow that was open at some time since then; None: ever.

    Raises:
        RPCError: Temporal does not answer.
    """
    types = ", ".join(f"'{name}'" for name in _TYPES)
    closed = f"CloseTime >= '{since:%Y-%m-%dT%H:%M:%SZ}'" if since else "CloseTime IS NOT NULL"
    latest: dict[str, Run] = {}
    for condition in ("CloseTime IS NULL", closed):
        async for run in list_runs(client, f"WorkflowType IN ({types}) AND {condition}"):
            other = latest.get(run.workflow_id)
            if other is None or other.started_at < run.started_at:
                latest[run.workflow_id] = run
    for run in latest.values():
        yield run


async def remember(client: Client, run: Run, is_lost: Callable[[int], bool]) -> Memory:
    """Read a run's history.

    Args:
        client: Temporal.
        run: the run.
        is_lost: whether the event store has lost a position.

    Raises:
        RPCError: Temporal does not answer.
    """
    reader = _Reader(client, Memory(run), is_lost)
    async for event in _events(client, run.workflow_id, run.run_id):
        await reader.read(event)
    first_id = reader.first_run_id
    if first_id not in ("", run.run_id):
        reader.memory.first_input = await _first_input(client, run.workflow_id, first_id)
    return reader.memory


async def _events(client: Client, workflow_id: str, run_id: str) -> AsyncIterator[HistoryEvent]:
    handle = client.get_workflow_handle(workflow_id, run_id=run_id)
    async for event in handle.fetch_history_events():
        yield event


async def _first_input(client: Client, workflow_id: str, run_id: str) -> Payload | None:
    try:
        async for event in _events(client, workflow_id, run_id):
            return _only(event.workflow_execution_started_event_attributes.input.payloads)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
    return None


def _only(payloads: Sequence[Payload]) -> Payload | None:
    return payloads[0] if len(payloads) == 1 else None


async def content_of(client: Client, payload: Payload | None) -> Any:
    """What a payload holds, as JSON; None: nothing that can be read."""
    if payload is None:
        return None
    codec = client.data_converter.payload_codec
    [plain] = await codec.decode([payload]) if codec else [payload]
    with suppress(ValueError):
        return json.loads(plain.data)
    return None


class _Reader:
    """Takes in the events of one history, in order."""

    def __init__(self, client: Client, memory: Memory, is_lost: Callable[[int], bool]) -> None:
        self.memory = memory
        self.first_run_id = ""
        self._client = client
        self._is_lost = is_lost

    async def read(self, event: HistoryEvent) -> None:
        """Take in one event."""
        memory = self.memory
        match event.event_type:
            case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
                await self._begin(event)
            case EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                name = event.activity_task_scheduled_event_attributes.activity_type.name
                memory.turned_back = memory.turned_back or name == "turn_back"
            case EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
                await self._learn(event.activity_task_completed_event_attributes.result.payloads)
            case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED:
                asked = event.workflow_execution_update_accepted_event_attributes
                request = asked.accepted_request.input
                await self._note(request.name, request.args.payloads)
            case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
                signal = event.workflow_execution_signaled_event_attributes
                await self._note(signal.signal_name, signal.input.payloads)
            case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
                result = event.workflow_execution_completed_event_attributes.result.payloads
                content = await content_of(self._client, _only(result))
                memory.outcome = content.get("outcome") if isinstance(content, dict) else None
            case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
                memory.outcome = "cancelled"

    async def _begin(self, event: HistoryEvent) -> None:
        started = event.workflow_execution_started_event_attributes
        self.first_run_id = started.first_execution_run_id
        self.memory.first_input = _only(started.input.payloads)
        content = await content_of(self._client, self.memory.first_input)
        if isinstance(content, dict) and isinstance(content.get("updates"), list):
            self.memory.scans += content["updates"]

    async def _learn(self, payloads: Sequence[Payload]) -> None:
        codec = self._client.data_converter.payload_codec
        plain = await codec.decode(payloads) if codec else payloads
        position = max(map(seen_in, plain), default=0)
        self.memory.seen_up_to = max(self.memory.seen_up_to, position)
        if position and not self._is_lost(position):
            self.memory.acts.clear()  # what came before this answer is in the event store

    async def _note(self, name: str, payloads: Sequence[Payload]) -> None:
        content = await content_of(self._client, _only(payloads))
        message = content if isinstance(content, dict) else {}
        if name == "carrier_update":
            self.memory.scans.append(message)
        if name in ("hold", "resume"):
            by = OperatorAction(str(message.get("actor")), name, str(message.get("reason")))
            self.memory.hold = by if name == "hold" else None
        elif name not in _WITHOUT_RECORD:
            self.memory.acts.append(f"{name} by {message.get('actor')}")
