"""What a return records of itself: its opening, the two decisions, its end; queue ``orders``."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final

from temporalio import activity

from activities.failures import final, translated
from activities.messages import SagaRef
from activities.ports import AttentionNotice, Notifications
from activities.returns.messages import (
    CaseAttention,
    CaseOperators,
    CaseRequest,
    CaseView,
    DecideCase,
    OpenReturnCase,
    ReturnDocument,
)
from activities.returns.rules import (
    NOTHING_LEFT,
    completed_order,
    decide_refund,
    decide_restock,
    shipped_lines,
    view_of,
)
from activities.unit_of_work import (
    Work,
    command_context,
    folds,
    order_slot,
    payment_slot,
    returns_slot,
)
from domain.errors import DomainError, RuleBroken
from domain.ids import OrderId
from domain.returns.commands import (
    CloseReturn,
    OpenReturn,
    RecordReturnOperator,
    RequireReturnAttention,
    ReturnCommand,
)
from eventstore.commands.folding import Loaded
from eventstore.commands.handler import CommandHandler, Decision
from eventstore.errors import DuplicateEventId

RETURN_CONFLICT: Final = "ReturnConflict"
"""The return id belongs to a return with other content."""
RETURN_REFUSED: Final = "ReturnRefused"
"""What was shipped, captured or decided before does not allow what is asked for."""


class ReturnActivities:
    """Open a case, record what is decided about it, close it."""

    def __init__(self, handler: CommandHandler, notifications: Notifications) -> None:
        self._handler = handler
        self._notifications = notifications

    @activity.defn
    async def open_return(self, request: OpenReturnCase) -> CaseView:
        """Open the case with the decisions it brings, all or nothing; once for a return id.

        Raises:
            ApplicationError: ReturnConflict, ReturnRefused; unavailable.
        """
        order_id = request.document.order_id
        slots = folds(order_slot(order_id), payment_slot(order_id), returns_slot(order_id))
        with translated(), _refusing():
            return await self._handler.execute(
                slots,
                lambda loaded: _open(Work(loaded), request.document),
                command_context(request.saga, "open-return"),
            )

    @activity.defn
    async def decide_return(self, request: DecideCase) -> CaseView:
        """Record a decision; the same one again changes nothing.

        Raises:
            ApplicationError: ReturnRefused; unavailable.
        """
        order_id = request.order_id
        slots = folds(order_slot(order_id), payment_slot(order_id), returns_slot(order_id))
        with translated(), _refusing():
            return await self._handler.execute(
                slots,
                lambda loaded: _decide(Work(loaded), request),
                command_context(request.saga, "decide-return"),
            )

    @activity.defn
    async def close_return(self, request: CaseRequest) -> CaseView:
        """End the case, provided that both decisions are carried out.

        Raises:
            ApplicationError: ReturnRefused; unavailable.
        """
        slot = returns_slot(request.order_id)

        def decide(loaded: Mapping[str, Loaded[Any]]) -> Decision[CaseView]:
            work = Work(loaded)
            work.tell(slot, CloseReturn(request.return_id))
            return work.decision(view_of(work, request.order_id, request.return_id))

        context = command_context(request.saga, "close-return")
        with translated(), _refusing():
            return await self._handler.execute(folds(slot), decide, context)

    @activity.defn
    async def record_return_attention(self, request: CaseAttention) -> None:
        """Record that a person must act, and tell people.

        Raises:
            ApplicationError: unavailable.
        """
        command = RequireReturnAttention(request.return_id, request.at_step, request.waiting_for)
        with translated():
            await self._note(request.saga, request.order_id, (command,), "return-attention")
        await self._notifications.needs_attention(
            AttentionNotice(request.order_id, request.at_step, request.waiting_for)
        )

    @activity.defn
    async def record_return_operator(self, request: CaseOperators) -> None:
        """Record who steered the case, how and why.

        Raises:
            ApplicationError: unavailable.
        """
        commands = tuple(
            RecordReturnOperator(request.return_id, act.actor, act.action, act.reason)
            for act in request.actions
        )
        with translated():
            await self._note(request.saga, request.order_id, commands, "return-operator")

    async def _note(
        self, saga: SagaRef, order_id: OrderId, commands: tuple[ReturnCommand, ...], purpose: str
    ) -> None:
        slot = returns_slot(order_id)

        def decide(loaded: Mapping[str, Loaded[Any]]) -> Decision[None]:
            work = Work(loaded)
            work.tell(slot, *commands)
            return work.decision(None)

        # A duplicate id: an earlier attempt, whose answer was lost, has done it.
        with suppress(DuplicateEventId):
            await self._handler.execute(folds(slot), decide, command_context(saga, purpose))


@contextmanager
def _refusing() -> Iterator[None]:
    """Say no for good where the domain does."""
    try:
        yield
    except RuleBroken as error:
        kind = RETURN_CONFLICT if error.rule == "return_differs" else RETURN_REFUSED
        raise final(kind, str(error)) from error
    except DomainError as error:
        raise final(RETURN_REFUSED, str(error)) from error


def _open(work: Work, document: ReturnDocument) -> Decision[CaseView]:
    order_id, return_id = document.order_id, document.return_id
    order = completed_order(work, order_id)
    command = OpenReturn(
        order_id,
        return_id,
        document.kind,
        document.pieces,
        shipped_lines(order),
        document.actor,
        document.reason,
    )
    try:
        work.tell(returns_slot(order_id), command)
    except RuleBroken as error:
        if document.pieces is None and error.rule == "nothing_to_return":
            return Decision({}, NOTHING_LEFT)
        raise
    if document.refund:
        decide_refund(work, order, return_id, document.refund)
    if document.restock:
        decide_restock(work, order_id, return_id, document.restock)
    return work.decision(view_of(work, order_id, return_id))


def _decide(work: Work, request: DecideCase) -> Decision[CaseView]:
    order_id, return_id = request.order_id, request.return_id
    if request.refund:
        decide_refund(work, completed_order(work, order_id), return_id, request.refund)
    if request.restock:
        decide_restock(work, order_id, return_id, request.restock)
    return work.decision(view_of(work, order_id, return_id))
