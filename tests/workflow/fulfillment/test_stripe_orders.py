"""Whole orders paid at the stand-in for Stripe, with answers that are lost or take their time."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from activities.payment_port import PaymentStatus, ProviderPayment
from adapters.payments.stripe.gateway import StripePaymentGateway
from adapters.providers.faults import Fault, FaultKind
from adapters.providers.rules import POSTAL_CODE_MARKER
from domain.payment.state import Captured
from domain.values import CaptureMode
from tests.support.sagas.sagas import (
    Handle,
    result,
    stocked_saga,
    until,
    until_listed_as,
    until_status,
)
from tests.support.sagas.shop import Shop, document, running_workers
from tests.support.stack.checkouts import stripe_checkout
from tests.support.stack.stripe_sandbox import KEY, StripeControl, running_stripe_sandbox
from tests.workflow.fulfillment.test_foreign_records import verified
from workers.factory import Dependencies

BY = {"actor": "anna", "note": "the customer has it by bank transfer"}
UNSHIPPABLE = {**document("any")["address"], "postal_code": f"{POSTAL_CODE_MARKER} 1"}
TROUBLES = (
    FaultKind.UNAVAILABLE,
    FaultKind.REQUEST_LOST,
    FaultKind.ANSWER_LOST,
    FaultKind.GARBAGE,
    FaultKind.SERVER_ERROR,
    FaultKind.SAVED_ERROR,
    FaultKind.SAVED_ERROR_AFTER,
    FaultKind.IN_WORK,
    FaultKind.RATE_LIMITED,
    FaultKind.LOCKED,
)


class StripeShop(Shop):
    """A shop whose customers pay through Stripe."""

    def __init__(self, gateway: StripePaymentGateway) -> None:
        super().__init__()
        self.stripe = gateway

    @property
    def dependencies(self) -> Dependencies:
        return replace(super().dependencies, payments=self.stripe)


@dataclass(frozen=True)
class Till:
    """A shop, and the control of the stand-in that takes its money."""

    shop: StripeShop
    control: StripeControl

    async def payments(self, order_id: str) -> list[ProviderPayment]:
        """What Stripe has of an order, but for payments that were never confirmed."""
        return [
            payment
            async for payment in self.shop.stripe.payments()
            if isinstance(payment, ProviderPayment)
            and payment.order_id == order_id
            and payment.status is not PaymentStatus.UNCONFIRMED
        ]


@pytest.fixture(scope="module")
async def control(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[StripeControl]:
    async with running_stripe_sandbox(tmp_path_factory.mktemp("stripe")) as sandbox:
        yield sandbox.control


@pytest.fixture
async def till(client: Client, control: StripeControl) -> AsyncIterator[Till]:
    gateway = StripePaymentGateway(KEY, control.base_url)
    shop = StripeShop(gateway)
    async with running_workers(client, shop):
        yield Till(shop, control)
    await control.clear()
    await gateway.close()


def paid_by(card: str, capture: str = "automatic") -> dict[str, str]:
    return {"token": f"pm_card_{card}", "capture": capture}


@pytest.mark.parametrize("operation", ["create", "confirm", "capture"])
@pytest.mark.parametrize("kind", TROUBLES)
async def test_an_order_is_paid_once_whatever_becomes_of_an_answer(
    client: Client, till: Till, operation: str, kind: FaultKind
) -> None:
    await till.control.add(Fault(kind, operation=operation, times=1))
    capture = "on_shipment" if operation == "capture" else "automatic"
    order_id, handle = await stocked_saga(client, till.shop, payment=paid_by("visa", capture))
    assert (await result(handle))["outcome"] == "completed"
    [payment] = await till.payments(order_id)
    assert (payment.status, payment.amount.minor) == (PaymentStatus.CAPTURED, 300)
    assert isinstance(await till.shop.payment(order_id), Captured)


@pytest.mark.parametrize("operation", ["refund", "cancel"])
@pytest.mark.parametrize("kind", TROUBLES)
async def test_money_goes_back_once_whatever_becomes_of_an_answer(
    client: Client, till: Till, operation: str, kind: FaultKind
) -> None:
    await till.control.add(Fault(kind, operation=operation, times=1))
    payment = paid_by("visa", "automatic" if operation == "refund" else "on_shipment")
    order_id, handle = await stocked_saga(client, till.shop, payment=payment, address=UNSHIPPABLE)
    assert (await result(handle))["outcome"] == "cancelled"
    [undone] = await till.payments(order_id)
    over = (PaymentStatus.REFUNDED, 300) if operation == "refund" else (PaymentStatus.VOIDED, 0)
    assert (undone.status, undone.refunded.minor) == over


@pytest.mark.parametrize("capture", ["automatic", "on_shipment"])
@pytest.mark.parametrize("card", ["chargeDeclinedInsufficientFunds", "authenticationRequired"])
async def test_a_declined_card_cancels_the_order_and_takes_nothing(
    client: Client, till: Till, card: str, capture: str
) -> None:
    order_id, handle = await stocked_saga(client, till.shop, payment=paid_by(card, capture))
    outcome = await result(handle)
    assert (outcome["outcome"], outcome["reason"]) == ("cancelled", "payment_declined")
    for payment in await till.payments(order_id):
        assert payment.status not in (PaymentStatus.CAPTURED, PaymentStatus.AUTHORISED)


async def with_pending_refund(client: Client, till: Till) -> tuple[str, Handle, str]:
    """An order whose money goes back slowly: its id, its saga, and Stripe's id of the refund."""
    order_id, handle = await stocked_saga(
        client, till.shop, payment=paid_by("pendingRefund"), address=UNSHIPPABLE
    )

    async def is_pending() -> bool:
        paid = await till.shop.payment(order_id)
        return isinstance(paid, Captured) and bool(paid.pending)

    await until(is_pending)
    paid = await till.shop.payment(order_id)
    assert isinstance(paid, Captured)
    [pending] = paid.pending.values()
    return order_id, handle, pending.refund_id


