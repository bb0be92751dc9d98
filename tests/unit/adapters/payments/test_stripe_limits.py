"""What Stripe takes, and how it counts money: https://docs.stripe.com/currencies."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.payments.stripe.limits import CURRENCIES, StripeLimits, from_stripe, to_stripe
from domain.codes import CURRENCIES as ISO
from domain.money import Money

LIMITS = StripeLimits()


@pytest.mark.parametrize(
    ("minor", "currency", "units"),
    [
        (1250, "GBP", 1250),
        (500, "JPY", 500),
        (500000, "MGA", 5000),  # two digits in ISO 4217, none at Stripe
        (5000, "ISK", 500000),  # none in ISO 4217, two at Stripe, always 00
        (5000, "UGX", 500000),
        (5120, "KWD", 5120),
    ],
)
def test_an_amount_is_counted_as_stripe_counts_it(minor: int, currency: str, units: int) -> None:
    assert to_stripe(Money(minor, currency)) == units
    assert from_stripe(units, currency) == Money(minor, currency)


@given(st.integers(1, 10**12), st.sampled_from(sorted(CURRENCIES)))
def test_an_amount_that_stripe_can_say_comes_back_as_it_was(minor: int, currency: str) -> None:
    try:
        units = to_stripe(Money(minor, currency))
    except ValueError:
        return
    assert from_stripe(units, currency).minor == minor


@pytest.mark.parametrize(
    ("amount", "near"),
    [
        (Money(5124, "KWD"), "5.120 KWD and 5.130 KWD"),
        (Money(500050, "MGA"), "5000.00 MGA and 5001.00 MGA"),
    ],
)
def test_an_amount_between_two_steps_names_the_next_ones(amount: Money, near: str) -> None:
    with pytest.raises(ValueError, match=near):
        to_stripe(amount)
    assert near in (LIMITS.problem(amount, "pm_1") or "")


@pytest.mark.parametrize(
    ("amount", "token", "problem"),
    [
        (Money(30, "GBP"), "pm_card_visa", None),
        (Money(29, "GBP"), "pm_card_visa", "total: Stripe takes 0.30 GBP to 999999.99 GBP"),
        (Money(99_999_999, "EUR"), "pm_1", None),
        (Money(100_000_000, "EUR"), "pm_1", "total: Stripe takes 0.50 EUR to 999999.99 EUR"),
        (Money(10**11, "IDR"), "pm_1", None),
        (Money(5000, "IRR"), "pm_1", "currency: Stripe takes no payment in IRR"),
        (Money(5000, "GBP"), "tok_visa", "payment.token: Stripe takes the id of a payment method"),
        (Money(5000, "GBP"), "card_1", None),
        (Money(5000, "GBP"), "pm_ 1", "payment.token: Stripe takes the id of a payment method"),
    ],
)
def test_what_stripe_does_not_take_is_known_before_it_is_asked(
    amount: Money, token: str, problem: str | None
) -> None:
    found = LIMITS.problem(amount, token)
    assert found is None if problem is None else (found or "").startswith(problem)
    assert found is None or token not in found


def test_the_table_names_currencies_of_iso_4217() -> None:
    withdrawn = {"ANG", "BGN", "STD"}
    assert set(ISO) >= CURRENCIES - withdrawn
