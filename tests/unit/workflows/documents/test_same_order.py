"""What makes another order: the event store and a running saga decide alike."""

from typing import Any

import pytest

from activities.messages import OrderDocument
from activities.orders.intake import OrderConflict, decide_intake
from domain.order.evolution import evolve
from domain.order.state import INITIAL, OrderState
from tests.support.sagas.shop import document
from workflows.documents.order import OrderDocumentModel, parse_document
from workflows.fulfillment.content import content_id, different_fields, known_order

_LINE = document("A1")["lines"][0]
_ADDRESS = document("A1")["address"]

DIFFERENT: dict[str, Any] = {
    "customer_id": None,
    "reference": "#1001",
    "currency": "EUR",
    "placed_at": "2026-01-02T03:04:06+00:00",
    "lines": [{**_LINE, "quantity": 3}],
    "adjustments": [{"kind": "discount", "amount_minor": -1}],
    "address": {**_ADDRESS, "line1": "2 Hidden Lane"},
    "customer": {"email": "jo@example.org"},
    "payment": {"token": "tok_other"},
    "unavailable": {"policy": "wait"},
    "on_outage": "wait",
    "metadata": {"channel": "web"},
    "if_parcel_left": "ship_and_collect",
}
"""Another value of each field that belongs to the content."""
SAME: dict[str, dict[str, Any]] = {
    "nothing": {},
    "the name of a line": {"lines": [{**_LINE, "description": "Blue mug"}]},
    "the time, written otherwise": {"placed_at": "2026-01-02T04:04:05+01:00"},
    "no time": {"placed_at": None},
    "the total, stated": {"total_minor": 300},
    "a default, stated": {"unavailable": {"policy": "cancel"}},
}


def _parsed(**changes: Any) -> OrderDocument:
    return parse_document(document("A1", **changes), "order-A1")


def _recorded() -> OrderState:
    state: OrderState = INITIAL
    for event in decide_intake(_parsed(), INITIAL):
        state = evolve(state, event)
    return state


def _stored_differences(told: OrderDocument) -> tuple[str, ...]:
    try:
        assert decide_intake(told, _recorded()) == ()
    except OrderConflict as conflict:
        return tuple(sorted(conflict.fields))
    return ()


@pytest.mark.parametrize("field", DIFFERENT)
def test_another_value_of_a_field_is_another_order_and_named(field: str) -> None:
    told = _parsed(**{field: DIFFERENT[field]})
    found = different_fields(told, known_order(_parsed()))
    assert found == _stored_differences(told)
    assert field in found
    assert content_id(told) != content_id(_parsed())


@pytest.mark.parametrize("what", SAME)
def test_the_same_order_written_otherwise_is_the_same(what: str) -> None:
    told = _parsed(**SAME[what])
    assert different_fields(told, known_order(_parsed())) == _stored_differences(told) == ()


def test_every_field_of_the_document_is_in_the_table() -> None:
    no_content = {"schema_version", "order_id", "total_minor"}  # the lines make the total
    assert set(DIFFERENT) == set(OrderDocumentModel.model_fields) - no_content
