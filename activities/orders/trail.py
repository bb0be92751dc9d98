"""What several activities read from an order and record about it and its saga."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from activities.aggregates import FULFILLMENT, ORDER, PAYMENT, SHIPMENT, STOCK
from activities.failures import INVALID_DOCUMENT, ORDER_CONFLICT, final_failure
from activities.messages import ClosedSaga, OperatorAction, OrderDocument, SagaRef
from activities.orders.intake import OrderConflict, decide_intake
from activities.unit_of_work import UnitOfWork
from domain.errors import DomainError
from domain.ids import OrderId, Sku
from domain.order import state as order_state
from domain.order.commands import CompleteOrder
from domain.payment.payment import Captured
from domain.saga.commands import CloseFulfillment, RecordOperatorAction, StartFulfillment
from domain.saga.trail import FulfillmentState, NotStarted
from domain.shipment.shipment import Shipment
from domain.stock.commands import ShipStock
from domain.values import Outcome
from eventstore.commands.handler import CommandHandler


def ensure_submitted(unit: UnitOfWork, document: OrderDocument, now: datetime) -> None:
    """Create and submit the order unless it exists.

    Raises:
        ApplicationError: OrderConflict or InvalidOrderDocument; both end the run.
    """
    order = ORDER.stream(document.order_id)
    try:
        unit.record(order, decide_intake(document, unit.state(order), now=now))
    except OrderConflict as error:
        raise final_failure(ORDER_CONFLICT, str(error)) from error
    except DomainError as error:
        raise final_failure(INVALID_DOCUMENT, str(error)) from error


def ensure_started(unit: UnitOfWork, saga: SagaRef, order_id: OrderId) -> None:
    """Record that this saga took on the order, unless one did before."""
    trail = FULFILLMENT.stream(order_id)
    if isinstance(unit.state(trail), NotStarted):
        unit.execute(trail, StartFulfillment(order_id, saga.workflow_id, saga.run_id))


def first_run(trail: FulfillmentState) -> str | None:
    """The Temporal run that took on the order; None if none did."""
    return None if isinstance(trail, NotStarted) else trail.run_id


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


def live_label(unit: UnitOfWork, order_id: OrderId) -> Shipment | None:
    """The order's shipment, if its recorded label is bought and not cancelled."""
    shipment = unit.state(SHIPMENT.stream(order_id))
    return shipment if isinstance(shipment, Shipment) and shipment.label_is_live else None


def complete(
    unit: UnitOfWork, order_id: OrderId, skus: tuple[Sku, ...], tracking_number: str
) -> None:
    """Ship the stock, complete the order and close the saga's trail."""
    for sku in skus:
        unit.execute(STOCK.stream(sku), ShipStock(order_id))
    unit.execute(ORDER.stream(order_id), CompleteOrder(tracking_number))
    unit.execute(FULFILLMENT.stream(order_id), CloseFulfillment(Outcome.COMPLETED, None, ""))
