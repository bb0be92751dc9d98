"""What the Temporal UI shows of a saga: search attributes and the sentence in "current details".

A search attribute is written to two stores each time, so an ordinary saga writes them at its start
(unless its client did) and at its end. A saga that is slow, is held, turns back or needs attention
keeps them up to date at every change. None holds personal data: search attributes are never
encrypted.

How a saga notices that it is slow: its client said SagaStep=`starting`, then a step whose first,
short try does not do tells. A client that gave no search attributes gets a timer of SLOW_AFTER.
"""

from typing import Any, Final

from temporalio import workflow
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    SearchAttributeUpdate,
    TypedSearchAttributes,
)

from activities.messages import OrderDocument
from domain.values import Compensation
from workflows.common.search_attributes import (
    CUSTOMER_ID,
    NEEDS_ATTENTION,
    ORDER_STATUS,
    ORDER_TOTAL_MINOR,
    SAGA_STEP,
)
from workflows.documents.order import document_total
from workflows.fulfillment.state import SETTLING, STARTING, SagaState

GUEST: Final = "guest"

REFUND_PENDING: Final = "refund_pending"
"""OrderStatus while the customer's money, or the hold on it, is still to be given back."""


def initial_attributes(document: OrderDocument) -> TypedSearchAttributes:
    """The search attributes of a saga at its start.

    A client that starts a saga with these saves the saga writing them itself.
    """
    return TypedSearchAttributes(
        [
            SearchAttributePair(ORDER_STATUS, "submitted"),
            SearchAttributePair(SAGA_STEP, STARTING),
            SearchAttributePair(CUSTOMER_ID, document.customer_id or GUEST),
            SearchAttributePair(NEEDS_ATTENTION, False),
            SearchAttributePair(ORDER_TOTAL_MINOR, document_total(document).minor),
        ]
    )


class Visibility:
    """Keeps what operators see in line with the saga's state."""

    def __init__(self) -> None:
        self._shown: dict[str, Any] = {}
        self.every_change = False
        """Write every change of step, not only the start and the end."""
        self.by_first_try = False
        """A step whose first try does not do tells that the saga is slow, not a timer."""

    def begin(self, document: OrderDocument) -> None:
        """Show the order, unless the client that started the saga has done so."""
        wanted = initial_attributes(document)
        given = workflow.info().typed_search_attributes
        self.by_first_try = given.get(SAGA_STEP) == STARTING
        self._shown = {pair.key.name: pair.value for pair in wanted}
        if any(given.get(pair.key) != pair.value for pair in wanted):
            workflow.upsert_search_attributes([_set(pair.key, pair.value) for pair in wanted])

    def show(self, state: SagaState) -> None:
        """Show what the saga waits for, and write the attributes if they are due."""
        workflow.set_current_details(_sentence(state))
        if self.every_change:
            self._write(state)

    def follow(self, state: SagaState) -> None:
        """From now on show every change."""
        self.every_change = True
        self.show(state)

    def _write(self, state: SagaState) -> None:
        changes: list[tuple[SearchAttributeKey[Any], Any]] = [
            (ORDER_STATUS, _status(state)),
            (SAGA_STEP, state.stage),
            (NEEDS_ATTENTION, state.attention is not None),
        ]
        if state.amended_total:
            changes.append((ORDER_TOTAL_MINOR, state.amended_total.minor))
        updates = [_set(key, new) for key, new in changes if self._shown.get(key.name) != new]
        self._shown.update({key.name: new for key, new in changes})
        if updates:
            workflow.upsert_search_attributes(updates)


def _set(key: SearchAttributeKey[Any], value: Any) -> SearchAttributeUpdate[Any]:
    return key.value_set(value)


def _status(state: SagaState) -> str:
    if state.outcome:
        return state.outcome.value
    if not state.turning_back:
        owes = state.stage == SETTLING and state.attention is not None
        return REFUND_PENDING if owes else state.order_status
    if state.stage == Compensation.UNDO_PAYMENT.value and (state.paid or state.payment_in_doubt):
        return REFUND_PENDING
    return "compensating"


def _sentence(state: SagaState) -> str:
    if state.outcome:
        return f"Ended: {state.outcome.value}. {state.reason or ''}".strip()
    parts = [f"Waits for {state.waits_for}."]
    if state.attention:
        parts.insert(0, f"**Needs attention**: {state.attention}.")
    if state.turning_back and state.reason:
        parts.append(f"Turning back: {state.reason}.")
    return " ".join(parts)
