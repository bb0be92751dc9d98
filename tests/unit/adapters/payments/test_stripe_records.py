"""Payments from payment intents that localstripe cannot produce."""

from datetime import UTC, datetime
from typing import Any

import pytest

from activities.payment_port import PaymentStatus, RefundStatus
from activities.ports import OutcomeUnknown
from adapters.payments.stripe.records import KEY, ORDER, IntentRecord, RefundRecord

AUTHORISED = {"status": "succeeded", "amount": 300, "captured": False}


def intent(status: str, **more: Any) -> IntentRecord:
    fields: dict[str, Any] = {
        "id": "pi_1",
        "amount": 300,
        "currency": "gbp",
        "created": 0,
        "metadata": {KEY: "order-1:payment", ORDER: "1"},
        **more,
    }
    return IntentRecord(status=status, **fields)


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("automatic", PaymentStatus.EXPIRED),
        ("expired", PaymentStatus.EXPIRED),
        ("requested_by_customer", PaymentStatus.VOIDED),
        (None, PaymentStatus.VOIDED),
    ],
)
def test_an_authorisation_that_stripe_itself_cancelled_has_expired(
    reason: str | None, status: PaymentStatus
) -> None:
    record = intent("canceled", cancellation_reason=reason, latest_charge=AUTHORISED)
    assert record.to_payment().status is status


FAILED = {"code": "card_declined", "decline_code": "insufficient_funds"}


@pytest.mark.parametrize(
    ("status", "more", "means"),
    [
        ("requires_confirmation", {}, PaymentStatus.UNCONFIRMED),
        ("requires_payment_method", {}, PaymentStatus.UNCONFIRMED),
        ("requires_payment_method", {"last_payment_error": FAILED}, PaymentStatus.DECLINED),
        ("requires_action", {}, PaymentStatus.REQUIRES_ACTION),
        ("requires_capture", {"latest_charge": AUTHORISED}, PaymentStatus.AUTHORISED),
        ("succeeded", {}, PaymentStatus.CAPTURED),
        ("canceled", {}, PaymentStatus.VOIDED),
        ("canceled", {"last_payment_error": FAILED}, PaymentStatus.DECLINED),
        ("canceled", {"latest_charge": "ch_1"}, PaymentStatus.VOIDED),
    ],
)
def test_each_status_has_one_meaning(
    status: str, more: dict[str, Any], means: PaymentStatus
) -> None:
    # Declined only by a payment error: a slow charge is never a decline.
    assert intent(status, **more).to_payment().status is means


@pytest.mark.parametrize("status", ["processing", "requires_a_miracle"])
def test_a_status_that_is_not_final_or_not_known_is_an_unknown_outcome(status: str) -> None:
    with pytest.raises(OutcomeUnknown):
        intent(status).to_payment()


@pytest.mark.parametrize(
    ("status", "means"),
    [
        ("pending", RefundStatus.PENDING),
        ("requires_action", RefundStatus.REQUIRES_ACTION),
        ("succeeded", RefundStatus.SUCCEEDED),
        ("failed", RefundStatus.FAILED),
        ("canceled", RefundStatus.FAILED),
    ],
)
def test_a_refund_is_done_only_when_it_succeeded(status: str, means: RefundStatus) -> None:
    record = RefundRecord(id="re_1", status=status, amount=5, currency="gbp", payment_intent="pi")
    assert record.to_refund().status is means


@pytest.mark.parametrize("status", [None, "odd"])
def test_a_refund_of_an_unknown_status_is_an_unknown_outcome(status: str | None) -> None:
    with pytest.raises(OutcomeUnknown):
        RefundRecord(id="re_1", status=status, amount=5, currency="gbp").to_refund()


def test_an_authorisation_says_when_it_lapses() -> None:
    details = {"card": {"capture_before": 1_800_000_000}}
    charge = {**AUTHORISED, "payment_method_details": details}
    payment = intent("requires_capture", latest_charge=charge).to_payment()
    assert payment.lapses_at == datetime.fromtimestamp(1_800_000_000, UTC)


def test_a_capture_that_the_bank_declined_has_its_code() -> None:
    record = intent(
        "requires_capture",
        latest_charge=AUTHORISED,
        last_payment_error={"code": "card_declined", "decline_code": "insufficient_funds"},
    )
    answer = record.to_declined()
    assert (answer.status, answer.decline_code) == (PaymentStatus.DECLINED, "insufficient_funds")
    assert record.to_payment().status is PaymentStatus.AUTHORISED


@pytest.mark.parametrize(
    ("shown_as_refunded", "refunded", "status"),
    [
        (100, 0, PaymentStatus.CAPTURED),
        (150, 50, PaymentStatus.CAPTURED),
        (300, 200, PaymentStatus.REFUNDED),
        (0, 0, PaymentStatus.CAPTURED),
    ],
)
def test_the_rest_of_a_partial_capture_is_neither_captured_nor_refunded(
    shown_as_refunded: int, refunded: int, status: PaymentStatus
) -> None:
    charge = {
        "status": "succeeded",
        "amount": 300,
        "captured": True,
        "amount_captured": 200,
        "amount_refunded": shown_as_refunded,
    }
    payment = intent("succeeded", latest_charge=charge).to_payment()
    assert (payment.amount.minor, payment.refunded.minor) == (200, refunded)
    assert payment.status is status
