"""Rules of the fake and sandbox providers that the contracts do not cover."""

import contextlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.payment_port import PaymentStatus
from adapters.providers import payment_rules, rules
from adapters.providers.faults import FaultKind
from adapters.providers.rules import RequestRefused, ServedArea
from domain.money import Money
from domain.values import CaptureMode
from tests.support.stack.carrier_examples import HOME, label_request
from tests.support.stack.payment_examples import GBP_10, payment_request


def paid(capture: CaptureMode = CaptureMode.AUTOMATIC) -> payment_rules.KeptPayment:
    request = payment_request("tok_visa", capture=capture)
    return payment_rules.confirm(payment_rules.create(request, {}))


@given(st.lists(st.integers(min_value=-5, max_value=1200), max_size=12))
def test_refunds_never_exceed_what_was_captured(amounts: list[int]) -> None:
    kept = paid()
    for number, minor in enumerate(amounts):
        with contextlib.suppress(RequestRefused):
            kept = payment_rules.refund(kept, Money(minor, "GBP"), f"r{number}")
        assert 0 <= kept.seen.refunded.minor <= kept.seen.amount.minor
        everything = kept.seen.refunded == kept.seen.amount
        assert (kept.status is PaymentStatus.REFUNDED) is everything


def test_a_partial_capture_releases_the_rest() -> None:
    captured = payment_rules.capture(paid(CaptureMode.ON_SHIPMENT), Money(400, "GBP"))
    assert (captured.status, captured.seen.amount.minor) == (PaymentStatus.CAPTURED, 400)
    with pytest.raises(RequestRefused, match="more than the payment allows"):
        payment_rules.refund(captured, Money(401, "GBP"), "r")


def test_a_refund_in_another_currency_is_refused() -> None:
    with pytest.raises(RequestRefused) as refused:
        payment_rules.refund(paid(), Money(1, "EUR"), "r")
    assert refused.value.code == "wrong_currency"


@pytest.mark.parametrize(
    ("at_first", "later", "refunded"),
    [
        (None, None, 1000),
        (FaultKind.REFUND_PENDING, None, 1000),
        (FaultKind.REFUND_PENDING, FaultKind.REFUND_PENDING, 1000),
        (FaultKind.REFUND_PENDING, FaultKind.REFUND_FAILED, 0),
        (FaultKind.REFUND_FAILED, None, 0),
        (FaultKind.REFUND_ACTION, None, 1000),
    ],
)
def test_a_refund_is_what_the_bank_makes_of_it(
    at_first: FaultKind | None, later: FaultKind | None, refunded: int
) -> None:
    kept = payment_rules.refund(paid(), GBP_10, "r", at_first)
    kept = payment_rules.look_at_refunds(kept, later)
    assert kept.seen.refunded.minor == refunded
    everything = later is None and at_first is not FaultKind.REFUND_FAILED
    assert (kept.status is PaymentStatus.REFUNDED) is everything


@pytest.mark.parametrize(
    ("token", "minor", "named"),
    [("tok_visa", 0, "total"), ("tok_visa", 10**15 + 1, "total"), ("x" * 256, 5, "payment.token")],
)
def test_a_limit_of_the_sandbox_is_named(token: str, minor: int, named: str) -> None:
    limits = payment_rules.SandboxLimits()
    assert limits.problem(GBP_10, "tok_visa") is None
    problem = limits.problem(Money(minor, "GBP"), token)
    assert problem is not None
    assert problem.startswith(f"{named}:")
    assert token not in problem


def test_the_fingerprint_depends_on_every_part_of_a_payment() -> None:
    request = payment_request("tok_visa")
    others = [
        replace(request, amount=GBP_10 + GBP_10),
        replace(request, amount=Money(1000, "EUR")),
        replace(request, token="tok_other"),
        replace(request, capture=CaptureMode.ON_SHIPMENT),
    ]
    fingerprint = payment_rules.request_fingerprint
    assert len({fingerprint(r) for r in (request, *others)}) == 5
    same_but_key = replace(request, idempotency_key="other")
    assert fingerprint(same_but_key) == fingerprint(request)


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
