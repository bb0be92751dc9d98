"""``on_outage`` of the order document."""

from typing import Any

import pytest

from domain.errors import InvalidValue
from domain.order.terms import MAX_CANCEL_AFTER_S, WAIT, OutageTerms, check_outage
from tests.support.sagas.shop import document
from workflows.documents.order import document_to_json, parse_document
from workflows.documents.validation import InvalidDocument


def terms(on_outage: Any) -> OutageTerms | None:
    return parse_document(document("A1", on_outage=on_outage), "order-A1").on_outage


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (1, 1),
        (1800, 1800),
        ("PT30M", 1800),
        ("PT1H30M", 5400),
        ("P1D", 86_400),
        ("P1DT12H", 129_600),
        ("P2W", 1_209_600),
        ("PT45S", 45),
        ("P90D", MAX_CANCEL_AFTER_S),
    ],
)
def test_a_time_is_seconds_or_an_iso_duration(written: object, seconds: int) -> None:
    assert terms({"cancel_after": written}) == OutageTerms(seconds)


def test_an_order_can_wait_or_say_nothing() -> None:
    assert terms("wait") == WAIT
    assert parse_document(document("A1"), "order-A1").on_outage is None


@pytest.mark.parametrize("on_outage", ["wait", {"cancel_after": 1800}, None])
def test_a_document_and_its_json_are_the_same(on_outage: Any) -> None:
    parsed = parse_document(document("A1", on_outage=on_outage), "order-A1")
    assert parse_document(document_to_json(parsed), "order-A1") == parsed


@pytest.mark.parametrize(
    ("on_outage", "field"),
    [
        ("cancel", "on_outage"),
        (5, "on_outage"),
        ([], "on_outage"),
        ({}, "on_outage.cancel_after"),
        ({"cancel_after": None}, "on_outage.cancel_after"),
        ({"cancel_after": 0}, "on_outage.cancel_after"),
        ({"cancel_after": -1}, "on_outage.cancel_after"),
        ({"cancel_after": 1.5}, "on_outage.cancel_after"),
        ({"cancel_after": True}, "on_outage.cancel_after"),
        ({"cancel_after": MAX_CANCEL_AFTER_S + 1}, "on_outage.cancel_after"),
        ({"cancel_after": "30 minutes"}, "on_outage.cancel_after"),
        ({"cancel_after": "P"}, "on_outage.cancel_after"),
        ({"cancel_after": "PT"}, "on_outage.cancel_after"),
        ({"cancel_after": "PT0S"}, "on_outage.cancel_after"),
        ({"cancel_after": "P1M"}, "on_outage.cancel_after"),
        ({"cancel_after": "PT" + "9" * 5000 + "S"}, "on_outage.cancel_after"),
        ({"cancel_after": "PT1H", "x": 1}, "on_outage.x"),
    ],
)
def test_anything_else_is_refused_by_its_field(on_outage: object, field: str) -> None:
    with pytest.raises(InvalidDocument) as refusal:
        terms(on_outage)
    assert [problem.field for problem in refusal.value.problems] == [field]


@pytest.mark.parametrize("seconds", [0, -1, MAX_CANCEL_AFTER_S + 1])
def test_the_domain_refuses_what_the_document_refuses(seconds: int) -> None:
    with pytest.raises(InvalidValue, match=r"on_outage\.cancel_after"):
        check_outage(OutageTerms(seconds))
