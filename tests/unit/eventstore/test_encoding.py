"""The JSON text of what is stored."""

import json
from typing import Any

import pytest

from eventstore.encoding import encode_json, encode_metadata
from eventstore.errors import InvalidAppend
from eventstore.model import Metadata

VALUES: list[dict[str, Any]] = [
    {},
    {"text": 'a "quoted" \\ line\nwith \x1f and ü €', "none": None, "yes": True, "no": False},
    {"nested": {"list": [1, -2, [3, {"deep": []}]], "tuple": (1, "2")}, "big": 2**80},
    {"1": 0.1, "large": 1e300},
]


@pytest.mark.parametrize("value", VALUES)
def test_an_object_is_encoded_as_the_library_does_without_spaces(value: dict[str, Any]) -> None:
    expected = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert encode_json(value, "data") == expected


@pytest.mark.parametrize("value", [{"a": float("nan")}, {"a": {1, 2}}, {"a": [b"bytes"]}])
def test_what_has_no_json_form_is_refused_and_the_next_is_not(value: dict[str, Any]) -> None:
    with pytest.raises(InvalidAppend, match=r"^data: no JSON"):
        encode_json(value, "data")
    assert encode_json({"a": 1}, "data") == '{"a":1}'


def test_an_object_that_holds_itself_is_refused() -> None:
    circle: dict[str, Any] = {"list": []}
    circle["list"].append(circle)
    with pytest.raises(InvalidAppend, match=r"^data: no JSON"):
        encode_json(circle, "data")
    circle["list"].clear()
    assert encode_json(circle, "data") == '{"list":[]}'


def test_metadata_names_what_is_there() -> None:
    short = Metadata("saga-1", "command-1", "tester")
    long = Metadata("saga-1", "command-1", "tester", "00-trace", {"run_id": "r"})
    start = '{"correlation_id":"saga-1","causation_id":"command-1","actor":"tester"'
    assert encode_metadata(short) == start + "}"
    assert encode_metadata(long) == start + ',"traceparent":"00-trace","extra":{"run_id":"r"}}'
