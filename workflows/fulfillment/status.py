"""What a saga answers when it is asked, and its result. Neither holds personal data."""

import hashlib
from collections import Counter
from typing import Any

from activities.messages import ClosedSaga, OrderDocument
from domain.ids import OrderId, Sku
from workflows.documents.messages import canonical_json
from workflows.documents.order import document_to_json
from workflows.fulfillment.state import SagaState


def content_digest(document: OrderDocument) -> str:
    """A fingerprint of the content: 64 hexadecimal digits.

    Equal for equivalent orders: the lines of a SKU are added up, and their sequence does not
    matter. Descriptions are ignored, and so is the order's time, which a document may omit.
    """
    content = document_to_json(document)
    del content["placed_at"]
    pieces: Counter[Sku] = Counter()
    for line in document.lines:
        pieces[line.sku] += line.quantity
    prices = {line.sku: line.unit_price.minor for line in document.lines}
    content["lines"] = [[sku, pieces[sku], prices[sku]] for sku in sorted(pieces)]
    return hashlib.sha256(canonical_json(content)).hexdigest()


def placed_at_text(document: OrderDocument) -> str | None:
    """When the order was placed, as the status shows it; None: the document does not say."""
    return document.placed_at.isoformat() if document.placed_at else None


def status_json(state: SagaState) -> dict[str, Any]:
    """The answer to the query ``status``."""
    document, held_by = state.document, state.requests.held_by
    return {
        "order_id": document.order_id if document else None,
        "content_digest": content_digest(document) if document else None,
        "placed_at": placed_at_text(document) if document else None,
        "step": state.progress.stage,
        "waits_for": state.progress.waits_now,
        "waiting": state.progress.waiting_json(),
        "cancel_after_s": state.cancel_after.total_seconds() if state.cancel_after else None,
        "held_by": held_by.actor if held_by and not state.outcome else None,
        "hold_reason": held_by.reason if held_by else None,
        "can_cancel": state.can_turn_back,
        "needs_attention": bool(state.progress.attention),
        "attention": state.progress.attention_text,
        **_compensation_json(state),
        **_shortage_json(state),
        "outcome": state.outcome.value if state.outcome else None,
    }


def result_json(order_id: OrderId, closed: ClosedSaga) -> dict[str, Any]:
    """The saga's result."""
    return {
        "order_id": order_id,
        "outcome": closed.outcome.value,
        "reason": closed.reason.value if closed.reason else None,
        "detail": closed.detail,
        "payment_reference": closed.payment_reference,
        "tracking_number": closed.tracking_number,
    }


def _compensation_json(state: SagaState) -> dict[str, Any]:
    record = state.compensation
    return {
        "turning_back": record.turning_back,
        "reason": state.reason,
        "compensations": [] if state.outcome else [item.value for item in record.open],
        "undone": dict(record.undone),
    }


def _shortage_json(state: SagaState) -> dict[str, Any]:
    shortage, total = state.reservation.shortage, state.reservation.amended_total
    missing = shortage.missing if shortage else ()
    return {
        "missing": [
            {"sku": item.sku, "ordered": item.ordered, "missing": item.missing} for item in missing
        ],
        "answer_by": shortage.deadline.isoformat() if shortage else None,
        "choices": [choice.value for choice in state.choices],
        "amended_total_minor": total.minor if total else None,
    }
