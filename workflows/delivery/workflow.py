"""Follows one parcel: scans come by signal, twice, late and out of order, and are put on record.

Signal-with-start reports a scan whether this workflow runs, has ended, or never ran. It ends when
the parcel has arrived somewhere and every scan is on record; a scan that comes later starts a run
that finds nothing to do. What came back or was lost becomes a return of its own.
"""

import asyncio
from collections import deque
from typing import Any

from pydantic import BaseModel, ConfigDict
from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    CancelledError,
    WorkflowAlreadyStartedError,
)
from temporalio.workflow import ParentClosePolicy

from activities.failures import INVALID_DOCUMENT
from activities.messages import SHIPPING_QUEUE, OperatorAction
from activities.returns.messages import (
    DELIVERY_WORKFLOW_TYPE,
    RETURN_WORKFLOW_TYPE,
    ParcelAttention,
    ParcelOperators,
    ParcelView,
    RecordScan,
    Scan,
)
from activities.shipping.parcel import NO_PARCEL, DeliveryActivities
from domain.errors import InvalidValue
from domain.ids import OrderId, ReturnId, parse_order_id, return_workflow
from domain.returns.values import ReturnKind
from workflows.common.operator_requests import Attended, message_of, type_of
from workflows.common.run_to_completion import joined, to_its_end
from workflows.documents.messages import NO_INPUT, CarrierUpdateMessage, json_of, parse_message
from workflows.documents.validation import InvalidDocument, validate
from workflows.policies import PARCEL, RECORD, SILENCE

FOLLOWING = "following"
RECORDING = "recording"
NO_NEWS = "no_news"
CONTRADICTION = "contradiction"
CLOSED = "closed"

_CARRIER = "carrier"
_WHY = {
    ReturnKind.LOST: "the carrier lost the parcel",
    ReturnKind.RETURNED_TO_SENDER: "the carrier brought the parcel back",
}


