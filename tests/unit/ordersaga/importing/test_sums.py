"""The sums of a file prove what its amounts mean, for any order."""

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.lines import AdjustmentKind
from ordersaga.importing.mapping import AdjustmentRule
from ordersaga.importing.sums import Amount, Priced, PricedLine, Stated, SumsDiffer, priced

TAX: Final = AdjustmentRule(kind=AdjustmentKind.TAX, column="Taxes", included="proved")
OFF: Final = AdjustmentRule(kind=AdjustmentKind.DISCOUNT, column="Discount", of_shipping="proved")
LINE_OFF: Final = AdjustmentRule(kind=AdjustmentKind.DISCOUNT, column="Line", within="proved")


def line(amount: int, kind: str = "goods", off: int = 0) -> PricedLine:
    document = {"kind": kind, "quantity": 1, "unit_price_minor": amount}
    return PricedLine(document, amount, (Amount(LINE_OFF, off),))


def outcome(
    goods: list[PricedLine], services: list[PricedLine], amounts: list[Amount], stated: Stated
) -> tuple[Priced | None, str]:
    try:
        return priced(goods, services, amounts, stated), ""
    except SumsDiffer as error:
        return None, str(error)


@given(
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 300)), min_size=1, max_size=5),
    st.integers(0, 900),
    st.integers(0, 2000),
    st.integers(0, 500),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["order", "shipping", "off"]),
)
def test_an_order_comes_out_as_the_shop_summed_it_up_or_is_refused(
    goods: list[tuple[int, int]],
    shipping: int,
    tax: int,
    off: int,
    tax_included: bool,
    within: bool,
    discount: str,
) -> None:
    lines = [line(amount, off=min(amount, less)) for amount, less in goods]
    own = sum(one.adjustments[0].minor for one in lines)
    gross = sum(one.amount for one in lines)
    whole = off + own if within else off
    subtotal = gross - own - (off if discount == "order" else 0)
    total = subtotal + shipping - (off if discount == "shipping" else 0)
    total += 0 if tax_included else tax
    services = [line(shipping, "shipping")] if shipping else []
    amounts = [Amount(OFF, whole), Amount(TAX, tax)]
    result, refusal = outcome(lines, services, amounts, Stated(subtotal, total))
    if result is None:
        assert "several readings" in refusal or (discount == "shipping" and not shipping)
        return
    documents = result.lines
    counted = sum(one["unit_price_minor"] for one in documents)
    everything = [each for one in documents for each in one.get("adjustments", ())]
    counted += sum(
        each["amount_minor"] for each in [*everything, *result.adjustments] if not each["included"]
    )
    assert counted == result.total == total


def test_sums_that_nothing_makes_are_refused_with_both() -> None:
    with pytest.raises(SumsDiffer, match="a total of 999, the lines make 1000 minor units"):
        priced([line(1000)], [], [], Stated(None, 999))
    with pytest.raises(SumsDiffer, match="a subtotal of 999, the lines make 1000 minor units"):
        priced([line(1000)], [], [], Stated(999, None))


def test_a_tax_without_a_stated_total_is_not_guessed() -> None:
    with pytest.raises(SumsDiffer, match="several readings"):
        priced([line(1000)], [], [Amount(TAX, 200)], Stated(None, None))
    assert priced([line(1000)], [], [Amount(TAX, 0)], Stated(None, None)).total == 1000
