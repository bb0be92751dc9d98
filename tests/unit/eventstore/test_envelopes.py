"""What is read back is what the standard library would read."""

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eventstore.encoding import encode_json
from eventstore.envelopes import decode_json
from eventstore.errors import InvalidAppend

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(2**70), max_value=2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=30,
)


def with_types(value: Any) -> Any:
    """The value with the type of each part, as 1, 1.0 and True are equal; -0.0 is told from 0.0."""
    if isinstance(value, dict):
        return dict, [(key, with_types(item)) for key, item in value.items()]
    if isinstance(value, list):
        return list, [with_types(item) for item in value]
    return type(value), repr(value)


@given(st.dictionaries(st.text(), values, max_size=5))
def test_a_stored_object_is_read_as_the_standard_library_reads_it(data: dict[str, Any]) -> None:
    try:
        text = encode_json(data, "data")
    except InvalidAppend:
        return  # neither store takes it
    assert with_types(decode_json(text)) == with_types(json.loads(text)) == with_types(data)


numbers = st.from_regex(
    r"-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?", fullmatch=True
)


@given(numbers)
@example("1e400")
@example("-1e400")
@example("5e-324")
@example("18446744073709551616")
@example("-9223372036854775809")
@example("9" * 4300)
def test_every_number_is_read_as_the_standard_library_reads_it(text: str) -> None:
    assert with_types(decode_json(text)) == with_types(json.loads(text))


@pytest.mark.parametrize(
    "text",
    ['{"a": 1, "a": 2}', '"\\u0041\\/\\ud83d\\ude00"', ' { "a" : [ 1 , 2 ] } ', "1" + "0" * 4000],
)
def test_other_spellings_are_read_alike(text: str) -> None:
    assert with_types(decode_json(text)) == with_types(json.loads(text))


@pytest.mark.parametrize("depth", [10, 900])
def test_depth_is_no_obstacle_as_far_as_it_can_be_stored(depth: int) -> None:
    data: dict[str, Any] = {}
    for _ in range(depth):
        data = {"in": data}
    assert decode_json(encode_json(data, "data")) == data


@pytest.mark.parametrize("text", ["", "{", "[1,]", "nul", "9" * 4301])
def test_what_is_no_json_is_refused_with_the_error_of_the_standard_library(text: str) -> None:
    with pytest.raises(ValueError) as expected:  # noqa: PT011  compared with the other one
        json.loads(text)
    with pytest.raises(ValueError) as found:  # noqa: PT011  compared with the other one
        decode_json(text)
    assert str(found.value) == str(expected.value)
