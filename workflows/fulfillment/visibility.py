"""What the Temporal UI shows of a saga.

Every write of search attributes costs two writes in Temporal's databases. So an ordinary saga
writes them at its start, unless its client did, and at its end. A saga that is slow, on hold,
turning back or in need of attention writes every change.

A saga notices by a first try of a step that fails that it is slow.
"""

from typing import Any, Final

from temporalio import workflow
from temporalio.common import SearchAttributeKey, SearchAttributePair, TypedSearchAttributes

from activities.messages import OrderDocument
from domain.values import Compensation
from workflows.common.search_attributes import (
    CUSTOMER_ID,
    NEEDS_ATTENTION,
    ORDER_REFERENCE,
    ORDER_STATUS,
    ORDER_TOTAL_MINOR,
    REFUND_PENDING,
    SAGA_STEP,
    STARTING,
    SearchAttributes,
)
from workflows.documents.order import document_total
from workflows.fulfillment.state import SETTLING, SagaState

GUEST: Final = "guest"


def initial_attributes(document: OrderDocument) -> TypedSearchAttributes:
    """The search attributes of a saga at its start.

    A client that starts a saga with these saves the saga from writing them itself.
    """
    attributes: list[SearchAttributePair[Any]] = [
        SearchAttributePair(ORDER_STATUS, "submitted"),
        SearchAttributePair(SAGA_STEP, STARTING),
        SearchAttributePair(CUSTOMER_ID, document.customer_id or GUEST),
        SearchAttributePair(NEEDS_ATTENTION, False),
        SearchAttributePair(ORDER_TOTAL_MINOR, document_total(document).minor),
    ]
    if document.reference is not None:
        attributes.append(SearchAttributePair(ORDER_REFERENCE, document.reference))
    return TypedSearchAttributes(attributes)


class SagaVisibility:
    """Shows operators the saga's state.

    Attributes:
        shows_every_change: every change is written, not only the start and the end.
    """

    def __init__(self, state: SagaState) -> None:
        self.shows_every_change = False
        self._state = state
        self._attributes = SearchAttributes()

    def begin(self, document: OrderDocument) -> None:
        """Show the order, unless the client that started the saga has done so."""
        self._attributes.begin(initial_attributes(document))

    def enter(self, stage: str, waits_for: str) -> None:
        """Show a new stage and what it waits for."""
        self._state.progress.stage, self._state.progress.waits_for = stage, waits_for
        self.show()

    def show(self) -> None:
        """Bring the details up to date, and the search attributes if every change is shown."""
        workflow.set_current_details(_details(self._state))
        if self.shows_every_change:
            self._attributes.write(_attributes(self._state))

    def show_every_change(self) -> None:
        """Show the present state, and every change from now on."""
        self.shows_every_change = True
        self.show()


def _attributes(state: SagaState) -> dict[SearchAttributeKey[Any], Any]:
    attributes: dict[SearchAttributeKey[Any], Any] = {
        ORDER_STATUS: _order_status(state),
        SAGA_STEP: state.progress.stage,
        NEEDS_ATTENTION: bool(state.progress.attention),
    }
    if total := state.reservation.amended_total:
        attributes[ORDER_TOTAL_MINOR] = total.minor
    return attributes


def _order_status(state: SagaState) -> str:
    stage, record = state.progress.stage, state.compensation
    if state.outcome:
        return state.outcome.value
    if not record.turning_back:
        owes = stage == SETTLING and bool(state.progress.attention)
        return REFUND_PENDING if owes else state.progress.status
    has_paid = state.steps.paid or state.order.is_handed_in
    owes = stage == Compensation.UNDO_PAYMENT.value and has_paid
    return REFUND_PENDING if owes else "compensating"


def _details(state: SagaState) -> str:
    if state.outcome:
        return f"Ended: {state.outcome.value}. {state.reason or ''}".strip()
    turning_back = state.compensation.turning_back and state.reason
    why = f" Turning back: {state.reason}." if turning_back else ""
    return f"{state.progress.sentence}{why}"
