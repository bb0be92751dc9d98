"""Order documents that are accepted, and the refusals of others."""

import hashlib
from datetime import UTC, datetime
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.orders.intake import decide_intake
from domain.order.state import INITIAL
from tests.support.sagas.shop import document
from tests.support.schemas.catalogue import content_of
from workflows.documents.order import document_to_json, document_total, parse_document
from workflows.documents.validation import InvalidDocument


def _problems(content: object, workflow_id: str = "order-A1") -> dict[str, str]:
    with pytest.raises(InvalidDocument) as refusal:
        parse_document(content, workflow_id)
    return {problem.field: problem.problem for problem in refusal.value.problems}


def _with(path: str, value: Any) -> dict[str, Any]:
    """The good document with one field changed; a value of ... removes the field."""
    content: Any = document("A1")
    target = content
    *parents, last = path.split(".")
    for part in parents:
        target = target[int(part) if part.isdigit() else part]
    if value is ...:
        del target[last]
    else:
        target[last] = value
    return dict(content)


def test_a_good_document_is_read_and_written_back_equal() -> None:
    parsed = parse_document(document("A1"), "order-A1")
    assert document_total(parsed).minor == 300
    assert parse_document(document_to_json(parsed), "order-A1") == parsed


def test_a_guest_may_order_without_time_and_capture_mode() -> None:
    content = _with("customer_id", ...)
    del content["placed_at"]
    parsed = parse_document(content, "order-A1")
    assert (parsed.customer_id, parsed.placed_at) == (None, None)
    assert parsed.payment is not None
    assert parsed.payment.capture == "automatic"


WRONG: list[tuple[str, Any]] = [
    ("order_id", ...),
    ("order_id", ""),
    ("order_id", "A1\n"),
    ("order_id", "A" * 65),
    ("order_id", "Robert'); DROP TABLE events;--"),
    ("order_id", 5),
    ("customer_id", "a b"),
    ("customer_id", ""),
    ("currency", "gbp"),
    ("currency", "POUND"),
    ("currency", "QQQ"),
    ("currency", "XAU"),
    ("placed_at", "yesterday"),
    ("placed_at", "2026-01-02T03:04:05"),
    ("placed_at", "0001-01-01T00:00:00+01:00"),
    ("placed_at", "9999-12-31T23:59:59-12:00"),
    ("placed_at", "1999-12-31T23:59:59Z"),
    ("placed_at", "1767323045"),
    ("placed_at", 1767323045),
    ("lines", []),
    ("lines", None),
    ("lines.0.sku", "ü"),
    ("lines.0.description", ""),
    ("lines.0.description", "   "),
    ("lines.0.description", "a\x00b"),
    ("lines.0.quantity", 0),
    ("lines.0.quantity", -2),
    ("lines.0.quantity", 1.0),
    ("lines.0.quantity", "2"),
    ("lines.0.quantity", True),
    ("lines.0.quantity", 10**30),
    ("lines.0.unit_price_minor", -1),
    ("lines.0.line_id", "a b"),
    ("lines.0.kind", "mug"),
    ("lines.0.sku", ...),
    ("lines.0.sku", None),
    ("lines.0.adjustments", {}),
    ("lines.0.adjustments", [{"kind": "discount", "amount_minor": -301}]),
    ("adjustments", [{"kind": "discount", "amount_minor": -301}]),
    ("adjustments", [{"kind": "tax", "amount_minor": 1}] * 51),
    ("total_minor", 299),
    ("total_minor", -1),
    ("schema_version", 2),
    ("reference", "a\nb"),
    ("reference", ""),
    ("customer", {"email": None}),
    ("customer", {"email": "nobody"}),
    ("metadata", {"": "x"}),
    ("metadata", {"a": "x" * 501}),
    ("metadata", {f"{n}": "x" for n in range(51)}),
    ("metadata", {"a": 5}),
    ("lines.0.unit_price_minor", 1.5),
    ("lines.0.unit_price_minor", 10**15 + 1),
    ("lines.0.colour", "red"),
    ("address", ...),
    ("address.name", ...),
    ("address.name", "x" * 121),
    ("address.line1", "a\nb"),
    ("address.postal_code", "1" * 21),
    ("address.postal_code", ""),
    ("address.postal_code", ...),
    ("address.name", "\u200b\u200d"),
    ("address.name", "Ann \u202e elpmaxE"),
    ("address.country", "England"),
    ("address.country", "ZZ"),
    ("address.planet", "Mars"),
    ("payment", "tok_visa"),
    ("payment.token", ""),
    ("payment.token", "two words"),
    ("payment.capture", "never"),
    ("discount", 5),
]


@pytest.mark.parametrize(("path", "value"), WRONG)
def test_a_wrong_field_is_refused_by_its_path(path: str, value: Any) -> None:
    assert any(problem.startswith(path) for problem in _problems(_with(path, value)))


def test_all_wrong_fields_are_named_at_once_without_their_values() -> None:
    content = _with("address.country", "Secretland")
    content["currency"] = "secret"
    content["payment"]["token"] = "secret token"
    problems = _problems(content)
    assert {"address.country", "currency", "payment.token"} == set(problems)
    assert "ecret" not in str(problems)


