"""What operators and clients can ask of a running saga.

Each request is an update, which is refused at once with a reason if it is not possible now, and
has a signal twin for use in bulk. A signal cannot be refused: one that is malformed or comes at
the wrong time is logged and changes nothing.

Handlers only note what is wanted; the saga acts on it at its next safe point. They take any
number of inputs, because a handler that is called with a wrong number would make the workflow
task fail and be tried again for ever.
"""

from collections.abc import Callable, Sequence
from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from activities.messages import OperatorAction
from workflows.documents.messages import (
    CancelMessage,
    CarrierUpdateMessage,
    ChangeAddressMessage,
    OperatorMessage,
    RequestedBy,
    ResolveMessage,
    parse_message,
)
from workflows.documents.validation import InvalidDocument
from workflows.fulfillment.state import (
    AddressChange,
    CancelWish,
    Decision,
    SagaState,
    can_change_address,
    can_hold,
    can_turn_back,
    status_json,
)

ACCEPTED = {"accepted": True}


class NotPossibleNow(Exception):
    """A request does not fit the saga's present state; the text says why."""


class OperatorDesk:
    """The saga's updates, signals and query."""

    def __init__(self) -> None:
        self.state = SagaState()
        self._running: Callable[[], object] | None = None
        self._retry_now = False

    # --- query -----------------------------------------------------------------------------------

    @workflow.query(description="Where the saga stands and what it waits for")
    def status(self) -> dict[str, Any]:
        """Where the saga stands; see `status_json`."""
        return status_json(self.state)

    # --- cancel ----------------------------------------------------------------------------------

    @workflow.update(
        description='Cancel the order: {"actor", "reason", "requested_by": "customer"|"operator"}'
    )
    async def cancel(self, *inputs: Any) -> dict[str, Any]:
        """Undo the order; answers once it is certain that the order will be cancelled.

        Raises:
            ApplicationError: type TooLate, the last step succeeded in the meantime.
        """
        self._note_cancel(parse_message(CancelMessage, inputs))
        await workflow.wait_condition(lambda: self.state.turned_back or self.state.past_pivot)
        if not self.state.turned_back:
            raise ApplicationError("the order was completed in the meantime", type="TooLate")
        return ACCEPTED

    @cancel.validator
    def _can_cancel(self, *inputs: Any) -> None:
        parse_message(CancelMessage, inputs)
        if not can_turn_back(self.state):
            raise NotPossibleNow(f"the order cannot be cancelled any more: {where(self.state)}")

    @workflow.signal(name="cancel", description="The same as the update, for use in bulk")
    def cancel_signal(self, *inputs: Any) -> None:
        """Twin of the update."""
        self.quietly("cancel", inputs, self._can_cancel, self._cancel_now)

    def _cancel_now(self, *inputs: Any) -> None:
        self._note_cancel(parse_message(CancelMessage, inputs))

    def _note_cancel(self, message: CancelMessage) -> None:
        if self.state.cancel:
            return
        by = OperatorAction(message.actor, "cancel", message.reason)
        self.state.cancel = CancelWish(by, message.requested_by is RequestedBy.CUSTOMER)
        self._interrupt()

    # --- hold and resume -------------------------------------------------------------------------

    @workflow.update(
        description="Start no further step until resumed, and do not turn back because one fails: "
        '{"actor", "reason"}'
    )
    def hold(self, *inputs: Any) -> dict[str, Any]:
        """Stop before the next step, or after the last attempt at a failing one."""
        message = parse_message(OperatorMessage, inputs)
        self.state.held_by = self._note(message, "hold")
        return ACCEPTED

    @hold.validator
    def _can_hold(self, *inputs: Any) -> None:
        parse_message(OperatorMessage, inputs)
        if self.state.held_by:
            raise NotPossibleNow("the saga is on hold already")
        if not can_hold(self.state):
            raise NotPossibleNow(f"there is nothing left to hold: {where(self.state)}")

    @workflow.signal(name="hold", description="The same as the update, for use in bulk")
    def hold_signal(self, *inputs: Any) -> None:
        """Twin of the update."""
        self.quietly("hold", inputs, self._can_hold, self.hold)

    @workflow.update(description='Go on after a hold: {"actor", "reason"}')
    def resume(self, *inputs: Any) -> dict[str, Any]:
        """Go on."""
        self._note(parse_message(OperatorMessage, inputs), "resume")
        self.state.held_by = None
        return ACCEPTED

    @resume.validator
    def _can_resume(self, *inputs: Any) -> None:
        parse_message(OperatorMessage, inputs)
        if not self.state.held_by or self.state.outcome:
            raise NotPossibleNow("the saga is not on hold")

    @workflow.signal(name="resume", description="The same as the update, for use in bulk")
    def resume_signal(self, *inputs: Any) -> None:
        """Twin of the update."""
        self.quietly("resume", inputs, self._can_resume, self.resume)

    # --- retry and resolve -----------------------------------------------------------------------

    @workflow.update(
        description='Try what fails now, with a fresh time budget: {"actor", "reason"}'
    )
    def retry(self, *inputs: Any) -> dict[str, Any]:
        """Try the failing step or compensation again at once."""
        self._note(parse_message(OperatorMessage, inputs), "retry")
        if self.state.attention:
            self.state.decision = Decision(settled_by=None)
        elif self.state.shortage and not self._running:
            self.state.stock_moved = True
        else:
            self._retry_now = True
            self._interrupt()
        return ACCEPTED

    @retry.validator
    def _can_retry(self, *inputs: Any) -> None:
        parse_message(OperatorMessage, inputs)
        if not (self.state.attention or self.state.shortage or self._running):
            raise NotPossibleNow(f"nothing is being tried: {where(self.state)}")

    @workflow.signal(name="retry", description="The same as the update, for use in bulk")
    def retry_signal(self, *inputs: Any) -> None:
        """Twin of the update."""
        self.quietly("retry", inputs, self._can_retry, self.retry)

    @workflow.update(
        description='What needs attention was settled by hand; say how: {"actor", "note"}'
    )
    def resolve(self, *inputs: Any) -> dict[str, Any]:
        """Take a person's word for it and go on."""
        message = parse_message(ResolveMessage, inputs)
        by = OperatorAction(message.actor, "resolve", message.note)
        self.state.unrecorded.append(by)
        self.state.decision = Decision(settled_by=by)
        return ACCEPTED

    @resolve.validator
    def _can_resolve(self, *inputs: Any) -> None:
        parse_message(ResolveMessage, inputs)
        if not self.state.attention or self.state.decision:
            raise NotPossibleNow(f"nothing needs attention: {where(self.state)}")

    @workflow.signal(name="resolve", description="The same as the update, for use in bulk")
    def resolve_signal(self, *inputs: Any) -> None:
        """Twin of the update."""
        self.quietly("resolve", inputs, self._can_resolve, self.resolve)

    # --- address and carrier ---------------------------------------------------------------------

    @workflow.update(
        description='Deliver elsewhere, until the label: {"actor", "reason", "address": {...}}'
    )
    def change_address(self, *inputs: Any) -> dict[str, Any]:
        """Change the delivery address before the next step."""
        message = parse_message(ChangeAddressMessage, inputs)
        by = OperatorAction(message.actor, "change_address", message.reason)
        self.state.address_changes.append(AddressChange(message.address.to_domain(), by))
        return ACCEPTED

    @change_address.validator
    def _can_change_address(self, *inputs: Any) -> None:
        parse_message(ChangeAddressMessage, inputs)
        if not can_change_address(self.state):
            raise NotPossibleNow(f"it is too late for another address: {where(self.state)}")

    @workflow.signal(name="change_address", description="The same as the update, for use in bulk")
    def change_address_signal(self, *inputs: Any) -> None:
        """Twin of the update."""
        self.quietly("change_address", inputs, self._can_change_address, self.change_address)

    @workflow.signal(description='A scan by the carrier: {"status", "at"}')
    def carrier_update(self, *inputs: Any) -> None:
        """Keep a scan; at its end the saga hands it to the workflow that follows the parcel."""
        try:
            message = parse_message(CarrierUpdateMessage, inputs)
        except InvalidDocument as problem:
            workflow.logger.warning("ignored a malformed carrier update: %s", problem)
        else:
            self.state.scans.append(message.model_dump(mode="json"))

    # --- inner workings --------------------------------------------------------------------------

    def _note(self, message: OperatorMessage, action: str) -> OperatorAction:
        by = OperatorAction(message.actor, action, message.reason)
        self.state.unrecorded.append(by)
        return by

    def _interrupt(self) -> None:
        """End the wait for the running activity; one that is under way still finishes first."""
        if self._running:
            self._running()

    def quietly(
        self,
        name: str,
        inputs: Sequence[Any],
        check: Callable[..., None],
        act: Callable[..., object],
    ) -> None:
        """Act on a signal if it passes `check`; log why not otherwise."""
        try:
            check(*inputs)
        except (InvalidDocument, NotPossibleNow) as refusal:
            workflow.logger.warning("ignored the signal %s: %s", name, refusal)
        else:
            act(*inputs)


def where(state: SagaState) -> str:
    """Where the saga is, for refusals."""
    return f"the saga is at {state.stage}"
