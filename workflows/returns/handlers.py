"""What can be asked of a running return, and what it remembers while it runs."""

from dataclasses import dataclass
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from activities.returns.activities import RETURN_REFUSED
from activities.returns.messages import CaseView, RefundDecision, RestockDecision, ReturnDocument
from workflows.common.operator_requests import Attended
from workflows.documents.returns import (
    DecideRefundMessage,
    DecideRestockMessage,
    checked_message,
    refund_decision,
    restock_decision,
)
from workflows.fulfillment.operators import ACCEPTED, NotPossibleNow
from workflows.returns.status import case_status


@dataclass(slots=True)
class Wish:
    """A decision that somebody sent; answered once it is on record, or refused."""

    refund: RefundDecision | None = None
    restock: RestockDecision | None = None
    answered: bool = False
    refusal: str | None = None


class ReturnDesk(Attended):
    """The return's updates, signals and query; handlers note what is wanted, the return acts."""

    def __init__(self) -> None:
        super().__init__()
        self.order_status = "return"
        self.document: ReturnDocument | None = None
        self.case: CaseView | None = None
        self.wishes: list[Wish] = []

    @property
    def given(self) -> ReturnDocument:
        """The return as it was asked for."""
        if self.document is None:
            raise RuntimeError("the return has no document yet")
        return self.document

    @property
    def now(self) -> CaseView:
        """The return as it is on record."""
        if self.case is None:
            raise RuntimeError("the return is not open yet")
        return self.case

    # --- messages --------------------------------------------------------------------------------

    @workflow.query(description="Where the return stands and what it waits for")
    def status(self) -> dict[str, Any]:
        """Where the return stands."""
        return case_status(self.document, self.case, self)

    @workflow.update(
        description='The money: {"refund": "full"|"none"|{"amount_minor"}, "actor", "reason"}'
    )
    async def decide_refund(self, *inputs: Any) -> dict[str, Any]:
        """Grant or deny; answers once the decision is on record.

        Raises:
            ApplicationError: type ReturnRefused, such as for more than is left of the capture.
        """
        await self._decided(self._wish_refund(*inputs))
        refund = self.now.refund
        return {**ACCEPTED, "amount_minor": refund.minor if refund else 0}

    @decide_refund.validator
    def _can_decide_refund(self, *inputs: Any) -> None:
        checked_message(DecideRefundMessage, inputs)
        self._check_undecided("refund")

    @workflow.signal(name="decide_refund", description="The same as the update, for use in bulk")
    def decide_refund_signal(self, *inputs: Any) -> None:
        """Twin of the update."""
        self.quietly("decide_refund", inputs, self._can_decide_refund, self._wish_refund)

    def _wish_refund(self, *inputs: Any) -> Wish:
        message = checked_message(DecideRefundMessage, inputs)
        return self._wish(
            Wish(refund=refund_decision(message.refund, message.actor, message.reason))
        )

    @workflow.update(
        description='The goods: {"restock": "all"|"none"|[{"sku", "quantity"}], "actor", "reason"}'
    )
    async def decide_restock(self, *inputs: Any) -> dict[str, Any]:
        """Decide what goes back into stock; answers once the decision is on record.

        Raises:
            ApplicationError: type ReturnRefused, such as for more than came back.
        """
        await self._decided(self._wish_restock(*inputs))
        return ACCEPTED

    @decide_restock.validator
    def _can_decide_restock(self, *inputs: Any) -> None:
        checked_message(DecideRestockMessage, inputs)
        self._check_undecided("restock")

    @workflow.signal(name="decide_restock", description="The same as the update, for use in bulk")
    def decide_restock_signal(self, *inputs: Any) -> None:
        """Twin of the update."""
        self.quietly("decide_restock", inputs, self._can_decide_restock, self._wish_restock)

    def _wish_restock(self, *inputs: Any) -> Wish:
        message = checked_message(DecideRestockMessage, inputs)
        return self._wish(
            Wish(restock=restock_decision(message.restock, message.actor, message.reason))
        )

    def _check_undecided(self, what: str) -> None:
        if self.case and what not in self.case.undecided:
            raise NotPossibleNow(f"the {what} of this return is decided already")

    def _wish(self, wish: Wish) -> Wish:
        self.wishes.append(wish)
        return wish

    async def _decided(self, wish: Wish) -> None:
        await workflow.wait_condition(lambda: wish.answered or wish.refusal is not None)
        if wish.refusal is not None:
            raise ApplicationError(wish.refusal, type=RETURN_REFUSED, non_retryable=True)

    def say_no(self) -> None:
        """Answer what nobody has decided yet with no."""
        actor, reason = "temporal", "the return was cancelled through Temporal"
        self._wish(
            Wish(refund=RefundDecision(grant=False, amount_minor=None, actor=actor, reason=reason))
        )
        self._wish(Wish(restock=RestockDecision((), actor, reason)))
