"""The saga: one durable workflow carries one order to completed or cancelled.

`run` is the story. It ends in one of these ways:

- completed or cancelled: the run completes with a JSON result;
- cancelled through Temporal itself (its UI, its CLI): the same compensations run, then the run
  shows as *Canceled*, as whoever cancelled it expects; the event store has the outcome;
- a bad document, or an order id that belongs to another order: the run fails; nothing changed.
  If ``place`` has told its caller of that other order, the run ends with its result.
"""

import asyncio
from typing import ClassVar

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError, CancelledError

from activities.messages import WORKFLOW_TYPE, ClosedSaga
from domain.ids import OrderId
from domain.values import Outcome, Step
from workflows import policies
from workflows.common.activity_runner import ActivityRunner
from workflows.common.continuation import continue_as_new, take_over
from workflows.common.operator_requests import OperatorAttention, OperatorRequests, signal_twin
from workflows.common.renewal import RunIsFull
from workflows.common.run_to_completion import run_to_completion
from workflows.documents.answers import OrderResult, OrderStatus, Placed, SameOrder, UpdateAnswer
from workflows.documents.messages import NO_INPUT, json_of
from workflows.documents.order import address_to_json, parse_document
from workflows.documents.validation import InvalidDocument
from workflows.fulfillment.amendment import Amendments
from workflows.fulfillment.authorisation import AuthorisationWatch
from workflows.fulfillment.compensation import Compensations, cause_of
from workflows.fulfillment.content import known_order
from workflows.fulfillment.declined import PaymentWait
from workflows.fulfillment.escalation import Escalation
from workflows.fulfillment.handlers import RequestHandlers
from workflows.fulfillment.interruptible_runner import InterruptibleRunner, native_cancel
from workflows.fulfillment.placing import Placing
from workflows.fulfillment.safe_point import SafePoint
from workflows.fulfillment.scans import hand_over_scans
from workflows.fulfillment.shortage import ShortageWait
from workflows.fulfillment.state import CLOSED, SagaState, last_step
from workflows.fulfillment.status import result_json, status_json
from workflows.fulfillment.steps import ForwardSteps
from workflows.fulfillment.trail import Trail
from workflows.fulfillment.visibility import SagaVisibility


