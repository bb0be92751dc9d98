"""What a saga answers when it is asked, and its result. Neither holds personal data."""

import hashlib
from collections.abc import Sequence
from typing import Any

from activities.messages import ClosedSaga, OrderDocument
from domain.ids import OrderId
from domain.lines import Pieces
from workflows.documents.messages import canonical_json
from workflows.documents.order import document_to_json
from workflows.fulfillment.state import KnownOrder, SagaState


def content_digest(document: OrderDocument) -> str:
    """A fingerprint of the content: 64 hexadecimal digits.

    Equal for equivalent orders: the sequence of the lines does not matter. Their descriptions are
    ignored, and so is the order's time, which a document may omit.
    """
    content = document_to_json(document)
    del content["placed_at"]
    lines = sorted(content["lines"], key=lambda line: str(line["line_id"]))
    content["lines"] = [{**line, "description": ""} for line in lines]
    return hashlib.sha256(canonical_json(content)).hexdigest()


def known_order(document: OrderDocument) -> KnownOrder:
    """What a saga needs of its order."""
    return KnownOrder(
        order_id=document.order_id,
        content_digest=content_digest(document),
        placed_at=document.placed_at,
        pieces=tuple(Pieces(line.line_id, line.quantity) for line in document.lines),
        unavailable=document.unavailable,
        on_outage=document.on_outage,
        if_left=document.if_left,
    )


def placed_at_text(document: OrderDocument) -> str | None:
    """When the order was placed, as the status shows it; None: the document does not say."""
    return document.placed_at.isoformat() if document.placed_at else None


def status_json(state: SagaState, goods: Sequence[str] = ()) -> dict[str, Any]:
    """The answer to the query ``status``; `goods` is what can be said of goods that have left."""
    order, held_by = state.accepted_order, state.requests.held_by
    return {
        "order_id": order.order_id if order else None,
        "content_digest": order.content_digest if order else None,
        "placed_at": order.placed_at.isoformat() if order and order.placed_at else None,
        "step": state.progress.stage,
        "waits_for": state.progress.waits_now,
        "waiting": state.progress.waiting_json(),
        "cancel_after_s": state.cancel_after.total_seconds() if state.cancel_after else None,
        "held_by": held_by.actor if held_by and not state.outcome else None,
        "hold_reason": held_by.reason if held_by else None,
        "can_cancel": state.can_turn_back,
        "if_parcel_left": state.if_left.value,
        "needs_attention": bool(state.progress.attention),
        "attention": state.progress.attention_text,
        "ignored_signals": dict(state.progress.ignored),
        "goods": list(goods),
        **_compensation_json(state),
        **_shortage_json(state),
        "declined": state.steps.due.code if state.steps.due else None,
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
    missing, waits = shortage.missing if shortage else (), shortage or state.steps.due
    return {
        "missing": [
            {"sku": item.sku, "ordered": item.ordered, "missing": item.missing} for item in missing
        ],
        "answer_by": waits.deadline.isoformat() if waits else None,
        "choices": [choice.value for choice in state.choices],
        "amended_total_minor": total.minor if total else None,
    }