async def test_a_pending_refund_keeps_the_saga_open_until_it_has_succeeded(
    client: Client, till: Till
) -> None:
    order_id, handle, refund_id = await with_pending_refund(client, till)
    await until_listed_as(handle, "refund_pending")
    status = await until_status(handle, step="undo_payment")
    assert [one["trouble"] for one in status["waiting"]] == ["bank"]
    assert not status["needs_attention"]
    await till.control.end_refund(refund_id, "succeeded")
    assert (await result(handle))["outcome"] == "cancelled"
    paid = await till.shop.payment(order_id)
    assert isinstance(paid, Captured)
    assert (paid.refunded.minor, dict(paid.pending)) == (300, {})


async def test_a_refund_that_fails_at_the_bank_calls_a_person_who_can_end_it(
    client: Client, till: Till
) -> None:
    order_id, handle, refund_id = await with_pending_refund(client, till)
    refuses = await till.control.add(Fault(FaultKind.INVALID, operation="refund"))
    await till.control.end_refund(refund_id, "failed")
    await until_status(handle, step="undo_payment", needs_attention=True)
    await handle.execute_update("resolve", BY)
    assert (await result(handle))["outcome"] == "cancelled"
    await till.control.remove(refuses)
    [payment] = await till.payments(order_id)
    assert (payment.status, payment.refunded.minor) == (PaymentStatus.CAPTURED, 0)


async def test_a_happy_order_asks_stripe_twice(client: Client, till: Till) -> None:
    before: list[dict[str, Any]] = await till.control.calls()
    _, handle = await stocked_saga(client, till.shop, payment=paid_by("visa"))
    assert (await result(handle))["outcome"] == "completed"
    made = [call["operation"] for call in (await till.control.calls())[len(before) :]]
    assert made == ["create", "confirm"]


# --- another payment, and payments of the checkout -----------------------------------------------

ASK = {"policy": "ask", "deadline_hours": 48}
PAYS = {"actor": "anna", "reason": "the customer paid again"}


async def _books_agree(till: Till, order_id: str) -> None:
    """As to one order: the stand-in has those of other tests, too."""
    report = await verified(till.shop, till.shop.stripe)
    assert [each for each in report.findings if order_id in str(each)] == []


