"""The trail of a saga: how it takes on an order, what operators do, how it ends."""

from collections.abc import Iterable
from dataclasses import replace

from activities.aggregates import FULFILLMENT, ORDER, PAYMENT, STOCK
from activities.messages import ClosedSaga, OperatorAction, SagaRef
from activities.unit_of_work import UnitOfWork
from domain.ids import OrderId, Sku
from domain.order import state as order_state
from domain.order.commands import CompleteOrder
from domain.payment.payment import Captured
from domain.saga.commands import CloseFulfillment, RecordOperatorAction, StartFulfillment
from domain.saga.trail import NotStarted
from domain.stock.commands import ShipStock
from domain.values import Outcome
from eventstore.commands.handler import CommandHandler


def ensure_started(unit: UnitOfWork, saga: SagaRef, order_id: OrderId) -> None:
    """Record that this saga took on the order, unless one did before."""
    trail = FULFILLMENT.stream(order_id)
    if isinstance(unit.state(trail), NotStarted):
        unit.execute(trail, StartFulfillment(order_id, saga.workflow_id, saga.run_id))


def closed_saga(state: order_state.OrderState) -> ClosedSaga | None:
    """How the order ended; None while it is open."""
    match state:
        case order_state.Completed():
            return ClosedSaga(
                Outcome.COMPLETED, None, "", state.payment_reference, state.tracking_number
            )
        case order_state.Cancelled():
            return ClosedSaga(Outcome.CANCELLED, state.reason, state.detail, None, None)
        case _:
            return None


async def with_final_payment(
    handler: CommandHandler, order_id: OrderId, closed: ClosedSaga
) -> ClosedSaga:
    """`closed` with the payment that was captured, which may have replaced an expired one."""
    if closed.outcome is Outcome.CANCELLED:
        return closed
    payment = await PAYMENT.stream(order_id).load(handler)
    if not isinstance(payment, Captured):
        return closed
    return replace(closed, payment_reference=payment.reference)


def operator_commands(actions: Iterable[OperatorAction]) -> tuple[RecordOperatorAction, ...]:
    """Commands that record what operators did."""
    return tuple(
        RecordOperatorAction(action.actor, action.action, action.reason) for action in actions
    )


def complete(
    unit: UnitOfWork, order_id: OrderId, skus: tuple[Sku, ...], tracking_number: str
) -> None:
    """Ship the stock, complete the order and close the saga's trail."""
    for sku in skus:
        unit.execute(STOCK.stream(sku), ShipStock(order_id))
    unit.execute(ORDER.stream(order_id), CompleteOrder(tracking_number))
    unit.execute(FULFILLMENT.stream(order_id), CloseFulfillment(Outcome.COMPLETED, None, ""))
