"""One return: goods or money of a completed order go back.

The refund and the restocking are two decisions. Each is made at the start or later, by anybody,
and carried out independently: a refund that waits for a person does not keep the goods from going
back into stock.

The event store decides what the case is: the same return id with the same content is the same
case, whichever run asks. If a return is cancelled through Temporal, decisions that are still open
count as "no". What was decided before is carried out; then the run ends as *Canceled*.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError

from activities.failures import RETURN_CONFLICT, RETURN_REFUSED, Trouble
from activities.inventory.restock import ReturnStockActivities
from activities.messages import INVENTORY_QUEUE, ORDERS_QUEUE, PAYMENTS_QUEUE, OperatorAction
from activities.payments.refunds import RefundActivities
from activities.returns.activities import ReturnActivities
from activities.returns.messages import (
    RETURN_WORKFLOW_TYPE,
    CaseAttention,
    CaseOperators,
    CaseRequest,
    CaseView,
    DecideCase,
    OpenReturnCase,
)
from workflows import policies
from workflows.common.activity_runner import ActivityRunner, saga_ref
from workflows.common.continuation import continue_as_new, take_over
from workflows.common.failures import message_of, type_of
from workflows.common.operator_requests import (
    OperatorAttention,
    OperatorDecision,
    OperatorRequests,
    signal_twin,
    stop_announcing,
)
from workflows.common.patience import Alarm, Patience
from workflows.common.renewal import RunIsFull
from workflows.common.run_to_completion import cancelled_while_completing
from workflows.common.search_attributes import REFUND_PENDING, Visibility
from workflows.documents.answers import RefundAnswer, ReturnResult, ReturnStatus, UpdateAnswer
from workflows.documents.messages import NO_INPUT
from workflows.returns.handlers import DecisionHandlers, PendingDecision, ReturnState
from workflows.returns.opening import Opening
from workflows.returns.status import case_result, case_status

OPENING: Final = "opening"
DECISION: Final = "decision"
REFUND: Final = "refund_return"
CLOSED: Final = "closed"
_TROUBLES: Final = (
    Trouble.FOREIGN,
    Trouble.BANK,
    Trouble.CUSTOMER,
    Trouble.PROVIDER,
    Trouble.UNEXPECTED,
)
"""What a person is asked about while a refund is tried."""


@workflow.defn(name=RETURN_WORKFLOW_TYPE)
class OrderReturn(OperatorRequests):
    """Carries one return to its end."""

    @workflow.init
    def __init__(self, document: RawValue = NO_INPUT) -> None:
        """Create the parts; what another run has handed over is there before any message."""
        self._state = state = ReturnState()
        self._visibility = Visibility(state.progress)
        super().__init__(
            state.progress,
            OperatorAttention(state.progress, self._visibility.show, self._record_operators),
        )
        self._activities = ActivityRunner(state.progress, self._visibility.show)
        self._decisions = DecisionHandlers(state)
        self._opening = Opening(state)
        self._continues = take_over(document, state, self.attention)
        if not self._continues:
            self._opening.accept(document)

    @workflow.run
    async def run(self, _document: RawValue = NO_INPUT) -> ReturnResult:
        """Carry out the return that the one JSON input describes; returns what became of it."""
        if self._opening.refusal:
            raise self._opening.refusal
        try:
            await cancelled_while_completing(self._carry_out(), self._decisions.deny_the_rest)
        except RunIsFull:
            await continue_as_new(self._state, self.attention)
        if self._state.cancelled and workflow.cancellation_reason() is not None:
            raise CancelledError("closed as requested; open decisions count as no")
        return case_result(self._state.requested, self._state.recorded)

    # --- the way of a return ---------------------------------------------------------------------

    async def _carry_out(self) -> None:
        await self.attention.record_operators()
        if self._state.case is None:
            self._visibility.enter(OPENING, "the event store to open the return")
            self._state.case = await self._open()
        await self._decide_and_do()
        if not self._state.recorded.closed:
            self._state.case = await self._activities.run(
                ReturnActivities.close_return,
                self._request(),
                ORDERS_QUEUE,
                policies.USUAL,
                "close the return",
            )
        self.progress.order_status = "returned"
        self._visibility.enter(CLOSED, "nothing")
        await workflow.wait_condition(workflow.all_handlers_finished)

    async def _decide_and_do(self) -> None:
        """Record the decisions, and carry out each as soon as it is made."""
        parts = (self._record_decisions(), self._refund(), self._restock())
        if any(await asyncio.gather(*map(_is_cut_off, parts))):
            raise RunIsFull

    async def _open(self) -> CaseView:
        request = OpenReturnCase(saga_ref(), self._state.requested)
        try:
            return await self._activities.run(
                ReturnActivities.open_return,
                request,
                ORDERS_QUEUE,
                policies.USUAL,
                "open the return",
            )
        except ActivityError as error:
            kind = type_of(error)
            if kind not in (RETURN_CONFLICT, RETURN_REFUSED):
                raise
            for decision in self._state.decisions:
                decision.refusal = message_of(error)
            refusal = ApplicationError(message_of(error), type=kind, non_retryable=True)
            self._opening.refusal = refusal
            await workflow.wait_condition(workflow.all_handlers_finished)
            raise refusal from error

    async def _record_decisions(self) -> None:
        """Record decisions as they arrive, until both are made."""
        state = self._state
        announcing: asyncio.Task[None] | None = None
        while state.recorded.undecided or state.decisions:
            self._show_undecided()
            if not state.decisions and announcing is None:
                announcing = asyncio.create_task(self._record_attention(DECISION, self._question()))
            await workflow.wait_condition(
                lambda: bool(state.decisions) or self.progress.run_is_full
            )
            if not state.decisions:
                await self._stop_announcing(announcing)
                raise RunIsFull
            await self._record(state.decisions[0])
            del state.decisions[0]
        self.attention.settle(DECISION)
        await self._stop_announcing(announcing)

    async def _stop_announcing(self, announcing: "asyncio.Task[None] | None") -> None:
        if announcing:
            await stop_announcing(announcing)

    def _show_undecided(self) -> None:
        question = self._question()
        self.progress.stage, self.progress.waits_for = DECISION, f"a decision: {question}"
        self.attention.require(DECISION, question)

    def _question(self) -> str:
        """The open decisions, in one sentence."""
        undecided = " and ".join(self._state.recorded.undecided)
        return f"decide about {undecided} of return {self._state.requested.return_id}"

    async def _record(self, decision: PendingDecision) -> None:
        order_id, return_id = self._state.requested.order_id, self._state.requested.return_id
        request = DecideCase(saga_ref(), order_id, return_id, decision.refund, decision.restock)
        try:
            view = await self._activities.run(
                ReturnActivities.decide_return,
                request,
                ORDERS_QUEUE,
                policies.USUAL,
                "record a decision",
            )
        except ActivityError as error:
            decision.refusal = message_of(error)
            workflow.logger.warning("a decision was refused: %s", decision.refusal)
        else:
            self._state.merge(view)
            decision.recorded = True

    async def _refund(self) -> None:
        state = self._state
        await self._until(lambda: state.recorded.refund is not None or state.recorded.closed)
        while state.recorded.refund_is_due:
            self.progress.order_status = REFUND_PENDING
            self._visibility.enter(REFUND, "the payment provider to give the money back")
            patience = self._patience()
            try:
                view = await self._activities.run(
                    RefundActivities.refund_return,
                    self._request(self.attention.settled.get(REFUND)),
                    PAYMENTS_QUEUE,
                    policies.USUAL,
                    "give the money back",
                    patience,
                )
            except ActivityError as error:
                if not patience.decision:
                    self.attention.settled.pop(REFUND, None)
                    await self._ask_about_refund(error)
            else:
                state.merge(view)

    def _patience(self) -> Patience:
        """The wait for the refund, during which a person is asked if it takes too long."""
        patience = Patience(REFUND, self.progress, self._visibility.show)

        async def ask() -> None:
            if patience.cause and (decision := await self._ask_about_refund(patience.cause)):
                patience.decide(decision)

        patience.alarms += [
            Alarm(trouble, policies.attention_after(trouble), ask, "an operator is called")
            for trouble in _TROUBLES
        ]
        return patience

    async def _ask_about_refund(self, error: ActivityError) -> OperatorDecision | None:
        problem = (
            f"refund pending: {self._state.requested.return_id} could not be refunded "
            f"({message_of(error)}): retry, or resolve with a note"
        )
        announcement = self._record_attention(REFUND, problem)
        return await self.attention.ask(REFUND, problem, announcement)

    async def _restock(self) -> None:
        state = self._state
        await self._until(lambda: state.recorded.restock is not None or state.recorded.closed)
        if state.recorded.restock_is_due:
            view = await self._activities.run(
                ReturnStockActivities.restock_return,
                self._request(),
                INVENTORY_QUEUE,
                policies.USUAL,
                "put the goods back into stock",
            )
            state.merge(view)

    async def _until(self, condition: Callable[[], bool]) -> None:
        """Wait for a decision; raises RunIsFull if there is none when the run is full."""
        await workflow.wait_condition(lambda: condition() or self.progress.run_is_full)
        if not condition():
            raise RunIsFull

    def _request(self, settled_by: OperatorAction | None = None) -> CaseRequest:
        case = self._state.requested
        return CaseRequest(saga_ref(), case.order_id, case.return_id, settled_by)

    # --- messages --------------------------------------------------------------------------------

    @workflow.query(description="Where the return stands and what it waits for")
    def status(self, _raw: RawValue = NO_INPUT) -> ReturnStatus:
        """Where the return stands."""
        return case_status(self._state.document, self._state.case, self.progress)

    @workflow.update(name="open", description="Open it, together with the start: the document")
    async def open_(self, raw: RawValue = NO_INPUT) -> UpdateAnswer:  # noqa: ARG002  see `check`
        """Answers once the event store has the return, or says why there is none."""
        return await self._opening.until_decided()

    @open_.validator
    def _can_open(self, raw: RawValue = NO_INPUT) -> None:
        self._opening.check(raw)

    @workflow.update(
        description='The money: {"refund": "full"|"none"|{"amount_minor"}, "actor", "reason"}'
    )
    async def decide_refund(self, raw: RawValue = NO_INPUT) -> RefundAnswer:
        """Grant or deny the refund; answers once the decision is recorded."""
        return await self._decisions.refund_and_wait(raw)

    @decide_refund.validator
    def _can_decide_refund(self, raw: RawValue = NO_INPUT) -> None:
        self._decisions.check_refund(raw)

    def _note_refund(self, raw: RawValue = NO_INPUT) -> None:
        self._decisions.refund(raw)

    decide_refund_signal = signal_twin("decide_refund", _can_decide_refund, _note_refund)

    @workflow.update(
        description='The goods: {"restock": "all"|"none"|[{"line_id", "quantity"}], '
        '"actor", "reason"}'
    )
    async def decide_restock(self, raw: RawValue = NO_INPUT) -> UpdateAnswer:
        """Decide what goes back into stock; answers once the decision is recorded."""
        return await self._decisions.restock_and_wait(raw)

    @decide_restock.validator
    def _can_decide_restock(self, raw: RawValue = NO_INPUT) -> None:
        self._decisions.check_restock(raw)

    def _note_restock(self, raw: RawValue = NO_INPUT) -> None:
        self._decisions.restock(raw)

    decide_restock_signal = signal_twin("decide_restock", _can_decide_restock, _note_restock)

    # --- operators -------------------------------------------------------------------------------

    async def _record_attention(self, at_step: str, waiting_for: str) -> None:
        requested = self._state.requested
        await self._activities.run(
            ReturnActivities.record_return_attention,
            CaseAttention(
                saga_ref(), requested.order_id, requested.return_id, at_step, waiting_for
            ),
            ORDERS_QUEUE,
            policies.USUAL,
            "record and announce that a person must act",
        )

    async def _record_operators(self, actions: tuple[OperatorAction, ...]) -> None:
        requested = self._state.requested
        await self._activities.run(
            ReturnActivities.record_return_operator,
            CaseOperators(saga_ref(), requested.order_id, requested.return_id, actions),
            ORDERS_QUEUE,
            policies.USUAL,
            "record what an operator did",
        )


async def _is_cut_off(part: Coroutine[Any, Any, None]) -> bool:
    """Whether a part of the return stopped because the run is full; the others stop as well."""
    try:
        await part
    except RunIsFull:
        return True
    return False
