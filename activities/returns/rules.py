"""Rules of returns that several activities share."""

from activities.aggregates import ORDER, PAYMENT, RETURNS, SHIPMENT
from activities.parted import parted
from activities.returns.messages import CaseView, RefundDecision, RestockDecision
from activities.unit_of_work import UnitOfWork
from domain.errors import NotFound, RuleBroken
from domain.ids import OrderId, ReturnId
from domain.lines import Pieces
from domain.money import Money
from domain.order.state import Cancelled, Completed, FrozenOrder, NoOrder, frozen_order, status_of
from domain.payment.state import Captured
from domain.returns.commands import DecideRestock, DenyRefund, GrantRefund
from domain.returns.state import ReturnCase

NOTHING_LEFT = CaseView(closed=True)
"""Stands for a case about everything that is left to return when nothing is left."""


def shipped_order(unit: UnitOfWork, order_id: OrderId) -> FrozenOrder:
    """The order, whose goods have been shipped: completed, or undone after its parcel had left.

    Raises:
        NotFound: there is no such order.
        RuleBroken: it was not shipped, or not yet.
    """
    state = unit.state(ORDER.stream(order_id))
    if isinstance(state, Completed):
        return state.order
    parcel, order = parted(unit.state(SHIPMENT.stream(order_id))), frozen_order(state)
    if isinstance(state, Cancelled) and parcel and order:
        return order
    if isinstance(state, NoOrder):
        raise NotFound("order", order_id)
    raise RuleBroken(
        "order_not_shipped", f"nothing can be returned: the order is {status_of(state)}"
    )


def case_of(unit: UnitOfWork, order_id: OrderId, return_id: ReturnId) -> ReturnCase:
    """The case with this id; raises NotFound."""
    case = unit.state(RETURNS.stream(order_id)).cases.get(return_id)
    if case is None:
        raise NotFound("return", return_id)
    return case


def decide_refund(
    unit: UnitOfWork, order: FrozenOrder, return_id: ReturnId, decision: RefundDecision
) -> None:
    """Grant or deny a refund; raises DomainError if the domain refuses."""
    returns = RETURNS.stream(order.order_id)
    if not decision.grant:
        unit.execute(returns, DenyRefund(return_id, decision.actor, decision.reason))
        return
    amount = None
    if decision.amount_minor is not None:
        amount = Money(decision.amount_minor, order.currency)
    captured = _captured(unit, order)
    unit.execute(returns, GrantRefund(return_id, amount, captured, decision.actor, decision.reason))


def _captured(unit: UnitOfWork, order: FrozenOrder) -> Money:
    """What was captured for the order as shipped; amendments were refunded before.

    An order that was undone has its money back already.
    """
    if not isinstance(unit.state(ORDER.stream(order.order_id)), Completed):
        return Money.zero(order.currency)
    payment = unit.state(PAYMENT.stream(order.order_id))
    if not isinstance(payment, Captured):
        return Money.zero(order.currency)
    return min(payment.amount, order.total)


def decide_restock(
    unit: UnitOfWork, order_id: OrderId, return_id: ReturnId, decision: RestockDecision
) -> None:
    """Decide which pieces go back into stock; raises DomainError if the domain refuses."""
    command = DecideRestock(return_id, decision.pieces, decision.actor, decision.reason)
    unit.execute(RETURNS.stream(order_id), command)


def view_of(unit: UnitOfWork, order_id: OrderId, return_id: ReturnId) -> CaseView:
    """The case after the commands so far."""
    case = case_of(unit, order_id, return_id)
    return CaseView(
        pieces=tuple(Pieces(line.line_id, line.quantity) for line in case.lines),
        gift_card=case.gift_card,
        refund=case.refund,
        refund_reference=case.refund_reference,
        pending=case.pending,
        failed=case.failed,
        restock=case.restock,
        restocked=case.restocked,
        closed=case.closed,
    )
