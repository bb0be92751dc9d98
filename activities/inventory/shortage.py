"""Rules for orders whose items are not all in stock, and for removing pieces from an order."""

from datetime import datetime, timedelta

from activities.aggregates import FULFILLMENT, ORDER, SHIPMENT, STOCK
from activities.failures import refusal
from activities.messages import AmendPieces, ReservationResult, ReviewShortage
from activities.orders.trail import operator_commands
from activities.shortfall import missing_items, reserved_pieces, shortage
from activities.unit_of_work import UnitOfWork
from domain.ids import OrderId
from domain.lines import Pieces, kept_by_line, pieces_by_sku
from domain.order.commands import AcceptBackorder, AmendOrder, MarkReserved, ReportUnavailable
from domain.order.state import Backordered, FrozenOrder, submitted_order
from domain.order.terms import ShortageChoice, UnavailablePolicy
from domain.shipment.shipment import live_label
from domain.stock.allocation import Claims, OutOfStock, StockEvents, plan_claims, plan_reservation
from domain.stock.commands import ReduceClaim
from domain.values import Reason


def claim(unit: UnitOfWork, order: FrozenOrder, now: datetime) -> OutOfStock | None:
    """Reserve the order's stock; if it does not suffice, do what the order says.

    Returns:
        The shortage if the order must end because of it; `unit` must then be rolled back.
    """
    ledgers = {sku: unit.state(STOCK.stream(sku)) for sku in order.skus}
    reservation = plan_reservation(order.order_id, order.lines, ledgers)
    if not isinstance(reservation, OutOfStock):
        _record_stock(unit, reservation)
        unit.execute(ORDER.stream(order.order_id), MarkReserved())
        return None
    claims = plan_claims(order.order_id, order.lines, ledgers)
    match order.unavailable.policy:
        case UnavailablePolicy.CANCEL:
            return reservation
        case UnavailablePolicy.SHIP_AVAILABLE:
            return None if _ship_available(unit, order, claims, now) else reservation
        case UnavailablePolicy.WAIT | UnavailablePolicy.ASK:
            _queue(unit, order, claims, now)
            return None


def _record_stock(unit: UnitOfWork, events: StockEvents) -> None:
    for sku, stock_events in events.items():
        unit.record(STOCK.stream(sku), stock_events)


def _ship_available(unit: UnitOfWork, order: FrozenOrder, claims: Claims, now: datetime) -> bool:
    """Amend the order to what is available; False if nothing is."""
    _record_stock(unit, claims.without_queueing())
    if not reserved_pieces(unit, order):
        return False
    report = ReportUnavailable(claims.missing, asking=False, deadline=now)
    unit.execute(ORDER.stream(order.order_id), report)
    _amend_to_reserved(unit, order)
    return True


def _queue(unit: UnitOfWork, order: FrozenOrder, claims: Claims, now: datetime) -> None:
    _record_stock(unit, claims.events)
    asking = order.unavailable.policy is UnavailablePolicy.ASK
    report = ReportUnavailable(claims.missing, asking, _deadline(order, now))
    unit.execute(ORDER.stream(order.order_id), report)


def _deadline(order: FrozenOrder, now: datetime) -> datetime:
    return now + timedelta(hours=order.unavailable.deadline_hours)


def _amend_to_reserved(unit: UnitOfWork, order: FrozenOrder) -> None:
    """Go on with the pieces that are reserved and leave the queues."""
    reserved = reserved_pieces(unit, order)
    for sku in order.skus:
        unit.execute(STOCK.stream(sku), ReduceClaim(order.order_id, reserved.get(sku, 0)))
    kept = kept_by_line(order.lines, reserved)
    unit.execute(ORDER.stream(order.order_id), AmendOrder(kept), MarkReserved())


def reserve_if_all_arrived(unit: UnitOfWork, order_id: OrderId) -> None:
    """Mark a backordered order as reserved once it waits for nothing."""
    order = ORDER.stream(order_id)
    state = unit.state(order)
    if isinstance(state, Backordered) and not missing_items(unit, state.order):
        unit.execute(order, MarkReserved())


def review(unit: UnitOfWork, request: ReviewShortage, now: datetime) -> None:
    """Reserve the order if everything has arrived; otherwise follow the choice.

    Raises:
        ApplicationError: out_of_stock: the choice is to ship what is available, and nothing is.
    """
    order = ORDER.stream(request.order_id)
    reserve_if_all_arrived(unit, request.order_id)
    state = unit.state(order)
    if isinstance(state, Backordered):
        match request.choice:
            case ShortageChoice.WAIT:
                unit.execute(order, AcceptBackorder(_deadline(state.order, now)))
            case ShortageChoice.SHIP_AVAILABLE if live_label(
                unit.state(SHIPMENT.stream(request.order_id))
            ):
                raise refusal(Reason.NOT_FULFILLABLE, "the order already has a label")
            case ShortageChoice.SHIP_AVAILABLE if not reserved_pieces(unit, state.order):
                raise refusal(Reason.OUT_OF_STOCK, "nothing of the order is available to ship")
            case ShortageChoice.SHIP_AVAILABLE:
                _amend_to_reserved(unit, state.order)
    if request.by:
        unit.execute(FULFILLMENT.stream(request.order_id), *operator_commands((request.by,)))


def amend(unit: UnitOfWork, request: AmendPieces) -> None:
    """Remove pieces from the order and release them.

    Raises:
        ApplicationError: not_fulfillable: the order has a label.
        RuleBroken: the order does not allow it.
    """
    order_id = request.order_id
    if live_label(unit.state(SHIPMENT.stream(order_id))):
        raise refusal(Reason.NOT_FULFILLABLE, "the order already has a label")
    order = ORDER.stream(order_id)
    before = submitted_order(unit.state(order), order_id).skus
    unit.execute(order, AmendOrder(request.pieces))
    left = pieces_by_sku(submitted_order(unit.state(order), order_id).lines)
    for sku in before:
        unit.execute(STOCK.stream(sku), ReduceClaim(order_id, left.get(sku, 0)))
    reserve_if_all_arrived(unit, order_id)
    unit.execute(FULFILLMENT.stream(order_id), *operator_commands((request.by,)))


def reservation_of(unit: UnitOfWork, order_id: OrderId) -> ReservationResult:
    """Where the order stands."""
    state = unit.state(ORDER.stream(order_id))
    order = submitted_order(state, order_id)
    lines = order.lines if order.is_amended else ()
    return ReservationResult(
        order.total,
        shortage=shortage(unit, state) if isinstance(state, Backordered) else None,
        amended=tuple(Pieces(line.line_id, line.quantity) for line in lines),
    )