class _Handed(BaseModel):
    """The input, if there is one: scans that others got first."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)

    updates: list[CarrierUpdateMessage] = []


@workflow.defn(name=DELIVERY_WORKFLOW_TYPE)
class OrderDelivery(Attended):
    """Follows the parcel of the order that its workflow id names."""

    def __init__(self) -> None:
        super().__init__()
        self._scans: deque[CarrierUpdateMessage] = deque()
        self._parcel: ParcelView | None = None
        self._known: set[str] = set()
        self._given_up = False
        self._stopped = False

    @workflow.run
    async def run(self, handed: RawValue = NO_INPUT) -> dict[str, Any]:
        """Follow the parcel until it has arrived somewhere; returns where."""
        self._order_id = _order_id(workflow.info().workflow_id)
        self._scans.extendleft(reversed(_handed(handed)))
        work = asyncio.create_task(self._follow())
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            if workflow.cancellation_reason() is None:  # this worker is letting go of the run
                raise
            self._stopped = True  # what was reported is still put on record
            await to_its_end(joined(work))
            raise CancelledError("no longer followed, as requested") from None
        self.enter(CLOSED, "nothing")
        return {"order_id": self._order_id, "status": self._status()}

    # --- messages --------------------------------------------------------------------------------

    @workflow.signal(description='A scan by the carrier: {"status", "at"}')
    def carrier_update(self, *inputs: Any) -> None:
        """Take a scan in."""
        try:
            self._scans.append(parse_message(CarrierUpdateMessage, inputs))
        except InvalidDocument as problem:
            workflow.logger.warning("ignored a malformed carrier update: %s", problem)

    @workflow.query(description="Where the parcel is and what is waited for")
    def status(self) -> dict[str, Any]:
        """Where the parcel is."""
        return {
            "order_id": workflow.info().workflow_id.partition("-")[2],
            "status": self._status(),
            "step": self.stage,
            "waits_for": self.waits_for,
            "needs_attention": bool(self.attention),
            "attention": "; ".join(self.attention.values()) or None,
            "unrecorded_scans": len(self._scans),
        }

    def _status(self) -> str | None:
        return self._parcel.status if self._parcel else None

    # --- the way of a parcel ---------------------------------------------------------------------

    async def _follow(self) -> None:
        if not self._scans:  # started again, or without a scan: see where the parcel is
            await self._record(None)
        while not self._given_up:
            await self._record_all()
            if self._has_arrived():
                await self._after_arrival()
            if self._scans:
                continue
            if self._is_done():
                return
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(args=[{"updates": []}])
            await self._wait_for_news()

    def _is_done(self) -> bool:
        return self._has_arrived() or self._given_up or self._stopped

    def _has_arrived(self) -> bool:
        return self._parcel is not None and self._parcel.arrived

    async def _record_all(self) -> None:
        while self._scans:
            scan = self._scans[0]
            if scan.status not in self._known:
                await self._record(Scan(scan.status, scan.at))
                self._known.add(scan.status)
            self._scans.popleft()

    async def _record(self, scan: Scan | None) -> None:
        """Put a scan on record, as soon as there is a parcel; a person may give it up."""
        while True:
            self.enter(RECORDING, "the event store to record where the parcel is")
            request = RecordScan(self.ref, self._order_id, scan)
            try:
                self._parcel = await self.run_activity(
                    DeliveryActivities.record_scan, request, SHIPPING_QUEUE, PARCEL, "record a scan"
                )
            except ActivityError as error:
                if await self._gives_up(scan, error):
                    return
            else:
                self.order_status = self._parcel.status
                self.enter(FOLLOWING, "news from the carrier")
                return

    async def _gives_up(self, scan: Scan | None, error: ActivityError) -> bool:
        if type_of(error) == NO_PARCEL and scan is None:
            self._given_up = not self._scans
            return True
        told = f"a scan ({scan.status})" if scan else "the parcel"
        problem = (
            f"{told} could not be recorded: {message_of(error)}: retry, or resolve with a note"
        )
        decision = await self.ask_operator(RECORDING, problem, unless=lambda: self._stopped)
        if decision and decision.settled_by is None:
            return False
        self._given_up = self._parcel is None and len(self._scans) <= 1
        return True

    async def _wait_for_news(self) -> None:
        self.enter(FOLLOWING, "news from the carrier")
        try:
            await workflow.wait_condition(
                self._has_news,
                timeout=SILENCE,
                timeout_summary="then a person must ask the carrier",
            )
        except TimeoutError:
            problem = (
                f"no news of the parcel for {SILENCE.days} days (it is {self._status()}): report "
                "what became of it, retry to wait on, or resolve with a note to stop following it"
            )
            decision = await self.ask_operator(NO_NEWS, problem, unless=self._has_news)
            self._given_up = bool(decision and decision.settled_by)

    def _has_news(self) -> bool:
        return bool(self._scans) or self._stopped

    async def _after_arrival(self) -> None:
        parcel = self._parcel
        if parcel and parcel.case_to_open:
            await self._open_case(parcel.case_to_open)
            self._parcel = ParcelView(parcel.status, parcel.arrived, parcel.contradicted_by)
        if parcel and parcel.contradicted_by:
            problem = (
                f"the carrier says {parcel.contradicted_by}, but {parcel.status} is on record: "
                "find out, and resolve with a note"
            )
            decision = await self.ask_operator(CONTRADICTION, problem, lambda: self._stopped)
            if decision and decision.settled_by:
                self._parcel = ParcelView(parcel.status, parcel.arrived)

    async def _open_case(self, kind: ReturnKind) -> None:
        """Let a return of its own take care of goods and money; once, whoever asks again."""
        document = {
            "order_id": self._order_id,
            "return_id": kind.value,
            "kind": kind.value,
            "lines": "all",
            "actor": _CARRIER,
            "reason": _WHY[kind],
        }
        if kind is ReturnKind.LOST:
            document["restock"] = "none"  # nothing came back
        try:
            await workflow.start_child_workflow(
                RETURN_WORKFLOW_TYPE,
                document,
                id=return_workflow(self._order_id, ReturnId(kind.value)),
                parent_close_policy=ParentClosePolicy.ABANDON,
                static_summary=_WHY[kind],
            )
        except WorkflowAlreadyStartedError:
            workflow.logger.info("the return of the parcel is open already")

    # --- the trail -------------------------------------------------------------------------------

    async def record_attention(self, at_step: str, waiting_for: str) -> None:
        """Put on record, and announce, that a person must look at the parcel."""
        await self.run_activity(
            DeliveryActivities.record_delivery_attention,
            ParcelAttention(self.ref, self._order_id, at_step, waiting_for),
            SHIPPING_QUEUE,
            RECORD,
            "record and announce that a person must act",
        )

    async def record_operators(self, acts: tuple[OperatorAction, ...]) -> None:
        """Put on record who looked at the parcel."""
        await self.run_activity(
            DeliveryActivities.record_delivery_operator,
            ParcelOperators(self.ref, self._order_id, acts),
            SHIPPING_QUEUE,
            RECORD,
            "record what an operator did",
        )


def _order_id(workflow_id: str) -> OrderId:
    category, _, rest = workflow_id.partition("-")
    try:
        return parse_order_id(rest if category == "delivery" else "", "workflow id")
    except InvalidValue:
        problem = "the workflow id must be delivery- and the order id"
        raise ApplicationError(problem, type=INVALID_DOCUMENT, non_retryable=True) from None


def _handed(given: RawValue) -> list[CarrierUpdateMessage]:
    if given == NO_INPUT:
        return []
    try:
        handed = validate(_Handed, json_of(given), "document")
    except InvalidDocument as error:
        raise ApplicationError(str(error), type=INVALID_DOCUMENT, non_retryable=True) from None
    return list(handed.updates)
