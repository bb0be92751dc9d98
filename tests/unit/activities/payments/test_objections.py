"""Which confirmed payment an order takes up, and why it leaves another one alone."""

from dataclasses import replace
from typing import Any

import pytest

from activities.identity import Claim
from activities.payment_port import PaymentStatus, ProviderPayment
from activities.payments.objections import Objection, objection_to
from domain.ids import OrderId
from domain.money import Money

OURS, KEY = "0f8fad5b-d9cb-469f-a165-70867728950e", "0f8f:order-A1:payment"
TOTAL, BEFORE, NOTHING = Money(300, "GBP"), Money(450, "GBP"), Money(0, "GBP")
CLAIM = Claim(OURS, OrderId("A1"), KEY, (BEFORE, TOTAL))
FROM_CHECKOUT = ProviderPayment(
    "pi_1", "", "", OrderId(""), PaymentStatus.CAPTURED, TOTAL, TOTAL, NOTHING
)
TAKEN = replace(FROM_CHECKOUT, installation=OURS, idempotency_key=KEY, order_id=OrderId("A1"))


@pytest.mark.parametrize(
    "payment",
    [
        FROM_CHECKOUT,
        replace(FROM_CHECKOUT, status=PaymentStatus.AUTHORISED),
        replace(FROM_CHECKOUT, asked=BEFORE, amount=BEFORE),
        replace(FROM_CHECKOUT, order_id=OrderId("A1")),
        replace(FROM_CHECKOUT, order_id=OrderId("#1001")),
        TAKEN,
    ],
    ids=[
        "captured",
        "authorised",
        "for what it cost before it was amended",
        "names the order",
        "names the shop's own number of the order",
        "taken up by an attempt before",
    ],
)
def test_a_payment_of_the_whole_amount_that_names_nobody_else_is_taken_up(
    payment: ProviderPayment,
) -> None:
    assert objection_to(payment, CLAIM, "#1001") is None


@pytest.mark.parametrize(
    ("changes", "objection"),
    [
        ({"order_id": OrderId("A2")}, Objection.NOT_OURS),
        ({"order_id": OrderId("a1")}, Objection.NOT_OURS),
        ({"order_id": OrderId("A1"), "installation": "another"}, Objection.NOT_OURS),
        ({"installation": OURS, "idempotency_key": "k"}, Objection.NOT_OURS),
        ({"status": PaymentStatus.UNCONFIRMED}, Objection.NOT_CONFIRMED),
        ({"status": PaymentStatus.REQUIRES_ACTION}, Objection.NOT_CONFIRMED),
        ({"status": PaymentStatus.DECLINED}, Objection.NOT_CONFIRMED),
        ({"status": PaymentStatus.VOIDED}, Objection.OVER),
        ({"status": PaymentStatus.EXPIRED}, Objection.OVER),
        ({"status": PaymentStatus.REFUNDED}, Objection.OVER),
        ({"refunded": Money(1, "GBP")}, Objection.OVER),
        ({"asked": Money(300, "EUR"), "amount": Money(300, "EUR")}, Objection.CURRENCY),
        ({"asked": Money(299, "GBP"), "amount": Money(299, "GBP")}, Objection.AMOUNT),
        ({"asked": Money(301, "GBP"), "amount": Money(301, "GBP")}, Objection.AMOUNT),
        ({"amount": Money(200, "GBP")}, Objection.AMOUNT),
    ],
)
def test_any_other_payment_is_left_alone_for_a_reason(
    changes: dict[str, Any], objection: Objection
) -> None:
    assert objection_to(replace(FROM_CHECKOUT, **changes), CLAIM, "#1001") is objection


@pytest.mark.parametrize(
    ("changes", "objection"),
    [
        ({"order_id": OrderId("A2")}, Objection.NOT_OURS),
        ({"installation": "another"}, Objection.NOT_OURS),
        ({"order_id": OrderId("#1001")}, Objection.NOT_OURS),
        ({"idempotency_key": f"{KEY}-2"}, Objection.OVER),
    ],
)
def test_a_payment_with_a_key_must_say_exactly_what_the_order_would_write(
    changes: dict[str, Any], objection: Objection
) -> None:
    assert objection_to(replace(TAKEN, **changes), CLAIM, "#1001") is objection
