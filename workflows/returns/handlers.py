"""What a return does with a request: check that it is possible now, and note it."""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from activities.failures import RETURN_REFUSED
from activities.returns.messages import CaseView, RefundDecision, RestockDecision, ReturnDocument
from workflows import policies
from workflows.common.operator_requests import ACCEPTED, PENDING, NotPossibleNow
from workflows.common.search_attributes import Progress
from workflows.documents.answers import RefundAnswer, UpdateAnswer
from workflows.documents.messages import parse_message
from workflows.documents.returns import (
    DecideRefundMessage,
    DecideRestockMessage,
    refund_decision,
    restock_decision,
)

MOST_DECISIONS: Final = 4
"""So many decisions may wait to be recorded; two are enough."""


@dataclass(slots=True)
class PendingDecision:
    """A decision that somebody sent.

    Attributes:
        refund: about the money; None: nothing.
        restock: about the goods; None: nothing.
        recorded: it is in the event store.
        refusal: why it was refused; None: it was not.
    """

    refund: RefundDecision | None = None
    restock: RestockDecision | None = None
    recorded: bool = False
    refusal: str | None = None


@dataclass(slots=True)
class ReturnState:
    """Everything one run knows.

    Attributes:
        document: the return as it was requested; None until the input was accepted.
        case: the return as it is recorded; None until it is open.
        decisions: decisions that are not recorded yet, oldest first.
        progress: where it stands, for people.
        cancelled: this run, or one that it continues, was cancelled through Temporal.
    """

    document: ReturnDocument | None = None
    case: CaseView | None = None
    decisions: list[PendingDecision] = field(default_factory=list)
    progress: Progress = field(default_factory=lambda: Progress("return"))
    cancelled: bool = False

    @property
    def requested(self) -> ReturnDocument:
        """The document, once the input was accepted."""
        if self.document is None:
            raise RuntimeError("the return has no document yet")
        return self.document

    @property
    def recorded(self) -> CaseView:
        """The case, once it is open."""
        if self.case is None:
            raise RuntimeError("the return is not open yet")
        return self.case

    def merge(self, view: CaseView) -> None:
        """Merge an answer about the case: a decision that was made or carried out stays so."""
        self.case = self.recorded.merged(view)


class DecisionHandlers:
    """Checks and notes decisions.

    Every ``check_`` raises InvalidDocument if the message is malformed, and NotPossibleNow if the
    decision was made already.
    """

    def __init__(self, state: ReturnState) -> None:
        self._state = state

    def check_refund(self, raw: RawValue) -> None:
        """Possible until the refund is decided."""
        self._check_undecided("refund")
        parse_message(DecideRefundMessage, raw)

    def refund(self, raw: RawValue) -> PendingDecision:
        """Note a decision about the money."""
        message = parse_message(DecideRefundMessage, raw)
        refund = refund_decision(message.refund, message.actor, message.reason)
        return self._add(PendingDecision(refund=refund))

    async def refund_and_wait(self, raw: RawValue) -> RefundAnswer:
        """Note a decision about the money and wait until it is recorded.

        Raises:
            ApplicationError: type ReturnRefused, for example if too little of the capture is left.
        """
        if not await self._is_recorded(self.refund(raw)):
            return {"accepted": True, "pending": True}
        refund = self._state.recorded.refund
        return {"accepted": True, "amount_minor": refund.minor if refund else 0}

    def check_restock(self, raw: RawValue) -> None:
        """Possible until the restocking is decided."""
        self._check_undecided("restock")
        parse_message(DecideRestockMessage, raw)

    def restock(self, raw: RawValue) -> PendingDecision:
        """Note a decision about the goods."""
        message = parse_message(DecideRestockMessage, raw)
        restock = restock_decision(message.restock, message.actor, message.reason)
        return self._add(PendingDecision(restock=restock))

    async def restock_and_wait(self, raw: RawValue) -> UpdateAnswer:
        """Note a decision about the goods and wait until it is recorded.

        Raises:
            ApplicationError: type ReturnRefused, for example if fewer pieces came back.
        """
        return ACCEPTED if await self._is_recorded(self.restock(raw)) else PENDING

    def deny_the_rest(self) -> None:
        """Decide no refund and no restocking where nobody has decided yet."""
        self._state.cancelled = True
        actor, reason = "temporal", "the return was cancelled through Temporal"
        denied = RefundDecision(grant=False, amount_minor=None, actor=actor, reason=reason)
        self._add(PendingDecision(refund=denied))
        self._add(PendingDecision(restock=RestockDecision((), actor, reason)))

    def _check_undecided(self, what: str) -> None:
        if self._state.case and what not in self._state.case.undecided:
            raise NotPossibleNow(f"the {what} of this return is decided already")
        if len(self._state.decisions) >= MOST_DECISIONS:
            raise NotPossibleNow("decisions wait to be recorded: try again when they are")

    def _add(self, decision: PendingDecision) -> PendingDecision:
        self._state.decisions.append(decision)
        return decision

    async def _is_recorded(self, decision: PendingDecision) -> bool:
        """Wait, but not for long, until a decision is recorded; False if it is not yet."""
        progress = self._state.progress
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: decision.recorded or decision.refusal is not None or progress.run_is_full,
                timeout=policies.ANSWER_WITHIN,
                timeout_summary="then whoever decided is answered",
            )
        if decision.refusal is not None:
            raise ApplicationError(decision.refusal, type=RETURN_REFUSED, non_retryable=True)
        return decision.recorded
