"""One validator a field: what it takes, in which normal form, and what it refuses."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import fields
from domain.codes import COUNTRIES, NEED_POSTAL_CODE
from domain.errors import InvalidValue
from domain.ids import LineId, Sku
from tests.support.sagas.domain_samples import LANTERN_LINE, LEEDS, NOON, gbp


@pytest.mark.parametrize("part", ["name", "line1", "city", "postal_code"])
@pytest.mark.parametrize(
    "text",
    [
        *["", "  ", "x" * 121, "a\nb", "a\x00b", "a\u2028b", "\udc80"],
        *["a\u202eb", "a\u2066b", "\u200fa", "\u200b", "\u200d\ufeff", "\u3164", "\u2800 \u0301"],
    ],
)
def test_a_bad_address_is_named_by_field_but_not_shown(part: str, text: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        fields.parse_address(replace(LEEDS, **{part: text}), "order.address")
    assert refusal.value.field == f"order.address.{part}"
    assert not text.strip() or text not in str(refusal.value)


@pytest.mark.parametrize("part", ["line2", "region"])
def test_the_optional_parts_of_an_address_may_be_empty_but_not_too_long(part: str) -> None:
    assert fields.parse_address(replace(LEEDS, **{part: " "})) == LEEDS
    with pytest.raises(InvalidValue, match=f"address.{part}"):
        fields.parse_address(replace(LEEDS, **{part: "x" * 121}))


@pytest.mark.parametrize("country", ["", "GBR", "G", "ÄÖ", "G1", "ZZ", "XX", "EU", " GB"])
def test_a_country_is_one_of_iso_3166(country: str) -> None:
    with pytest.raises(InvalidValue, match="country: must be an ISO 3166 alpha-2 code"):
        fields.parse_address(replace(LEEDS, country=country))


HINTS = [("UK", "GB"), ("uk", "GB"), ("EL", "GR"), ("de", "DE")]


@pytest.mark.parametrize(("country", "meant"), HINTS)
def test_a_common_mistake_gets_a_hint(country: str, meant: str) -> None:
    with pytest.raises(InvalidValue, match=f"{meant} is meant"):
        fields.parse_country(country)


@pytest.mark.parametrize("currency", ["", "gbp", "GPB", "QQQ", "AAA", "XAU", "XTS", "GBP\n"])
def test_a_currency_is_one_of_iso_4217_that_has_prices(currency: str) -> None:
    with pytest.raises(InvalidValue, match="currency"):
        fields.parse_currency(currency)


@pytest.mark.parametrize("country", sorted(COUNTRIES))
def test_a_postal_code_may_be_missing_only_where_addresses_do_without(country: str) -> None:
    address = replace(LEEDS, country=country, postal_code="")
    if country in NEED_POSTAL_CODE:
        with pytest.raises(InvalidValue, match=f"postal_code: .*{country}"):
            fields.parse_address(address)
    else:
        assert fields.parse_address(address) == address


def test_postal_codes_are_needed_in_britain_and_germany_but_not_in_hong_kong_or_ireland() -> None:
    assert {"GB", "DE", "US", "FR", "JP"} <= NEED_POSTAL_CODE
    assert not {"HK", "IE", "AE", "PA", "QA"} & NEED_POSTAL_CODE


@pytest.mark.parametrize(
    "name",
    ["O'Brien", "Zoë Ångström", "王小明", "🎁 Gift Ltd", "👩\u200d🚀 Ann", "."],
)
def test_names_may_have_any_letters(name: str) -> None:
    assert fields.parse_address(replace(LEEDS, name=f" {name}\t")).name == name


@pytest.mark.parametrize(
    ("line", "field"),
    [
        (replace(LANTERN_LINE, code=Sku("")), "lines.0.sku"),
        (replace(LANTERN_LINE, code=None), "lines.0.sku"),
        (replace(LANTERN_LINE, line_id=LineId("a b")), "lines.0.line_id"),
        (replace(LANTERN_LINE, description=""), "lines.0.description"),
        (replace(LANTERN_LINE, quantity=0), "lines.0.quantity"),
        (replace(LANTERN_LINE, unit_price=gbp(-1)), "lines.0.unit_price"),
        (replace(LANTERN_LINE, unit_price=gbp(fields.MAX_AMOUNT + 1)), "lines.0.unit_price"),
    ],
)
def test_a_bad_line_is_named_by_its_path(line: object, field: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        fields.parse_line(line, "lines.0")  # type: ignore[arg-type] # parametrize loses the type
    assert refusal.value.field == field


def test_a_good_line_passes() -> None:
    assert (
        fields.parse_line(replace(LANTERN_LINE, description=" WHITE METAL LANTERN "))
        == LANTERN_LINE
    )


@given(st.datetimes(), st.integers(-24 * 60 + 1, 24 * 60 - 1))
def test_a_time_from_outside_is_in_utc_and_in_this_century(local: datetime, minutes: int) -> None:
    moment = local.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    try:
        read = fields.parse_moment(moment, "at")
    except InvalidValue:
        assert not datetime(2000, 1, 2) < local < datetime(2099, 12, 31)  # noqa: DTZ001 # as `local`
    else:
        assert read == moment
        assert read.tzinfo is UTC
        assert fields.EARLIEST <= read <= fields.LATEST


def test_a_time_has_a_zone() -> None:
    assert fields.parse_moment(NOON, "at") == NOON
    with pytest.raises(InvalidValue, match="time zone"):
        fields.parse_moment(NOON.replace(tzinfo=None), "at")


@pytest.mark.parametrize("year", [1, 1998, 2100, 9999])
@pytest.mark.parametrize("hours", [-23, 0, 23])
def test_other_centuries_are_refused_in_every_zone(year: int, hours: int) -> None:
    zone = timezone(timedelta(hours=hours))
    for local in (datetime(year, 1, 3, tzinfo=zone), datetime(year, 12, 31, 23, tzinfo=zone)):
        with pytest.raises(InvalidValue, match="at: must be from 2000 to 2100"):
            fields.parse_moment(local, "at")


@pytest.mark.parametrize("token", ["", " ", "tok with space", "tök", "x" * 256, "a\x00", "\x7f"])
def test_a_token_is_plain_text_without_blanks(token: str) -> None:
    with pytest.raises(InvalidValue, match="token"):
        fields.parse_token(token)


@given(st.text())
def test_a_normal_form_is_its_own_normal_form(text: str) -> None:
    try:
        normal = fields.parse_text(text, "text", 10)
    except InvalidValue:
        return
    assert fields.parse_text(normal, "text", 10) == normal == text.strip()
