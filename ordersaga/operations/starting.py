"""How ordersaga's own programs start a saga, and the document that they start it with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from temporalio.client import Client, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from activities.messages import ORDERS_QUEUE, WORKFLOW_TYPE, OrderDocument
from domain.ids import OrderId, order_stream
from domain.money import format_amount
from domain.order import state as order_states
from domain.values import Redacted, readable
from workflows.documents.order import document_to_json, document_total
from workflows.fulfillment.visibility import initial_attributes

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class FirstRequest:
    """What an operator asks of a saga before its first step: a signal, ``hold`` or ``cancel``."""

    name: str
    message: Mapping[str, str]


async def start_saga(
    client: Client,
    document: OrderDocument,
    conflict: WorkflowIDConflictPolicy,
    *,
    # A run that failed because of a wrong document must not prevent one with a correct document.
    reuse: WorkflowIDReusePolicy = WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
    request: FirstRequest | None = None,
) -> WorkflowHandle[Any, Any]:
    """Start the saga of an order.

    Args:
        client: Temporal.
        document: the order.
        conflict: what happens if the saga of this order is running.
        reuse: what happens if it has ended.
        request: what is asked of it before its first step. A running saga is asked as well,
            whatever `conflict` says: Temporal cannot start with a signal and fail on a conflict.

    Raises:
        WorkflowAlreadyStartedError: it ended successfully before, or runs and `conflict` is FAIL.
    """
    return await client.start_workflow(
        WORKFLOW_TYPE,
        document_to_json(document),
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING if request else conflict,
        id_reuse_policy=reuse,
        start_signal=request.name if request else None,
        start_signal_args=[request.message] if request else [],
        **start_options(document),
    )


def start_options(document: OrderDocument) -> dict[str, Any]:
    """What every start of the saga of an order says."""
    return {
        "id": order_stream(document.order_id),
        "task_queue": ORDERS_QUEUE,
        "search_attributes": initial_attributes(document),
        "static_summary": _summary(document),
    }


def _summary(document: OrderDocument) -> str:
    """One line about the order for the Temporal UI, without personal data."""
    count = len(document.lines)
    total = format_amount(document_total(document))
    return f"{count} {'line' if count == 1 else 'lines'}, {total}"


def submitted_document(order_id: OrderId, state: order_states.OrderState) -> OrderDocument | None:
    """The document of an order in the event store; None for a draft and for an ended order.

    Raises:
        RuleBroken: its personal data can no longer be read.
    """
    order = order_states.frozen_order(state)
    if order is None or isinstance(state, order_states.Completed | order_states.Cancelled):
        return None
    return OrderDocument(
        order_id=order_id,
        customer_id=order.customer_id,
        currency=order.currency,
        placed_at=order.placed_at,
        lines=order.submitted.lines,
        address=_if_given(order.submitted_address, "delivery address"),
        payment=order.payment,
        unavailable=order.unavailable,
        on_outage=order.on_outage,
        adjustments=order.submitted.adjustments,
        reference=order.reference,
        customer=_if_given(order.customer, "customer's contact"),
        metadata=order.metadata,
        if_left=order.if_left,
    )


def _if_given(value: T | Redacted | None, what: str) -> T | None:
    return None if value is None else readable(value, what)
