"""The fault matrix: every step and compensation, everything that can happen to it, both captures.

A cell runs one saga. The fault is set up beforehand; an operator repairs it when the saga asks for
one. Killing a worker means that an attempt stops at an exact point and never goes on. An attempt
that times out goes on long after the saga has given it up.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import Any

import pytest
from temporalio.client import Client

from adapters.providers.faults import ActiveFault, Fault, FaultKind, FaultPlan
from domain.values import CaptureMode, Compensation, Reason, Step
from eventstore.errors import VersionConflict
from eventstore.model import StreamAppend
from ordersaga.operations.verification.report import Check
from ordersaga.operations.verification.sources import Sources
from tests.support.faults.traps import Trap, TrappedShop, store_is_down
from tests.support.sagas.sagas import Handle, activities_of, start, until, until_status
from tests.support.sagas.shop import document
from workflows import policies

BY = {"actor": "anna", "reason": "repaired"}
PATIENCE_S = 150
# Ends attempts that hang; long enough for the others on a busy machine.
ATTEMPT = timedelta(seconds=6)


class Trouble(StrEnum):
    """What happens to a step or a compensation."""

    REFUSED = "refused"
    TRANSIENT = "transient error"
    DOWN = "down for good"
    TIMES_OUT = "times out"
    ANSWER_LOST = "answer lost"
    KILLED_BEFORE = "killed before the effect"
    KILLED_BETWEEN = "killed between effect and append"
    KILLED_AFTER = "killed after the append"


@dataclass(frozen=True)
class Cell:
    """One cell of the matrix."""

    operation: Step | Compensation
    trouble: Trouble
    capture: CaptureMode

    @property
    def name(self) -> str:
        return f"{self.operation}-{self.trouble}-{self.capture}".replace(" ", "_")

    @property
    def cannot_occur(self) -> bool:
        """An order that is captured at once has no capture of its own."""
        at_once = self.capture is CaptureMode.AUTOMATIC
        return at_once and self.operation is Step.CAPTURE_PAYMENT

    @property
    def is_the_stores(self) -> bool:
        """Whether the operation has no provider: its effect is the append itself.

        "Killed between effect and append" then means: decided, not appended. A release is never
        refused, because only what is held is released. Losing every append to another writer
        comes closest.
        """
        return self.operation in (Step.RESERVE_INVENTORY, Compensation.RELEASE_INVENTORY)

    @property
    def activity(self) -> str:
        return self.operation.value.replace("_", "-")


MATRIX = tuple(
    Cell(operation, trouble, capture)
    for operation in (*Step, *Compensation)
    for trouble in Trouble
    for capture in CaptureMode
)

_REFUSED = {
    Step.RESERVE_INVENTORY: Reason.OUT_OF_STOCK,
    Step.PROCESS_PAYMENT: Reason.PAYMENT_DECLINED,
    Step.CREATE_SHIPMENT: Reason.ADDRESS_REFUSED,
    Step.CAPTURE_PAYMENT: Reason.PAYMENT_DECLINED,
}


def expected_reason(cell: Cell) -> Reason | None:
    """Why the order of a cell is cancelled; None: it is completed."""
    if isinstance(cell.operation, Compensation):
        return _reason_to_undo(cell)
    if cell.cannot_occur or cell.trouble is not Trouble.REFUSED:
        return None
    return _REFUSED[cell.operation]


def _reason_to_undo(cell: Cell) -> Reason:
    if cell.operation is Compensation.UNDO_PAYMENT:
        return Reason.ADDRESS_REFUSED
    return Reason.PROVIDER_OUTAGE if ends_by_outage(cell) else Reason.PAYMENT_DECLINED


def ends_by_outage(cell: Cell) -> bool:
    """Whether the order of a cell is cancelled because it does not want to wait for the carrier.

    There is no other way back after a label, if the money was captured before.
    """
    automatic = cell.capture is CaptureMode.AUTOMATIC
    return cell.operation is Compensation.CANCEL_SHIPMENT and automatic


def expected_attention(cell: Cell) -> str | None:
    """At which compensation the saga of a cell calls an operator; none is called for a step."""
    if isinstance(cell.operation, Step) or cell.is_the_stores:
        return None
    calls = {Trouble.REFUSED, Trouble.DOWN, Trouble.TIMES_OUT}
    return cell.operation.value if cell.trouble in calls else None


def expected_wait(cell: Cell) -> str | None:
    """What the saga of a cell waits for, without a limit and without an operator."""
    hangs = cell.trouble is Trouble.TIMES_OUT and isinstance(cell.operation, Compensation)
    if cell.is_the_stores and (hangs or cell.trouble is Trouble.DOWN):
        return "event_store"  # a store that hangs does not answer, either
    if cell.trouble is not Trouble.DOWN or cell.cannot_occur:
        return None
    return "provider" if isinstance(cell.operation, Step) else None


def hurry(patch: pytest.MonkeyPatch) -> None:
    """Let attempts that hang end soon, and an operator be called soon."""
    first = replace(policies.USUAL.first, maximum_attempts=2)
    patch.setattr(policies, "USUAL", policies.Policy(ATTEMPT, first))
    patch.setattr(policies, "ATTENTION_AFTER", timedelta(minutes=1))


def sources(shop: TrappedShop) -> Sources:
    """What `verify` reads of a shop of the matrix."""
    missing = {Check.SAGAS: "each cell awaits its own", Check.READ_MODELS: "not of this test"}
    return Sources(
        shop.store,
        shop.codec,
        shop.dependencies.payments,
        shop.carrier,
        shop.installation,
        None,
        None,
        missing,
    )


# --- playing a cell ------------------------------------------------------------------------------


@dataclass
class Played:
    """What became of a cell's saga."""

    order_id: str
    outcome: dict[str, Any]
    attention: str | None
    activities: list[str]