def test_the_order_id_must_fit_the_workflow_id() -> None:
    assert set(_problems(document("A1"), "order-B2")) == {"order_id"}
    assert set(_problems(document("A1"), "A1")) == {"order_id"}


def test_the_same_sku_at_two_prices_is_two_lines() -> None:
    content = document("A1")
    content["lines"].append({**content["lines"][0], "unit_price_minor": 151})
    parsed = parse_document(content, "order-A1")
    assert [line.line_id for line in parsed.lines] == ["1", "2"]
    assert document_total(parsed).minor == 300 + 302


@pytest.mark.parametrize("line_id", ["2", "1"])
def test_two_lines_cannot_have_the_same_id(line_id: str) -> None:
    content = document("A1")
    first, second = {**content["lines"][0]}, {**content["lines"][0], "line_id": "1"}
    if line_id == "2":
        first, second = {**first, "line_id": "2"}, {**content["lines"][0]}
    assert set(_problems({**content, "lines": [first, second]})) == {"lines.1.line_id"}


def test_all_pieces_of_a_sku_are_one_claim_of_at_most_a_million() -> None:
    content = document("A1")
    content["lines"] = [{**content["lines"][0], "quantity": 600_000}] * 2
    assert set(_problems(content)) == {"lines.1.quantity"}


def test_a_stated_total_must_be_the_sum_and_both_are_named() -> None:
    off = [{"kind": "discount", "amount_minor": -50}]
    assert parse_document(document("A1", adjustments=off, total_minor=250), "order-A1")
    problem = _problems(document("A1", adjustments=off, total_minor=300))["total_minor"]
    assert problem == "is 300, but lines and adjustments make 250"


def test_included_adjustments_change_no_sum() -> None:
    vat = [{"kind": "tax", "amount_minor": 50, "included": True}]
    assert parse_document(document("A1", adjustments=vat, total_minor=300), "order-A1")
    card = [{"kind": "gift_card", "amount_minor": -50, "included": True}]
    assert "adjustments.0.included" in _problems(document("A1", adjustments=card))


@pytest.mark.parametrize("kind", ["discount", "gift_card"])
def test_a_discount_takes_off(kind: str) -> None:
    wrong = [{"kind": kind, "amount_minor": 50}]
    assert set(_problems(document("A1", adjustments=wrong))) == {"adjustments.0.amount_minor"}


def test_payment_and_address_may_be_missing_only_if_they_are_not_needed() -> None:
    content = document("A1")
    del content["payment"], content["address"]
    assert set(_problems(content)) == {"payment", "address"}
    line = {"kind": "digital", "description": "E-book", "quantity": 1, "unit_price_minor": 0}
    parsed = parse_document({**content, "lines": [line]}, "order-A1")
    assert (parsed.payment, parsed.address) == (None, None)


def test_an_order_without_id_gets_that_of_its_reference() -> None:
    content = document("A1", reference=" SO/2024/1 #7 ü ")
    del content["order_id"]
    expected = "ref-" + hashlib.sha256("SO/2024/1 #7 ü".encode()).hexdigest()[:40]
    parsed = parse_document(content, f"order-{expected}")
    assert (parsed.order_id, parsed.reference) == (expected, "SO/2024/1 #7 ü")
    assert set(_problems(content)) == {"order_id"}
    del content["reference"]
    assert set(_problems(content)) == {"order_id"}


def test_a_total_above_the_ceiling_is_refused() -> None:
    content = _with("lines.0.unit_price_minor", 10**15 // 2 + 1)
    assert set(_problems(content)) == {"lines"}


def test_a_document_with_very_many_faults_gets_a_short_refusal() -> None:
    content = document("A1", lines=[{"sku": ""}] * 1000)
    with pytest.raises(InvalidDocument, match=r"and \d+ more"):
        parse_document(content, "order-A1")


@pytest.mark.parametrize("raw", [None, [], "text", 5, True, b"", b"\xff", b"[1", object(), {1: 2}])
def test_what_is_no_json_object_is_refused(raw: object) -> None:
    assert _problems(raw)


def test_more_lines_than_an_order_may_have_are_refused() -> None:
    line = document("A1")["lines"][0]
    lines = [{**line, "sku": f"S{number}"} for number in range(2001)]
    assert set(_problems(document("A1", lines=lines))) == {"lines"}


def test_the_published_schema_accepts_the_good_and_refuses_the_bad() -> None:
    validator = jsonschema.Draft202012Validator(content_of("order.document"))
    validator.validate(document("A1"))
    for path, value in (("lines.0.quantity", 0), ("currency", "gbp"), ("address.planet", "Mars")):
        assert not validator.is_valid(_with(path, value))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@given(
    path=st.sampled_from(sorted({path for path, _ in WRONG} - {"discount"})),
    value=_JSON,
)
def test_any_value_anywhere_is_either_refused_or_taken_in_by_the_domain(
    path: str, value: Any
) -> None:
    try:
        parsed = parse_document(_with(path, value), "order-A1")
    except InvalidDocument:
        return
    events = decide_intake(parsed, INITIAL, now=datetime(2026, 1, 1, tzinfo=UTC))
    assert type(events[-1]).__name__ == "OrderSubmitted"


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reader(raw: bytes) -> None:
    with pytest.raises(InvalidDocument):
        parse_document(raw, "order-A1")
