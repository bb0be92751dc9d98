"""The examples of order documents: what they show is what the saga is tested with."""

import json
from typing import Any

import jsonschema
import pytest

from tests.support.repository.write_examples import FOLDER, example_text, file_of
from tests.support.sagas.real_orders import SHAPES
from tests.support.schemas.catalogue import content_of
from workflows.documents.order import document_total, parse_document


def example(shape: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(file_of(shape).read_text(encoding="utf-8"))
    return read


@pytest.mark.parametrize("shape", SHAPES)
def test_an_example_is_valid_by_schema_and_parser_and_costs_what_it_should(shape: str) -> None:
    jsonschema.Draft202012Validator(content_of("order.document")).validate(example(shape))
    parsed = parse_document(example(shape), None)
    assert document_total(parsed).minor == SHAPES[shape].total


@pytest.mark.parametrize("shape", SHAPES)
def test_an_example_is_current(shape: str) -> None:
    assert file_of(shape).read_text(encoding="utf-8") == example_text(shape)


def test_there_are_no_other_examples() -> None:
    assert set(FOLDER.glob("*")) == {file_of(shape) for shape in SHAPES}
