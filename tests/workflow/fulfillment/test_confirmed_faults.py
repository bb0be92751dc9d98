"""Confirmed payments and `pay` meet every fault: killed at every point, each call in doubt."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from activities.payment_port import PaymentStatus
from adapters.providers.faults import Fault, FaultKind
from domain.money import Money
from domain.values import CaptureMode
from ordersaga.operations.verification.report import Report
from tests.support.faults.traps import Trap, TrappedShop
from tests.support.sagas.sagas import start, until_status
from tests.support.sagas.shop import document, running_workers
from tests.workflow.fulfillment.test_foreign_records import verified
from workflows import policies

TOTAL = Money(300, "GBP")
BY = {"actor": "anna", "reason": "the customer paid again"}
ASK = {"policy": "ask", "deadline_hours": 48}
ATTEMPT = timedelta(seconds=6)
KILLED = ("begin", "append", "appended", "report")
"""Where an attempt stops for ever: before anything, before and after its append, at its answer."""
UNSURE = (FaultKind.UNAVAILABLE, FaultKind.REQUEST_LOST, FaultKind.ANSWER_LOST)


@dataclass(frozen=True)
class Cell:
    """One course of an order, and what goes wrong once on its way.

    Attributes:
        course: `paid` and `undone` with a confirmed payment; `again` by `pay` with a confirmed one
            or a token, after a payment that was declined; `renewed` by `pay` after a capture that
            was declined.
        operation: the activity that is killed, or the call of the provider that fails.
        trouble: where it is killed, or how the call fails.
    """

    course: str
    operation: str
    trouble: str

    @property
    def name(self) -> str:
        return f"{self.course}-{self.operation}-{self.trouble}"

    @property
    def is_killed(self) -> bool:
        return self.trouble in KILLED


ACTIVITIES = {
    "paid": ("process-payment",),
    "undone": ("process-payment", "undo-payment"),
    "again by token": ("replace-payment", "process-payment"),
    "again by confirmed": ("replace-payment", "process-payment"),
    "renewed": ("replace-payment", "capture-payment"),
}
CALLS = {
    "paid": ("read", "claim", "capture"),
    "undone": ("claim", "refund"),
    "again by token": ("read", "void", "create", "confirm"),
    "again by confirmed": ("read", "void", "claim", "capture"),
    "renewed": ("void", "create", "confirm", "capture"),
}
MATRIX = tuple(
    [
        Cell(course, activity, point)
        for course, activities in ACTIVITIES.items()
        for activity in activities
        for point in KILLED
    ]
    + [
        Cell(course, call, kind.value)
        for course, calls in CALLS.items()
        for call in calls
        for kind in UNSURE
    ]
)


class Play:
    """One cell in a shop."""

    def __init__(self, client: Client, shop: TrappedShop, cell: Cell, number: int) -> None:
        self.client, self.shop, self.cell = client, shop, cell
        self.order_id = f"CF{number}"

    async def run(self) -> dict[str, Any]:
        await self.shop.receive(f"{self.order_id}-sku", 10)
        content = document(self.order_id, payment=self._payment())
        if self.cell.course == "undone":
            content["address"]["postal_code"] = "NOSHIP"
        if not self._pays_again:
            self._arrange()
        if self.cell.course == "renewed":
            declined = Fault(FaultKind.DECLINED, "capture", order=self.order_id, times=1)
            self.shop.payments.faults.add(declined)
        handle = await start(self.client, self.order_id, content)
        if self._pays_again:
            await until_status(handle, patience_s=150, step="awaiting_payment")
            self._arrange()
            await handle.execute_update("pay", {**BY, **self._other()})
        async with asyncio.timeout(150):
            return dict(await handle.result())

    @property
    def _pays_again(self) -> bool:
        return self.cell.course not in ("paid", "undone")

    def _payment(self) -> dict[str, Any]:
        if self._pays_again:
            is_renewed = self.cell.course == "renewed"
            token, capture = ("tok_visa", "on_shipment") if is_renewed else ("tok_declined", None)
            more = {"capture": capture} if capture else {}
            return {"token": token, "on_decline": ASK, **more}
        return self._confirmed()

    def _other(self) -> dict[str, Any]:
        is_confirmed = self.cell.course == "again by confirmed"
        return self._confirmed() if is_confirmed else {"token": "tok_visa"}

    def _confirmed(self) -> dict[str, Any]:
        made = self.shop.payments.checkout(TOTAL, CaptureMode.ON_SHIPMENT, order=self.order_id)
        return {"confirmed": {"reference": made.reference}}

    def _arrange(self) -> None:
        cell = self.cell
        if cell.is_killed:
            self.shop.traps.set.append(Trap(f"order-{self.order_id}", cell.operation, cell.trouble))
            return
        fault = Fault(FaultKind(cell.trouble), cell.operation, order=self.order_id, times=1)
        self.shop.payments.faults.add(fault)


@dataclass
class Results:
    """All cells after they were played."""

    shop: TrappedShop
    played: dict[Cell, dict[str, Any] | BaseException]
    orders: dict[Cell, str]
    report: Report


@pytest.fixture(scope="module")
async def results(temporal: WorkflowEnvironment) -> AsyncIterator[Results]:
    with pytest.MonkeyPatch.context() as patch, temporal.with_time_skipping_disabled():
        first = replace(policies.USUAL.first, maximum_attempts=2)
        patch.setattr(policies, "USUAL", policies.Policy(ATTEMPT, first))
        yield await _play_all(temporal.client)


async def _play_all(client: Client) -> Results:
    shop = TrappedShop()
    plays = {cell: Play(client, shop, cell, n) for n, cell in enumerate(MATRIX)}
    turns = asyncio.Semaphore(16)

    async def play(cell: Cell) -> dict[str, Any]:
        async with turns:
            return await plays[cell].run()

    async with running_workers(client, shop, interceptors=[shop.traps]):
        played = await asyncio.gather(*map(play, plays), return_exceptions=True)
    orders = {cell: one.order_id for cell, one in plays.items()}
    return Results(shop, dict(zip(plays, played, strict=True)), orders, await verified(shop))


@pytest.mark.parametrize("cell", MATRIX, ids=lambda cell: cell.name)
async def test_money_is_taken_once_or_given_back(results: Results, cell: Cell) -> None:
    played, order_id = results.played[cell], results.orders[cell]
    if isinstance(played, BaseException):
        raise played
    payments = [p async for p in results.shop.payments.payments() if p.order_id == order_id]
    kept = [p for p in payments if p.status is PaymentStatus.CAPTURED]
    assert not [p for p in payments if p.status is PaymentStatus.AUTHORISED]
    story = await results.shop.story(order_id)
    assert story.count("FulfillmentClosed") == 1
    if cell.course == "undone":
        assert (played["outcome"], played["reason"]) == ("cancelled", "address_refused")
        assert (kept, [p.refunded for p in payments]) == ([], [TOTAL])
        return
    assert played["outcome"] == "completed"
    assert [(p.reference, p.amount) for p in kept] == [(played["payment_reference"], TOTAL)]
    assert story.count("PaymentCaptured") == 1


async def test_the_books_agree_over_all_cells(results: Results) -> None:
    assert results.report.findings == []
    assert [c for c in results.report.comparisons if not c.equal] == []
