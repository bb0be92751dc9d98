"""The providers' ledgers are held against the events."""

from typing import Any

import pytest

from activities.payment_port import PaymentStatus, ProviderPayment
from activities.ports import CarrierLabel, LabelStatus
from domain.ids import OrderId
from domain.money import Money
from domain.shipment import events as shipment_events
from ordersaga.operations.verification import ledgers
from ordersaga.operations.verification.report import Finding, Rule
from tests.unit.ordersaga.operations.verification.story import (
    BUSY,
    DONE,
    GONE,
    LABELS,
    PAYMENTS,
    STORY,
    TOTAL,
    facts_of,
    label,
    own,
    payment,
    without,
)


def replaced(items: list[Any], order_id: OrderId, *others: Any) -> list[Any]:
    return [item for item in items if item.order_id != order_id] + list(others)


async def payment_offences(payments: list[ProviderPayment]) -> list[tuple[Rule, str]]:
    found = await own(payments)
    return [_key(finding) for finding in ledgers.check_payments(facts_of(STORY), found)]


async def label_offences(labels: list[CarrierLabel]) -> list[tuple[Rule, str]]:
    found = await own(labels)
    return [_key(finding) for finding in ledgers.check_labels(facts_of(STORY), found)]


def _key(finding: Finding) -> tuple[Rule, str]:
    assert finding.expected
    assert finding.actual
    return (finding.rule, finding.subject)


NO_MONEY = Money(0, "GBP")
HELD = {"status": PaymentStatus.AUTHORISED}
PENNY_LESS = {"status": PaymentStatus.REFUNDED, "refunded": Money(999, "GBP")}


async def test_ledgers_that_agree_have_no_offence() -> None:
    assert await payment_offences(PAYMENTS) == []
    assert await label_offences(LABELS) == []


@pytest.mark.parametrize(
    "theirs",
    [
        [],
        [payment(DONE, amount=Money(999, "GBP"))],
        [payment(DONE, reference="another")],
        [payment(DONE, **HELD)],
        [payment(DONE, refunded=Money(1, "GBP"))],
        [payment(DONE, status=PaymentStatus.REFUNDED, refunded=TOTAL)],
        [payment(DONE), payment(DONE, reference="second")],
        [payment(DONE), payment(DONE, reference="second", **HELD)],
    ],
)
async def test_a_completed_order_must_be_captured_once_at_the_provider(
    theirs: list[ProviderPayment],
) -> None:
    spoilt = replaced(PAYMENTS, DONE, *theirs)
    assert await payment_offences(spoilt) == [(Rule.PROVIDER_COMPLETED_PAYMENT, DONE)]


@pytest.mark.parametrize(
    "theirs", [payment(GONE), payment(GONE, **HELD), payment(GONE, **PENNY_LESS)]
)
async def test_a_cancelled_order_must_hold_no_money_at_the_provider(
    theirs: ProviderPayment,
) -> None:
    spoilt = replaced(PAYMENTS, GONE, theirs)
    assert await payment_offences(spoilt) == [(Rule.PROVIDER_CANCELLED_PAYMENT, GONE)]


async def test_a_declined_or_voided_payment_holds_no_money() -> None:
    declined = payment(GONE, status=PaymentStatus.DECLINED, decline_code="card_declined")
    voided = payment(GONE, status=PaymentStatus.VOIDED)
    assert await payment_offences(replaced(PAYMENTS, GONE, declined, voided)) == []


async def test_an_open_order_may_hold_one_payment_and_not_two() -> None:
    assert await payment_offences(replaced(PAYMENTS, BUSY)) == []
    twice = replaced(PAYMENTS, BUSY, payment(BUSY), payment(BUSY, reference="second"))
    assert await payment_offences(twice) == [(Rule.PROVIDER_OPEN_PAYMENT, BUSY)]


@pytest.mark.parametrize("order_id", ["nobody", "draft"])
async def test_money_for_an_order_that_was_never_submitted_is_an_offence(order_id: str) -> None:
    stranger = payment(OrderId(order_id))
    assert await payment_offences([*PAYMENTS, stranger]) == [
        (Rule.PROVIDER_UNKNOWN_PAYMENT, order_id)
    ]


@pytest.mark.parametrize(
    "theirs",
    [
        [],
        [label(DONE, status=LabelStatus.CANCELLED)],
        [label(DONE, label_id="another")],
        [label(DONE), label(DONE, label_id="second")],
    ],
)
async def test_a_completed_order_must_have_one_live_label_at_the_carrier(
    theirs: list[CarrierLabel],
) -> None:
    spoilt = replaced(LABELS, DONE, *theirs)
    assert await label_offences(spoilt) == [(Rule.CARRIER_COMPLETED_LABEL, DONE)]


async def test_a_cancelled_order_must_have_no_live_label_at_the_carrier() -> None:
    spoilt = replaced(LABELS, GONE, label(GONE))
    assert await label_offences(spoilt) == [(Rule.CARRIER_CANCELLED_LABEL, GONE)]


async def test_an_open_order_may_have_one_label_and_not_two() -> None:
    assert await label_offences([*LABELS, label(BUSY)]) == []
    twice = [*LABELS, label(BUSY), label(BUSY, label_id="second")]
    assert await label_offences(twice) == [(Rule.CARRIER_OPEN_LABEL, BUSY)]


@pytest.mark.parametrize("order_id", ["nobody", "draft"])
async def test_a_label_for_an_order_that_was_never_submitted_is_an_offence(order_id: str) -> None:
    stranger = label(OrderId(order_id))
    assert await label_offences([*LABELS, stranger]) == [(Rule.CARRIER_UNKNOWN_LABEL, order_id)]


async def test_a_refused_label_is_no_label() -> None:
    refused = label(GONE, status=LabelStatus.REFUSED, refusal="address")
    assert await label_offences([*LABELS, refused]) == []


async def test_sums_agree_over_orders_that_have_ended_to_the_penny() -> None:
    found = await own(PAYMENTS)
    (money,) = ledgers.compare_money(facts_of(STORY), found)
    assert (money.ours, money.theirs, money.equal) == ("10.00 GBP", "10.00 GBP", True)
    spoilt = await own(replaced(PAYMENTS, GONE, payment(GONE, **PENNY_LESS)))
    (money,) = ledgers.compare_money(facts_of(STORY), spoilt)
    assert (money.ours, money.theirs, money.equal) == ("10.00 GBP", "10.01 GBP", False)


async def test_live_labels_and_pieces_are_counted_on_both_sides() -> None:
    found = await own(LABELS)
    labels, pieces = ledgers.compare_labels(facts_of(STORY), found)
    assert (labels.ours, labels.theirs, pieces.ours, pieces.theirs) == ("1", "1", "4", "4")
    spoilt = facts_of(without(shipment_events.LabelCancelled, GONE))
    assert ledgers.compare_labels(spoilt, found)[0].ours == "2"
    light = await own([label(DONE, pieces=3)])
    assert ledgers.compare_labels(facts_of(STORY), light)[1].theirs == "3"
