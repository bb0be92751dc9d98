"""The contract of every payment gateway for payments that a shop confirmed at its checkout."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from activities.payment_port import PaymentStatus, RefundStatus
from activities.ports import GatewayRejected, Identity
from domain.money import Money
from domain.values import CaptureMode
from tests.support.stack.gateways import STRICT, Subject
from tests.support.stack.payment_examples import GBP_10, OURS


@pytest.fixture(scope="module", params=STRICT, ids=lambda make: make.__name__)
async def strict(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Subject]:
    """A provider that keeps keys and refuses what it must; `localstripe` does neither."""
    async with request.param(tmp_path_factory.mktemp("payments")) as subject:
        yield subject


def identity_of(order_id: str) -> Identity:
    return Identity(OURS, order_id, f"{OURS}:order-{order_id}:payment")


@pytest.mark.parametrize("capture", CaptureMode)
async def test_a_payment_of_the_checkout_says_nothing_of_an_order_and_is_not_listed(
    strict: Subject, capture: CaptureMode
) -> None:
    reference = await strict.checkout(capture)
    payment = await strict.gateway.read(reference)
    assert (payment.reference, payment.asked, payment.amount) == (reference, GBP_10, GBP_10)
    assert (payment.installation, payment.order_id, payment.idempotency_key) == ("", "", "")
    is_held = capture is CaptureMode.ON_SHIPMENT
    assert payment.status is (PaymentStatus.AUTHORISED if is_held else PaymentStatus.CAPTURED)
    assert bool(payment.lapses_at) is (is_held and strict.name != "fake")
    assert reference not in [each.reference async for each in strict.gateway.payments()]


@pytest.mark.parametrize("capture", CaptureMode)
async def test_the_first_claim_counts_and_changes_nothing_else(
    strict: Subject, capture: CaptureMode
) -> None:
    reference = await strict.checkout(capture)
    before, first = await strict.gateway.read(reference), identity_of(f"claimed-{capture}")
    claimed = await strict.gateway.claim(reference, first)
    assert claimed == replace(
        before,
        installation=first.installation,
        order_id=first.order_id,
        idempotency_key=first.idempotency_key,
    )
    assert await strict.gateway.claim(reference, first) == claimed
    assert await strict.gateway.claim(reference, identity_of("another")) == claimed
    assert await strict.gateway.read(reference) == claimed
    listed = [each async for each in strict.gateway.payments() if each.reference == reference]
    assert listed == [claimed]


async def test_a_claimed_payment_is_captured_in_part_and_refunded_by_reference(
    strict: Subject,
) -> None:
    reference = await strict.checkout(CaptureMode.ON_SHIPMENT)
    await strict.gateway.claim(reference, identity_of("captured"))
    captured = await strict.gateway.capture(reference, Money(700, "GBP"))
    assert (captured.status, captured.amount) == (PaymentStatus.CAPTURED, Money(700, "GBP"))
    refund = await strict.gateway.refund(reference, Money(700, "GBP"), "captured:refund")
    assert refund.status is RefundStatus.SUCCEEDED
    assert (await strict.gateway.read(reference)).status is PaymentStatus.REFUNDED


async def test_a_claimed_payment_that_is_voided_keeps_saying_whose_it_is(strict: Subject) -> None:
    reference, ours = await strict.checkout(CaptureMode.ON_SHIPMENT), identity_of("voided")
    await strict.gateway.void((await strict.gateway.claim(reference, ours)).reference)
    voided = await strict.gateway.read(reference)
    assert (voided.status, voided.idempotency_key) == (PaymentStatus.VOIDED, ours.idempotency_key)


@pytest.mark.parametrize("reference", ["pi_nobody_knows", "pay_nobody_knows", "search", "by-key"])
async def test_what_is_no_payment_cannot_be_claimed(strict: Subject, reference: str) -> None:
    with pytest.raises(GatewayRejected):
        await strict.gateway.read(reference)
    with pytest.raises(GatewayRejected):
        await strict.gateway.claim(reference, identity_of("nobody"))