@pytest.mark.parametrize("card", ["chargeDeclinedInsufficientFunds", "authenticationRequired"])
async def test_another_card_is_charged_after_one_that_was_declined(
    temporal: WorkflowEnvironment, till: Till, card: str
) -> None:
    with temporal.with_time_skipping_disabled():
        payment = {**paid_by(card), "on_decline": ASK}
        order_id, handle = await stocked_saga(temporal.client, till.shop, payment=payment)
        await until_status(handle, step="awaiting_payment")
    await handle.execute_update("pay", {**PAYS, "token": "pm_card_visa"})
    outcome = await result(handle)
    assert outcome["outcome"] == "completed"
    made = await till.payments(order_id)
    kept = [one.reference for one in made if one.status is PaymentStatus.CAPTURED]
    assert (kept, len(made)) == ([outcome["payment_reference"]], 2)
    await _books_agree(till, order_id)


@pytest.mark.parametrize("at_checkout", CaptureMode)
@pytest.mark.parametrize("capture", ["automatic", "on_shipment"])
async def test_an_intent_of_the_checkout_is_taken_up_and_captured(
    client: Client, till: Till, at_checkout: CaptureMode, capture: str
) -> None:
    shop_notes = {"metadata[campaign]": "spring"}
    intent = await stripe_checkout(till.control.base_url, at_checkout, 300, **shop_notes)
    payment = {"confirmed": {"reference": intent}, "capture": capture}
    order_id, handle = await stocked_saga(client, till.shop, payment=payment)
    outcome = await result(handle)
    assert (outcome["outcome"], outcome["payment_reference"]) == ("completed", intent)
    [taken] = await till.payments(order_id)
    assert (taken.reference, taken.status) == (intent, PaymentStatus.CAPTURED)
    await _books_agree(till, order_id)


@pytest.mark.parametrize("at_checkout", CaptureMode)
async def test_an_intent_of_the_checkout_goes_back_with_its_order(
    client: Client, till: Till, at_checkout: CaptureMode
) -> None:
    intent = await stripe_checkout(till.control.base_url, at_checkout, 300)
    payment = {"confirmed": {"reference": intent}}
    order_id, handle = await stocked_saga(client, till.shop, stock=1, payment=payment)
    ended = await result(handle)
    assert (ended["outcome"], ended["reason"]) == ("cancelled", "out_of_stock")
    [undone] = await till.payments(order_id)
    held = at_checkout is CaptureMode.ON_SHIPMENT
    assert undone.status is (PaymentStatus.VOIDED if held else PaymentStatus.REFUNDED)
    await _books_agree(till, order_id)


@pytest.mark.parametrize(
    ("amount", "more", "code"),
    [
        (301, {}, "payment_of_another_amount"),
        (300, {"metadata[order_id]": "somebody-else"}, "payment_of_another_order"),
        (300, {"confirm": "false"}, "payment_not_confirmed"),
    ],
)
async def test_an_intent_that_does_not_fit_stays_as_it_is(
    client: Client, till: Till, amount: int, more: dict[str, str], code: str
) -> None:
    intent = await stripe_checkout(till.control.base_url, CaptureMode.ON_SHIPMENT, amount, **more)
    before = await till.shop.stripe.read(intent)
    payment = {"confirmed": {"reference": intent}}
    _, handle = await stocked_saga(client, till.shop, payment=payment)
    ended = await result(handle)
    assert (ended["reason"], code in ended["detail"]) == ("payment_declined", True)
    assert await till.shop.stripe.read(intent) == before


@pytest.mark.parametrize("operation", ["retrieve", "update", "capture"])
@pytest.mark.parametrize("kind", TROUBLES)
async def test_an_intent_is_captured_once_whatever_becomes_of_an_answer(
    client: Client, till: Till, operation: str, kind: FaultKind
) -> None:
    intent = await stripe_checkout(till.control.base_url, CaptureMode.ON_SHIPMENT, 300)
    await till.control.add(Fault(kind, operation=operation, times=1))
    payment = {"confirmed": {"reference": intent}}
    order_id, handle = await stocked_saga(client, till.shop, payment=payment)
    assert (await result(handle))["outcome"] == "completed"
    [taken] = await till.payments(order_id)
    assert (taken.reference, taken.status) == (intent, PaymentStatus.CAPTURED)
