"""What the Temporal UI shows of a workflow: search attributes and "current details"."""

from dataclasses import dataclass, field
from typing import Final

from temporalio import workflow

from workflows.common.search_attributes import (
    NEEDS_ATTENTION,
    ORDER_STATUS,
    SAGA_STEP,
    SearchAttributes,
)

STARTING: Final = "starting"


@dataclass(slots=True)
class Progress:
    """Where a workflow stands, in words for people.

    Attributes:
        order_status: the search attribute OrderStatus.
        stage: what it is doing, a step or a state such as ``on_hold``; the search attribute
            SagaStep.
        waits_for: what it waits for; completes the sentence "Waits for ...".
        attention: what an operator must do, by the step that failed.
    """

    order_status: str
    stage: str = STARTING
    waits_for: str = "the first step"
    attention: dict[str, str] = field(default_factory=dict)

    @property
    def attention_text(self) -> str | None:
        """Everything that an operator must do; None: nothing."""
        return "; ".join(self.attention.values()) or None

    @property
    def where(self) -> str:
        """Where it is, for refusals."""
        return f"it is at {self.stage}"

    @property
    def sentence(self) -> str:
        """What the workflow waits for, and what an operator must do."""
        needs = f"**Needs attention**: {self.attention_text}. " if self.attention else ""
        return f"{needs}Waits for {self.waits_for}."


class Visibility:
    """Shows every change of a workflow's progress."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._attributes = SearchAttributes()

    def enter(self, stage: str, waits_for: str) -> None:
        """Show a new stage and what it waits for."""
        self._progress.stage, self._progress.waits_for = stage, waits_for
        self.show()

    def show(self) -> None:
        """Bring the details and the search attributes up to date."""
        progress = self._progress
        workflow.set_current_details(progress.sentence)
        self._attributes.write(
            {
                ORDER_STATUS: progress.order_status,
                SAGA_STEP: progress.stage,
                NEEDS_ATTENTION: bool(progress.attention),
            }
        )
