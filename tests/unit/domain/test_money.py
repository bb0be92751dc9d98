from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import CurrencyMismatch, InvalidValue
from domain.money import Money, format_amount, minor_digits, parse_amount, total
from tests.support.sagas.domain_samples import gbp

MINORS = st.integers(-(2**63), 2**63 - 1)
SMALL = st.integers(-(2**40), 2**40)
CURRENCIES = st.sampled_from(["GBP", "JPY", "KWD", "CLF", "XYZ"])


@given(st.lists(SMALL))
def test_a_total_is_the_exact_sum(minors: list[int]) -> None:
    assert total(map(gbp, minors), "GBP") == gbp(sum(minors))


@given(SMALL, SMALL, st.integers(-1000, 1000))
def test_money_calculates_like_whole_numbers(a: int, b: int, times: int) -> None:
    assert gbp(a) + gbp(b) == gbp(a + b)
    assert gbp(a) - gbp(b) == gbp(a - b)
    assert gbp(a) * times == gbp(a * times)
    assert (gbp(a) < gbp(b), gbp(a) <= gbp(b)) == (a < b, a <= b)


@given(MINORS, MINORS)
def test_a_sum_of_a_shop_may_be_beyond_64_bits(a: int, b: int) -> None:
    assert (gbp(a) + gbp(b)).minor == a + b


@pytest.mark.parametrize("operation", ["__add__", "__sub__", "__lt__", "__le__"])
def test_currencies_do_not_mix(operation: str) -> None:
    with pytest.raises(CurrencyMismatch, match="GBP and EUR"):
        getattr(gbp(1), operation)(Money(1, "EUR"))


@pytest.mark.parametrize("minor", [1.0, True, "1", None, Decimal(1)])
def test_minor_units_are_whole_numbers(minor: int) -> None:
    with pytest.raises(InvalidValue, match="whole number"):
        gbp(minor)
    with pytest.raises(InvalidValue, match="whole numbers"):
        gbp(1) * minor


@pytest.mark.parametrize("currency", ["", "gbp", "GB", "GBPP", "G B", "ÄÖÜ", "GBP\n"])
def test_a_currency_is_three_capital_letters(currency: str) -> None:
    with pytest.raises(InvalidValue, match="currency"):
        Money(1, currency)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("3.39", "GBP", 339),
        ("3.3", "GBP", 330),
        ("3", "GBP", 300),
        (" 0.05 ", "GBP", 5),
        ("-11062.06", "GBP", -1106206),
        ("3.3900", "GBP", 339),
        ("120", "JPY", 120),
        ("120.00", "JPY", 120),
        ("1.234", "KWD", 1234),
        ("0.1", "CLF", 1000),
        ("92233720368547758.07", "GBP", 2**63 - 1),
    ],
)
def test_decimal_text_is_read_exactly(text: str, currency: str, minor: int) -> None:
    assert parse_amount(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    "text",
    [
        *["", " ", ".5", "5.", "1,000.00", "1e3", "+1", "--1", "NaN", "inf", "0x10", "٣", "1 0"],
        *["£3", "9" * 5000, "1" + " " * 50 + "1"],
    ],
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        parse_amount(text, "GBP", "lines.0.unit_price")
    assert refusal.value.field == "lines.0.unit_price"


@pytest.mark.parametrize(("text", "currency"), [("0.001", "GBP"), ("1.5", "JPY")])
def test_more_decimals_than_the_currency_has_are_refused(text: str, currency: str) -> None:
    with pytest.raises(InvalidValue, match="decimals"):
        parse_amount(text, currency)


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (gbp(339), "3.39 GBP"),
        (gbp(5), "0.05 GBP"),
        (gbp(-5), "-0.05 GBP"),
        (gbp(0), "0.00 GBP"),
        (Money(120, "JPY"), "120 JPY"),
        (Money(1, "KWD"), "0.001 KWD"),
    ],
)
def test_amounts_are_shown_with_their_decimals(amount: Money, text: str) -> None:
    assert format_amount(amount) == text


@given(MINORS, CURRENCIES)
def test_a_shown_amount_can_be_read_again(minor: int, currency: str) -> None:
    amount = Money(minor, currency)
    number, _, shown_currency = format_amount(amount).partition(" ")
    assert parse_amount(number, shown_currency) == amount
    assert Decimal(number).scaleb(minor_digits(currency)) == minor
