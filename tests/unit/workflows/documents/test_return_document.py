"""Return documents that are accepted, and the refusals of others."""

from typing import Any

import pytest

from domain.lines import Pieces
from domain.returns.values import ReturnKind
from tests.support.sagas.returns import return_document
from workflows.documents.returns import parse_return, return_to_json
from workflows.documents.validation import InvalidDocument
from workflows.returns.status import return_digest

FULL = {"refund": "full", "restock": "all"}
PART = {"refund": {"amount_minor": 5}, "restock": [{"line_id": "1", "quantity": 1}]}
NOTHING = {"lines": "all", "refund": "none", "restock": "none"}


@pytest.mark.parametrize("changes", [{}, FULL, PART, NOTHING], ids=str)
def test_a_document_survives_its_json_form(changes: dict[str, Any]) -> None:
    parsed = parse_return(return_document("A1", **changes), "return-A1-R1")
    assert parse_return(return_to_json(parsed)) == parsed


def test_what_is_absent_is_decided_later_and_the_kind_is_the_customers() -> None:
    content = return_document("A1")
    del content["kind"]
    parsed = parse_return(content)
    assert (parsed.kind, parsed.refund, parsed.restock) == (ReturnKind.CUSTOMER, None, None)
    nothing = parse_return({**content, **NOTHING})
    assert nothing.refund is not None
    assert nothing.restock is not None
    assert (nothing.pieces, nothing.refund.grant, nothing.restock.pieces) == (None, False, ())


def test_decisions_carry_who_and_why() -> None:
    parsed = parse_return(return_document("A1", **PART))
    assert parsed.refund is not None
    assert parsed.restock is not None
    assert (parsed.refund.amount_minor, parsed.refund.actor) == (5, "anna")
    assert parsed.pieces is not None
    assert parsed.restock.pieces == (Pieces(parsed.pieces[0].line_id, 1),)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"refund": 5}, "refund: input should be 'full' or 'none'"),
        ({"refund": {}}, "refund.amount_minor: is missing"),
        ({"refund": ["full"]}, "refund: "),
        ({"restock": "some"}, "restock: "),
        ({"restock": []}, "restock: "),
        ({"lines": [{"line_id": "a b", "quantity": 1}]}, "lines.0.line_id: must be 1 to 64"),
        ({"return_id": "lost"}, "return_id: must be the kind"),
        ({"return_id": "R-1"}, "return_id: must be 1 to 64"),
    ],
    ids=str,
)
def test_a_refusal_names_the_field_as_the_sender_wrote_it(
    changes: dict[str, Any], problem: str
) -> None:
    with pytest.raises(InvalidDocument) as refusal:
        parse_return(return_document("A1", **changes))
    assert str(refusal.value).startswith(problem.replace("input ", ""))


def test_the_digest_is_that_of_the_content() -> None:
    two = [{"line_id": "a", "quantity": 1}, {"line_id": "b", "quantity": 2}]
    first = return_digest(parse_return(return_document("A1", lines=two)))
    same = return_document("A1", lines=two[::-1], actor="bob", reason="other words")
    assert return_digest(parse_return(same)) == first
    other = return_document("A1", lines=two, refund="none")
    assert return_digest(parse_return(other)) != first
