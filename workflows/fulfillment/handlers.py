"""What a saga does with a request: check that it is possible now, and note it.

Handlers only note requests; the saga carries them out at its next safe point.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from temporalio import workflow
from temporalio.common import RawValue

from activities.messages import OperatorAction, Scan
from domain.order.terms import ShortageChoice
from workflows import policies
from workflows.common.operator_requests import (
    ACCEPTED,
    PENDING,
    NotPossibleNow,
    OperatorAttention,
    ignore,
)
from workflows.documents.answers import UpdateAnswer
from workflows.documents.messages import (
    AmendMessage,
    CancelMessage,
    CarrierUpdateMessage,
    ChangeAddressMessage,
    ChooseMessage,
    OperatorMessage,
    PayMessage,
    RequestedBy,
    parse_message,
)
from workflows.documents.validation import FieldProblem, InvalidDocument
from workflows.fulfillment.interruptible_runner import InterruptibleRunner
from workflows.fulfillment.requests import (
    AddressChange,
    Amendment,
    CancelRequest,
    Choice,
    OtherPayment,
)
from workflows.fulfillment.state import SagaState


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
        self.may_cancel()
        parse_message(CancelMessage, raw)

    def may_cancel(self) -> None:
        """Raise NotPossibleNow unless the order can still be cancelled."""
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

    async def cancel_and_wait(self, raw: RawValue) -> UpdateAnswer:
        """Note the request and wait until it is certain whether the order will be cancelled.

        If that takes long, because the event store is away or an attempt at a step hangs, it
        answers that the request is noted.

        Raises:
            NotPossibleNow: the last step succeeded in the meantime.
        """
        self.cancel(raw)
        record, steps, progress = self.state.compensation, self.state.steps, self.state.progress
        with suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: (
                    record.recorded or steps.past_pivot or steps.parcel_left or progress.run_is_full
                ),
                timeout=policies.ANSWER_WITHIN,
                timeout_summary="then whoever cancels is answered",
            )
        if steps.parcel_left:
            raise NotPossibleNow("the parcel has left: the order goes on")
        if record.recorded:
            return ACCEPTED
        if steps.past_pivot:
            raise NotPossibleNow("the order was completed in the meantime")
        return PENDING

    def check_hold(self, raw: RawValue) -> None:
        """Possible while a step is running or still to come."""
        self.may_hold()
        parse_message(OperatorMessage, raw)

    def may_hold(self) -> None:
        """Raise NotPossibleNow unless a step can be held."""
        if self.state.requests.held_by:
            raise NotPossibleNow("the saga is on hold already")
        if not self.state.can_turn_back:
            raise NotPossibleNow(f"there is nothing left to hold: {self._where}")
        self._check_room()

    def hold(self, raw: RawValue) -> UpdateAnswer:
        """Start no further step."""
        message = parse_message(OperatorMessage, raw)
        by = self.attention.note(message.actor, "hold", message.reason)
        self.state.requests.held_by = by
        self.runner.interrupt_if_unwanted()
        return ACCEPTED

    def check_resume(self, raw: RawValue) -> None:
        """Possible while the saga is on hold."""
        self.may_resume()
        parse_message(OperatorMessage, raw)

    def may_resume(self) -> None:
        """Raise NotPossibleNow unless the saga is on hold."""
        if not self.state.requests.held_by or self.state.outcome:
            raise NotPossibleNow("the saga is not on hold")

    def resume(self, raw: RawValue) -> UpdateAnswer:
        """Go on after a hold."""
        message = parse_message(OperatorMessage, raw)
        self.attention.note(message.actor, "resume", message.reason)
        self.state.requests.held_by = None
        return ACCEPTED

    # --- retry -----------------------------------------------------------------------------------

    def check_retry(self) -> None:
        """Possible while an operator must act, items are missing, or an activity runs."""
        self._check_room()
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
        self.may_change_address()
        parse_message(ChangeAddressMessage, raw)

    def may_change_address(self) -> None:
        """Raise NotPossibleNow once the label is requested."""
        self._require_no_label("it is too late for another address")
        self._check_room()

    def change_address(self, raw: RawValue) -> UpdateAnswer:
        """Change the delivery address before the next step."""
        message = parse_message(ChangeAddressMessage, raw)
        by = OperatorAction(message.actor, "change_address", message.reason)
        change = AddressChange(message.address.to_domain(), by)
        self.state.requests.address_changes.append(change)
        return ACCEPTED

    def check_amend(self, raw: RawValue) -> None:
        """Possible until the label is requested, if at least one piece is left."""
        self._require_room_to_amend()
        message = parse_message(AmendMessage, raw)
        if self.state.accepted_order:
            _check_amendment(message, self.state)

    def may_amend(self) -> None:
        """Raise NotPossibleNow once the label is requested, or if only one piece is left."""
        self._require_room_to_amend()
        if self.state.accepted_order and sum(self.state.pieces_left.values()) <= 1:
            raise NotPossibleNow("the order has only one piece: cancel it instead")

    def amend(self, raw: RawValue) -> UpdateAnswer:
        """Remove pieces from the order before the next step."""
        message = parse_message(AmendMessage, raw)
        by = OperatorAction(message.actor, "amend", message.reason)
        self.state.requests.amendments.append(Amendment(message.pieces(), by))
        return ACCEPTED

    def check_choose(self, raw: RawValue) -> None:
        """Possible while items are missing, or before the saga knows whether any are."""
        self.may_choose()
        message = parse_message(ChooseMessage, raw)
        if not self.state.can_become_short and message.choice not in self.state.choices:
            raise NotPossibleNow(self._why_not(message.choice))

    def may_choose(self) -> None:
        """Raise NotPossibleNow unless there is something to choose."""
        if self.state.requests.choice:
            raise NotPossibleNow("a choice was made already and is being carried out")
        self._check_room()
        if not self.state.can_become_short and not self.state.choices:
            raise NotPossibleNow(f"the order waits for no missing items: {self._where}")

    def choose(self, raw: RawValue) -> UpdateAnswer:
        """Ship what is there, wait for the rest, or cancel."""
        message = parse_message(ChooseMessage, raw)
        by = OperatorAction(message.actor, f"choose {message.choice}", message.reason)
        self.state.requests.choice = Choice(message.choice, by)
        return ACCEPTED

    def check_pay(self, raw: RawValue) -> None:
        """Possible while another payment is waited for."""
        self.may_pay()
        parse_message(PayMessage, raw)

    def may_pay(self) -> None:
        """Raise NotPossibleNow unless another payment is waited for."""
        if self.state.requests.payment:
            raise NotPossibleNow("another payment came already and is being tried")
        if not self.state.can_pay:
            raise NotPossibleNow(f"the order waits for no other payment: {self._where}")
        self._check_room()

    def pay(self, raw: RawValue) -> UpdateAnswer:
        """Try another payment method."""
        message = parse_message(PayMessage, raw)
        by = OperatorAction(message.actor, "pay", message.reason)
        self.state.requests.payment = OtherPayment(*message.means, by)
        self.runner.interrupt_if_unwanted()
        return ACCEPTED

    # --- what is possible now --------------------------------------------------------------------

    def may_resolve(self) -> None:
        """Raise NotPossibleNow unless a person may say that the problem is settled by hand."""
        if not self.attention.can_be_settled:
            raise NotPossibleNow(f"there is nothing to settle by hand: {self._where}")

    def actions(self) -> list[str]:
        """The requests that would be accepted now, by the rules that their validators use."""
        rules = {
            "cancel": self.may_cancel,
            "hold": self.may_hold,
            "resume": self.may_resume,
            "retry": self.check_retry,
            "resolve": self.may_resolve,
            "change_address": self.may_change_address,
            "amend": self.may_amend,
            "choose": self.may_choose,
            "pay": self.may_pay,
        }
        return [name for name, rule in rules.items() if _holds(rule)]

    # --- signals only ----------------------------------------------------------------------------

    def stock_arrived(self) -> None:
        """Ask the stock ledger again."""
        self.state.requests.stock_arrived = True

    def carrier_update(self, raw: RawValue) -> None:
        """Keep a scan for the workflow that follows the parcel."""
        try:
            message = parse_message(CarrierUpdateMessage, raw)
        except InvalidDocument as problem:
            ignore(self.state.progress, "carrier_update", problem)
        else:
            self.state.requests.keep(Scan(message.status, message.at))

    def _check_room(self) -> None:
        self.attention.check_room(self.state.requests.waiting)

    def _require_room_to_amend(self) -> None:
        self._require_no_label("it is too late to amend the order")
        self._check_room()
        if not self.state.requests.has_room_for_pieces:
            raise NotPossibleNow("large amendments wait to be carried out: try again when they are")

    def _require_no_label(self, why: str) -> None:
        if not self.state.can_change_order:
            raise NotPossibleNow(f"{why}: {self._where}")

    @property
    def _where(self) -> str:
        return self.state.progress.where

    def _why_not(self, choice: ShortageChoice) -> str:
        if choice is ShortageChoice.SHIP_AVAILABLE:
            return "no item of the order is available: wait or cancel"
        return "the order waits already"


def _holds(rule: Callable[[], None]) -> bool:
    try:
        rule()
    except NotPossibleNow:
        return False
    return True


def _check_amendment(message: AmendMessage, state: SagaState) -> None:
    """Refuse, naming the field, what the order would refuse.

    Raises:
        InvalidDocument: a line is not in the order, is named twice, or would get more pieces.
        NotPossibleNow: nothing would be left.
    """
    left = state.pieces_left
    seen: set[str] = set()
    problems = []
    for index, item in enumerate(message.pieces()):
        if item.line_id in seen or not left.get(item.line_id):
            problem = "is named twice" if item.line_id in seen else "is not in the order"
            problems.append(FieldProblem(f"lines.{index}.line_id", problem))
        elif item.quantity > left[item.line_id]:
            problem = f"the line has {left[item.line_id]} pieces: none can be added"
            problems.append(FieldProblem(f"lines.{index}.quantity", problem))
        seen.add(item.line_id)
    if problems:
        raise InvalidDocument(tuple(problems))
    if not any((left | {item.line_id: item.quantity for item in message.pieces()}).values()):
        raise NotPossibleNow("nothing would be left of the order: cancel it instead")
