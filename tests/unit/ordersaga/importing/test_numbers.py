"""Numbers of shops: one decimal sign in a whole file, proved or given."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordersaga.importing.numbers import SIGNS, DecimalProof, parse_number


@pytest.mark.parametrize(
    ("text", "point", "comma"),
    [
        ("12", "12", "12"),
        ("-12", "-12", "-12"),
        ("+3.39", "3.39", None),
        ("3,39", None, "3.39"),
        ("1,234", "1234", "1.234"),
        ("1.234", "1.234", "1234"),
        ("1,234.50", "1234.50", None),
        ("1.234,50", None, "1234.50"),
        ("1,234,567", "1234567", None),
        ("1.234.567", None, "1234567"),
        ("1 234,50", None, "1234.50"),
        ("1\u00a0234.50", "1234.50", None),
        ("1\u202f234,50", None, "1234.50"),
        ("1'234.50", "1234.50", None),
        ("12,34,567", None, None),
        ("1,2345", None, "1.2345"),
        ("1234,567.8", None, None),
        ("1 234.567 8", None, None),
        ("1.234 567", None, None),
        ("£1.85", None, None),
        ("1.85 EUR", None, None),
        ("1e3", None, None),
        ("NaN", None, None),
        ("٣", None, None),
        ("", None, None),
        (".5", None, None),
        ("5.", None, None),
        ("--5", None, None),
        ("9" * 41, None, None),
    ],
)
def test_a_text_is_one_number_with_each_sign_or_none(
    text: str, point: str | None, comma: str | None
) -> None:
    expected = [Decimal(number) if number else None for number in (point, comma)]
    assert [parse_number(text, sign) for sign in SIGNS] == expected


def proof(*texts: str) -> DecimalProof:
    seen = DecimalProof()
    for number, text in enumerate(texts, start=2):
        seen.see(text, f"line {number}")
    return seen


@pytest.mark.parametrize(
    ("texts", "documented", "sign"),
    [
        (["12", "3.39"], None, "."),
        (["12", "3,39", "1.234"], None, ","),
        (["1,234", "2.50"], None, "."),
        (["1,234"], ".", "."),
        (["1,234", "2,5"], ".", ","),
        (["3.39", "3,39"], ".", "."),
        (["12", "£5"], None, "."),
        ([], None, "."),
    ],
)
def test_the_file_proves_its_sign_and_the_documented_one_settles_the_rest(
    texts: list[str], documented: str | None, sign: str
) -> None:
    assert proof(*texts).decided(documented) == sign


def test_what_nothing_proves_is_refused_with_the_line() -> None:
    with pytest.raises(ValueError, match=r"line 3: 1,234"):
        proof("12", "1,234").decided(None)
    with pytest.raises(ValueError, match=r"line 2: 3.39; line 3: 3,39"):
        proof("3.39", "3,39").decided(None)


@given(
    st.lists(st.decimals(0, 10**7, places=2), min_size=1),
    st.sampled_from([(".", ","), (",", "."), (",", "\u00a0"), (".", "'"), (".", "")]),
)
def test_a_file_of_prices_is_read_as_it_was_written(
    prices: list[Decimal], notation: tuple[str, str]
) -> None:
    decimal, thousands = notation
    signs = str.maketrans({".": decimal, ",": thousands})
    texts = [f"{price:,.2f}".translate(signs) for price in prices]
    sign = proof(*texts).decided(None)
    assert [parse_number(text, sign) for text in texts] == prices