@workflow.defn(name=WORKFLOW_TYPE)
class OrderFulfillment(OperatorRequests):
    """Carries an order through reserve, pay and ship, or undoes what was done."""

    runner_class: ClassVar[type[ActivityRunner]] = ActivityRunner

    @workflow.init
    def __init__(self, document: RawValue = NO_INPUT) -> None:
        """Create the parts; what another run has handed over is there before any message."""
        self._state = state = SagaState()
        self._visibility = visibility = SagaVisibility(state)
        activities = self.runner_class(state.progress, visibility.show_every_change)
        trail = Trail(state, visibility, activities)
        attention = OperatorAttention(state.progress, visibility.show, trail.record_operators)
        super().__init__(state.progress, attention)
        runner = InterruptibleRunner(state, visibility, activities)
        escalation = Escalation(state, visibility, trail, attention, runner)
        amendments = Amendments(state, visibility, runner, attention, escalation)
        safe_point = SafePoint(state, visibility, trail, attention, amendments)
        self._shortage = ShortageWait(
            state, visibility, runner, attention, safe_point, amendments, escalation
        )
        payment = PaymentWait(
            state, visibility, runner, attention, safe_point, amendments, escalation
        )
        self._authorisation = AuthorisationWatch(state, trail, attention)
        self._steps = ForwardSteps(
            state,
            visibility,
            runner,
            safe_point,
            self._shortage,
            payment,
            self._authorisation,
            amendments,
            escalation,
        )
        self._compensations = Compensations(
            state, visibility, runner, trail, attention, escalation, self._steps.finish
        )
        self._requests = RequestHandlers(state, attention, runner)
        self._handing_over = asyncio.Lock()
        self._placing = Placing(state, visibility)
        self._continues = take_over(document, state, attention)
        self._refused = None if self._continues else self._accept(document)

    # --- the story -------------------------------------------------------------------------------

    @workflow.run
    async def run(self, _document: RawValue = NO_INPUT) -> OrderResult:
        """Fulfil the order that the one JSON input describes; returns the outcome."""
        try:
            return await self._fulfil()
        except RunIsFull:
            await run_to_completion(self._authorisation.stop())
            self._state.requests.cancelled_natively = native_cancel(self._state)
            await continue_as_new(self._state, self.attention)
        except ApplicationError as refusal:  # but the order id may still have a parcel
            await run_to_completion(self._hand_over_scans())
            return await self._placing.end(refusal)

    async def _fulfil(self) -> OrderResult:
        if self._continues:
            self._visibility.show_every_change()
        else:
            self._begin()
        return await self._finish(await self._to_the_end())

    async def _to_the_end(self) -> ClosedSaga:
        cause = self._state.compensation.cause
        if cause is None:
            try:
                return await self._go_forward()
            except (GeneratorExit, RunIsFull):
                raise  # at GeneratorExit the run is evicted: it must not issue commands
            except BaseException as failure:  # noqa: BLE001  a cancel is no Exception; see cause_of
                cause = cause_of(self._state, failure)
            await run_to_completion(self._authorisation.end())
        return await run_to_completion(self._compensations.turn_back(cause))

    async def _go_forward(self) -> ClosedSaga:
        steps = self._state.steps
        if not self._state.reservation.answered:
            reservation = await self._steps.reserve_inventory()
            if reservation.finished:
                # The order had already ended. Requests that came too late are still recorded.
                self.attention.unrecorded.extend(self._state.requests.drop())
                return reservation.finished
        if steps.payment is None:
            await self._shortage.until_items_are_there()
        payment = steps.payment or await self._steps.process_payment()
        # A run that was reset finds the whole order completed here, also one that was shipped.
        if payment.order_completed and steps.last is Step.PROCESS_PAYMENT:
            return ClosedSaga(Outcome.COMPLETED, None, "", payment.reference, None)
        self._authorisation.begin(payment.lapses_at)
        shipment = steps.shipment or await self._steps.create_shipment()
        if not shipment.order_completed:
            payment = await self._steps.capture_payment()
        await self._authorisation.end()
        # What the carrier reported before the order was completed may call for a return now.
        self._state.requests.unsent += [one for one in (shipment.scan or payment.scan,) if one]
        return ClosedSaga(Outcome.COMPLETED, None, "", payment.reference, shipment.tracking_number)

    def _accept(self, raw: RawValue) -> InvalidDocument | None:
        """Take the order on before any message is looked at; what is wrong with it, if anything."""
        try:
            document = parse_document(json_of(raw), workflow.info().workflow_id)
        except InvalidDocument as error:
            return error
        state = self._state
        state.document, state.accepted_order = document, known_order(document)
        state.progress.may_hand_over = len(json_of(raw)) <= policies.LONGEST_HANDED_OVER
        state.steps.last = last_step(document)
        return None

    def _begin(self) -> None:
        """Show the order.

        Raises:
            InvalidDocument: the input is refused: the run fails at once.
        """
        if self._refused:
            raise self._refused
        if document := self._state.document:
            self._visibility.begin(document)

    async def _finish(self, closed: ClosedSaga) -> OrderResult:
        await run_to_completion(self._record_operators())
        self._state.outcome = closed.outcome
        self._state.reason = closed.detail or None
        self._visibility.enter(CLOSED, "nothing")
        self._visibility.show_every_change()
        await run_to_completion(workflow.wait_condition(workflow.all_handlers_finished))
        await run_to_completion(self._hand_over_scans())
        # A run that continues a cancelled one cannot end as Canceled: its result says so.
        if closed.outcome is Outcome.CANCELLED and workflow.cancellation_reason() is not None:
            raise CancelledError("cancelled as requested; everything was undone")
        return result_json(self._state.order_id, closed)

    async def _record_operators(self) -> None:
        """Record the actions of operators, including those that arrive while it records."""
        while self.attention.unrecorded:
            await self.attention.record_operators()

    async def _hand_over_scans(self) -> None:
        order_id = OrderId(workflow.info().workflow_id.partition("-")[2])
        async with self._handing_over:
            await hand_over_scans(order_id, self._state.requests.unsent)

    # --- requests --------------------------------------------------------------------------------

    @workflow.query(description="Where the saga stands and what it waits for")
    def status(self, _raw: RawValue = NO_INPUT) -> OrderStatus:
        """Where the saga stands; see `status_json`."""
        goods = self.attention.goods
        return {**status_json(self._state, goods), "actions": self._requests.actions()}

    @workflow.update(
        description='Place the order, sent together with the start: {"order_id", "lines", ...}'
    )
    async def place(self, raw: RawValue = NO_INPUT) -> Placed:  # noqa: ARG002  see `check`
        """Answers once the event store has the order, or names what differs from the one it has."""
        return await self._placing.place()

    @place.validator
    def _can_place(self, raw: RawValue = NO_INPUT) -> None:
        self._placing.check(raw)

    @workflow.query(description="Whether a document describes this order: the order document")
    def same_order(self, raw: RawValue = NO_INPUT) -> SameOrder:
        """Also answered after the saga has ended; see `Placing.same_order`."""
        return self._placing.same_order(raw)

    @workflow.query(description="The address that an activity records now; for workers only")
    def address_change(self, _raw: RawValue = NO_INPUT) -> dict[str, str] | None:
        """The delivery address in work; it stands in the input of no activity."""
        address = self._state.requests.address_in_work
        return address_to_json(address) if address else None

    @workflow.query(description="The token of the payment that is noted now; for workers only")
    def payment_token(self, _raw: RawValue = NO_INPUT) -> str | None:
        """The token of the payment method that came; it stands in the input of no activity."""
        payment = self._state.requests.payment
        return payment.token if payment else None

    @workflow.update(
        description='Cancel the order: {"actor", "reason", "requested_by": "customer"|"operator"}'
    )
    async def cancel(self, raw: RawValue = NO_INPUT) -> UpdateAnswer:
        """Answers once it is certain that the order will be cancelled."""
        return await self._requests.cancel_and_wait(raw)

    @cancel.validator
    def _can_cancel(self, raw: RawValue = NO_INPUT) -> None:
        self._requests.check_cancel(raw)

    def _cancel(self, raw: RawValue = NO_INPUT) -> None:
        self._requests.cancel(raw)

    cancel_signal = signal_twin("cancel", _can_cancel, _cancel)

    @workflow.update(
        description="Start no further step until resumed, and do not turn back after an outage: "
        '{"actor", "reason"}'
    )
    def hold(self, raw: RawValue = NO_INPUT) -> UpdateAnswer:
        """Stop before the next step, and before the next attempt at a failing one."""
        return self._requests.hold(raw)

    @hold.validator
    def _can_hold(self, raw: RawValue = NO_INPUT) -> None:
        self._requests.check_hold(raw)

    hold_signal = signal_twin("hold", _can_hold, hold)

    @workflow.update(description='Go on after a hold: {"actor", "reason"}')
    def resume(self, raw: RawValue = NO_INPUT) -> UpdateAnswer:
        """Go on after a hold."""
        return self._requests.resume(raw)

    @resume.validator
    def _can_resume(self, raw: RawValue = NO_INPUT) -> None:
        self._requests.check_resume(raw)

    resume_signal = signal_twin("resume", _can_resume, resume)

    @workflow.update(
        description="Change the delivery address, until the label is requested: "
        '{"actor", "reason", "address": {...}}'
    )
    def change_address(self, raw: RawValue = NO_INPUT) -> UpdateAnswer:
        """Change the delivery address before the next step."""
        return self._requests.change_address(raw)

    @change_address.validator
    def _can_change_address(self, raw: RawValue = NO_INPUT) -> None:
        self._requests.check_change_address(raw)

    change_address_signal = signal_twin("change_address", _can_change_address, change_address)

    @workflow.update(
        description="Remove pieces, until the label is requested; 0 removes a line: "
        '{"actor", "reason", "lines": [{"line_id", "quantity"}]}'
    )
    def amend(self, raw: RawValue = NO_INPUT) -> UpdateAnswer:
        """Remove pieces from the order before the next step."""
        return self._requests.amend(raw)

    @amend.validator
    def _can_amend(self, raw: RawValue = NO_INPUT) -> None:
        self._requests.check_amend(raw)

    amend_signal = signal_twin("amend", _can_amend, amend)

    @workflow.update(
        description="Say what to do about unavailable items: "
        '{"actor", "reason", "choice": "ship_available"|"wait"|"cancel"}'
    )
    def choose(self, raw: RawValue = NO_INPUT) -> UpdateAnswer:
        """Ship what is there, wait for the rest, or cancel."""
        return self._requests.choose(raw)

    @choose.validator
    def _can_choose(self, raw: RawValue = NO_INPUT) -> None:
        self._requests.check_choose(raw)

    choose_signal = signal_twin("choose", _can_choose, choose)

    @workflow.update(
        description="Pay in another way after a decline, if the order waits for that: "
        '{"actor", "reason", "token"} or {"actor", "reason", "confirmed": {"reference"}}'
    )
    def pay(self, raw: RawValue = NO_INPUT) -> UpdateAnswer:
        """Try another payment method."""
        return self._requests.pay(raw)

    @pay.validator
    def _can_pay(self, raw: RawValue = NO_INPUT) -> None:
        self._requests.check_pay(raw)

    pay_signal = signal_twin("pay", _can_pay, pay)

    @workflow.signal(description="Stock that the order waits for may have arrived")
    def stock_arrived(self, _raw: RawValue = NO_INPUT) -> None:
        """Ask the stock ledger again; arguments of the signal are ignored."""
        self._requests.stock_arrived()

    @workflow.signal(description='A scan by the carrier: {"status", "at"}')
    async def carrier_update(self, raw: RawValue = NO_INPUT) -> None:
        """Note a scan, and give it to the workflow that follows the parcel."""
        self._requests.carrier_update(raw)
        await self._hand_over_scans()

    def check_retry(self) -> None:
        """See `OperatorRequests`."""
        self._requests.check_retry()

    def retry_now(self) -> None:
        """See `OperatorRequests`."""
        self._requests.retry()
