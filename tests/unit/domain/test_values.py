from dataclasses import replace
from datetime import datetime

import pytest

from domain import checks
from domain.errors import InvalidValue
from domain.ids import OrderId, Sku, parse_order_id, streams_of_order
from domain.values import CaptureMode, PaymentTerms
from tests.support.sagas.domain_samples import CARD, LANTERN_LINE, LEEDS, NOON, SUBMITTED, gbp


def test_the_text_of_an_address_shows_no_personal_data() -> None:
    for shown in (repr(LEEDS), str(LEEDS), f"{SUBMITTED}"):
        for secret in ("Ann", "High Street", "Leeds", "LS1"):
            assert secret not in shown
    assert "GB" in repr(LEEDS)


def test_the_text_of_payment_terms_shows_no_token() -> None:
    for shown in (repr(CARD), str(CARD), f"{SUBMITTED}"):
        assert "tok_visa" not in shown
    assert "on_shipment" in repr(PaymentTerms("tok_visa", CaptureMode.ON_SHIPMENT))


@pytest.mark.parametrize("part", ["name", "line1", "city", "postal_code"])
@pytest.mark.parametrize("text", ["", "  ", "x" * 121, "a\nb", "a\x00b", "\u2028", "\udc80"])
def test_a_bad_address_is_named_by_field_but_not_shown(part: str, text: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        checks.check_address(replace(LEEDS, **{part: text}), "order.address")
    assert refusal.value.field == f"order.address.{part}"
    assert not text.strip() or text not in str(refusal.value)


@pytest.mark.parametrize("part", ["line2", "region"])
def test_the_optional_parts_of_an_address_may_be_empty_but_not_too_long(part: str) -> None:
    checks.check_address(replace(LEEDS, **{part: ""}))
    with pytest.raises(InvalidValue, match=f"address.{part}"):
        checks.check_address(replace(LEEDS, **{part: "x" * 121}))


@pytest.mark.parametrize("country", ["", "gb", "GBR", "G", "ÄÖ", "G1"])
def test_a_country_is_two_capital_letters(country: str) -> None:
    with pytest.raises(InvalidValue, match="country: must be"):
        checks.check_address(replace(LEEDS, country=country))


@pytest.mark.parametrize("name", ["O'Brien", "Zoë Ångström", "王小明", "🎁 Gift Ltd"])
def test_names_may_have_any_letters(name: str) -> None:
    checks.check_address(replace(LEEDS, name=name))
    assert replace(LEEDS, name=name).name == name


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (replace(LANTERN_LINE, sku=Sku("")), "lines.0.sku"),
        (replace(LANTERN_LINE, description=""), "lines.0.description"),
        (replace(LANTERN_LINE, quantity=0), "lines.0.quantity"),
        (replace(LANTERN_LINE, unit_price=gbp(0)), "lines.0.unit_price"),
    ],
)
def test_a_bad_line_is_named_by_its_path(line: object, field: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        checks.check_line(line, "lines.0")  # type: ignore[arg-type] # parametrize loses the type
    assert refusal.value.field == field


def test_a_good_line_passes() -> None:
    checks.check_line(LANTERN_LINE)
    assert LANTERN_LINE.amount == gbp(2034)


def test_a_moment_has_a_time_zone() -> None:
    checks.check_moment(NOON, "at")
    with pytest.raises(InvalidValue, match="time zone"):
        checks.check_moment(datetime(2026, 1, 31), "at")  # noqa: DTZ001 # that is what is refused


@pytest.mark.parametrize("raw", ["", " ", "-a", "a b", "a/b", "a" * 65, "ä", "a\n", "'; DROP--"])
def test_an_id_is_plain_text_that_fits_a_stream_name(raw: str) -> None:
    with pytest.raises(InvalidValue, match="order_id"):
        parse_order_id(raw)


def test_the_streams_of_an_order() -> None:
    assert parse_order_id("A1") == "A1"
    assert streams_of_order(OrderId("A1")) == (
        "order-A1",
        "payment-A1",
        "shipment-A1",
        "fulfillment-A1",
        "returns-A1",
    )
