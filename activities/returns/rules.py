"""Pieces of decisions about returns that several activities share."""

from activities.returns.messages import CaseView, RefundDecision, RestockDecision
from activities.unit_of_work import Work, order_slot, payment_slot, returns_slot
from domain.errors import NotFound, RuleBroken
from domain.ids import OrderId, ReturnId
from domain.money import Money
from domain.order import state as order_state
from domain.order.state import FrozenOrder
from domain.payment import payment
from domain.returns.commands import DecideRestock, DenyRefund, GrantRefund
from domain.returns.state import ReturnCase
from domain.returns.values import ReturnedLine
from domain.values import Pieces

NOTHING_LEFT = CaseView(closed=True)
"""Stands for a case over everything that is left, where nothing is."""


def completed_order(work: Work, order_id: OrderId) -> FrozenOrder:
    """The order, whose goods have left.

    Raises:
        NotFound: there is no such order.
        RuleBroken: it is not completed.
    """
    state = work.state(order_slot(order_id))
    if isinstance(state, order_state.Completed):
        return state.order
    if isinstance(state, order_state.NoOrder):
        raise NotFound("order", order_id)
    status = order_state.status_of(state)
    raise RuleBroken("order_not_shipped", f"nothing can come back: the order is {status}")


def shipped_lines(order: FrozenOrder) -> tuple[ReturnedLine, ...]:
    """What left the house for an order that is completed."""
    return tuple(ReturnedLine(line.sku, line.quantity, line.unit_price) for line in order.lines)


def known_case(work: Work, order_id: OrderId, return_id: ReturnId) -> ReturnCase:
    """The case; raises NotFound."""
    case = work.state(returns_slot(order_id)).cases.get(return_id)
    if case is None:
        raise NotFound("return", return_id)
    return case


def decide_refund(
    work: Work, order: FrozenOrder, return_id: ReturnId, decision: RefundDecision
) -> None:
    """Grant or deny; raises what the domain refuses."""
    slot = returns_slot(order.order_id)
    if not decision.grant:
        work.tell(slot, DenyRefund(return_id, decision.actor, decision.reason))
        return
    amount = None
    if decision.amount_minor is not None:
        amount = Money(decision.amount_minor, order.currency)
    captured = _captured(work, order)
    work.tell(slot, GrantRefund(return_id, amount, captured, decision.actor, decision.reason))


def _captured(work: Work, order: FrozenOrder) -> Money:
    """What was taken for the order as it was shipped: amendments gave back the rest before."""
    paid = work.state(payment_slot(order.order_id))
    if not isinstance(paid, payment.Captured):
        return Money.zero(order.currency)
    return min(paid.amount, order.total)


def decide_restock(
    work: Work, order_id: OrderId, return_id: ReturnId, decision: RestockDecision
) -> None:
    """Decide what goes back into stock; raises what the domain refuses."""
    command = DecideRestock(return_id, decision.pieces, decision.actor, decision.reason)
    work.tell(returns_slot(order_id), command)


def view_of(work: Work, order_id: OrderId, return_id: ReturnId) -> CaseView:
    """Where the case stands, with all commands so far."""
    case = known_case(work, order_id, return_id)
    return CaseView(
        pieces=tuple(Pieces(line.sku, line.quantity) for line in case.lines),
        refund=case.refund,
        refund_reference=case.refund_reference,
        restock=case.restock,
        restocked=case.restocked,
        closed=case.closed,
    )
