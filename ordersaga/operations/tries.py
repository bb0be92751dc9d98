"""How often the steps of runs were tried before they ended, as Temporal's histories tell.

The log knows what a step did, not how often it was tried. A history has one start of an activity
that has ended, with the number of its last attempt and what the attempt before it failed with.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from ordersaga.operations.why import Act

MOST_EVENTS: Final = 5000
"""So much of the histories of an order is read; what is later is not told."""


@dataclass(frozen=True, slots=True)
class Tries:
    """The attempts of a step that has ended.

    Attributes:
        attempts: the number of its last attempt.
        failure: what the attempt before that failed with; None: there was none.
        asked_at: when the workflow asked for it.
        began_at: when the last attempt began.
    """

    attempts: int
    failure: str | None
    asked_at: datetime
    began_at: datetime

    @property
    def waited_s(self) -> float:
        """From the request to the last attempt, in seconds."""
        return (self.began_at - self.asked_at).total_seconds()


async def tries_of(client: Client, acts: Iterable[Act]) -> Mapping[str, Tries]:
    """The attempts behind acts of runs, by cause; nothing of runs that Temporal has forgotten.

    Raises:
        RPCError: Temporal does not answer.
    """
    runs = {act.run_id: act.events[0].correlation_id for act in acts if act.run_id}
    by_cause: dict[str, Tries] = {}
    left = MOST_EVENTS
    for run_id, workflow_id in runs.items():
        history = [event async for event in _history(client, workflow_id, run_id, left)]
        left -= len(history)
        by_id = tries_in(history)
        by_cause |= {f"{run_id}/{activity_id}": tries for activity_id, tries in by_id.items()}
    return by_cause


def tries_in(history: Iterable[HistoryEvent]) -> dict[str, Tries]:
    """The attempts of the activities that have begun for the last time, by activity id."""
    asked: dict[int, tuple[str, datetime]] = {}
    by_id: dict[str, Tries] = {}
    for event in history:
        at = event.event_time.ToDatetime(UTC)
        if event.HasField("activity_task_scheduled_event_attributes"):
            activity_id = event.activity_task_scheduled_event_attributes.activity_id
            asked[event.event_id] = (activity_id, at)
        elif event.HasField("activity_task_started_event_attributes"):
            started = event.activity_task_started_event_attributes
            activity_id, asked_at = asked[started.scheduled_event_id]
            failure = started.last_failure.message or None
            by_id[activity_id] = Tries(started.attempt, failure, asked_at, at)
    return by_id


async def _history(
    client: Client, workflow_id: str, run_id: str, most: int
) -> AsyncIterator[HistoryEvent]:
    handle = client.get_workflow_handle(workflow_id, run_id=run_id)
    number = 0
    try:
        async for event in handle.fetch_history_events():
            if number == most:
                return
            number += 1
            yield event
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
