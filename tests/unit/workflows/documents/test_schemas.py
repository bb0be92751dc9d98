"""What a schema takes the parser takes, and the other way round, but for the rules with a name."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from jsonschema import ValidationError

from tests.support.repository.source_tree import ROOT, text_of
from tests.support.sagas.shop import document
from tests.support.schemas.answers import as_published
from tests.support.schemas.catalogue import SCHEMAS, Schema, content_of
from tests.support.schemas.generated import VALIDATOR, documents
from tests.support.schemas.rules import OF_THE_TEXT, OF_THE_WORKFLOW, RULES
from workflows.documents.messages import MOST_MESSAGE_BYTES
from workflows.documents.order import parse_document
from workflows.documents.returns import parse_return
from workflows.documents.validation import InvalidDocument, validate

SENT = [each for each in SCHEMAS.values() if each.sent]
PARSERS: dict[str, Callable[[Any], object]] = {
    "order.document": lambda raw: parse_document(raw, None),
    "return.document": parse_return,
}


def parses(schema: Schema, raw: Any) -> bool:
    parser = PARSERS.get(schema.name) or (
        lambda raw: validate(schema.form, raw, "message", MOST_MESSAGE_BYTES)
    )
    try:
        parser(raw)
    except InvalidDocument:
        return False
    return True


def broken_rules(raw: Any) -> list[str]:
    return [name for name, holds in RULES.items() if not holds(raw)]


@pytest.mark.parametrize("schema", SENT, ids=lambda each: each.name)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_schema_and_parser_take_the_same(schema: Schema, data: st.DataObject) -> None:
    content = schema.content()
    raw = data.draw(documents(content))
    taken = VALIDATOR(content).is_valid(raw) and not broken_rules(raw)
    assert parses(schema, raw) is taken, (raw, broken_rules(raw) if isinstance(raw, dict) else None)


@pytest.mark.parametrize("taken", [True, False])
@pytest.mark.parametrize("schema", SENT, ids=lambda each: each.name)
def test_documents_of_both_kinds_are_made(schema: Schema, taken: bool) -> None:
    quick = settings(
        max_examples=3000,
        deadline=None,
        database=None,
        phases=[Phase.generate],  # any example will do: it need not be the smallest
        suppress_health_check=list(HealthCheck),
    )
    strategy = documents(schema.content())
    assert find(strategy, lambda raw: parses(schema, raw) is taken, settings=quick) is not ...


LINE = document("A1")["lines"][0]
UNSAYABLE: dict[str, dict[str, Any]] = {
    "whole_numbers": {"lines": [{**LINE, "quantity": 2.0}]},
    "visible_text": {"reference": "\u200b"},
    "moment": {"placed_at": "2026-02-30T12:00:00Z"},
    "outage": {"on_outage": {"cancel_after": "P91D"}},
    "line_ids": {"lines": [{**LINE, "line_id": "2"}, LINE]},
    "pieces_of_a_sku": {"lines": [{**LINE, "quantity": 600_000}] * 2},
    "line_sum": {
        "lines": [{**LINE, "adjustments": [{"kind": "discount", "amount_minor": -301}]}, LINE]
    },
    "total": {"adjustments": [{"kind": "gift_card", "amount_minor": -301}]},
    "stated_total": {"total_minor": 299},
    "payment": {"payment": None},
}


def test_there_are_at_most_twelve_rules_and_an_example_of_each() -> None:
    assert UNSAYABLE.keys() == RULES.keys()
    assert len(RULES) + len(OF_THE_TEXT) + len(OF_THE_WORKFLOW) <= 12


@pytest.mark.parametrize("rule", UNSAYABLE)
def test_a_rule_refuses_what_the_schema_takes(rule: str) -> None:
    raw = document("A1", **UNSAYABLE[rule])
    assert VALIDATOR(content_of("order.document")).is_valid(raw)
    assert broken_rules(raw) == [rule]
    with pytest.raises(InvalidDocument):
        parse_document(raw, None)


@pytest.mark.parametrize("text", [b'{"actor": "a", "actor": "b", "reason": "c"}', b"\xff"])
def test_the_rule_of_the_text(text: bytes) -> None:
    with pytest.raises(InvalidDocument):
        validate(SCHEMAS["urn:ordersaga:schema:order.hold:1"].form, text, "message")


def test_every_rule_is_in_the_documents() -> None:
    page = text_of(ROOT / "docs" / "schemas.md")
    for name in (*RULES, *OF_THE_TEXT, *OF_THE_WORKFLOW):
        assert f"| `{name}` |" in page


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=lambda each: each.name)
def test_the_examples_are_valid_and_of_no_other_form(schema: Schema) -> None:
    assert schema.examples or schema.family == "notification"
    for example in schema.examples:
        as_published(schema.name, example)
        assert not schema.sent or parses(schema, json.loads(json.dumps(example)))
    with pytest.raises(ValidationError):
        as_published(schema.name, {"planet": "Mars"})
