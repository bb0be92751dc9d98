"""What a workflow hands over when it goes on as a new run: its whole state, as one document."""

from dataclasses import dataclass, fields
from types import GenericAlias
from typing import Any, Final, Generic, NoReturn, TypeVar

from temporalio import workflow
from temporalio.common import RawValue

from activities.messages import OperatorAction
from workflows.common.operator_requests import OperatorAttention
from workflows.common.run_to_completion import run_to_completion
from workflows.common.search_attributes import Progress
from workflows.documents.messages import handed_over

VERSION: Final = 1

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Continuation(Generic[S]):
    """Everything that a run knows.

    Attributes:
        version: of this form.
        state: with a field `progress`.
        unrecorded: see `OperatorAttention`.
        settled: see `OperatorAttention`.
    """

    version: int
    state: S
    unrecorded: list[OperatorAction]
    settled: dict[str, OperatorAction]


async def continue_as_new(state: Any, attention: OperatorAttention) -> NoReturn:
    """End this run once every message is answered, and begin one that knows the same."""
    unrecorded, settled = attention.unrecorded, attention.settled
    await begin_new_run(Continuation(VERSION, state, unrecorded, settled), state.progress)


async def begin_new_run(document: Any, progress: Progress) -> NoReturn:
    """End this run once every message is answered, and begin one that gets the document."""
    await run_to_completion(workflow.wait_condition(workflow.all_handlers_finished))
    progress.attention.clear()  # the new run asks again
    progress.hands_over = False
    workflow.continue_as_new(document)


def take_over(raw: RawValue, state: Any, attention: OperatorAttention) -> bool:
    """Take over what another run has handed over; False if this run continues none.

    Raises:
        ValidationError: this build does not understand what was handed over. The workflow task
            fails, and is tried again until a build runs that does.
    """
    if not continues_another():
        return False
    earlier: Continuation[Any] = handed_over(GenericAlias(Continuation, type(state)), raw)
    _restore(state, earlier.state)
    attention.unrecorded.extend(earlier.unrecorded)
    attention.settled.update(earlier.settled)
    return True


def continues_another() -> bool:
    """The server says so: no client can pretend it, not even by a retry policy or a schedule."""
    info = workflow.info()
    return info.continued_run_id is not None and info.attempt == 1 and info.cron_schedule is None


def _restore(present: Any, earlier: Any) -> None:
    """Copy all fields in place: the parts of the workflow share the state and its progress."""
    for field in fields(earlier):
        if field.name == "progress":
            _restore(present.progress, earlier.progress)
        else:
            setattr(present, field.name, getattr(earlier, field.name))
