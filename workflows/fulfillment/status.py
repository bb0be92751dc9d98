"""What a saga answers when it is asked, and its result. Neither holds personal data."""

from collections.abc import Sequence

from activities.messages import ClosedSaga
from domain.ids import OrderId
from workflows.documents.answers import (
    CompensationStatus,
    OrderConflict,
    OrderResult,
    SagaStatus,
    ShortageStatus,
)
from workflows.fulfillment.state import SagaState


def status_json(state: SagaState, goods: Sequence[str] = ()) -> SagaStatus:
    """The answer to the query ``status``; `goods` is what can be said of goods that have left."""
    order, held_by = state.accepted_order, state.requests.held_by
    return {
        "order_id": order.order_id if order else None,
        "placed_at": order.placed_at.isoformat() if order and order.placed_at else None,
        "step": state.progress.stage,
        "waits_for": state.progress.waits_now,
        "waiting": state.progress.waiting_json(),
        "cancel_after_s": state.cancel_after.total_seconds() if state.cancel_after else None,
        "held_by": held_by.actor if held_by and not state.outcome else None,
        "hold_reason": held_by.reason if held_by else None,
        "can_cancel": state.can_turn_back,
        "if_parcel_left": state.if_left,
        "needs_attention": bool(state.progress.attention),
        "attention": state.progress.attention_text,
        "ignored_signals": dict(state.progress.ignored),
        "goods": list(goods),
        **_compensation_json(state),
        **_shortage_json(state),
        "declined": state.steps.due.code if state.steps.due else None,
        "outcome": state.outcome or None,
        "conflict": _conflict_json(state),
    }


def result_json(order_id: OrderId, closed: ClosedSaga) -> OrderResult:
    """The saga's result."""
    return {
        "order_id": order_id,
        "outcome": closed.outcome,
        "reason": closed.reason,
        "detail": closed.detail,
        "payment_reference": closed.payment_reference,
        "tracking_number": closed.tracking_number,
    }


def _conflict_json(state: SagaState) -> OrderConflict | None:
    """Whose the order id is, if it is not this run's: ``run_id`` took that order on."""
    conflict = state.intake.conflict
    if conflict is None:
        return None
    return {"fields": list(conflict.fields), "run_id": conflict.run_id}


def _compensation_json(state: SagaState) -> CompensationStatus:
    record = state.compensation
    return {
        "turning_back": record.turning_back,
        "reason": state.reason,
        "compensations": [] if state.outcome else list(record.open),
        "undone": dict(record.undone),
    }


def _shortage_json(state: SagaState) -> ShortageStatus:
    shortage, total = state.reservation.shortage, state.reservation.amended_total
    missing, waits = shortage.missing if shortage else (), shortage or state.steps.due
    return {
        "missing": [
            {"sku": item.sku, "ordered": item.ordered, "missing": item.missing} for item in missing
        ],
        "answer_by": waits.deadline.isoformat() if waits else None,
        "choices": list(state.choices),
        "amended_total_minor": total.minor if total else None,
    }
