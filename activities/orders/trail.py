"""The trail of a saga: how it takes on an order, what operators do, how it ends."""

from collections.abc import Iterable
from dataclasses import replace

from activities.aggregates import FULFILLMENT, ORDER, PAYMENT, SHIPMENT, STOCK
from activities.failures import refusal
from activities.messages import ClosedSaga, OperatorAction, SagaRef, Scan
from activities.unit_of_work import UnitOfWork
from domain.ids import OrderId, Sku
from domain.order import state as order_state
from domain.order.commands import CompleteOrder
from domain.order.state import FrozenOrder
from domain.payment.state import Captured
from domain.saga.commands import CloseFulfillment, RecordOperatorAction, StartFulfillment
from domain.saga.trail import NotStarted, Underway
from domain.shipment.shipment import live_label
from domain.stock.commands import ShipStock
from domain.values import Outcome, Reason
from eventstore.commands.handler import CommandHandler


def ensure_started(unit: UnitOfWork, saga: SagaRef, order_id: OrderId) -> None:
    """Record that this saga took on the order, unless one did before."""
    trail = FULFILLMENT.stream(order_id)
    if isinstance(unit.state(trail), NotStarted):
        unit.execute(trail, StartFulfillment(order_id, saga.workflow_id, saga.run_id))


def is_own(unit: UnitOfWork, saga: SagaRef, order_id: OrderId) -> bool:
    """Whether the order is this run's: there is none yet, or the run took it on before."""
    state = unit.state(FULFILLMENT.stream(order_id))
    if isinstance(state, NotStarted):
        return isinstance(unit.state(ORDER.stream(order_id)), order_state.NoOrder)
    return state.run_id == saga.run_id


def has_turned_back(unit: UnitOfWork, order_id: OrderId) -> bool:
    """Whether the order is being undone."""
    state = unit.state(FULFILLMENT.stream(order_id))
    return isinstance(state, Underway) and state.turned_back is not None


def require_forward(unit: UnitOfWork, order_id: OrderId) -> None:
    """Refuse a step of an order that is cancelled or being undone.

    A run does not know that of itself: it may have been reset to a time before.

    Raises:
        ApplicationError: not_fulfillable. Then the run turns back, and ends as the order stands.
    """
    if isinstance(unit.state(ORDER.stream(order_id)), order_state.Cancelled):
        raise refusal(Reason.NOT_FULFILLABLE, "the order was cancelled before")
    if has_turned_back(unit, order_id):
        raise refusal(Reason.NOT_FULFILLABLE, "the order is being undone")


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


def tracking_number_of(unit: UnitOfWork, order: FrozenOrder) -> str | None:
    """The number of the order's live label; None if it has no goods and so needs no label.

    Raises:
        ApplicationError: not_fulfillable: it has goods and no label.
    """
    if not order.skus:
        return None
    if (label := live_label(unit.state(SHIPMENT.stream(order.order_id)))) is None:
        raise refusal(Reason.NOT_FULFILLABLE, "the order's label has been cancelled")
    return label.tracking_number


def scan_of(unit: UnitOfWork, order_id: OrderId) -> Scan | None:
    """Where the order's parcel is, if the carrier has said so already."""
    parcel = live_label(unit.state(SHIPMENT.stream(order_id)))
    if parcel is None or not parcel.has_left or parcel.updated_at is None:
        return None
    return Scan(parcel.status.value, parcel.updated_at)


def complete(
    unit: UnitOfWork, order_id: OrderId, skus: tuple[Sku, ...], tracking_number: str | None
) -> None:
    """Ship the stock, complete the order and close the saga's trail."""
    for sku in skus:
        unit.execute(STOCK.stream(sku), ShipStock(order_id))
    unit.execute(ORDER.stream(order_id), CompleteOrder(tracking_number))
    unit.execute(FULFILLMENT.stream(order_id), CloseFulfillment(Outcome.COMPLETED, None, ""))
