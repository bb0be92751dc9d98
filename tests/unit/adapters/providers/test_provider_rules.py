"""Rules of the fake and sandbox providers that the contracts do not cover."""

import contextlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.ports import PaymentStatus
from adapters.providers import rules
from adapters.providers.rules import DECLINING_TOKENS, RequestRefused, ServedArea
from domain.money import Money
from domain.values import CaptureMode
from tests.support.stack.carrier_examples import HOME, label_request
from tests.support.stack.payment_examples import GBP_10, charge_request


@given(st.lists(st.integers(min_value=-5, max_value=1200), max_size=12))
def test_refunds_never_exceed_what_was_captured(amounts: list[int]) -> None:
    payment = rules.open_payment(charge_request("tok_visa"), DECLINING_TOKENS)
    for minor in amounts:
        with contextlib.suppress(RequestRefused):
            payment = rules.refund(payment, Money(minor, "GBP"))
        assert 0 <= payment.refunded.minor <= payment.amount.minor
        everything = payment.refunded == payment.amount
        assert (payment.status is PaymentStatus.REFUNDED) is everything


def test_a_partial_capture_releases_the_rest() -> None:
    request = charge_request("tok_visa", capture=CaptureMode.ON_SHIPMENT)
    payment = rules.open_payment(request, DECLINING_TOKENS)
    captured = rules.capture(payment, Money(400, "GBP"))
    assert (captured.status, captured.amount.minor) == (PaymentStatus.CAPTURED, 400)
    with pytest.raises(RequestRefused, match="more than the payment allows"):
        rules.refund(captured, Money(401, "GBP"))


def test_a_refund_in_another_currency_is_refused() -> None:
    payment = rules.open_payment(charge_request("tok_visa"), DECLINING_TOKENS)
    with pytest.raises(RequestRefused) as refused:
        rules.refund(payment, Money(1, "EUR"))
    assert refused.value.code == "wrong_currency"


def test_the_fingerprint_depends_on_every_part_of_a_charge() -> None:
    request = charge_request("tok_visa")
    others = [
        replace(request, amount=GBP_10 + GBP_10),
        replace(request, amount=Money(1000, "EUR")),
        replace(request, token="tok_other"),
        replace(request, capture=CaptureMode.ON_SHIPMENT),
    ]
    assert len({rules.charge_fingerprint(r) for r in (request, *others)}) == 5
    same_but_key = replace(request, idempotency_key="other")
    assert rules.charge_fingerprint(same_but_key) == rules.charge_fingerprint(request)


@pytest.mark.parametrize("field", ["name", "line1", "line2", "city", "region", "postal_code"])
def test_the_fingerprint_depends_on_every_part_of_an_address(field: str) -> None:
    request = label_request()
    moved = replace(request, address=replace(HOME, **{field: "elsewhere"}))
    assert rules.label_fingerprint(moved) != rules.label_fingerprint(request)


def test_the_fingerprint_separates_its_parts() -> None:
    assert rules.digest("ab", "c") != rules.digest("a", "bc")


def test_a_refusal_does_not_hold_the_address() -> None:
    area = ServedArea(frozenset({"GB"}))
    label = rules.make_label(label_request(), area)
    assert label.refusal == "country_not_served"
    assert HOME.postal_code not in str(label)
