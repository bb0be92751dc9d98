"""Pieces of decisions that several activities share."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from activities.failures import INVALID_DOCUMENT, ORDER_CONFLICT, final
from activities.messages import ClosedSaga, OperatorAction, OrderDocument, SagaRef
from activities.orders.intake import OrderConflict, decide_intake
from activities.unit_of_work import (
    Work,
    fulfillment_slot,
    order_slot,
    payment_slot,
    shipment_slot,
    stock_slot,
)
from domain.errors import DomainError, NotFound
from domain.ids import OrderId, Sku
from domain.order import state as order_state
from domain.order.commands import CompleteOrder
from domain.order.state import FrozenOrder, OrderState
from domain.payment import payment
from domain.saga import trail as fulfillment
from domain.saga.commands import CloseFulfillment, RecordOperatorAction, StartFulfillment
from domain.saga.trail import FulfillmentState
from domain.shipment import shipment
from domain.shipment.shipment import Shipment
from domain.stock.commands import ShipStock
from domain.values import Outcome
from eventstore.commands.handler import CommandHandler


def take_in(work: Work, document: OrderDocument, now: datetime) -> None:
    """Create and submit the order if it does not exist.

    Raises:
        ApplicationError: OrderConflict or InvalidOrderDocument; both end the run.
    """
    slot = order_slot(document.order_id)
    try:
        work.add(slot, decide_intake(document, work.state(slot), now=now))
    except OrderConflict as error:
        raise final(ORDER_CONFLICT, str(error)) from error
    except DomainError as error:
        raise final(INVALID_DOCUMENT, str(error)) from error


def start_trail(work: Work, saga: SagaRef, order_id: OrderId) -> None:
    """Record that this saga took the order on, unless that is known."""
    slot = fulfillment_slot(order_id)
    if isinstance(work.state(slot), fulfillment.NotStarted):
        work.tell(slot, StartFulfillment(order_id, saga.workflow_id, saga.run_id))


def first_run(trail: FulfillmentState) -> str | None:
    """The Temporal run that took the order on, None if none did."""
    return None if isinstance(trail, fulfillment.NotStarted) else trail.run_id


def closed_saga(state: OrderState) -> ClosedSaga | None:
    """How the order ended, None while it is open."""
    match state:
        case order_state.Completed():
            return ClosedSaga(
                Outcome.COMPLETED, None, "", state.payment_reference, state.tracking_number
            )
        case order_state.Cancelled():
            return ClosedSaga(Outcome.CANCELLED, state.reason, state.detail, None, None)
        case _:
            return None


async def with_payment(
    handler: CommandHandler, order_id: OrderId, closed: ClosedSaga
) -> ClosedSaga:
    """`closed` with the payment that was captured in the end, if another one had expired."""
    if closed.outcome is Outcome.CANCELLED:
        return closed
    slot = payment_slot(order_id)
    paid = (await handler.load(slot.stream, slot.aggregate.fold)).state
    if not isinstance(paid, payment.Captured):
        return closed
    return replace(closed, payment_reference=paid.reference)


def submitted_order(state: OrderState, order_id: OrderId) -> FrozenOrder:
    """What was submitted.

    Raises:
        NotFound: the order was never submitted.
    """
    frozen = order_state.frozen_order(state)
    if frozen is None:
        raise NotFound("submitted order", order_id)
    return frozen


def skus_of(state: OrderState) -> tuple[Sku, ...]:
    """The SKUs of a submitted order, each once; none if there is no such order."""
    frozen = order_state.frozen_order(state)
    return tuple(dict.fromkeys(line.sku for line in frozen.lines)) if frozen else ()


def claimed_skus_of(state: OrderState) -> tuple[Sku, ...]:
    """The SKUs of an order as it was submitted, each once: all that it can hold or wait for."""
    frozen = order_state.frozen_order(state)
    return tuple(dict.fromkeys(line.sku for line in frozen.submitted.lines)) if frozen else ()


def acts(actions: Iterable[OperatorAction]) -> tuple[RecordOperatorAction, ...]:
    """What records that operators acted."""
    return tuple(RecordOperatorAction(act.actor, act.action, act.reason) for act in actions)


def live_label(work: Work, order_id: OrderId) -> Shipment | None:
    """The order's label that counts, as far as it is recorded."""
    state = work.state(shipment_slot(order_id))
    return state if isinstance(state, shipment.Shipment) and state.label_is_live else None


def complete(work: Work, order_id: OrderId, skus: tuple[Sku, ...], tracking_number: str) -> None:
    """Let the stock leave, complete the order and close the saga's trail."""
    for sku in skus:
        work.tell(stock_slot(sku), ShipStock(order_id))
    work.tell(order_slot(order_id), CompleteOrder(tracking_number))
    work.tell(fulfillment_slot(order_id), CloseFulfillment(Outcome.COMPLETED, None, ""))
