"""The contract of every payment gateway."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from activities.payment_port import PaymentStatus, ProviderPayment, ProviderRefund, RefundStatus
from activities.ports import GatewayRejected, KeyUsedUp
from domain.money import Money
from domain.values import CaptureMode
from tests.support.stack.gateways import STRICT, Subject, stripe
from tests.support.stack.payment_examples import GBP_10, OURS, charge, payment_request


@pytest.fixture(scope="module", params=STRICT, ids=lambda make: make.__name__)
async def strict(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Subject]:
    """A provider that keeps keys and refuses what it must; `localstripe` does neither."""
    async with request.param(tmp_path_factory.mktemp("payments")) as subject:
        yield subject


@pytest.fixture(scope="module", params=(*STRICT, stripe), ids=lambda make: make.__name__)
async def subject(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Subject]:
    async with request.param(tmp_path_factory.mktemp("payments")) as subject:
        yield subject


async def captured(subject: Subject) -> ProviderPayment:
    return await charge(subject.gateway, payment_request(subject.good))


async def authorised(subject: Subject) -> ProviderPayment:
    request = payment_request(subject.good, capture=CaptureMode.ON_SHIPMENT)
    return await charge(subject.gateway, request)


async def test_an_automatic_charge_captures_the_whole_amount(subject: Subject) -> None:
    request = payment_request(subject.good)
    payment = await charge(subject.gateway, request)
    assert payment == ProviderPayment(
        reference=payment.reference,
        installation=OURS,
        idempotency_key=request.idempotency_key,
        order_id=request.order_id,
        status=PaymentStatus.CAPTURED,
        asked=GBP_10,
        amount=GBP_10,
        refunded=Money(0, "GBP"),
    )
    assert payment.reference


async def test_a_charge_on_shipment_only_authorises(subject: Subject) -> None:
    payment = await authorised(subject)
    assert payment.status is PaymentStatus.AUTHORISED
    assert payment.amount == GBP_10


async def test_creating_moves_no_money_and_confirming_moves_it_once(subject: Subject) -> None:
    request = payment_request(subject.good)
    created = await subject.gateway.create(request)
    assert created.status is PaymentStatus.UNCONFIRMED
    assert (created.asked, created.refunded) == (GBP_10, Money(0, "GBP"))
    assert await subject.gateway.read(created.reference) == created
    confirmed = await subject.gateway.confirm(created.reference)
    assert confirmed.status is PaymentStatus.CAPTURED
    assert await subject.gateway.confirm(created.reference) == confirmed
    payments = [p async for p in subject.gateway.payments() if p.order_id == request.order_id]
    assert payments == [confirmed]


async def test_the_same_key_makes_one_payment(strict: Subject) -> None:
    request = payment_request(strict.good)
    first = await charge(strict.gateway, request)
    assert await charge(strict.gateway, request) == first
    payments = [p async for p in strict.gateway.payments() if p.order_id == request.order_id]
    assert payments == [first]


@pytest.mark.parametrize(
    "change",
    [
        {"amount": Money(999, "GBP")},
        {"amount": Money(1000, "EUR")},
        {"token": "pm_card_other"},
        {"capture": CaptureMode.ON_SHIPMENT},
    ],
    ids=["amount", "currency", "token", "capture"],
)
async def test_the_same_key_with_other_content_is_rejected(
    strict: Subject, change: dict[str, Any]
) -> None:
    request = payment_request(strict.good)
    first = await charge(strict.gateway, request)
    with pytest.raises(KeyUsedUp):
        await strict.gateway.create(replace(request, **change))
    assert await strict.gateway.find(request.idempotency_key) == first


@pytest.mark.parametrize("capture", list(CaptureMode))
async def test_a_decline_is_a_result_with_a_code(subject: Subject, capture: CaptureMode) -> None:
    payment = await charge(subject.gateway, payment_request(subject.declined, capture=capture))
    assert payment.status is PaymentStatus.DECLINED
    assert payment.decline_code == subject.decline_code


async def test_a_declined_payment_stays_declined(subject: Subject) -> None:
    request = payment_request(subject.declined)
    payment = await charge(subject.gateway, request)
    again = await subject.gateway.confirm(payment.reference)
    assert again.status is PaymentStatus.DECLINED
    assert await subject.gateway.find(request.idempotency_key) == payment


async def test_find_returns_the_payment_of_a_key(subject: Subject) -> None:
    payment = await captured(subject)
    assert await subject.gateway.find(payment.idempotency_key) == payment


async def test_find_returns_none_for_an_unknown_key(subject: Subject) -> None:
    assert await subject.gateway.find("order-never/seen? :payment") is None


async def test_capture_takes_the_authorised_amount(subject: Subject) -> None:
    payment = await authorised(subject)
    result = await subject.gateway.capture(payment.reference, GBP_10)
    assert result == replace(payment, status=PaymentStatus.CAPTURED, lapses_at=None)
    assert await subject.gateway.find(payment.idempotency_key) == result


async def test_capturing_a_captured_payment_returns_it(subject: Subject) -> None:
    payment = await captured(subject)
    again = await subject.gateway.capture(payment.reference, GBP_10)
    assert again == payment


async def test_a_partial_capture_releases_the_rest(subject: Subject) -> None:
    payment = await authorised(subject)
    part, key = Money(700, "GBP"), "part-" + payment.order_id
    result = await subject.gateway.capture(payment.reference, part)
    # One provider books it as taking all and giving the rest back: what is kept is the same.
    assert result.status is PaymentStatus.CAPTURED
    assert result.amount - result.refunded == part
    assert await subject.gateway.capture(payment.reference, part) == result
    undone = await subject.gateway.refund(payment.reference, part, "all-" + key)
    assert undone.status is RefundStatus.SUCCEEDED
    assert (await subject.gateway.read(payment.reference)).status is PaymentStatus.REFUNDED


@pytest.mark.parametrize("amount", [Money(1001, "GBP"), Money(0, "GBP")], ids=str)
async def test_capture_beyond_the_authorisation_is_rejected(strict: Subject, amount: Money) -> None:
    payment = await authorised(strict)
    with pytest.raises(GatewayRejected):
        await strict.gateway.capture(payment.reference, amount)
    assert await strict.gateway.find(payment.idempotency_key) == payment


async def test_void_releases_an_authorisation(subject: Subject) -> None:
    payment = await authorised(subject)
    voided = await subject.gateway.void(payment.reference)
    assert voided == replace(payment, status=PaymentStatus.VOIDED, lapses_at=None)
    assert await subject.gateway.void(payment.reference) == voided


async def test_a_captured_payment_cannot_be_voided(strict: Subject) -> None:
    payment = await captured(strict)
    with pytest.raises(GatewayRejected):
        await strict.gateway.void(payment.reference)
    assert await strict.gateway.find(payment.idempotency_key) == payment


async def test_a_payment_that_is_over_is_not_captured_and_shown_as_it_is(subject: Subject) -> None:
    payment = await authorised(subject)
    voided = await subject.gateway.void(payment.reference)
    assert await subject.gateway.capture(payment.reference, GBP_10) == voided


async def test_a_payment_that_is_voided_before_it_is_confirmed_is_never_confirmed(
    subject: Subject,
) -> None:
    created = await subject.gateway.create(payment_request(subject.good))
    voided = await subject.gateway.void(created.reference)
    assert voided.status is PaymentStatus.VOIDED
    assert await subject.gateway.confirm(created.reference) == voided
    assert await subject.gateway.void(created.reference) == voided


async def test_a_full_refund_ends_as_refunded(subject: Subject) -> None:
    payment = await captured(subject)
    key = "refund-" + payment.order_id
    refund = await subject.gateway.refund(payment.reference, GBP_10, key)
    assert refund == ProviderRefund(
        refund.refund_id, payment.reference, key, RefundStatus.SUCCEEDED, GBP_10
    )
    assert await subject.gateway.read_refund(payment.reference, refund.refund_id) == refund
    refunded = replace(payment, status=PaymentStatus.REFUNDED, refunded=GBP_10)
    assert await subject.gateway.read(payment.reference) == refunded


async def test_partial_refunds_add_up_to_at_most_what_was_captured(strict: Subject) -> None:
    payment = await captured(strict)
    part, rest = Money(400, "GBP"), Money(600, "GBP")
    first = await strict.gateway.refund(payment.reference, part, "r1-" + payment.order_id)
    assert await strict.gateway.read(payment.reference) == replace(payment, refunded=part)
    too_much = Money(601, "GBP")
    with pytest.raises(GatewayRejected):
        await strict.gateway.refund(payment.reference, too_much, "r2-" + payment.order_id)
    second = await strict.gateway.refund(payment.reference, rest, "r3-" + payment.order_id)
    refunded = replace(payment, refunded=GBP_10, status=PaymentStatus.REFUNDED)
    assert await strict.gateway.read(payment.reference) == refunded
    assert await strict.gateway.refunds(payment.reference) == (first, second)


async def test_a_refund_happens_once_per_key(strict: Subject) -> None:
    payment = await captured(strict)
    part, key = Money(400, "GBP"), "refund-" + payment.order_id
    first = await strict.gateway.refund(payment.reference, part, key)
    assert await strict.gateway.refund(payment.reference, part, key) == first
    with pytest.raises(GatewayRejected):
        await strict.gateway.refund(payment.reference, Money(300, "GBP"), key)
    refunded = await strict.gateway.find(payment.idempotency_key)
    assert refunded is not None
    assert refunded.refunded == part


@pytest.mark.parametrize("kind", ["authorised", "declined", "voided"])
async def test_money_that_was_not_captured_cannot_be_refunded(strict: Subject, kind: str) -> None:
    if kind == "declined":
        payment = await charge(strict.gateway, payment_request(strict.declined))
    else:
        payment = await authorised(strict)
    if kind == "voided":
        await strict.gateway.void(payment.reference)
    with pytest.raises(GatewayRejected):
        await strict.gateway.refund(payment.reference, GBP_10, "refund-" + payment.order_id)


async def test_an_unknown_reference_is_rejected(subject: Subject) -> None:
    gateway, unknown = subject.gateway, "pi_doesnotexist"
    with pytest.raises(GatewayRejected):
        await gateway.capture(unknown, GBP_10)
    with pytest.raises(GatewayRejected):
        await gateway.void(unknown)
    with pytest.raises(GatewayRejected):
        await gateway.refund(unknown, GBP_10, "unknown-refund")


async def test_an_amount_of_zero_is_rejected(subject: Subject) -> None:
    request = payment_request(subject.good, amount=Money(0, "GBP"))
    with pytest.raises(GatewayRejected):
        await charge(subject.gateway, request)
    assert await subject.gateway.find(request.idempotency_key) is None


async def test_the_ledger_lists_every_payment_in_its_current_state(subject: Subject) -> None:
    one, two = await captured(subject), await authorised(subject)
    three = await charge(subject.gateway, payment_request(subject.declined))
    voided = await subject.gateway.void(two.reference)
    listed = {p.idempotency_key: p async for p in subject.gateway.payments()}
    for payment in (one, voided, three):
        assert listed[payment.idempotency_key] == payment
