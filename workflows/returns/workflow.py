"""One return: goods or money of a completed order that go back.

What becomes of the money and what becomes of the goods are two decisions, made at the start or
later, by whomever, and carried out independently: a refund that waits for a person does not keep
the goods from going back into stock.

The event store decides what the case is: the same return id with the same content is the same
case, whichever run asks. Cancelled through Temporal, a case answers what is not decided yet with
no, carries out the rest, and ends as *Canceled*.
"""

import asyncio
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, ApplicationError, CancelledError

from activities.failures import INVALID_DOCUMENT
from activities.inventory.restock import ReturnStockActivities
from activities.messages import (
    INVENTORY_QUEUE,
    ORDERS_QUEUE,
    PAYMENTS_QUEUE,
    OperatorAction,
)
from activities.payments.refunds import RefundActivities
from activities.returns.activities import RETURN_CONFLICT, RETURN_REFUSED, ReturnActivities
from activities.returns.messages import (
    RETURN_WORKFLOW_TYPE,
    CaseAttention,
    CaseOperators,
    CaseRequest,
    CaseView,
    DecideCase,
    OpenReturnCase,
    ReturnDocument,
)
from workflows.common.operator_requests import let_go, message_of, type_of
from workflows.common.run_to_completion import joined, to_its_end
from workflows.documents.messages import NO_INPUT, json_of
from workflows.documents.returns import parse_return
from workflows.documents.validation import InvalidDocument
from workflows.policies import COMPENSATION, RECORD
from workflows.returns.handlers import ReturnDesk, Wish
from workflows.returns.status import case_result

OPENING = "opening"
DECISION = "decision"
SETTLING = "settling"
REFUND = "refund_return"
CLOSED = "closed"

REFUND_PENDING = "refund_pending"


