"""What can be asked of a saga about unavailable items and about leaving pieces out."""

from typing import Any

from temporalio import workflow

from activities.messages import OperatorAction
from domain.order.unavailable import ShortageChoice
from workflows.documents.messages import AmendMessage, ChooseMessage, parse_message
from workflows.documents.validation import FieldProblem, InvalidDocument
from workflows.fulfillment.operators import ACCEPTED, NotPossibleNow, OperatorDesk, where
from workflows.fulfillment.state import (
    Amendment,
    Choice,
    SagaState,
    can_change_address,
    choices,
    may_become_short,
)


class Wishes(OperatorDesk):
    """The saga's further updates and signals."""

    # --- choose ----------------------------------------------------------------------------------

    @workflow.update(
        description="Say what to do about unavailable items: "
        '{"actor", "reason", "choice": "ship_available"|"wait"|"cancel"}'
    )
    def choose(self, *inputs: Any) -> dict[str, Any]:
        """Go on with what is there, wait for the rest, or cancel."""
        message = parse_message(ChooseMessage, inputs)
        by = OperatorAction(message.actor, f"choose {message.choice}", message.reason)
        self.state.choice = Choice(message.choice, by)
        return ACCEPTED

    @choose.validator
    def _can_choose(self, *inputs: Any) -> None:
        message = parse_message(ChooseMessage, inputs)
        if self.state.choice:
            raise NotPossibleNow("a choice was made already and is being carried out")
        if may_become_short(self.state):
            return
        if message.choice not in choices(self.state):
            raise NotPossibleNow(_why_not(message.choice, self.state))

    @workflow.signal(name="choose", description="The same as the update, for use in bulk")
    def choose_signal(self, *inputs: Any) -> None:
        """Twin of the update."""
        self.quietly("choose", inputs, self._can_choose, self.choose)

    @workflow.signal(description="Stock that the order waits for may have arrived")
    def stock_arrived(self, *_inputs: Any) -> None:
        """Look again; whatever comes with the signal, the stock ledger is asked."""
        self.state.stock_moved = True

    # --- amend -----------------------------------------------------------------------------------

    @workflow.update(
        description="Leave pieces out, until the label; 0 drops a line: "
        '{"actor", "reason", "lines": [{"sku", "quantity"}]}'
    )
    def amend(self, *inputs: Any) -> dict[str, Any]:
        """Let the order have fewer pieces, before its next step."""
        message = parse_message(AmendMessage, inputs)
        by = OperatorAction(message.actor, "amend", message.reason)
        self.state.amendments.append(Amendment(message.pieces(), by))
        return ACCEPTED

    @amend.validator
    def _can_amend(self, *inputs: Any) -> None:
        message = parse_message(AmendMessage, inputs)
        if not can_change_address(self.state):
            raise NotPossibleNow(f"it is too late to amend the order: {where(self.state)}")
        if self.state.document:
            _check_amendment(message, self.state)

    @workflow.signal(name="amend", description="The same as the update, for use in bulk")
    def amend_signal(self, *inputs: Any) -> None:
        """Twin of the update."""
        self.quietly("amend", inputs, self._can_amend, self.amend)


def _why_not(choice: ShortageChoice, state: SagaState) -> str:
    if state.shortage is None or not choices(state):
        return f"no items are missing that the order waits for: {where(state)}"
    if choice is ShortageChoice.SHIP_AVAILABLE:
        return "nothing of the order is there to be shipped: wait or cancel"
    return "the order waits already"


def _check_amendment(message: AmendMessage, state: SagaState) -> None:
    """Refuse what the order would refuse, by the name of the field.

    Raises:
        InvalidDocument: a line is not in the order, is there twice, or has fewer pieces.
        NotPossibleNow: nothing would be left.
    """
    left = state.pieces_left()
    named: set[str] = set()
    problems = []
    for index, item in enumerate(message.pieces()):
        if item.sku in named or not left.get(item.sku):
            problem = "is named twice" if item.sku in named else "is not in the order"
            problems.append(FieldProblem(f"lines.{index}.sku", problem))
        elif item.quantity > left[item.sku]:
            problem = f"the order has {left[item.sku]} pieces: none can be added"
            problems.append(FieldProblem(f"lines.{index}.quantity", problem))
        named.add(item.sku)
    if problems:
        raise InvalidDocument(tuple(problems))
    if not any((left | {item.sku: item.quantity for item in message.pieces()}).values()):
        raise NotPossibleNow("nothing would be left of the order: cancel it instead")
