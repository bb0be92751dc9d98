"""What a saga does with a request: check that it is possible now, and note it.

Handlers only note requests; the saga carries them out at its next safe point.
"""

from dataclasses import dataclass
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from activities.messages import OperatorAction
from domain.order.unavailable import ShortageChoice
from workflows.common.operator_requests import ACCEPTED, NotPossibleNow, OperatorAttention
from workflows.documents.messages import (
    AmendMessage,
    CancelMessage,
    CarrierUpdateMessage,
    ChangeAddressMessage,
    ChooseMessage,
    OperatorMessage,
    RequestedBy,
    parse_message,
)
from workflows.documents.validation import FieldProblem, InvalidDocument
from workflows.fulfillment.interruptible_runner import InterruptibleRunner
from workflows.fulfillment.state import AddressChange, Amendment, CancelRequest, Choice, SagaState

Accepted = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RequestHandlers:
    """Checks and notes requests.

    Every ``check_`` raises InvalidDocument if the message is malformed, and NotPossibleNow with
    the reason if the request does not fit the saga's state.
    """

    state: SagaState
    attention: OperatorAttention
    runner: InterruptibleRunner

    # --- cancel, hold, resume --------------------------------------------------------------------

    def check_cancel(self, raw: RawValue) -> None:
        """Possible until the last step has succeeded."""
        parse_message(CancelMessage, raw)
        if not self.state.can_turn_back:
            raise NotPossibleNow(f"the order cannot be cancelled any more: {self._where}")

    def cancel(self, raw: RawValue) -> None:
        """Note the request and interrupt what is running."""
        message = parse_message(CancelMessage, raw)
        if self.state.requests.cancel:
            return
        by = OperatorAction(message.actor, "cancel", message.reason)
        customer = message.requested_by is RequestedBy.CUSTOMER
        self.state.requests.cancel = CancelRequest(by, customer)
        self.runner.interrupt()

    async def cancel_and_wait(self, raw: RawValue) -> Accepted:
        """Note the request and wait until it is certain whether the order will be cancelled.

        Raises:
            ApplicationError: type TooLate, the last step succeeded in the meantime.
        """
        self.cancel(raw)
        record, steps = self.state.compensation, self.state.steps
        await workflow.wait_condition(lambda: record.recorded or steps.past_pivot)
        if not record.recorded:
            raise ApplicationError("the order was completed in the meantime", type="TooLate")
        return ACCEPTED

    def check_hold(self, raw: RawValue) -> None:
        """Possible while a step is running or still to come."""
        parse_message(OperatorMessage, raw)
        if self.state.requests.held_by:
            raise NotPossibleNow("the saga is on hold already")
        if not self.state.can_turn_back:
            raise NotPossibleNow(f"there is nothing left to hold: {self._where}")

    def hold(self, raw: RawValue) -> Accepted:
        """Start no further step."""
        message = parse_message(OperatorMessage, raw)
        by = self.attention.note(message.actor, "hold", message.reason)
        self.state.requests.held_by = by
        self.runner.interrupt_for_hold()
        return ACCEPTED

    def check_resume(self, raw: RawValue) -> None:
        """Possible while the saga is on hold."""
        parse_message(OperatorMessage, raw)
        if not self.state.requests.held_by or self.state.outcome:
            raise NotPossibleNow("the saga is not on hold")

    def resume(self, raw: RawValue) -> Accepted:
        """Go on after a hold."""
        message = parse_message(OperatorMessage, raw)
        self.attention.note(message.actor, "resume", message.reason)
        self.state.requests.held_by = None
        return ACCEPTED

    # --- retry -----------------------------------------------------------------------------------

    def check_retry(self) -> None:
        """Possible while an operator must act, items are missing, or an activity runs."""
        waits = self.state.progress.attention or self.state.reservation.shortage
        if not (waits or self.runner.is_running):
            raise NotPossibleNow(f"nothing is being tried: {self._where}")

    def retry(self) -> None:
        """Try again what the saga waits for, whatever that is."""
        if self.attention.awaits_decision:
            self.attention.decide(settled_by=None)
        elif self.state.reservation.shortage and not self.runner.is_running:
            self.state.requests.stock_arrived = True
        else:
            self.runner.retry()

    # --- address, amendments, choice -------------------------------------------------------------

    def check_change_address(self, raw: RawValue) -> None:
        """Until the label is requested."""
        parse_message(ChangeAddressMessage, raw)
        if not self.state.can_change_order:
            raise NotPossibleNow(f"it is too late for another address: {self._where}")

    def change_address(self, raw: RawValue) -> Accepted:
        """Change the delivery address before the next step."""
        message = parse_message(ChangeAddressMessage, raw)
        by = OperatorAction(message.actor, "change_address", message.reason)
        change = AddressChange(message.address.to_domain(), by)
        self.state.requests.address_changes.append(change)
        return ACCEPTED

    def check_amend(self, raw: RawValue) -> None:
        """Possible until the label is requested, if at least one piece is left."""
        message = parse_message(AmendMessage, raw)
        if not self.state.can_change_order:
            raise NotPossibleNow(f"it is too late to amend the order: {self._where}")
        if self.state.document:
            _check_amendment(message, self.state)

    def amend(self, raw: RawValue) -> Accepted:
        """Remove pieces from the order before the next step."""
        message = parse_message(AmendMessage, raw)
        by = OperatorAction(message.actor, "amend", message.reason)
        self.state.requests.amendments.append(Amendment(message.pieces(), by))
        return ACCEPTED

    def check_choose(self, raw: RawValue) -> None:
        """Possible while items are missing, or before the saga knows whether any are."""
        message = parse_message(ChooseMessage, raw)
        if self.state.requests.choice:
            raise NotPossibleNow("a choice was made already and is being carried out")
        if not self.state.can_become_short and message.choice not in self.state.choices:
            raise NotPossibleNow(self._why_not(message.choice))

    def choose(self, raw: RawValue) -> Accepted:
        """Ship what is there, wait for the rest, or cancel."""
        message = parse_message(ChooseMessage, raw)
        by = OperatorAction(message.actor, f"choose {message.choice}", message.reason)
        self.state.requests.choice = Choice(message.choice, by)
        return ACCEPTED

    # --- signals only ----------------------------------------------------------------------------

    def stock_arrived(self) -> None:
        """Ask the stock ledger again."""
        self.state.requests.stock_arrived = True

    def carrier_update(self, raw: RawValue) -> None:
        """Keep a scan for the workflow that follows the parcel."""
        try:
            message = parse_message(CarrierUpdateMessage, raw)
        except InvalidDocument as problem:
            workflow.logger.warning("ignored a malformed carrier update: %s", problem)
        else:
            self.state.requests.scans.append(message.model_dump(mode="json"))

    @property
    def _where(self) -> str:
        return self.state.progress.where

    def _why_not(self, choice: ShortageChoice) -> str:
        if self.state.reservation.shortage is None or not self.state.choices:
            return f"the order waits for no missing items: {self._where}"
        if choice is ShortageChoice.SHIP_AVAILABLE:
            return "no item of the order is available: wait or cancel"
        return "the order waits already"


def _check_amendment(message: AmendMessage, state: SagaState) -> None:
    """Refuse, naming the field, what the order would refuse.

    Raises:
        InvalidDocument: a SKU is not in the order, is named twice, or would get more pieces.
        NotPossibleNow: nothing would be left.
    """
    left = state.pieces_left
    seen: set[str] = set()
    problems = []
    for index, item in enumerate(message.pieces()):
        if item.sku in seen or not left.get(item.sku):
            problem = "is named twice" if item.sku in seen else "is not in the order"
            problems.append(FieldProblem(f"lines.{index}.sku", problem))
        elif item.quantity > left[item.sku]:
            problem = f"the order has {left[item.sku]} pieces: none can be added"
            problems.append(FieldProblem(f"lines.{index}.quantity", problem))
        seen.add(item.sku)
    if problems:
        raise InvalidDocument(tuple(problems))
    if not any((left | {item.sku: item.quantity for item in message.pieces()}).values()):
        raise NotPossibleNow("nothing would be left of the order: cancel it instead")
