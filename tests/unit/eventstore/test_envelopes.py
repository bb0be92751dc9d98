"""What is read back is what the standard library would read; and what envelopes promise."""

import copy
import gc
import json
import math
import pickle
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eventstore.encoding import encode_json
from eventstore.envelopes import decode_json, envelopes
from eventstore.errors import InvalidAppend
from eventstore.model import (
    AppendResult,
    Expected,
    Metadata,
    NewEvent,
    StoredEvent,
    StreamAppend,
    bucket_of,
)

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


NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
ORIGIN = {"correlation_id": "saga-9", "causation_id": "run/3", "actor": "ops"}


def envelope(data: str = '{"a": [1]}', metadata: Any = ORIGIN) -> StoredEvent:
    row = (UUID(int=7), "cart-7-x", 1, 12, "Changed", 3, data, json.dumps(metadata), NOON)
    (made,) = envelopes([row], lambda at: at)
    return made


def test_an_envelope_holds_what_its_row_holds() -> None:
    assert envelope(metadata={**ORIGIN, "extra": {"run_id": "r1"}}) == StoredEvent(
        event_id=UUID(int=7),
        stream="cart-7-x",
        category="cart",
        version=1,
        position=12,
        event_type="Changed",
        schema_version=3,
        data={"a": [1]},
        metadata=Metadata("saga-9", "run/3", "ops", None, {"run_id": "r1"}),
        recorded_at=NOON,
        bucket=bucket_of("cart-7-x"),
    )


def test_neighbours_of_one_append_share_their_metadata() -> None:
    rows = [
        (UUID(int=place), "cart-7", place, place, "Changed", 1, "{}", json.dumps(ORIGIN), NOON)
        for place in (1, 2)
    ]
    first, second = envelopes(rows, lambda at: at)
    assert first.metadata is second.metadata


@pytest.mark.parametrize(
    "unusual",
    [
        {"actor": 17},
        {"extra": {"attempt": 3}},
        {"extra": None},
        {"traceparent": None, "extra": {}, "unknown": [1]},
        {"correlation_id": "9" * 5000},
    ],
)
def test_metadata_of_other_types_is_read_as_it_was_stored(unusual: dict[str, Any]) -> None:
    fields = {**ORIGIN, **unusual}
    found = envelope(metadata=fields).metadata
    for name in ("correlation_id", "causation_id", "actor", "traceparent"):
        assert getattr(found, name) == fields.get(name)
    assert found.extra == fields.get("extra", {})


def test_metadata_without_an_actor_is_refused() -> None:
    with pytest.raises(KeyError, match="actor"):
        envelope(metadata={"correlation_id": "saga-9", "causation_id": "run/3"})


def test_data_that_the_quick_decoder_refuses_is_read_by_the_standard_library() -> None:
    assert envelope(data='{"a": 1e400}').data == {"a": math.inf}


@pytest.mark.parametrize("name", ["data", "stream", "anything"])
def test_an_envelope_cannot_be_changed(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(envelope(), name, "other")
    with pytest.raises(AttributeError):
        setattr(envelope().metadata, name, "other")


@pytest.mark.parametrize(
    "made",
    [
        NewEvent(UUID(int=1), "Happened", {}, Metadata("saga-9", "run/3", "ops")),
        StreamAppend("cart-7", Expected.NO_STREAM, []),
        AppendResult({"cart-7": 1}, 1),
    ],
)
def test_appends_and_their_results_cannot_be_changed(made: object) -> None:
    for name in ("data", "stream", "versions"):
        with pytest.raises(AttributeError):
            setattr(made, name, "other")


def test_other_data_leaves_the_rest_of_an_envelope_as_it_is() -> None:
    before = envelope()
    after = before.with_data({"b": 2})
    assert (before.data, after.data) == ({"a": [1]}, {"b": 2})
    assert after.with_data(before.data) == before


def test_other_data_leaves_the_rest_of_a_new_event_as_it_is() -> None:
    before = NewEvent(UUID(int=1), "Happened", {"a": 1}, Metadata("saga-9", "run/3", "ops"), 2)
    after = before.with_data({"b": 2})
    assert (before.data, after.data) == ({"a": 1}, {"b": 2})
    assert after.with_data(before.data) == before


def test_another_trace_context_leaves_the_rest_of_metadata_as_it_is() -> None:
    traced = Metadata("saga-9", "run/3", "ops", extra={"run_id": "r1"}).with_traceparent("00-ab")
    assert traced == Metadata("saga-9", "run/3", "ops", "00-ab", {"run_id": "r1"})


def test_an_envelope_can_be_copied_and_pickled() -> None:
    made = envelope()
    assert copy.deepcopy(made) == copy.copy(made) == made
    assert pickle.loads(pickle.dumps(made)) == made  # noqa: S301  our own bytes


def test_envelopes_are_nothing_to_the_collector_of_cyclic_garbage() -> None:
    made = envelope()
    assert not gc.is_tracked(made)
    assert not gc.is_tracked(made.metadata)