@workflow.defn(name=RETURN_WORKFLOW_TYPE)
class OrderReturn(ReturnDesk):
    """Carries one return to its end."""

    @workflow.run
    async def run(self, document: RawValue = NO_INPUT) -> dict[str, Any]:
        """Take care of the return that the one JSON input describes; returns what became of it."""
        self.document = _accepted(document)
        work = asyncio.create_task(self._settle())
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            if workflow.cancellation_reason() is None:  # this worker is letting go of the run
                raise
            self.say_no()
            await to_its_end(joined(work))
            raise CancelledError(
                "closed as requested; what was open was answered with no"
            ) from None
        return case_result(self.given, self.now)

    # --- the way of a return ---------------------------------------------------------------------

    async def _settle(self) -> None:
        self.enter(OPENING, "the event store to open the return")
        self.case = await self._opened()
        await asyncio.gather(self._take_decisions(), self._give_money(), self._put_goods())
        if not self.now.closed:
            self.case = await self.run_activity(
                ReturnActivities.close_return,
                self._request(),
                ORDERS_QUEUE,
                RECORD,
                "close the return",
            )
        self.order_status = "returned"
        self.enter(CLOSED, "nothing")
        await workflow.wait_condition(workflow.all_handlers_finished)

    async def _opened(self) -> CaseView:
        request = OpenReturnCase(self.ref, self.given)
        try:
            return await self.run_activity(
                ReturnActivities.open_return, request, ORDERS_QUEUE, RECORD, "open the return"
            )
        except ActivityError as error:
            kind = type_of(error)
            if kind not in (RETURN_CONFLICT, RETURN_REFUSED):
                raise
            for wish in self.wishes:
                wish.refusal = message_of(error)
            await workflow.wait_condition(workflow.all_handlers_finished)
            raise ApplicationError(message_of(error), type=kind, non_retryable=True) from error

    async def _take_decisions(self) -> None:
        """Put decisions on record as they come, until both are made."""
        announcing: asyncio.Task[None] | None = None
        while self.now.undecided or self.wishes:
            self._show_undecided()
            if not self.wishes and announcing is None:
                announcing = asyncio.create_task(self.record_attention(DECISION, self._question()))
            await workflow.wait_condition(lambda: bool(self.wishes))
            await self._record(self.wishes[0])
            del self.wishes[0]
        self.settle(DECISION)
        if announcing:
            await let_go(announcing)

    def _show_undecided(self) -> None:
        self.stage, self.waits_for = DECISION, f"a decision: {self._question()}"
        self.require(DECISION, self._question())

    def _question(self) -> str:
        """What nobody has decided yet, in a sentence."""
        return f"decide about {' and '.join(self.now.undecided)} of return {self.given.return_id}"

    async def _record(self, wish: Wish) -> None:
        request = DecideCase(
            self.ref, self.given.order_id, self.given.return_id, wish.refund, wish.restock
        )
        try:
            answer = await self.run_activity(
                ReturnActivities.decide_return, request, ORDERS_QUEUE, RECORD, "record a decision"
            )
        except ActivityError as error:
            wish.refusal = message_of(error)
            workflow.logger.warning("a decision was refused: %s", wish.refusal)
        else:
            self._merge(answer)
            wish.answered = True

    async def _give_money(self) -> None:
        await workflow.wait_condition(lambda: self.now.refund is not None or self.now.closed)
        settled_by: OperatorAction | None = None
        while self.now.refund_is_due:
            self.order_status = REFUND_PENDING
            self.enter(REFUND, "the payment provider to give the money back")
            try:
                self._merge(
                    await self.run_activity(
                        RefundActivities.refund_return,
                        self._request(settled_by),
                        PAYMENTS_QUEUE,
                        COMPENSATION,
                        "give the money back",
                    )
                )
            except ActivityError as error:
                settled_by = await self._ask_about_refund(error)

    async def _ask_about_refund(self, error: ActivityError) -> OperatorAction | None:
        problem = (
            f"refund pending: {self.given.return_id} could not be refunded "
            f"({message_of(error)}): retry, or resolve with a note"
        )
        decision = await self.ask_operator(REFUND, problem)
        return decision.settled_by if decision else None

    async def _put_goods(self) -> None:
        await workflow.wait_condition(lambda: self.now.restock is not None or self.now.closed)
        if self.now.restock_is_due:
            self._merge(
                await self.run_activity(
                    ReturnStockActivities.restock_return,
                    self._request(),
                    INVENTORY_QUEUE,
                    RECORD,
                    "put the goods back into stock",
                )
            )

    def _merge(self, view: CaseView) -> None:
        """Keep the newer of two views: what is done stays done, what is decided stays decided."""
        self.case = self.now.merged(view)

    def _request(self, settled_by: OperatorAction | None = None) -> CaseRequest:
        return CaseRequest(self.ref, self.given.order_id, self.given.return_id, settled_by)

    # --- the trail -------------------------------------------------------------------------------

    async def record_attention(self, at_step: str, waiting_for: str) -> None:
        """Put on record, and announce, that a person must act."""
        request = CaseAttention(
            self.ref, self.given.order_id, self.given.return_id, at_step, waiting_for
        )
        await self.run_activity(
            ReturnActivities.record_return_attention,
            request,
            ORDERS_QUEUE,
            RECORD,
            "record and announce that a person must act",
        )

    async def record_operators(self, acts: tuple[OperatorAction, ...]) -> None:
        """Put on record who steered the return."""
        await self.run_activity(
            ReturnActivities.record_return_operator,
            CaseOperators(self.ref, self.given.order_id, self.given.return_id, acts),
            ORDERS_QUEUE,
            RECORD,
            "record what an operator did",
        )


def _accepted(given: RawValue) -> ReturnDocument:
    try:
        return parse_return(json_of(given), workflow.info().workflow_id)
    except InvalidDocument as error:
        raise ApplicationError(str(error), type=INVALID_DOCUMENT, non_retryable=True) from None
