"""What the fakes add to the contracts: injected faults, recorded calls and notices."""

import asyncio
from dataclasses import replace

import pytest

from activities.payment_port import PaymentLedger, PaymentStatus, RefundStatus
from activities.ports import (
    AttentionNotice,
    CarrierLedger,
    GatewayError,
    GatewayRefusedAccess,
    GatewayRejected,
    GatewayUnavailable,
    KeyUsedUp,
    Notifications,
    OutcomeUnknown,
)
from adapters.notifications.recording import RecordingNotifications
from adapters.providers.fake_provider import Call
from adapters.providers.fakes import FakeCarrier, FakePaymentGateway
from adapters.providers.faults import Fault, FaultKind
from domain.ids import OrderId
from tests.support.stack.carrier_examples import label_request
from tests.support.stack.payment_examples import GBP_10, charge, payment_request


@pytest.mark.parametrize(
    ("kind", "error", "was_done"),
    [
        (FaultKind.UNAVAILABLE, GatewayUnavailable, False),
        (FaultKind.REJECTED, GatewayRefusedAccess, False),
        (FaultKind.INVALID, GatewayRejected, False),
        (FaultKind.SERVER_ERROR, OutcomeUnknown, False),
        (FaultKind.REQUEST_LOST, OutcomeUnknown, False),
        (FaultKind.ANSWER_LOST, OutcomeUnknown, True),
        (FaultKind.GARBAGE, OutcomeUnknown, True),
    ],
)
async def test_a_failed_charge_fails_like_with_a_real_provider(
    kind: FaultKind, error: type[GatewayError], was_done: bool
) -> None:
    gateway, request = FakePaymentGateway(), payment_request("tok_visa")
    gateway.faults.add(Fault(kind, operation="confirm", times=1))
    with pytest.raises(error):
        await charge(gateway, request)
    found = await gateway.find(request.idempotency_key)
    assert found is not None
    assert (found.status is PaymentStatus.CAPTURED) is was_done
    assert (await charge(gateway, request)).status is PaymentStatus.CAPTURED
    assert gateway.count("confirm") == 2


async def test_a_provider_can_be_unavailable_without_end() -> None:
    gateway = FakePaymentGateway()
    gateway.faults.add(Fault(FaultKind.UNAVAILABLE))
    for _ in range(20):
        with pytest.raises(GatewayUnavailable):
            await gateway.find("key")


async def test_the_call_log_keeps_failed_calls_too() -> None:
    carrier, request = FakeCarrier(), label_request()
    carrier.faults.add(Fault(FaultKind.UNAVAILABLE, times=1))
    with pytest.raises(GatewayUnavailable):
        await carrier.buy_label(request)
    label = await carrier.buy_label(request)
    await carrier.cancel_label(label.label_id, "cancel")
    bought = Call("buy_label", request.order_id, request.idempotency_key)
    assert carrier.calls == [bought, bought, Call("cancel_label", request.order_id, "cancel")]


async def test_declines_can_be_chosen() -> None:
    gateway = FakePaymentGateway({"tok_mine": "do_not_honor"})
    payment = await charge(gateway, payment_request("tok_mine"))
    assert payment.decline_code == "do_not_honor"


async def test_a_fault_can_hit_one_order_only() -> None:
    gateway = FakePaymentGateway()
    hit, spared = payment_request("tok_visa"), payment_request("tok_visa")
    gateway.faults.add(Fault(FaultKind.UNAVAILABLE, order=hit.order_id))
    assert (await charge(gateway, spared)).status is PaymentStatus.CAPTURED
    with pytest.raises(GatewayUnavailable):
        await charge(gateway, hit)


async def test_a_call_can_be_held_between_its_work_and_its_answer() -> None:
    gateway, request = FakePaymentGateway(), payment_request("tok_visa")
    hold = gateway.faults.add(Fault(FaultKind.HOLD_AFTER, operation="confirm"))
    waiting = asyncio.create_task(charge(gateway, request))
    await asyncio.sleep(0.01)
    assert hold.holding == 1
    assert await gateway.find(request.idempotency_key) is not None
    gateway.faults.clear()
    assert (await waiting).status is PaymentStatus.CAPTURED


async def test_a_refused_change_can_lose_its_answer_too() -> None:
    gateway = FakePaymentGateway()
    payment = await charge(gateway, payment_request("tok_visa"))
    gateway.faults.add(Fault(FaultKind.ANSWER_LOST, operation="void", times=1))
    with pytest.raises(OutcomeUnknown):
        await gateway.void(payment.reference)
    with pytest.raises(GatewayRejected, match="wrong_state"):
        await gateway.void(payment.reference)


async def test_the_key_of_a_refused_request_can_be_used_again() -> None:
    gateway = FakePaymentGateway()
    payment = await charge(gateway, payment_request("tok_visa"))
    too_much = GBP_10 + GBP_10
    with pytest.raises(GatewayRejected):
        await gateway.refund(payment.reference, too_much, "refund")
    refund = await gateway.refund(payment.reference, GBP_10, "refund")
    assert refund.status is RefundStatus.SUCCEEDED


async def test_a_failure_that_is_kept_is_the_answer_to_its_key_for_ever() -> None:
    gateway, request = FakePaymentGateway(), payment_request("tok_visa")
    gateway.faults.add(Fault(FaultKind.SAVED_ERROR, operation="create", times=1))
    with pytest.raises(OutcomeUnknown):
        await gateway.create(request)
    for _ in range(2):
        with pytest.raises(KeyUsedUp):
            await gateway.create(request)
    other = replace(request, idempotency_key="another")
    assert (await charge(gateway, other)).status is PaymentStatus.CAPTURED


async def test_closing_is_recorded() -> None:
    gateway, carrier = FakePaymentGateway(), FakeCarrier()
    await gateway.close()
    assert (gateway.closed, carrier.closed) == (True, False)


async def test_fakes_are_ledgers() -> None:
    payments: PaymentLedger = FakePaymentGateway()
    carrier: CarrierLedger = FakeCarrier()
    assert [p async for p in payments.payments()] == []
    assert [label async for label in carrier.labels()] == []


async def test_notices_are_recorded_and_can_fail() -> None:
    recording = RecordingNotifications()
    notifications: Notifications = recording
    notice = AttentionNotice(OrderId("A1"), "undo_payment", "retry or resolve")
    recording.failures.append(ConnectionError("no way out"))
    with pytest.raises(ConnectionError):
        await notifications.needs_attention(notice)
    await notifications.needs_attention(notice)
    assert recording.notices == [notice]
