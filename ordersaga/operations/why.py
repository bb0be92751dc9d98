"""Why an order came to where it is: its events grouped by what caused them, and what led to what.

Every event names its direct cause: the request of a person or a service, or an activity of a run.
Events with the same cause are one act. An act of a run follows from the act of the run before it,
the first act of a saga from the order's submission. What people told a saga is recorded by an
activity of it, but came from outside.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from ordersaga.operations.orders import TimelineEntry

_OF_RUN: Final = re.compile(r"(?P<run>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/(?P<name>.+)")
_BY_PEOPLE: Final = frozenset(
    {"OperatorActed", "DeliveryOperatorActed", "ReturnOperatorActed", "RefundGranted"}
    | {"RefundDenied", "RestockDecided", "ReturnOpened"}
)
_BEGINS: Final = {
    "OrderSubmitted": frozenset({"FulfillmentStarted"}),
    "LabelBought": frozenset({"ShipmentHandedOver", "ShipmentInTransit", "ShipmentDelivered"}),
}
_TURNING: Final = "CompensationStarted"
_BAD: Final = frozenset({"StepFailed", "PaymentDeclined", "ItemsUnavailable", "OperatorActed"})
_ENDS: Final = frozenset({"OrderCompleted", "OrderCancelled"})


@dataclass(frozen=True, slots=True)
class Act:
    """Events with one cause.

    Attributes:
        number: in the order of the log, from 0.
        cause: what all its events name.
        name: of the activity, or of the kind of request.
        run_id: of the run that it is an activity of; None: a request from outside.
        is_outside: somebody outside decided it, even if a saga recorded it.
        led_by: the numbers of the acts that it follows from; none: it came from outside.
    """

    number: int
    cause: str
    name: str
    run_id: str | None
    is_outside: bool
    events: Sequence[TimelineEntry]
    led_by: tuple[int, ...] = ()

    @property
    def at(self) -> datetime:
        """When its first event was recorded."""
        return self.events[0].recorded_at

    @property
    def actor(self) -> str:
        """Who did it."""
        return self.events[0].actor

    def has(self, event_types: Iterable[str]) -> bool:
        """Whether one of its events is of these types."""
        return not {event.event_type for event in self.events}.isdisjoint(event_types)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Acts and what led to what, in the order of the log.

    Attributes:
        turned_by: the event because of which the saga turned back; None: it did not.
        undone: what was undone, by whom and when.
        ended_by: the event that ended the order; None: it is open.
    """

    acts: Sequence[Act]
    turned_by: TimelineEntry | None = None
    undone: Sequence[TimelineEntry] = field(default_factory=tuple)
    ended_by: TimelineEntry | None = None


def explain(story: Sequence[TimelineEntry]) -> Explanation:
    """What led to what in the story of an order."""
    groups: dict[str, list[TimelineEntry]] = {}
    for entry in story:
        groups.setdefault(entry.causation_id, []).append(entry)
    acts: list[Act] = []
    for number, (cause, events) in enumerate(groups.items()):
        acts.append(_act(number, cause, events, acts))
    turning = next((one for one in story if one.event_type == _TURNING), None)
    undone = [one for one in story if turning and one.position > turning.position]
    return Explanation(
        acts,
        _turned_by(story, turning),
        [one for one in undone if one.event_type not in _ENDS | {"FulfillmentClosed"}],
        next((one for one in reversed(story) if one.event_type in _ENDS), None),
    )


def _act(number: int, cause: str, events: list[TimelineEntry], before: Sequence[Act]) -> Act:
    of_run = _OF_RUN.fullmatch(cause)
    run_id = of_run["run"] if of_run else None
    name = of_run["name"].partition(".")[0] if of_run else cause.partition("-")[0]
    types = {event.event_type for event in events}
    outside = run_id is None or not types.isdisjoint(_BY_PEOPLE)
    led_by = () if run_id is None else _leaders(run_id, types, before)
    return Act(number, cause, name, run_id, outside, events, led_by)


def _leaders(run_id: str, types: set[str], before: Sequence[Act]) -> tuple[int, ...]:
    """The last act of the same run; of the first one of a run, what began it."""
    same = [act for act in before if act.run_id == run_id]
    if same:
        inside = [act for act in same if not act.is_outside][-1:]
        by_people = [
            act for act in same if act.is_outside and (not inside or act.number > inside[0].number)
        ]
        return tuple(act.number for act in [*inside, *by_people])
    causes = {cause for cause, effects in _BEGINS.items() if types & effects}
    begun = [act for act in before if act.has(causes)] or before
    return tuple(act.number for act in begun[-1:])


def _turned_by(
    story: Sequence[TimelineEntry], turning: TimelineEntry | None
) -> TimelineEntry | None:
    if turning is None:
        return None
    earlier = [one for one in story if one.position < turning.position]
    return next((one for one in reversed(earlier) if one.event_type in _BAD), turning)