class Play:
    """One cell in a shop."""

    def __init__(self, client: Client, shop: TrappedShop, cell: Cell, number: int) -> None:
        self.client = client
        self.shop = shop
        self.cell = cell
        self.order_id = f"M{number}"
        self.pieces = 10
        self.token = shop.good
        self.postal_code = "LS1 1AA"
        self.on_outage: object = "wait"
        self.until_turned_back: list[Callable[[], object]] = []
        """Take back the faults that make the saga turn back."""
        self.repairs: list[Callable[[], object]] = []
        self.late: list[Callable[[], object]] = []
        """Let attempts go on that the saga has given up."""

    async def run(self) -> Played:
        self._force_the_way_back()
        self._arrange()
        await self.shop.receive(f"{self.order_id}-sku", self.pieces)
        content = document(
            self.order_id, payment={"token": self.token, "capture": self.cell.capture.value}
        )
        content["address"]["postal_code"] = self.postal_code
        content["on_outage"] = self.on_outage
        handle = await start(self.client, self.order_id, content)
        attention = await self._operate(handle)
        async with asyncio.timeout(PATIENCE_S):
            outcome = await handle.result()
        return Played(self.order_id, outcome, attention, await activities_of(handle))

    async def _operate(self, handle: Handle) -> str | None:
        """Repair the fault once the saga asks for an operator, or shows that it waits."""
        attention = await self.until_it_waits(handle)
        self.repair()
        if attention and self.cell.trouble is Trouble.REFUSED:  # else it goes on by itself
            await handle.execute_update("retry", BY)
        return attention

    async def until_it_waits(self, handle: Handle) -> str | None:
        """Return once the saga stands still, if it will; returns where it calls an operator."""
        if self.until_turned_back:
            await until_status(handle, patience_s=PATIENCE_S, turning_back=True)
            for take_back in self.until_turned_back:
                take_back()
        if expected_attention(self.cell):
            status = await until_status(handle, patience_s=PATIENCE_S, needs_attention=True)
            return str(status["step"])
        if trouble := expected_wait(self.cell):

            async def waits() -> bool:
                waiting = (await handle.query("status"))["waiting"]
                return [one["trouble"] for one in waiting] == [trouble]

            await until(waits, PATIENCE_S, pause_s=0.25)
        return None

    def repair(self) -> None:
        """Take back what holds the saga up."""
        for repair in self.repairs:
            repair()

    # --- what goes wrong -------------------------------------------------------------------------

    def _force_the_way_back(self) -> None:
        match self.cell.operation:
            case Compensation.RELEASE_INVENTORY:
                self.token = self.shop.declined
            case Compensation.UNDO_PAYMENT:
                self.postal_code = "NOSHIP"
            case Compensation.CANCEL_SHIPMENT if self.cell.capture is CaptureMode.ON_SHIPMENT:
                self._fault(self.shop.payment_faults, FaultKind.DECLINED, "capture")
            case Compensation.CANCEL_SHIPMENT:
                # The label is bought, but the answer is lost for longer than the order waits. That
                # is longer than a charge takes on a busy machine, with an attempt that times out.
                self.on_outage = {"cancel_after": 60}
                faults = self.shop.carrier.faults
                for kind, call in (
                    (FaultKind.ANSWER_LOST, "buy_label"),
                    (FaultKind.UNAVAILABLE, "find"),
                ):
                    number = self._fault(faults, kind, call).number
                    self.until_turned_back.append(partial(faults.remove, number))

    def _arrange(self) -> None:
        if self.cell.trouble is Trouble.KILLED_AFTER:
            self._trap("report")
        elif self.cell.is_the_stores:
            self._arrange_in_the_store()
        elif self.cell.trouble is Trouble.REFUSED:
            self._arrange_refusal()
        else:
            self._arrange_at_the_provider()

    def _arrange_in_the_store(self) -> None:
        match self.cell.trouble:
            case Trouble.REFUSED if self.cell.operation is Step.RESERVE_INVENTORY:
                self.pieces = 1
            case Trouble.REFUSED:
                self._trap("append", 30, lambda a: VersionConflict(a.stream, str(a.expected), 99))
            case Trouble.TRANSIENT:
                self._trap("append", 2, store_is_down)
            case Trouble.DOWN:
                self.repairs.append(self._trap("append", None, store_is_down).released.set)
            case Trouble.TIMES_OUT:
                self._let_go_late(self._trap("append", self._hangs).released.set)
            case Trouble.ANSWER_LOST:
                self._trap("appended", 1, store_is_down)
            case Trouble.KILLED_BEFORE:
                self._trap("begin")
            case _:
                self._trap("append")

    def _arrange_refusal(self) -> None:
        match self.cell.operation:
            case Step.PROCESS_PAYMENT:
                self.token = self.shop.declined
            case Step.CREATE_SHIPMENT:
                self.postal_code = "NOSHIP"
            case Step.CAPTURE_PAYMENT:
                self._fault(self.faults, FaultKind.DECLINED, "capture")
            case _:
                self._fault(self.faults, FaultKind.INVALID, self._call, 1)

    def _arrange_at_the_provider(self) -> None:
        match self.cell.trouble:
            case Trouble.TRANSIENT:
                self._fault(self.faults, FaultKind.UNAVAILABLE, self._call, 2)
            case Trouble.DOWN:
                for call in self._calls_when_down():
                    active = self._fault(self.faults, FaultKind.UNAVAILABLE, call)
                    self.repairs.append(self._takes_back(active))
            case Trouble.TIMES_OUT:
                active = self._fault(self.faults, FaultKind.HOLD_BEFORE, self._call, self._hangs)
                self._let_go_late(self._takes_back(active))
            case Trouble.ANSWER_LOST:
                self._fault(self.faults, FaultKind.ANSWER_LOST, self._call)
            case Trouble.KILLED_BEFORE:
                self._fault(self.faults, FaultKind.HOLD_BEFORE, self._call, 1)
            case Trouble.KILLED_BETWEEN:
                self._fault(self.faults, FaultKind.HOLD_AFTER, self._call, 1)

    @property
    def faults(self) -> FaultPlan:
        if self.cell.operation in (Step.CREATE_SHIPMENT, Compensation.CANCEL_SHIPMENT):
            return self.shop.carrier.faults
        return self.shop.payment_faults

    @property
    def _call(self) -> str:
        """The provider's call that the operation makes."""
        automatic = self.cell.capture is CaptureMode.AUTOMATIC
        refund = "refund" if automatic else self.shop.void_call
        return {
            Step.PROCESS_PAYMENT: "confirm",
            Step.CREATE_SHIPMENT: "buy_label",
            Step.CAPTURE_PAYMENT: "capture",
            Compensation.UNDO_PAYMENT: refund,
            Compensation.CANCEL_SHIPMENT: "cancel_label",
        }[self.cell.operation]

    def _calls_when_down(self) -> tuple[str, ...]:
        if self.cell.operation is Step.CAPTURE_PAYMENT:
            return ("capture", self.shop.void_call, "refund")
        return ("*",) if isinstance(self.cell.operation, Step) else (self._call,)

    @property
    def _hangs(self) -> int | None:
        """How many attempts hang: two at a step; at a compensation all, until it is repaired."""
        return 2 if isinstance(self.cell.operation, Step) else None

    def _let_go_late(self, let_go: Callable[[], object]) -> None:
        """Attempts at steps go on after the saga's end; those at compensations when repaired."""
        after_the_end = isinstance(self.cell.operation, Step)
        (self.late if after_the_end else self.repairs).append(let_go)

    def _fault(
        self, plan: FaultPlan, kind: FaultKind, operation: str, times: int | None = None
    ) -> ActiveFault:
        return plan.add(Fault(kind, operation, order=self.order_id, times=times))

    def _takes_back(self, active: ActiveFault) -> Callable[[], object]:
        faults = self.faults
        return lambda: faults.remove(active.number)

    def _trap(
        self,
        where: str,
        times: int | None = 1,
        error: Callable[[StreamAppend], Exception] | None = None,
    ) -> Trap:
        trap = Trap(f"order-{self.order_id}", self.cell.activity, where, times, error)
        self.shop.traps.set.append(trap)
        return trap
