"""Whatever is sent is taken or refused as an invalid document; nothing else can happen."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue

from activities.orders.intake import decide_intake
from domain.order.state import INITIAL
from tests.support.sagas.domain_samples import NOON
from tests.support.sagas.hostile import JSON, changed
from tests.support.sagas.returns import return_document
from tests.support.sagas.shop import document
from workflows.documents import messages, returns
from workflows.documents.order import parse_document
from workflows.documents.validation import MOST_BYTES, InvalidDocument, validate

# Hypothesis shows a failing example whole; these can be long.
pytestmark = pytest.mark.filterwarnings("ignore:Generating overly large repr")

_BY = {"actor": "ann", "reason": "as agreed"}
_ADDRESS = document("A1")["address"]

MESSAGES: dict[type[Any], dict[str, Any]] = {
    messages.OperatorMessage: _BY,
    messages.CancelMessage: {**_BY, "requested_by": "customer"},
    messages.ResolveMessage: {"actor": "ann", "note": "settled"},
    messages.ChangeAddressMessage: {**_BY, "address": _ADDRESS},
    messages.ChooseMessage: {**_BY, "choice": "wait"},
    messages.AmendMessage: {**_BY, "lines": [{"line_id": "1", "quantity": 0}]},
    messages.CarrierUpdateMessage: {"status": "lost", "at": "2026-01-03T00:00:00Z"},
    returns.DecideRefundMessage: {**_BY, "refund": {"amount_minor": 5}},
    returns.DecideRestockMessage: {**_BY, "restock": [{"line_id": "1", "quantity": 1}]},
}


def taken_or_refused(read: Callable[[], Any]) -> Any:
    """What was read; None if it was refused with the field named."""
    try:
        return read()
    except InvalidDocument as refusal:
        text, problems = str(refusal), refusal.problems
    assert problems
    assert all(problem.field and problem.problem for problem in problems)
    assert len(text.encode()) < 5_000
    return None


def _raw(data: bytes) -> RawValue:
    return RawValue(Payload(metadata={"encoding": b"json/plain"}, data=data))


@pytest.mark.parametrize("model", MESSAGES, ids=lambda model: model.__name__)
def test_a_good_message_is_taken(model: type[Any]) -> None:
    assert messages.parse_message(model, _raw(json.dumps(MESSAGES[model]).encode()))


@pytest.mark.parametrize("model", MESSAGES, ids=lambda model: model.__name__)
@given(data=st.data())
def test_any_message_is_taken_or_refused(model: type[Any], data: st.DataObject) -> None:
    content = data.draw(changed(MESSAGES[model]))
    message = taken_or_refused(lambda: messages.parse_message(model, _raw(content)))
    if isinstance(message, messages.ChangeAddressMessage):
        message.address.to_domain()


@given(changed(document("A1", unavailable={"policy": "ask", "deadline_hours": 5})))
def test_any_order_document_is_refused_or_becomes_an_order(content: bytes) -> None:
    if parsed := taken_or_refused(lambda: parse_document(content, "order-A1")):
        events = decide_intake(parsed, INITIAL, now=NOON)
        assert type(events[-1]).__name__ == "OrderSubmitted"


@given(changed(return_document("A1", refund={"amount_minor": 5}, restock="all")))
def test_any_return_document_is_taken_or_refused(content: bytes) -> None:
    taken_or_refused(lambda: returns.parse_return(content))


@pytest.mark.parametrize("content", JSON)
def test_json_that_is_no_message_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidDocument):
        messages.parse_message(messages.OperatorMessage, _raw(content))


def test_a_key_that_is_there_twice_is_refused_by_its_name() -> None:
    text = json.dumps(document("A1")).replace('"quantity": 2', '"quantity": 1, "quantity": 500')
    with pytest.raises(InvalidDocument, match="quantity: is there twice"):
        parse_document(text.encode(), "order-A1")


def test_a_long_text_is_refused_before_it_is_read() -> None:
    with pytest.raises(InvalidDocument, match="document: is longer than"):
        parse_document(b"[" * (MOST_BYTES + 1), "order-A1")
    with pytest.raises(InvalidDocument, match="message: is longer than"):
        messages.parse_message(
            messages.OperatorMessage, _raw(b"[" * (messages.MOST_MESSAGE_BYTES + 1))
        )


def test_the_longest_amendment_is_short_enough() -> None:
    lines = [{"line_id": f"{number:064}", "quantity": 1_000_000} for number in range(2_000)]
    content = json.dumps({**_BY, "lines": lines}).encode()
    assert messages.parse_message(messages.AmendMessage, _raw(content))


def test_a_fault_of_our_own_while_reading_is_a_refusal_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_content: Any) -> Any:
        raise OverflowError("this could repeat a value")

    monkeypatch.setattr(messages.OperatorMessage, "model_validate_json", fail)
    with pytest.raises(InvalidDocument, match="message: cannot be read"):
        validate(messages.OperatorMessage, b"{}", "message")
