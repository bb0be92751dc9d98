"""``place``: starts the saga of an order, once, and tells at once whose the order id is.

The update is sent together with the start. While the saga runs, its validator compares the document
with the order. After Temporal has forgotten the saga, a new run asks the event store first; the
update waits for that answer.

A refused update is not kept in Temporal. One that is accepted has the content that the saga was
started with, so no personal data of anybody else gets into its history.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from pydantic import TypeAdapter, ValidationError
from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from activities.conflict import Conflict
from activities.failures import ORDER_CONFLICT
from activities.messages import OrderDocument
from workflows import policies
from workflows.common.operator_requests import NotPossibleNow
from workflows.common.run_to_completion import run_to_completion
from workflows.documents.answers import OrderResult, Placed, SameOrder
from workflows.documents.messages import json_of
from workflows.documents.order import parse_document
from workflows.documents.validation import FieldProblem, InvalidDocument
from workflows.fulfillment.content import different_fields
from workflows.fulfillment.intake import Intake, order_conflict
from workflows.fulfillment.state import CLOSED, SagaState
from workflows.fulfillment.status import result_json
from workflows.fulfillment.visibility import SagaVisibility

_CONFLICT: Final = TypeAdapter(Conflict)


@dataclass(slots=True)
class Placing:
    """Answers ``place`` and ``same_order``."""

    state: SagaState
    visibility: SagaVisibility
    _refused: ApplicationError | None = None

    def check(self, raw: RawValue) -> None:
        """Refuse a document that is wrong, or describes another order than the saga's.

        Raises:
            InvalidDocument: names every wrong field.
            ApplicationError: OrderConflict.
            NotPossibleNow: too many calls wait for the event store.
        """
        document, intake = _document(raw), self._intake
        if self.state.accepted_order is None:
            raise InvalidDocument((FieldProblem("document", "that the saga got is refused"),))
        if fields := different_fields(document, self.state.order):
            raise order_conflict(document.order_id, fields, confirmed=intake.recorded)
        if intake.conflict:
            raise order_conflict(document.order_id, intake.conflict.fields, confirmed=True)
        if intake.waiting >= policies.MOST_WAITING:
            raise NotPossibleNow(f"{intake.waiting} calls wait for the event store: place it later")

    async def place(self) -> Placed:
        """Wait until the event store has the order, and answer whether this call brought it there.

        If that takes long, it answers that the order will be carried out unless its id turns out to
        be another order's.

        Raises:
            ApplicationError: OrderConflict, the event store has another order under the id;
                InvalidDocument, the domain refuses the order.
        """
        intake, order_id = self._intake, self.state.order_id
        first, intake.placed = not (intake.placed or intake.decided), True
        await self._until_decided()
        if self._refused:
            raise self._refused
        if intake.conflict:
            intake.announced = True
            raise order_conflict(order_id, intake.conflict.fields, confirmed=True)
        if intake.recorded:
            return {"order_id": order_id, "created": first and intake.created}
        return {"order_id": order_id, "created": first, "pending": True}

    def same_order(self, raw: RawValue) -> SameOrder:
        """Whether a document describes the order of this saga.

        ``same`` is None if the saga cannot tell, because its own order was refused or is not in the
        event store yet.

        Raises:
            InvalidDocument: names every wrong field.
        """
        document, order = _document(raw), self.state.accepted_order
        if order is None or not self._intake.recorded:
            return {"order_id": document.order_id, "same": None, "fields": []}
        fields = list(different_fields(document, order))
        return {"order_id": document.order_id, "same": not fields, "fields": fields}

    async def end(self, error: ApplicationError) -> OrderResult:
        """End a run whose input was refused.

        Returns:
            How the order ended that the id belongs to, if a caller of ``place`` was told of it.

        Raises:
            ApplicationError: `error`, for whoever started the saga without ``place``.
        """
        if error.type != ORDER_CONFLICT:
            self._refused = error
            await self._until_answered()
            raise error
        conflict = self._intake.conflict = _conflict_in(error)
        if closed := conflict.closed:
            self.state.outcome, self.state.reason = closed.outcome, closed.detail or None
            self.visibility.enter(CLOSED, "nothing")
            self.visibility.show_every_change()
        await self._until_answered()
        result = result_json(self.state.order_id, closed) if closed else None
        if result and self._intake.announced:
            return result
        details = {"confirmed": True, "run_id": conflict.run_id, "result": result}
        raise order_conflict(self.state.order_id, conflict.fields, **details) from error

    async def _until_decided(self) -> None:
        intake, progress = self._intake, self.state.progress
        if intake.decided:
            return
        intake.waiting += 1
        try:
            with suppress(asyncio.TimeoutError):
                await workflow.wait_condition(
                    lambda: intake.decided or self._refused is not None or progress.run_is_full,
                    timeout=policies.ANSWER_WITHIN,
                    timeout_summary="then whoever placed the order is answered",
                )
        finally:
            intake.waiting -= 1

    async def _until_answered(self) -> None:
        """Wait for the callers of ``place``; any other request fails together with the run."""
        await run_to_completion(workflow.wait_condition(lambda: not self._intake.waiting))

    @property
    def _intake(self) -> Intake:
        return self.state.intake


def _document(raw: RawValue) -> OrderDocument:
    return parse_document(json_of(raw), workflow.info().workflow_id)


def _conflict_in(error: ApplicationError) -> Conflict:
    """What the event store knows of the other order; somebody may have failed the step by hand."""
    try:
        return _CONFLICT.validate_python(error.details[0])
    except (IndexError, ValidationError):
        return Conflict(())
