"""The JSON text of what is stored."""

import json
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore.codec import EncodedEvent
from eventstore.encoding import encode_json, encode_metadata, prepare
from eventstore.errors import InvalidAppend
from eventstore.model import Expected, Metadata, NewEvent, StreamAppend

VALUES: list[dict[Any, Any]] = [
    {},
    {"text": 'a "quoted" \\ line\nwith \x1f and ü €', "none": None, "yes": True, "no": False},
    {"nested": {"list": [1, -2, [3, {"deep": []}]], "tuple": (1, "2")}, "big": 2**80},
    {"1": 0.1, "large": 1e300, "list": [{"deep": -0.0}, 1e-7]},
    {"list": [{"ü": ["€"]}, [], {}], "ends": [2**63 - 1, 2**64, -(2**63) - 1]},
    {2: "number", None: "none", True: "yes"},
    {"kind": IntEnum("Kind", "FIRST").FIRST, "text": StrEnum("Word", "ONE").ONE},
    {"mapping": OrderedDict(b=1, a=2)},
    {"ends of planes": "\x7f\u2028\ud7ff\ue000\uffff\U0001f600\U0010ffff"},
    {"".join(map(chr, range(1, 256))): "".join(map(chr, range(1, 256)))},
]


@pytest.mark.parametrize("value", VALUES)
def test_an_object_is_encoded_as_the_library_does_without_spaces(value: dict[Any, Any]) -> None:
    expected = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert encode_json(value, "data") == expected


# Much of it has a form for the quick encoder.
NO_JSON: list[dict[Any, Any]] = [
    {"a": float("nan")},
    {"a": [float("inf")]},
    {"a": {1, 2}},
    {"a": [b"bytes"]},
    {"a": datetime.now(UTC)},
    {"a": {"b": UUID(int=1)}},
    {"a": Decimal(1)},
    {"a": EncodedEvent("Happened", 1, {})},
    {UUID(int=1): "a"},
]


@pytest.mark.parametrize("value", NO_JSON)
def test_what_has_no_json_form_is_refused_and_the_next_is_not(value: dict[Any, Any]) -> None:
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


_TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXTS
)
_JSON: st.SearchStrategy[Any] = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner)
)


@given(
    _JSON,
    _TEXTS,
    _TEXTS,
    st.none() | _TEXTS | st.integers(),
    st.dictionaries(_TEXTS, _JSON),
)
def test_metadata_of_any_values_is_encoded_field_by_field(
    correlation_id: Any, causation_id: str, actor: str, traceparent: Any, extra: dict[str, Any]
) -> None:
    fields = {"correlation_id": correlation_id, "causation_id": causation_id, "actor": actor}
    if traceparent is not None:
        fields["traceparent"] = traceparent
    if extra:
        fields["extra"] = extra
    made = Metadata(correlation_id, causation_id, actor, traceparent, extra)
    assert encode_metadata(made) == encode_json(fields, "metadata")


def test_metadata_of_a_kind_of_its_own_is_stored_as_metadata() -> None:
    class Signed(Metadata, frozen=True):
        signature: str = ""

    signed = Signed("saga-1", "command-1", "tester", signature="abc")
    assert encode_metadata(signed) == encode_metadata(Metadata("saga-1", "command-1", "tester"))


@pytest.mark.parametrize(
    "wrong", [Metadata("a", "b", "c\0"), Metadata("a", "b", "c", extra={"d": "\ud800"})]
)
def test_metadata_that_cannot_be_stored_is_refused(wrong: Metadata) -> None:
    with pytest.raises(InvalidAppend, match=r"^metadata: holds "):
        encode_metadata(wrong)


@pytest.mark.parametrize("value", [{"a": "\ud800"}, {"\udfff": 1}, {"a": [0.5, "\ud800"]}])
def test_half_of_a_surrogate_pair_is_refused_by_its_name(value: dict[str, Any]) -> None:
    with pytest.raises(InvalidAppend, match=r"^data: holds half of a surrogate pair"):
        encode_json(value, "data")


class _MadeOnDemand(Sequence[NewEvent]):
    """Events that live only as long as somebody looks at them."""

    def __len__(self) -> int:
        return 50

    def __getitem__(self, index: Any) -> Any:
        if index >= len(self):
            raise IndexError
        origin = Metadata(f"saga-{index}", "command", "tester")
        return NewEvent(UUID(int=index), "Happened", {}, origin)


def test_each_event_keeps_its_own_metadata() -> None:
    prepared = prepare([StreamAppend("order-1", Expected.ANY, _MadeOnDemand())])
    found = [json.loads(event.metadata) for event in prepared.streams[0].events]
    assert [one["correlation_id"] for one in found] == [f"saga-{index}" for index in range(50)]
