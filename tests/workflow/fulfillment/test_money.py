"""Money in doubt: late charges, captures that cross a void, authorisations that have expired."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from activities.ports import (
    ChargeRequest,
    LabelStatus,
    OutcomeUnknown,
    PaymentStatus,
    ProviderPayment,
)
from adapters.providers.fakes import FakePaymentGateway
from adapters.providers.faults import Fault, FaultKind
from domain.ids import OrderId
from domain.money import Money
from domain.payment.payment import holds_money
from ordersaga.operations.verification.report import Check, Finding
from ordersaga.operations.verification.run import verify
from ordersaga.operations.verification.sources import Sources
from tests.support.sagas.sagas import (
    Handle,
    activities_of,
    result,
    start,
    stocked_saga,
    until,
    until_status,
)
from tests.support.sagas.shop import Shop, document, running_workers
from workflows.common.search_attributes import NEEDS_ATTENTION, ORDER_STATUS

pytestmark = pytest.mark.usefixtures("few_attempts")

BY = {"actor": "anna", "reason": "the provider is back"}
ON_SHIPMENT = {"token": "tok_visa", "capture": "on_shipment"}


class LateGateway(FakePaymentGateway):
    """A charge arrives right after the saga looked for it and found nothing."""

    async def charge(self, request: ChargeRequest) -> ProviderPayment:
        self.asked = request
        raise OutcomeUnknown("charge: no answer")

    async def forbid(
        self, order_id: OrderId, amount: Money, idempotency_key: str, installation: str
    ) -> ProviderPayment | None:
        await super().charge(self.asked)
        return None


class DeafLateGateway(LateGateway):
    """The control: the charge also arrives after the saga looked for the last time."""

    async def forbid(
        self, order_id: OrderId, amount: Money, idempotency_key: str, installation: str
    ) -> ProviderPayment | None:
        return None

    async def arrive(self) -> None:
        await FakePaymentGateway.charge(self, self.asked)


class RacingGateway(FakePaymentGateway):
    """A capture that the saga has given up happens just before the void."""

    async def capture(self, reference: str, amount: Money, idempotency_key: str) -> ProviderPayment:
        self.asked = (reference, amount, idempotency_key)
        raise OutcomeUnknown("capture: no answer")

    async def void(self, reference: str, idempotency_key: str) -> ProviderPayment:
        await super().capture(*self.asked)
        return await super().void(reference, idempotency_key)


SOON = {"on_outage": {"cancel_after": 60}}


@dataclass
class Ended:
    handle: Handle
    order_id: str
    outcome: dict[str, Any]
    payments: list[ProviderPayment]
    findings: Sequence[Finding]


async def carried_through(client: Client, shop: Shop, **changes: Any) -> Ended:
    """One saga from start to end, and what the ledgers say then; it waits for no outage."""
    changes = {**SOON, **changes}
    async with running_workers(client, shop):
        order_id, handle = await stocked_saga(client, shop, **changes)
        outcome = await result(handle)
    return Ended(handle, order_id, outcome, await payments_of(shop), await findings(shop))


async def payments_of(shop: Shop) -> list[ProviderPayment]:
    return [payment async for payment in shop.payments.payments()]


async def findings(shop: Shop) -> Sequence[Finding]:
    missing = {Check.SAGAS: "not looked at", Check.READ_MODELS: "not looked at"}
    sources = Sources(
        shop.store,
        shop.codec,
        shop.payments,
        shop.carrier,
        shop.installation,
        None,
        None,
        missing,
    )
    return (await verify(sources)).findings


async def test_a_charge_that_arrives_after_the_cancel_is_given_back_once(client: Client) -> None:
    shop = Shop()
    shop.payments = LateGateway()
    ended = await carried_through(client, shop)
    assert (ended.outcome["outcome"], ended.outcome["reason"]) == (
        "cancelled",
        "provider_outage",
    )
    assert "undo-payment-2" in await activities_of(ended.handle)
    [payment] = ended.payments
    assert (payment.status, payment.refunded) == (PaymentStatus.REFUNDED, payment.amount)
    assert (await shop.story(ended.order_id)).count("PaymentRefunded") == 1
    assert ended.findings == []


async def test_the_control_a_charge_after_the_last_look_is_an_offence(client: Client) -> None:
    shop = Shop()
    shop.payments = gateway = DeafLateGateway()
    ended = await carried_through(client, shop)
    assert ended.findings == []
    await gateway.arrive()
    assert [finding.subject for finding in await findings(shop)] == [ended.order_id]


async def test_a_charge_cannot_arrive_at_a_provider_that_was_told_not_to_make_it(
    client: Client,
) -> None:
    shop = Shop()
    shop.payments.faults.add(Fault(FaultKind.REQUEST_LOST, operation="charge"))
    ended = await carried_through(client, shop)
    assert ended.outcome["outcome"] == "cancelled"
    assert [payment.status for payment in ended.payments] == [PaymentStatus.FORBIDDEN]
    status = await status_of_closed(client, shop, ended)
    assert status["undone"]["undo_payment"].startswith("nothing, and it cannot happen")
    assert "PaymentVoided" not in await shop.story(ended.order_id)


async def status_of_closed(client: Client, shop: Shop, ended: Ended) -> dict[str, Any]:
    async with running_workers(client, shop):
        return dict(await ended.handle.query("status"))


async def test_a_capture_that_crosses_the_void_is_refunded(client: Client) -> None:
    shop = Shop()
    shop.payments = RacingGateway()
    ended = await carried_through(client, shop, payment=ON_SHIPMENT)
    assert ended.outcome["outcome"] == "cancelled"
    assert [payment.status for payment in ended.payments] == [PaymentStatus.REFUNDED]
    assert not holds_money(await shop.payment(ended.order_id))
    assert ended.findings == []


async def test_an_authorisation_that_has_expired_is_replaced_before_anything_is_shipped(
    client: Client,
) -> None:
    shop = Shop()
    shop.payments.faults.add(Fault(FaultKind.EXPIRED, operation="capture", times=1))
    ended = await carried_through(client, shop, payment=ON_SHIPMENT)
    assert ended.outcome["outcome"] == "completed"
    first, second = ended.payments
    assert (first.status, second.status) == (PaymentStatus.EXPIRED, PaymentStatus.CAPTURED)
    assert ended.outcome["payment_reference"] == second.reference
    async with running_workers(client, shop):
        again = await start(
            client, ended.order_id, document(ended.order_id, payment=ON_SHIPMENT, **SOON)
        )
        assert await result(again) == ended.outcome
    story = await shop.story(ended.order_id)
    assert [name for name in story if name.startswith("Payment")] == [
        "PaymentAuthorised",
        "PaymentVoided",
        "PaymentCaptured",
    ]
    assert ended.findings == []


async def test_an_expired_authorisation_is_replaced_once_also_if_the_answer_is_lost(
    client: Client,
) -> None:
    shop = Shop()
    shop.payments.faults.add(Fault(FaultKind.EXPIRED, operation="capture", times=1))
    shop.carrier.faults.add(Fault(FaultKind.HOLD_BEFORE, operation="buy_label", times=1))
    async with running_workers(client, shop):
        order_id, handle = await stocked_saga(client, shop, payment=ON_SHIPMENT)
        await until_status(handle, step="create_shipment")
        shop.payments.faults.add(Fault(FaultKind.ANSWER_LOST, operation="charge"))
        shop.carrier.faults.clear()
        assert (await result(handle))["outcome"] == "completed"
    statuses = [payment.status for payment in await payments_of(shop)]
    assert statuses == [PaymentStatus.EXPIRED, PaymentStatus.CAPTURED]
    assert await shop.status(order_id) == "completed"
    assert await findings(shop) == []


async def test_an_expired_authorisation_that_cannot_be_replaced_cancels_the_order(
    client: Client,
) -> None:
    shop = Shop()
    shop.payments.faults.add(Fault(FaultKind.EXPIRED, operation="capture", times=1))
    shop.carrier.faults.add(Fault(FaultKind.HOLD_BEFORE, operation="buy_label", times=1))
    async with running_workers(client, shop):
        order_id, handle = await stocked_saga(client, shop, payment=ON_SHIPMENT)
        await until_status(handle, step="create_shipment")
        shop.payments.declines["tok_visa"] = "insufficient_funds"
        shop.carrier.faults.clear()
        outcome = await result(handle)
    assert (outcome["outcome"], outcome["reason"]) == ("cancelled", "payment_declined")
    statuses = [payment.status for payment in await payments_of(shop)]
    assert statuses == [PaymentStatus.EXPIRED, PaymentStatus.DECLINED]
    assert [label.status async for label in shop.carrier.labels()] == [LabelStatus.CANCELLED]
    assert not holds_money(await shop.payment(order_id))
    assert await findings(shop) == []


async def test_a_declined_capture_cancels_the_label_and_gives_the_hold_back(
    client: Client,
) -> None:
    shop = Shop()
    shop.payments.faults.add(Fault(FaultKind.DECLINED, operation="capture"))
    ended = await carried_through(client, shop, payment=ON_SHIPMENT)
    assert (ended.outcome["outcome"], ended.outcome["reason"]) == ("cancelled", "payment_declined")
    assert "insufficient_funds" in ended.outcome["detail"]
    assert [payment.status for payment in ended.payments] == [PaymentStatus.VOIDED]
    assert [label.status async for label in shop.carrier.labels()] == [LabelStatus.CANCELLED]
    assert ended.findings == []


async def test_a_refund_that_fails_keeps_the_order_visibly_pending_and_the_saga_open(
    client: Client,
) -> None:
    shop = Shop()
    shop.payments.faults.add(Fault(FaultKind.UNAVAILABLE, operation="refund"))
    shop.carrier.faults.add(Fault(FaultKind.INVALID, operation="buy_label"))
    async with running_workers(client, shop):
        order_id, handle = await stocked_saga(client, shop)
        await until_status(handle, needs_attention=True)
        shown = (await handle.describe()).typed_search_attributes
        assert (shown[ORDER_STATUS], shown[NEEDS_ATTENTION]) == ("refund_pending", True)
        assert await shop.status(order_id) == "processing"
        notice = await first_notice(shop)
        assert notice.startswith("refund pending: ")
        shop.payments.faults.clear()
        await handle.execute_update("retry", BY)
        assert (await result(handle))["outcome"] == "cancelled"
        shown = (await handle.describe()).typed_search_attributes
    assert (shown[ORDER_STATUS], shown[NEEDS_ATTENTION]) == ("cancelled", False)
    assert [p.status for p in await payments_of(shop)] == [PaymentStatus.REFUNDED]


async def first_notice(shop: Shop) -> str:
    async def announced() -> bool:
        return bool(shop.notifications.notices)

    await until(announced)
    return shop.notifications.notices[0].waiting_for


async def test_a_completed_saga_has_nothing_left_to_undo(
    temporal: WorkflowEnvironment,
) -> None:
    shop = Shop()
    ended = await carried_through(temporal.client, shop)
    status = await status_of_closed(temporal.client, shop, ended)
    assert (status["outcome"], status["compensations"]) == ("completed", [])
