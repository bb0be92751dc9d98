"""The contract of every payment gateway."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import pytest

from activities.ports import (
    GatewayRejected,
    PaymentGateway,
    PaymentLedger,
    PaymentStatus,
    ProviderPayment,
)
from adapters.payments.http import HttpPaymentGateway
from adapters.payments.stripe import StripePaymentGateway
from adapters.providers.fakes import FakePaymentGateway
from domain.money import Money
from domain.values import CaptureMode
from tests.support.stack.localstripe import running_localstripe
from tests.support.stack.payment_examples import GBP_10, OURS, charge_request
from tests.support.stack.sandboxes import running_sandboxes


class Gateway(PaymentGateway, PaymentLedger, Protocol):
    """Gateway and ledger, which every adapter implements together."""


@dataclass(frozen=True)
class Subject:
    """A gateway under test, and the tokens that its provider accepts and declines."""

    name: str
    gateway: Gateway
    good: str = "tok_visa"
    declined: str = "tok_declined"


@asynccontextmanager
async def fake(_: Path) -> AsyncIterator[Subject]:
    yield Subject("fake", FakePaymentGateway())


@asynccontextmanager
async def http(folder: Path) -> AsyncIterator[Subject]:
    async with running_sandboxes(folder) as sandboxes:
        gateway = HttpPaymentGateway(sandboxes.payment.base_url)
        yield Subject("http", gateway)
        await gateway.close()


@asynccontextmanager
async def stripe(_: Path) -> AsyncIterator[Subject]:
    async with running_localstripe() as url:
        gateway = StripePaymentGateway("sk_test_contract", url)
        yield Subject("stripe", gateway, "pm_card_visa", "pm_card_chargeCustomerFail")
        await gateway.close()


@pytest.fixture(scope="module", params=[fake, http, stripe], ids=lambda make: make.__name__)
async def subject(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Subject]:
    async with request.param(tmp_path_factory.mktemp("payments")) as subject:
        yield subject


async def captured(subject: Subject) -> ProviderPayment:
    return await subject.gateway.charge(charge_request(subject.good))


async def authorised(subject: Subject) -> ProviderPayment:
    request = charge_request(subject.good, capture=CaptureMode.ON_SHIPMENT)
    return await subject.gateway.charge(request)


async def test_an_automatic_charge_captures_the_whole_amount(subject: Subject) -> None:
    request = charge_request(subject.good)
    payment = await subject.gateway.charge(request)
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


async def test_the_same_key_makes_one_payment(subject: Subject) -> None:
    request = charge_request(subject.good)
    first = await subject.gateway.charge(request)
    assert await subject.gateway.charge(request) == first
    payments = [p async for p in subject.gateway.payments() if p.order_id == request.order_id]
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
    subject: Subject, change: dict[str, Any]
) -> None:
    request = charge_request(subject.good)
    first = await subject.gateway.charge(request)
    with pytest.raises(GatewayRejected):
        await subject.gateway.charge(replace(request, **change))
    assert await subject.gateway.find(request.idempotency_key) == first


@pytest.mark.parametrize("capture", list(CaptureMode))
async def test_a_decline_is_a_result_with_a_code(subject: Subject, capture: CaptureMode) -> None:
    payment = await subject.gateway.charge(charge_request(subject.declined, capture=capture))
    assert payment.status is PaymentStatus.DECLINED
    assert payment.decline_code == "card_declined"


async def test_a_decline_stays_the_result_of_its_key(subject: Subject) -> None:
    request = charge_request(subject.declined)
    payment = await subject.gateway.charge(request)
    assert await subject.gateway.charge(request) == payment
    assert await subject.gateway.find(request.idempotency_key) == payment


async def test_find_returns_the_payment_of_a_key(subject: Subject) -> None:
    payment = await captured(subject)
    assert await subject.gateway.find(payment.idempotency_key) == payment


async def test_find_returns_none_for_an_unknown_key(subject: Subject) -> None:
    assert await subject.gateway.find("order-never/seen? :payment") is None


async def test_capture_takes_the_authorised_amount(subject: Subject) -> None:
    payment = await authorised(subject)
    result = await subject.gateway.capture(payment.reference, GBP_10, "capture-" + payment.order_id)
    assert result == replace(payment, status=PaymentStatus.CAPTURED)
    assert await subject.gateway.find(payment.idempotency_key) == result


async def test_capturing_a_captured_payment_returns_it(subject: Subject) -> None:
    payment = await captured(subject)
    again = await subject.gateway.capture(payment.reference, GBP_10, "again-" + payment.order_id)
    assert again == payment


async def test_a_partial_capture_releases_the_rest(subject: Subject) -> None:
    payment = await authorised(subject)
    part, key = Money(700, "GBP"), "part-" + payment.order_id
    result = await subject.gateway.capture(payment.reference, part, key)
    # One provider books it as taking all and giving the rest back: what is kept is the same.
    assert result.status is PaymentStatus.CAPTURED
    assert result.amount - result.refunded == part
    assert await subject.gateway.capture(payment.reference, part, key) == result
    with pytest.raises(GatewayRejected):
        await subject.gateway.refund(payment.reference, Money(701, "GBP"), "more-" + key)
    undone = await subject.gateway.refund(payment.reference, part, "all-" + key)
    assert undone.status is PaymentStatus.REFUNDED


@pytest.mark.parametrize(
    "amount", [Money(1001, "GBP"), Money(1000, "EUR"), Money(0, "GBP")], ids=str
)
async def test_capture_beyond_the_authorisation_is_rejected(
    subject: Subject, amount: Money
) -> None:
    payment = await authorised(subject)
    with pytest.raises(GatewayRejected):
        await subject.gateway.capture(payment.reference, amount, "big-" + payment.order_id)
    assert await subject.gateway.find(payment.idempotency_key) == payment


async def test_void_releases_an_authorisation(subject: Subject) -> None:
    payment = await authorised(subject)
    voided = await subject.gateway.void(payment.reference, "void-" + payment.order_id)
    assert voided == replace(payment, status=PaymentStatus.VOIDED)
    assert await subject.gateway.void(payment.reference, "again-" + payment.order_id) == voided


async def test_a_captured_payment_cannot_be_voided(subject: Subject) -> None:
    payment = await captured(subject)
    with pytest.raises(GatewayRejected):
        await subject.gateway.void(payment.reference, "void-" + payment.order_id)
    assert await subject.gateway.find(payment.idempotency_key) == payment


async def test_a_voided_payment_cannot_be_captured(subject: Subject) -> None:
    payment = await authorised(subject)
    await subject.gateway.void(payment.reference, "void-" + payment.order_id)
    with pytest.raises(GatewayRejected):
        await subject.gateway.capture(payment.reference, GBP_10, "capture-" + payment.order_id)


async def test_a_full_refund_ends_as_refunded(subject: Subject) -> None:
    payment = await captured(subject)
    result = await subject.gateway.refund(payment.reference, GBP_10, "refund-" + payment.order_id)
    assert result == replace(payment, status=PaymentStatus.REFUNDED, refunded=GBP_10)
    assert await subject.gateway.find(payment.idempotency_key) == result


async def test_partial_refunds_add_up_to_at_most_what_was_captured(subject: Subject) -> None:
    payment = await captured(subject)
    part, rest = Money(400, "GBP"), Money(600, "GBP")
    first = await subject.gateway.refund(payment.reference, part, "r1-" + payment.order_id)
    assert first == replace(payment, refunded=part)
    too_much = Money(601, "GBP")
    with pytest.raises(GatewayRejected):
        await subject.gateway.refund(payment.reference, too_much, "r2-" + payment.order_id)
    second = await subject.gateway.refund(payment.reference, rest, "r3-" + payment.order_id)
    assert second == replace(payment, refunded=GBP_10, status=PaymentStatus.REFUNDED)


async def test_a_refund_in_another_currency_is_rejected(subject: Subject) -> None:
    payment = await captured(subject)
    euros = Money(1, "EUR")
    with pytest.raises(GatewayRejected):
        await subject.gateway.refund(payment.reference, euros, "refund-" + payment.order_id)
    assert await subject.gateway.find(payment.idempotency_key) == payment


async def test_a_refund_happens_once_per_key(subject: Subject) -> None:
    payment = await captured(subject)
    part, key = Money(400, "GBP"), "refund-" + payment.order_id
    first = await subject.gateway.refund(payment.reference, part, key)
    assert await subject.gateway.refund(payment.reference, part, key) == first
    with pytest.raises(GatewayRejected):
        await subject.gateway.refund(payment.reference, Money(300, "GBP"), key)
    refunded = await subject.gateway.find(payment.idempotency_key)
    assert refunded is not None
    assert refunded.refunded == part


@pytest.mark.parametrize("kind", ["authorised", "declined", "voided"])
async def test_money_that_was_not_captured_cannot_be_refunded(subject: Subject, kind: str) -> None:
    if kind == "declined":
        payment = await subject.gateway.charge(charge_request(subject.declined))
    else:
        payment = await authorised(subject)
    if kind == "voided":
        await subject.gateway.void(payment.reference, "void-" + payment.order_id)
    with pytest.raises(GatewayRejected):
        await subject.gateway.refund(payment.reference, GBP_10, "refund-" + payment.order_id)


async def test_an_unknown_reference_is_rejected(subject: Subject) -> None:
    gateway, unknown = subject.gateway, "pi_doesnotexist"
    with pytest.raises(GatewayRejected):
        await gateway.capture(unknown, GBP_10, "unknown-capture")
    with pytest.raises(GatewayRejected):
        await gateway.void(unknown, "unknown-void")
    with pytest.raises(GatewayRejected):
        await gateway.refund(unknown, GBP_10, "unknown-refund")


async def test_an_amount_of_zero_is_rejected(subject: Subject) -> None:
    request = charge_request(subject.good, amount=Money(0, "GBP"))
    with pytest.raises(GatewayRejected):
        await subject.gateway.charge(request)
    assert await subject.gateway.find(request.idempotency_key) is None


async def test_the_ledger_lists_every_payment_in_its_current_state(subject: Subject) -> None:
    one, two = await captured(subject), await authorised(subject)
    three = await subject.gateway.charge(charge_request(subject.declined))
    voided = await subject.gateway.void(two.reference, "void-" + two.order_id)
    listed = {p.idempotency_key: p async for p in subject.gateway.payments()}
    for payment in (one, voided, three):
        assert listed[payment.idempotency_key] == payment


# --- keys that are taken out of use --------------------------------------------------------------


async def test_a_forbidden_key_never_makes_a_payment(subject: Subject) -> None:
    request = charge_request(subject.good)
    key = request.idempotency_key
    stands = await subject.gateway.forbid(request.order_id, request.amount, key, OURS)
    assert stands is not None
    assert (stands.status, stands.idempotency_key) == (PaymentStatus.FORBIDDEN, key)
    with pytest.raises(GatewayRejected):
        await subject.gateway.charge(request)
    assert await subject.gateway.find(key) == stands


async def test_forbidding_a_key_again_changes_nothing(subject: Subject) -> None:
    request = charge_request(subject.good)
    arguments = (request.order_id, request.amount, request.idempotency_key, OURS)
    assert await subject.gateway.forbid(*arguments) == await subject.gateway.forbid(*arguments)


@pytest.mark.parametrize("capture", list(CaptureMode))
async def test_forbidding_a_key_that_was_used_returns_its_payment(
    subject: Subject, capture: CaptureMode
) -> None:
    request = charge_request(subject.good, capture=capture)
    payment = await subject.gateway.charge(request)
    arguments = (request.order_id, request.amount, request.idempotency_key, OURS)
    assert await subject.gateway.forbid(*arguments) == payment
