"""A saga step by step, as the events of the order tell it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.values import Step
from ordersaga.operations.orders import TimelineEntry

_DONE: Final[Mapping[Step, Collection[str]]] = {
    Step.RESERVE_INVENTORY: {"OrderReserved"},
    Step.PROCESS_PAYMENT: {"PaymentAuthorised", "PaymentCaptured", "OrderProcessingStarted"},
    Step.CREATE_SHIPMENT: {"LabelBought", "OrderCompleted"},
    Step.CAPTURE_PAYMENT: {"PaymentCaptured"},
}
_UNDONE: Final[Mapping[Step, Collection[str]]] = {
    Step.RESERVE_INVENTORY: {"StockReleased", "BackorderWithdrawn"},
    Step.PROCESS_PAYMENT: {"PaymentVoided", "PaymentExpired", "PaymentRefunded"},
    Step.CREATE_SHIPMENT: {"LabelCancelled"},
    Step.CAPTURE_PAYMENT: {"PaymentRefunded"},
}
_REFUSED: Final[Mapping[Step, Collection[str]]] = {
    Step.RESERVE_INVENTORY: {"ItemsUnavailable"},
    Step.PROCESS_PAYMENT: {"PaymentDeclined", "PaymentNotClaimed"},
    Step.CREATE_SHIPMENT: set(),
    Step.CAPTURE_PAYMENT: set(),
}
_STEP_FAILED: Final = "StepFailed"
_TURNING: Final = "CompensationStarted"


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step of a saga.

    Attributes:
        name: of the step or compensation.
        state: to_come, done, undone, failed, waiting or nothing.
        at: when it got into this state; None: it has not begun.
        detail: what was recorded of it last.
    """

    name: str
    state: str
    at: datetime | None
    detail: str


def steps_of(story: Sequence[TimelineEntry]) -> list[StepRow]:
    """The steps of the order's saga; capturing is one of its own where money is held first."""
    types = {entry.event_type for entry in story}
    steps: list[Step] = [step for step in Step if step is not Step.CAPTURE_PAYMENT]
    if "PaymentAuthorised" in types:
        steps.append(Step.CAPTURE_PAYMENT)
    ended = bool(types & {"OrderCancelled", "FulfillmentClosed", _TURNING})
    return [_row(step, story, ended) for step in steps]


def _row(step: Step, story: Sequence[TimelineEntry], ended: bool) -> StepRow:
    """The latest thing that was recorded of a step decides."""
    row = StepRow(step.value, "nothing" if ended else "to_come", None, "")
    for entry in story:
        state = _state_after(step, entry)
        if state is not None and not (state == "undone" and row.at is None):
            row = StepRow(step.value, state, entry.recorded_at, entry.what)
    return row


def _state_after(step: Step, entry: TimelineEntry) -> str | None:
    if entry.event_type == _STEP_FAILED and entry.what.startswith(step.value):
        return "failed"
    for state, table in (("done", _DONE), ("undone", _UNDONE), ("waiting", _REFUSED)):
        if entry.event_type in table[step]:
            return "failed" if entry.event_type == "PaymentDeclined" else state
    return None
