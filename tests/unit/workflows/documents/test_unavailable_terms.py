"""What an order document can say about unavailable items."""

from typing import Any

import pytest

from activities.messages import OrderDocument
from activities.orders.intake import OrderConflict, decide_intake
from domain.order.evolution import evolve
from domain.order.state import INITIAL
from domain.order.terms import CANCEL_AT_ONCE, DeadlineDefault, UnavailablePolicy, UnavailableTerms
from tests.support.sagas.shop import document
from workflows.documents.order import document_to_json, parse_document
from workflows.documents.validation import InvalidDocument
from workflows.fulfillment.content import content_id


def _parsed(**changes: Any) -> OrderDocument:
    return parse_document(document("A1", **changes), "order-A1")


def test_a_document_that_says_nothing_is_the_same_as_ever() -> None:
    silent, spoken = _parsed(), _parsed(unavailable={"policy": "cancel"})
    assert silent.unavailable == spoken.unavailable == CANCEL_AT_ONCE
    assert "unavailable" not in document_to_json(silent)
    assert content_id(silent) == content_id(spoken)


def test_terms_are_read_and_written_back_equal() -> None:
    terms = {"policy": "ask", "deadline_hours": 24, "default": "ship_available"}
    parsed = _parsed(unavailable=terms)
    assert parsed.unavailable == UnavailableTerms(
        UnavailablePolicy.ASK, 24, DeadlineDefault.SHIP_AVAILABLE
    )
    assert document_to_json(parsed)["unavailable"] == terms
    assert parse_document(document_to_json(parsed), "order-A1") == parsed
    assert content_id(parsed) != content_id(_parsed())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("policy", "later"),
        ("policy", None),
        ("default", "wait"),
        ("deadline_hours", 0),
        ("deadline_hours", 2_161),
        ("deadline_hours", "72"),
        ("deadline_hours", 1.5),
        ("more", 1),
    ],
)
def test_wrong_terms_are_refused_by_the_name_of_the_field(field: str, value: object) -> None:
    with pytest.raises(InvalidDocument) as refusal:
        _parsed(unavailable={"policy": "ask", field: value})
    assert [problem.field for problem in refusal.value.problems] == [f"unavailable.{field}"]


@pytest.mark.parametrize("value", [None, "ask", [], 1])
def test_terms_that_are_no_object_are_refused(value: object) -> None:
    with pytest.raises(InvalidDocument) as refusal:
        _parsed(unavailable=value)
    assert [problem.field for problem in refusal.value.problems] == ["unavailable"]


def test_the_same_order_with_other_terms_is_another_order() -> None:
    asking = _parsed(unavailable={"policy": "ask"})
    state = INITIAL
    for event in decide_intake(asking, state):
        state = evolve(state, event)
    assert decide_intake(asking, state) == ()
    with pytest.raises(OrderConflict, match="unavailable differ"):
        decide_intake(_parsed(), state)
