"""Activities that open a return, record its two decisions and close it; task queue ``orders``."""

from collections.abc import Iterator
from contextlib import contextmanager

from temporalio import activity

from activities.aggregates import ORDER, PAYMENT, RETURNS, SHIPMENT, streams_of
from activities.failures import RETURN_CONFLICT, RETURN_REFUSED, final_failure
from activities.ports import AttentionNotice, Notifications
from activities.returns import messages, rules
from activities.unit_of_work import UnitOfWork, command_context, record, transact
from domain.errors import DomainError, RuleBroken
from domain.lines import Pieces
from domain.returns import commands
from eventstore.commands.handler import CommandHandler


class ReturnActivities:
    """Open a case, record what is decided about it, close it."""

    def __init__(self, handler: CommandHandler, notifications: Notifications) -> None:
        self._handler = handler
        self._notifications = notifications

    @activity.defn
    async def open_return(self, request: messages.OpenReturnCase) -> messages.CaseView:
        """Open the case with the decisions it brings, all or nothing, once for each return id.

        Raises:
            ApplicationError: ReturnConflict, ReturnRefused.
        """
        order_id = request.document.order_id
        with _return_refusals():
            return await transact(
                self._handler,
                streams_of(order_id, ORDER, PAYMENT, SHIPMENT, RETURNS),
                lambda unit: _open(unit, request.document),
                command_context(request.saga, "open-return"),
            )

    @activity.defn
    async def decide_return(self, request: messages.DecideCase) -> messages.CaseView:
        """Record a decision; the same decision again changes nothing.

        Raises:
            ApplicationError: ReturnRefused.
        """
        order_id = request.order_id
        with _return_refusals():
            return await transact(
                self._handler,
                streams_of(order_id, ORDER, PAYMENT, SHIPMENT, RETURNS),
                lambda unit: _decide(unit, request),
                command_context(request.saga, "decide-return"),
            )

    @activity.defn
    async def close_return(self, request: messages.CaseRequest) -> messages.CaseView:
        """Close the case, provided that both decisions have been carried out.

        Raises:
            ApplicationError: ReturnRefused.
        """
        order_id, return_id = request.order_id, request.return_id
        returns = RETURNS.stream(order_id)

        def rule(unit: UnitOfWork) -> messages.CaseView:
            unit.execute(returns, commands.CloseReturn(return_id))
            return rules.view_of(unit, order_id, return_id)

        context = command_context(request.saga, "close-return")
        with _return_refusals():
            return await transact(self._handler, (returns,), rule, context)

    @activity.defn
    async def record_return_attention(self, request: messages.CaseAttention) -> None:
        """Record that a person must act, and notify people."""
        command = commands.RequireReturnAttention(
            request.return_id, request.at_step, request.waiting_for
        )
        context = command_context(request.saga, "return-attention")
        await record(self._handler, RETURNS.stream(request.order_id), (command,), context)
        await self._notifications.needs_attention(
            AttentionNotice(request.order_id, request.at_step, request.waiting_for)
        )

    @activity.defn
    async def record_return_operator(self, request: messages.CaseOperators) -> None:
        """Record which operator did what to the case, and why."""
        actions = [
            commands.RecordReturnOperator(
                request.return_id, action.actor, action.action, action.reason
            )
            for action in request.actions
        ]
        context = command_context(request.saga, "return-operator")
        await record(self._handler, RETURNS.stream(request.order_id), actions, context)


@contextmanager
def _return_refusals() -> Iterator[None]:
    """Turn refusals of the domain into final failures of the return."""
    try:
        yield
    except RuleBroken as error:
        kind = RETURN_CONFLICT if error.rule == "return_differs" else RETURN_REFUSED
        raise final_failure(kind, str(error)) from error
    except DomainError as error:
        raise final_failure(RETURN_REFUSED, str(error)) from error


def _open(unit: UnitOfWork, document: messages.ReturnDocument) -> messages.CaseView:
    order_id, return_id = document.order_id, document.return_id
    order = rules.shipped_order(unit, order_id)
    shipped = (Pieces(line.line_id, line.quantity) for line in order.lines)
    command = commands.OpenReturn(
        order_id,
        return_id,
        document.kind,
        document.pieces,
        tuple(shipped),
        order.submitted,
        document.actor,
        document.reason,
    )
    try:
        unit.execute(RETURNS.stream(order_id), command)
    except RuleBroken as error:
        if document.pieces is None and error.rule == "nothing_to_return":
            return rules.NOTHING_LEFT
        raise
    if document.refund:
        rules.decide_refund(unit, order, return_id, document.refund)
    if document.restock:
        rules.decide_restock(unit, order_id, return_id, document.restock)
    return rules.view_of(unit, order_id, return_id)


def _decide(unit: UnitOfWork, request: messages.DecideCase) -> messages.CaseView:
    order_id, return_id = request.order_id, request.return_id
    if request.refund:
        order = rules.shipped_order(unit, order_id)
        rules.decide_refund(unit, order, return_id, request.refund)
    if request.restock:
        rules.decide_restock(unit, order_id, return_id, request.restock)
    return rules.view_of(unit, order_id, return_id)
