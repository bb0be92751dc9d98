"""Follows one parcel: scans arrive as signals, twice, late and out of order, and are recorded.

Signal-with-start delivers a scan whether this workflow runs, has ended, or never ran. It ends when
the carrier is done with the parcel and every scan is recorded. A later scan starts a run that
finds nothing to do. A parcel that is lost or comes back opens a return, once its order has ended.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict
from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ActivityError, CancelledError, WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

from activities.messages import SHIPPING_QUEUE, OperatorAction, Scan
from activities.returns.messages import (
    DELIVERY_WORKFLOW_TYPE,
    RETURN_WORKFLOW_TYPE,
    ParcelAttention,
    ParcelOperators,
    RecordScan,
)
from activities.shipping.parcel import NO_PARCEL, DeliveryActivities
from domain.errors import InvalidValue
from domain.ids import OrderId, ReturnId, parse_order_id, return_workflow
from domain.returns.values import ReturnKind
from workflows import policies
from workflows.common.activity_runner import ActivityRunner, saga_ref
from workflows.common.continuation import continue_as_new, take_over
from workflows.common.failures import message_of, type_of
from workflows.common.operator_requests import (
    OperatorAttention,
    OperatorDecision,
    OperatorRequests,
    ignore,
)
from workflows.common.renewal import RunIsFull
from workflows.common.run_to_completion import cancelled_while_completing
from workflows.common.search_attributes import Visibility
from workflows.delivery.state import DeliveryState
from workflows.documents.answers import DeliveryResult, DeliveryStatus
from workflows.documents.messages import NO_INPUT, CarrierUpdateMessage, parse_message
from workflows.documents.validation import MOST_BYTES, FieldProblem, InvalidDocument

FOLLOWING: Final = "following"
RECORDING: Final = "recording"
NO_NEWS: Final = "no_news"
AWAITING_ORDER: Final = "awaiting_order"
CONTRADICTION: Final = "contradiction"
CLOSED: Final = "closed"

_CARRIER: Final = "carrier"
_REASONS: Final = {
    ReturnKind.LOST: "the carrier lost the parcel",
    ReturnKind.RETURNED_TO_SENDER: "the carrier brought the parcel back",
}


class _Input(BaseModel):
    """The input, if there is one: scans that reached the saga."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)

    updates: list[CarrierUpdateMessage] = []


