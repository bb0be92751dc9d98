"""Payments from payment intents that localstripe cannot produce."""

from typing import Any

import pytest

from activities.ports import PaymentStatus
from adapters.payments.stripe_records import CONTENT, KEY, ORDER, IntentRecord
from adapters.providers.rules import FORBIDDEN_CONTENT

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
        ("requested_by_customer", PaymentStatus.VOIDED),
        (None, PaymentStatus.VOIDED),
    ],
)
def test_an_authorisation_that_stripe_itself_cancelled_has_expired(
    reason: str | None, status: PaymentStatus
) -> None:
    record = intent("canceled", cancellation_reason=reason, latest_charge=AUTHORISED)
    assert record.to_payment().status is status


@pytest.mark.parametrize("status", ["requires_payment_method", "canceled"])
def test_an_intent_that_only_blocks_a_key_is_forbidden(status: str) -> None:
    metadata = {KEY: "order-1:payment", ORDER: "1", CONTENT: FORBIDDEN_CONTENT}
    assert intent(status, metadata=metadata).to_payment().status is PaymentStatus.FORBIDDEN


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
