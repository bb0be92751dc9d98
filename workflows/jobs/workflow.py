"""One act on many orders: first a dry run, then, if somebody says so, the act where it is possible.

The orders stand in the document that starts the job. What becomes of each is the state of the
workflow: it needs no table, and a run hands it to the next. Each order is asked under an id made of
the job and the order, in the run of its saga that was noted before: so the act has its effect once,
whatever dies in between.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError

from activities.failures import INVALID_DOCUMENT
from activities.jobs.activities import JobActivities
from activities.jobs.messages import JOB_WORKFLOW_TYPE, LookAtOrders
from activities.messages import ORDERS_QUEUE
from workflows import policies
from workflows.common.activity_runner import ActivityRunner
from workflows.common.continuation import begin_new_run, continues_another
from workflows.common.operator_requests import ACCEPTED, NotPossibleNow
from workflows.common.patience import Patience
from workflows.common.renewal import RunIsFull
from workflows.common.run_to_completion import cancelled_while_completing
from workflows.documents.answers import UpdateAnswer
from workflows.documents.jobs import JobDocument, JobMessage, PageMessage, parse_job
from workflows.documents.messages import NO_INPUT, handed_over, json_of, parse_message
from workflows.documents.validation import InvalidDocument
from workflows.jobs.state import Asked, JobState, Phase

P = TypeVar("P")
R = TypeVar("R")

_IN_TEMPORAL: Final = "temporal"
"""Who aborts a job by cancelling its workflow."""


@workflow.defn(name=JOB_WORKFLOW_TYPE)
class OperatorJob:
    """Carries one job to its end."""

    @workflow.init
    def __init__(self, document: RawValue = NO_INPUT) -> None:
        """Create the state; what another run has handed over is there before any message."""
        self._continues = continues_another()
        self._state: JobState = handed_over(JobState, document) if self._continues else JobState()
        self._activities = ActivityRunner(self._state.progress, lambda: None)
        self._patience: Patience | None = None

    @workflow.run
    async def run(self, document: RawValue = NO_INPUT) -> dict[str, Any]:
        """Carry out the job that the one JSON input describes; returns its summary."""
        state = self._state
        if not self._continues:
            state.begin(_accepted(document), workflow.now())
        self._enter(state.phase)
        try:
            await cancelled_while_completing(self._work(), self._abort_natively)
        except RunIsFull:
            await begin_new_run(state, state.progress)
        await workflow.wait_condition(workflow.all_handlers_finished)
        if workflow.cancellation_reason() is not None:
            raise CancelledError("aborted")
        return state.summary()

    # --- the way of a job ------------------------------------------------------------------------

    async def _work(self) -> None:
        state = self._state
        with suppress(_Aborted):
            if state.phase is Phase.LOOKING:
                await self._look()
                state.ready_until = workflow.now() + policies.JOB_KEPT_READY
                self._enter(Phase.READY)
            if state.phase is Phase.READY:
                await self._confirmed()
            await self._act()
        self._end()

    async def _look(self) -> None:
        while orders := self._state.not_looked_at:
            request = LookAtOrders(self._state.act, orders)
            what = "look whether the act is possible"
            self._state.look(await self._ask(JobActivities.look_at_orders, request, what))

    async def _confirmed(self) -> None:
        """Wait until somebody says that the job is to be carried out, or the time is over."""
        state = self._state
        left = (state.ready_until or workflow.now()) - workflow.now()
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: bool(state.carried_out or state.aborted),
                timeout=left,
                timeout_summary="then the dry run expires",
            )
        if state.carried_out and not state.aborted:
            self._enter(Phase.RUNNING)

    async def _act(self) -> None:
        state = self._state
        while request := state.next_request():
            began = workflow.now()
            what = f"{state.act}: {len(request.orders)} orders"
            state.take(await self._ask(JobActivities.act_on_orders, request, what))
            await self._pause(len(request.orders), began)

    async def _pause(self, asked: int, began: Any) -> None:
        pause = self._state.pause_after(asked, workflow.now() - began)
        if pause and any(each.outcome is None for each in self._state.orders):
            with suppress(TimeoutError):
                await workflow.wait_condition(lambda: bool(self._state.aborted), timeout=pause)

    async def _ask(self, method: Callable[[Any, P], Awaitable[R]], request: P, summary: str) -> R:
        """What an activity answers, however long it takes.

        Raises:
            RunIsFull: the work goes on in a new run.
            _Aborted: the job was aborted while something kept the activity from its end.
        """
        state = self._state
        if state.aborted:
            raise _Aborted
        state.progress.stop_if_full()
        self._patience = Patience(
            method.__name__, state.progress, lambda: None, is_over=lambda: bool(state.aborted)
        )
        try:
            return await self._activities.run(
                method, request, ORDERS_QUEUE, policies.JOB_PART, summary, self._patience
            )
        except ActivityError:
            if not self._patience.ended_early:
                raise
            raise _Aborted from None
        finally:
            self._patience = None

    def _end(self) -> None:
        state = self._state
        is_done = state.carried_out is not None
        phase = Phase.ABORTED if state.aborted else Phase.DONE if is_done else Phase.EXPIRED
        state.end(phase, workflow.now())
        self._enter(phase)

    def _enter(self, phase: Phase) -> None:
        """Show the phase also where jobs are listed."""
        self._state.phase = phase
        workflow.upsert_memo({"summary": self._state.summary()})

    # --- messages --------------------------------------------------------------------------------

    @workflow.query(description="Where the job stands")
    def status(self, _raw: RawValue = NO_INPUT) -> dict[str, Any]:
        """Where the job stands."""
        return self._state.summary()

    @workflow.query(description='A page of its orders: {"offset", "limit", "outcome"}')
    def orders(self, raw: RawValue = NO_INPUT) -> list[dict[str, Any]]:
        """What became of some of the orders."""
        return self._state.page(parse_message(PageMessage, raw))

    @workflow.update(description='Act where it is possible: {"actor"}')
    def carry_out(self, raw: RawValue = NO_INPUT) -> UpdateAnswer:
        """Let the dry run be followed by the act."""
        if self._state.carried_out is None:
            self._state.carried_out = _asked(raw)
        return ACCEPTED

    @carry_out.validator
    def _can_carry_out(self, raw: RawValue = NO_INPUT) -> None:
        asked, state = _asked(raw), self._state
        if state.carried_out and state.carried_out.request_id == asked.request_id:
            return
        if state.phase is not Phase.READY or state.carried_out or state.aborted:
            phase = state.phase if not state.carried_out else Phase.RUNNING
            raise NotPossibleNow(f"a job that is {phase.value} cannot be carried out")

    @workflow.update(description='End the job; what was done stays done: {"actor"}')
    def abort(self, raw: RawValue = NO_INPUT) -> UpdateAnswer:
        """Act on no further order."""
        self._abort(_asked(raw))
        return ACCEPTED

    @abort.validator
    def _can_abort(self, raw: RawValue = NO_INPUT) -> None:
        _asked(raw)
        if self._state.phase.is_end:
            raise NotPossibleNow(f"the job is {self._state.phase.value}")

    def _abort_natively(self) -> None:
        self._abort(Asked(_IN_TEMPORAL, workflow.now()))

    def _abort(self, asked: Asked) -> None:
        if self._state.aborted is None:
            self._state.aborted = asked
        if self._patience and self._patience.in_trouble:
            self._patience.interrupt()


class _Aborted(Exception):
    """Nothing further is asked of any order."""


def _asked(raw: RawValue) -> Asked:
    info = workflow.current_update_info()
    message = parse_message(JobMessage, raw)
    return Asked(message.actor, workflow.now(), info.id if info else None)


def _accepted(raw: RawValue) -> JobDocument:
    try:
        return parse_job(json_of(raw), workflow.info().workflow_id)
    except InvalidDocument as error:
        raise ApplicationError(str(error), type=INVALID_DOCUMENT, non_retryable=True) from None
