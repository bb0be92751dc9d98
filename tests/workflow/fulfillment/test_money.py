"""Money in doubt: late charges, captures that cross a void, authorisations that have expired."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from activities.payment_port import PaymentStatus, ProviderPayment
from activities.ports import LabelStatus, OutcomeUnknown
from adapters.providers.fakes import FakePaymentGateway
from adapters.providers.faults import Fault, FaultKind
from adapters.providers.payment_rules import HELD_FOR, SandboxLimits
from domain.money import Money
from domain.payment.state import holds_money
from ordersaga.operations.verification.report import Check, Finding
from ordersaga.operations.verification.run import verify
from ordersaga.operations.verification.sources import Sources
from tests.support.sagas.sagas import (
    Handle,
    activities_of,
    result,
    stocked_saga,
    until,
    until_status,
)
from tests.support.sagas.shop import Shop, running_workers
from workflows import policies
from workflows.common.search_attributes import NEEDS_ATTENTION, ORDER_STATUS

pytestmark = pytest.mark.usefixtures("few_attempts")

BY = {"actor": "anna", "reason": "the provider is back"}
ON_SHIPMENT = {"token": "tok_visa", "capture": "on_shipment"}


class LateGateway(FakePaymentGateway):
    """A confirmation that the saga has given up happens just before the payment is ended."""

    async def confirm(self, reference: str) -> ProviderPayment:
        raise OutcomeUnknown("confirm: no answer")

    async def void(self, reference: str) -> ProviderPayment:
        await super().confirm(reference)
        return await super().void(reference)


class LyingGateway(LateGateway):
    """The control: it says that the payment has ended, and confirms it afterwards."""

    async def void(self, reference: str) -> ProviderPayment:
        return replace(await self.read(reference), status=PaymentStatus.VOIDED)

    async def arrive(self) -> None:
        [payment] = [payment async for payment in self.payments()]
        await FakePaymentGateway.confirm(self, payment.reference)


class RacingGateway(FakePaymentGateway):
    """A capture that the saga has given up happens just before the void."""

    async def capture(self, reference: str, amount: Money) -> ProviderPayment:
        self.asked = amount
        raise OutcomeUnknown("capture: no answer")

    async def void(self, reference: str) -> ProviderPayment:
        await super().capture(reference, self.asked)
        return await super().void(reference)


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


async def test_a_confirmation_that_crosses_the_undo_is_given_back_once(client: Client) -> None:
    shop = Shop()
    shop.payments = LateGateway()
    ended = await carried_through(client, shop)
    assert (ended.outcome["outcome"], ended.outcome["reason"]) == (
        "cancelled",
        "provider_outage",
    )
    [payment] = ended.payments
    assert (payment.status, payment.refunded) == (PaymentStatus.REFUNDED, payment.amount)
    assert (await shop.story(ended.order_id)).count("PaymentRefunded") == 1
    assert ended.findings == []


async def test_the_control_a_payment_that_the_provider_takes_after_its_end_is_an_offence(
    client: Client,
) -> None:
    shop = Shop()
    shop.payments = gateway = LyingGateway()
    ended = await carried_through(client, shop)
    assert ended.findings == []
    await gateway.arrive()
    assert [finding.subject for finding in await findings(shop)] == [ended.order_id]


async def test_a_confirmation_cannot_arrive_once_the_payment_has_ended(client: Client) -> None:
    shop = Shop()
    shop.payments.faults.add(Fault(FaultKind.REQUEST_LOST, operation="confirm"))
    ended = await carried_through(client, shop)
    assert ended.outcome["outcome"] == "cancelled"
    shop.payments.faults.clear()
    [payment] = ended.payments
    assert (await shop.payments.confirm(payment.reference)).status is PaymentStatus.VOIDED


async def test_an_order_whose_payment_was_never_created_ends_without_its_provider(
    client: Client,
) -> None:
    shop = Shop()
    for operation in ("create", "confirm", "find", "read", "void", "refund*"):
        shop.payments.faults.add(Fault(FaultKind.UNAVAILABLE, operation=operation))
    ended = await carried_through(client, shop)
    assert (ended.outcome["outcome"], ended.payments) == ("cancelled", [])
    status = await status_of_closed(client, shop, ended)
    assert status["undone"]["undo_payment"].startswith("nothing, and it cannot happen")
    assert "PaymentForbidden" in await shop.story(ended.order_id)


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


async def test_an_authorisation_that_has_lapsed_cancels_the_order_and_needs_no_person(
    client: Client,
) -> None:
    # What the customer authorised once is not authorised again by us.
    shop = Shop()
    shop.payments.faults.add(Fault(FaultKind.EXPIRED, operation="capture", times=1))
    ended = await carried_through(client, shop, payment=ON_SHIPMENT)
    assert (ended.outcome["outcome"], ended.outcome["reason"]) == ("cancelled", "payment_declined")
    assert [payment.status for payment in ended.payments] == [PaymentStatus.EXPIRED]
    assert [label.status async for label in shop.carrier.labels()] == [LabelStatus.CANCELLED]
    story = await shop.story(ended.order_id)
    assert [name for name in story if name.startswith("Payment")] == [
        "PaymentPrepared",
        "PaymentAuthorised",
        "PaymentExpired",
    ]
    assert "AttentionRequired" not in story
    assert ended.findings == []


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


async def test_a_person_is_called_before_an_authorisation_lapses(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon = HELD_FOR - timedelta(minutes=15)  # days would be thousands of attempts at a label
    monkeypatch.setattr(policies, "CALL_BEFORE_LAPSE", soon)
    shop = Shop()
    shop.payments.clock = lambda: datetime.now(UTC)
    held = shop.carrier.faults.add(Fault(FaultKind.UNAVAILABLE, operation="buy_label"))
    async with running_workers(client, shop):
        order_id, handle = await stocked_saga(client, shop, payment=ON_SHIPMENT)
        status = await until_status(handle, needs_attention=True)
        assert "lapses at" in status["attention"]
        notice = await first_notice(shop)
        assert "let the order ship before, or cancel it" in notice
        shop.carrier.faults.remove(held.number)
        assert (await result(handle))["outcome"] == "completed"
        assert not (await handle.query("status"))["needs_attention"]
    assert (await shop.story(order_id)).count("AttentionRequired") == 1


async def test_an_order_beyond_the_providers_limits_ends_before_anything_is_reserved(
    client: Client,
) -> None:
    shop = Shop()
    shop.payments.limits = SandboxLimits(highest=100)
    ended = await carried_through(client, shop)
    assert (ended.outcome["outcome"], ended.outcome["reason"]) == ("cancelled", "not_fulfillable")
    assert "total: the sandbox takes 0.01 GBP to 1.00 GBP" in ended.outcome["detail"]
    assert await activities_of(ended.handle) == ["reserve-inventory"]
    assert {call.operation for call in shop.payments.calls} <= {"list"}  # by the verification
    assert ended.findings == []


@pytest.mark.parametrize("kind", [FaultKind.REFUND_PENDING, FaultKind.REFUND_ACTION])
async def test_a_refund_under_way_keeps_the_order_open_until_the_bank_has_made_it(
    client: Client, kind: FaultKind
) -> None:
    shop = Shop()
    fault = shop.payments.faults.add(Fault(kind, operation="refund"))
    shop.carrier.faults.add(Fault(FaultKind.INVALID, operation="buy_label"))
    async with running_workers(client, shop):
        _, handle = await stocked_saga(client, shop)
        status = await until_status(handle, needs_attention=True)  # after a day, or at once
        assert status["step"] == "undo_payment"
        shop.payments.faults.remove(fault.number)
        assert (await result(handle))["outcome"] == "cancelled"
    assert [p.status for p in await payments_of(shop)] == [PaymentStatus.REFUNDED]
    assert shop.payments.count("refund") == 1
    assert await findings(shop) == []


async def test_a_refund_that_fails_calls_a_person_and_a_retry_has_another_key(
    client: Client,
) -> None:
    shop = Shop()
    shop.payments.faults.add(Fault(FaultKind.REFUND_FAILED, operation="refund", times=1))
    shop.carrier.faults.add(Fault(FaultKind.INVALID, operation="buy_label"))
    async with running_workers(client, shop):
        _, handle = await stocked_saga(client, shop)
        await until_status(handle, needs_attention=True, step="undo_payment")
        await handle.execute_update("retry", BY)
        assert (await result(handle))["outcome"] == "cancelled"
    assert [p.status for p in await payments_of(shop)] == [PaymentStatus.REFUNDED]
    keys = [c.idempotency_key for c in shop.payments.calls if c.operation == "refund"]
    assert keys == [keys[0], f"{keys[0]}-2"]