@workflow.defn(name=DELIVERY_WORKFLOW_TYPE)
class OrderDelivery(OperatorRequests):
    """Follows the parcel of the order that its workflow id names."""

    @workflow.init
    def __init__(self, raw: RawValue = NO_INPUT) -> None:
        """Create the parts; what another run has handed over is there before any message."""
        self._state = DeliveryState()
        progress = self._state.progress
        self._visibility = Visibility(progress)
        super().__init__(
            progress, OperatorAttention(progress, self._visibility.show, self._record_operators)
        )
        self._activities = ActivityRunner(progress, self._visibility.show)
        self._continues = take_over(raw, self._state, self.attention)

    @workflow.run
    async def run(self, raw: RawValue = NO_INPUT) -> DeliveryResult:
        """Follow the parcel until the carrier is done with it; returns where it is."""
        self._order_id = _order_id(workflow.info().workflow_id)
        state = self._state
        if not self._continues:
            state.scans[:0] = [scan for scan in _scans_in(raw) if scan not in state.scans]
        try:
            await cancelled_while_completing(self._follow(), self._stop)
        except RunIsFull:
            await continue_as_new(state, self.attention)
        if state.stopped and workflow.cancellation_reason() is not None:
            raise CancelledError("no longer followed, as requested")
        self._visibility.enter(CLOSED, "nothing")
        return {"order_id": self._order_id, "status": self._status()}

    def _stop(self) -> None:
        self._state.stopped = True

    # --- messages --------------------------------------------------------------------------------

    @workflow.signal(description='A scan by the carrier: {"status", "at"}')
    def carrier_update(self, raw: RawValue = NO_INPUT) -> None:
        """Keep a scan until it is recorded."""
        try:
            message = parse_message(CarrierUpdateMessage, raw)
        except InvalidDocument as problem:
            ignore(self.progress, "carrier_update", problem)
        else:
            if not self._state.keep(Scan(message.status, message.at)):
                ignore(self.progress, "carrier_update", "too many different scans")

    @workflow.query(description="Where the parcel is and what is waited for")
    def status(self, _raw: RawValue = NO_INPUT) -> DeliveryStatus:
        """Where the parcel is."""
        return {
            "order_id": workflow.info().workflow_id.partition("-")[2],
            "status": self._status(),
            "step": self.progress.stage,
            "waits_for": self.progress.waits_now,
            "needs_attention": bool(self.progress.attention),
            "attention": self.progress.attention_text,
            "unrecorded_scans": len(self._state.scans),
            "ignored_signals": dict(self.progress.ignored),
        }

    def _status(self) -> str | None:
        return self._state.parcel.status if self._state.parcel else None

    # --- the way of a parcel ---------------------------------------------------------------------

    async def _follow(self) -> None:
        state = self._state
        await self.attention.record_operators()
        if not state.scans and state.parcel is None:  # without a scan: look where the parcel is
            await self._record(None)
        while not state.given_up:
            await self._record_all()
            if state.has_arrived:
                await self._handle_arrival()
            self.progress.stop_if_full()
            if state.scans:
                continue
            if state.is_done:
                return
            await self._wait_for_news()

    async def _record_all(self) -> None:
        state = self._state
        while state.scans:
            scan = state.scans[0]
            if scan.status not in state.recorded or state.case_waits:
                await self._record(scan)
                state.recorded.append(scan.status)
            del state.scans[:1]
            state.heard_at = workflow.now()

    async def _record(self, scan: Scan | None) -> None:
        """Record a scan as soon as there is a parcel, unless an operator gives it up."""
        while True:
            self._visibility.enter(RECORDING, "the event store to record where the parcel is")
            try:
                parcel = await self._activities.run(
                    DeliveryActivities.record_scan,
                    RecordScan(saga_ref(), self._order_id, scan),
                    SHIPPING_QUEUE,
                    policies.PARCEL,
                    "record a scan",
                )
            except ActivityError as error:
                if await self._gives_up(scan, error):
                    return
            else:
                self._state.parcel, self.progress.order_status = parcel, parcel.status
                self._visibility.enter(FOLLOWING, "news from the carrier")
                return

    async def _gives_up(self, scan: Scan | None, error: ActivityError) -> bool:
        state = self._state
        if type_of(error) == NO_PARCEL and scan is None:
            state.given_up = not state.scans
            return True
        what = f"a scan ({scan.status})" if scan else "the parcel"
        problem = (
            f"{what} could not be recorded: {message_of(error)}: retry, or resolve with a note"
        )
        before = len(state.scans)
        decision = await self._ask_operator(
            RECORDING, problem, unless=lambda: state.stopped or len(state.scans) > before
        )
        tries_again = not state.stopped if decision is None else decision.settled_by is None
        if tries_again:
            return False
        state.given_up = state.parcel is None and len(state.scans) <= 1
        return True

    async def _wait_for_news(self) -> None:
        state = self._state
        if state.case_waits:
            await self._wait_for_order()
            return
        self._visibility.enter(FOLLOWING, "news from the carrier")
        state.heard_at = state.heard_at or workflow.now()
        left = state.heard_at + policies.SILENCE - workflow.now()
        try:
            await workflow.wait_condition(
                lambda: self._has_news() or self.progress.run_is_full,
                timeout=max(left, timedelta()),
                timeout_summary="then a person must ask the carrier",
            )
        except TimeoutError:
            problem = (
                f"no news of the parcel for {policies.SILENCE.days} days (it is {self._status()}): "
                "report what became of it, retry to wait on, or resolve with a note to stop "
                "following it"
            )
            decision = await self._ask_operator(NO_NEWS, problem, unless=self._has_news)
            state.heard_at = workflow.now()
            state.given_up = bool(decision and decision.settled_by)

    async def _wait_for_order(self) -> None:
        """Wait for the saga to say that the order has ended; look again now and then."""
        self._visibility.enter(AWAITING_ORDER, "the order to end: then a return is opened")
        try:
            await workflow.wait_condition(
                lambda: self._has_news() or self.progress.run_is_full,
                timeout=policies.LOOK_FOR_END_AFTER,
                timeout_summary="then look whether the order has ended",
            )
        except TimeoutError:
            await self._record(None)

    def _has_news(self) -> bool:
        return bool(self._state.scans) or self._state.stopped

    async def _handle_arrival(self) -> None:
        state = self._state
        parcel = state.parcel
        if parcel and parcel.case_to_open and not parcel.order_is_open:
            await self._open_return(parcel.case_to_open, undone=parcel.order_is_cancelled)
            state.parcel = parcel = replace(parcel, case_to_open=None)
        if parcel and parcel.contradicted_by:
            problem = (
                f"the carrier says {parcel.contradicted_by}, but {parcel.status} is on record: "
                "find out, and resolve with a note"
            )
            decision = await self._ask_operator(CONTRADICTION, problem, lambda: state.stopped)
            if decision and decision.settled_by:
                state.parcel = replace(parcel, contradicted_by=None)

    async def _open_return(self, kind: ReturnKind, *, undone: bool) -> None:
        """Start the return that takes care of goods and money; it is started once.

        An order that was undone has its money back already.
        """
        document = {
            "order_id": self._order_id,
            "return_id": kind.value,
            "kind": kind.value,
            "lines": "all",
            "actor": _CARRIER,
            "reason": _REASONS[kind],
        }
        if kind is ReturnKind.LOST:
            document["restock"] = "none"  # nothing came back
        if undone:
            document["refund"] = "none"
        try:
            await workflow.start_child_workflow(
                RETURN_WORKFLOW_TYPE,
                document,
                id=return_workflow(self._order_id, ReturnId(kind.value)),
                parent_close_policy=ParentClosePolicy.ABANDON,
                static_summary=_REASONS[kind],
            )
        except WorkflowAlreadyStartedError:
            workflow.logger.info("the return of the parcel is open already")

    # --- operators -------------------------------------------------------------------------------

    async def _ask_operator(
        self, at_step: str, problem: str, unless: Callable[[], bool]
    ) -> OperatorDecision | None:
        announcement = self._record_attention(at_step, problem)
        return await self.attention.ask(at_step, problem, announcement, unless)

    async def _record_attention(self, at_step: str, waiting_for: str) -> None:
        await self._activities.run(
            DeliveryActivities.record_delivery_attention,
            ParcelAttention(saga_ref(), self._order_id, at_step, waiting_for),
            SHIPPING_QUEUE,
            policies.USUAL,
            "record and announce that a person must act",
        )

    async def _record_operators(self, actions: tuple[OperatorAction, ...]) -> None:
        await self._activities.run(
            DeliveryActivities.record_delivery_operator,
            ParcelOperators(saga_ref(), self._order_id, actions),
            SHIPPING_QUEUE,
            policies.USUAL,
            "record what an operator did",
        )


def _order_id(workflow_id: str) -> OrderId:
    category, _, rest = workflow_id.partition("-")
    try:
        return parse_order_id(rest if category == "delivery" else "", "workflow id")
    except InvalidValue:
        problem = "must be delivery- and the order id"
        raise InvalidDocument((FieldProblem("workflow_id", problem),)) from None


def _scans_in(raw: RawValue) -> list[Scan]:
    """The scans that the input holds, if there is one."""
    if raw == NO_INPUT:
        return []
    parsed = parse_message(_Input, raw, "document", MOST_BYTES)
    return list(dict.fromkeys(Scan(update.status, update.at) for update in parsed.updates))
