"""Ids in one normal form; nothing becomes equal in silence."""

import runpy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import parse_sku
from ordersaga.importing.countries import country_code
from ordersaga.importing.identifiers import Identifiers, sku_of
from tests.support.repository.source_tree import ROOT


@pytest.mark.parametrize(
    ("text", "sku"),
    [
        ("LAMP-1", "LAMP-1"),
        ("4006381333931", "4006381333931"),
        ("LAMP 1/red", "LAMP-1-red.4cd0ac9ad2a3"),
        ("Größe L", "Groe-L.a3f4e0ce9ed8"),
        ("#12", "12.b3f5e2ef1c4c"),
        ("---", "sku.cb3f91d54eee"),
        ("x" * 65, "x" * 40 + ".9537c5fdf120"),
    ],
)
def test_a_text_that_is_no_sku_gets_one_of_its_own(text: str, sku: str) -> None:
    assert sku_of(text).partition(".")[0] == sku.partition(".")[0]
    assert sku_of(text) == parse_sku(sku_of(text))
    assert len(sku_of(text).partition(".")[2]) in (0, 12)


@given(st.text(min_size=1), st.text(min_size=1))
def test_different_texts_are_different_products(one: str, other: str) -> None:
    assert (sku_of(one) == sku_of(other)) == (one == other)
    parse_sku(sku_of(one))


def test_what_was_made_equal_or_written_anew_is_told() -> None:
    ids = Identifiers()
    for line, (written, normal) in enumerate(
        [("a", "A"), ("A", "A"), ("b", "B"), ("C", "C"), ("d", "d"), ("D", "D")], start=2
    ):
        assert ids.take("SKU", written, normal, line) == normal
    assert ids.unified() == 1
    assert [(entry.line, entry.reason, entry.detail) for entry in ids.entries()] == [
        (2, "ids_unified", "'A', 'a' are taken as A"),
        (4, "id_rewritten", "'b' is taken as B"),
        (6, "ids_alike", "d, D differ in letter case only: taken as different"),
    ]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("GB", "GB"),
        ("gb", "GB"),
        ("GBR", "GB"),
        ("UK", "GB"),
        ("United  Kingdom", "GB"),
        ("Northern Ireland", "GB"),
        ("United States", "US"),
        ("USA", "US"),
        ("DE", "DE"),
        ("Deutschland", "DE"),
        ("Allemagne", "DE"),
        ("España", "ES"),
        ("India", "IN"),
        ("Mexico", "MX"),
        ("South Korea", "KR"),
        ("Czech Republic", "CZ"),
        ("Eire", "IE"),
        ("Korea", None),
        ("Europe", None),
        ("Unspecified", None),
        ("", None),
        ("ZZ", None),
    ],
)
def test_countries_are_known_by_code_and_name(name: str, code: str | None) -> None:
    assert country_code(name, {"EIRE": "IE"}) == code


def test_the_list_of_names_is_what_the_script_writes() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "write_country_names.py"))
    assert script["FILE"].read_text(encoding="utf-8") == script["text"]()
