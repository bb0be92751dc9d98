"""Refunds of amended orders: late answers, killed attempts, and a compensation on top."""

from dataclasses import replace
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.inventory.activities import InventoryActivities
from activities.messages import (
    NOTHING,
    AmendPieces,
    CompensationRequest,
    OperatorAction,
    ReserveInventory,
    SagaRef,
    SettlePayment,
    StepRequest,
)
from activities.payment_port import ProviderRefund
from activities.payments.activities import PaymentActivities
from activities.payments.own import OwnPayments
from activities.payments.refunds import RefundActivities
from adapters.providers.fakes import FakePaymentGateway
from adapters.providers.payment_rules import SandboxLimits
from domain.ids import LineId, OrderId
from domain.lines import Pieces
from domain.money import Money
from domain.payment.state import Captured
from domain.values import Reason
from tests.support.sagas.bench import as_attempt
from tests.support.sagas.shop import Shop, document
from workflows.documents.order import parse_document

ORDER = OrderId("A1")
SAGA = SagaRef("order-A1", "run-1")
ANNA = OperatorAction("anna", "amend", "the customer asked")
PAID, LESS = 300, 150


class LateRefund(FakePaymentGateway):
    """Before the next refund, an earlier one arrives that was delayed."""

    late: int = 0

    async def refund(self, reference: str, amount: Money, idempotency_key: str) -> ProviderRefund:
        if self.late:
            late, self.late = self.late, 0
            await super().refund(reference, Money(late, "GBP"), "under-way")
        return await super().refund(reference, amount, idempotency_key)


class Paid:
    """An order that was paid at once, and the activities that work on it."""

    def __init__(self) -> None:
        self.shop = Shop()
        self.gateway = LateRefund()
        self.inventory = InventoryActivities(self.shop.handler, SandboxLimits())
        own = OwnPayments(self.gateway, self.shop.installation)
        self.payments = PaymentActivities(self.shop.handler, own)
        self.refunds = RefundActivities(self.shop.handler, own)

    async def run(self, method: Any, request: Any, name: str) -> Any:
        environment = ActivityEnvironment()
        environment.info = replace(environment.info, activity_id=name)
        return await environment.run(as_attempt(method), request)

    async def begin(self) -> None:
        await self.shop.receive("A1-sku", 2)
        request = ReserveInventory(SAGA, parse_document(document("A1"), "order-A1"))
        await self.run(self.inventory.reserve_inventory, request, "reserve")
        await self.run(self.payments.process_payment, StepRequest(SAGA, ORDER), "pay")

    async def amend(self, pieces: int = 1) -> None:
        request = AmendPieces(SAGA, ORDER, (Pieces(LineId("1"), pieces),), ANNA)
        await self.run(self.inventory.amend_order, request, "amend")

    async def settle(self, by: OperatorAction | None = None) -> str:
        request = SettlePayment(SAGA, ORDER, by)
        return str((await self.run(self.refunds.settle_payment, request, "settle")).undone)

    async def undo(self) -> None:
        request = CompensationRequest(SAGA, ORDER, Reason.CUSTOMER_REQUEST)
        await self.run(self.refunds.undo_payment, request, "undo")

    async def refunded(self) -> tuple[int, int]:
        """Minor units given back, by our events and by the provider."""
        ours = await self.shop.payment("A1")
        assert isinstance(ours, Captured)
        theirs = await self.gateway.find(ours.idempotency_key)
        assert theirs is not None
        return ours.refunded.minor, theirs.refunded.minor


@pytest.fixture
async def order() -> Paid:
    paid = Paid()
    await paid.begin()
    return paid


async def test_an_order_that_was_not_amended_has_nothing_to_settle(order: Paid) -> None:
    assert await order.settle() == NOTHING
    assert order.gateway.count("refund") == 0


async def test_settling_twice_refunds_once(order: Paid) -> None:
    await order.amend()
    assert await order.settle() == "refunded"
    assert await order.settle() == NOTHING
    assert await order.refunded() == (PAID - LESS, PAID - LESS)


async def test_a_refund_that_was_not_recorded_is_recorded_and_not_repeated(
    order: Paid,
) -> None:
    await order.amend()
    known = await order.shop.payment("A1")
    assert isinstance(known, Captured)
    await order.gateway.refund(known.reference, Money(PAID - LESS, "GBP"), "killed-attempt")
    assert await order.settle() == "refunded"
    assert await order.refunded() == (PAID - LESS, PAID - LESS)
    assert order.gateway.count("refund") == 1


async def test_undoing_refunds_the_rest_after_a_late_refund(
    order: Paid,
) -> None:
    await order.amend()
    order.gateway.late = PAID - LESS
    await order.undo()
    assert await order.refunded() == (PAID, PAID)


async def test_undoing_after_settling_refunds_no_more_than_was_captured(order: Paid) -> None:
    await order.amend()
    await order.settle()
    await order.undo()
    await order.undo()
    assert await order.refunded() == (PAID, PAID)


async def test_an_amendment_that_would_leave_nothing_changes_nothing(order: Paid) -> None:
    events = await order.shop.store.head()
    with pytest.raises(ApplicationError) as refusal:
        await order.amend(0)
    assert refusal.value.type == Reason.NOT_FULFILLABLE
    assert await order.shop.store.head() == events
    assert (await order.shop.stock("A1-sku")).reserved == 2


async def test_amending_again_after_a_lost_answer_changes_nothing_more(order: Paid) -> None:
    await order.amend()
    events = await order.shop.store.head()
    await order.amend()
    assert await order.shop.store.head() == events
    assert (await order.shop.stock("A1-sku")).reserved == 1
