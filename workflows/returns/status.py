"""What a return answers when it is asked, and its result. Neither holds personal data."""

import hashlib

from activities.returns.messages import CaseView, ReturnDocument
from domain.lines import Pieces
from workflows.common.search_attributes import Progress
from workflows.documents.answers import ListedPieces, ReturnOutcome, ReturnResult, ReturnStatus
from workflows.documents.messages import canonical_json
from workflows.documents.returns import return_to_json


def return_digest(document: ReturnDocument) -> str:
    """A fingerprint of the content: 64 hexadecimal digits; actor and reason do not count."""
    content = return_to_json(document)
    del content["actor"], content["reason"]
    for part in ("lines", "restock"):
        if isinstance(content.get(part), list):
            content[part] = sorted(content[part], key=canonical_json)
    return hashlib.sha256(canonical_json(content)).hexdigest()


def case_status(
    document: ReturnDocument | None, case: CaseView | None, progress: Progress
) -> ReturnStatus:
    """The answer to the query ``status``."""
    return {
        "order_id": document.order_id if document else None,
        "return_id": document.return_id if document else None,
        "content_digest": return_digest(document) if document else None,
        "opened": case is not None,
        "step": progress.stage,
        "waits_for": progress.waits_now,
        "needs_attention": bool(progress.attention),
        "attention": progress.attention_text,
        "undecided": list(case.undecided) if case else [],
        **_outcome(case or CaseView()),
    }


def case_result(document: ReturnDocument, case: CaseView) -> ReturnResult:
    """The result of a return."""
    return {
        "order_id": document.order_id,
        "return_id": document.return_id,
        "kind": document.kind,
        "outcome": "closed" if case.pieces else "nothing_to_return",
        **_outcome(case),
    }


def _outcome(case: CaseView) -> ReturnOutcome:
    return {
        "lines": _listed(case.pieces),
        "refund_minor": case.refund.minor if case.refund else None,
        "currency": case.refund.currency if case.refund else None,
        "gift_card_minor": case.gift_card.minor if case.gift_card else None,
        "refund_reference": case.refund_reference,
        "restock": None if case.restock is None else _listed(case.restock),
        "restocked": case.restocked,
    }


def _listed(pieces: tuple[Pieces, ...]) -> list[ListedPieces]:
    return [{"line_id": item.line_id, "quantity": item.quantity} for item in pieces]
