"""What is decided about an order whose items are not all there, and about leaving pieces out."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from activities.failures import refused
from activities.messages import AmendPieces, ReservationResult, ReviewShortage, Shortage
from activities.orders.trail import acts, live_label, submitted_order
from activities.unit_of_work import Work, fulfillment_slot, order_slot, stock_slot
from domain.ids import OrderId, Sku
from domain.order.commands import AcceptBackorder, AmendOrder, MarkReserved, ReportUnavailable
from domain.order.state import Backordered, FrozenOrder
from domain.order.unavailable import ShortageChoice, UnavailablePolicy
from domain.stock.allocation import Claims, OutOfStock, plan_claims, plan_reservation
from domain.stock.commands import ReduceClaim
from domain.stock.events import StockEvent
from domain.values import MissingItem, Pieces, Reason


def claim(work: Work, order: FrozenOrder, now: datetime) -> OutOfStock | None:
    """Set the order's stock aside; what is done about a shortage is for the order to say.

    Returns the shortage if the order is to end because of it; nothing of `work` counts then.
    """
    stock = {line.sku: work.state(stock_slot(line.sku)) for line in order.lines}
    plan = plan_reservation(order.order_id, order.lines, stock)
    if not isinstance(plan, OutOfStock):
        _add(work, plan.events)
        work.tell(order_slot(order.order_id), MarkReserved())
        return None
    claims = plan_claims(order.order_id, order.lines, stock)
    match order.unavailable.policy:
        case UnavailablePolicy.CANCEL:
            return plan
        case UnavailablePolicy.SHIP_AVAILABLE:
            return _go_on_with_less(work, order, claims, plan, now)
        case UnavailablePolicy.WAIT | UnavailablePolicy.ASK:
            _queue(work, order, claims, now)
            return None


def _add(work: Work, events: Mapping[Sku, tuple[StockEvent, ...]]) -> None:
    for sku, decided in events.items():
        work.add(stock_slot(sku), decided)


def _go_on_with_less(
    work: Work, order: FrozenOrder, claims: Claims, shortage: OutOfStock, now: datetime
) -> OutOfStock | None:
    _add(work, claims.without_queueing())
    if not _held(work, order):
        return shortage
    report = ReportUnavailable(claims.missing, asking=False, deadline=now)
    work.tell(order_slot(order.order_id), report)
    _amend_to_held(work, order)
    return None


def _queue(work: Work, order: FrozenOrder, claims: Claims, now: datetime) -> None:
    _add(work, claims.events)
    asking = order.unavailable.policy is UnavailablePolicy.ASK
    report = ReportUnavailable(claims.missing, asking, _deadline(order, now))
    work.tell(order_slot(order.order_id), report)


def _deadline(order: FrozenOrder, now: datetime) -> datetime:
    return now + timedelta(hours=order.unavailable.deadline_hours)


def _held(work: Work, order: FrozenOrder) -> dict[Sku, int]:
    """The pieces that are set aside for the order, of those SKUs of which there are any."""
    found = {
        line.sku: work.state(stock_slot(line.sku)).reservations.get(order.order_id, 0)
        for line in order.lines
    }
    return {sku: pieces for sku, pieces in found.items() if pieces}


def _missing(work: Work, order: FrozenOrder) -> tuple[MissingItem, ...]:
    waits = {
        line: work.state(stock_slot(line.sku)).waiting.pieces_of(order.order_id)
        for line in order.lines
    }
    return tuple(
        MissingItem(line.sku, line.quantity, pieces) for line, pieces in waits.items() if pieces
    )


def _amend_to_held(work: Work, order: FrozenOrder) -> None:
    """Go on with what is set aside; the places in the queues are given up."""
    held, slot = _held(work, order), order_slot(order.order_id)
    kept = tuple(Pieces(line.sku, held.get(line.sku, 0)) for line in order.lines)
    for pieces in kept:
        work.tell(stock_slot(pieces.sku), ReduceClaim(order.order_id, pieces.quantity))
    work.tell(slot, AmendOrder(kept), MarkReserved())


def reserve_if_all_arrived(work: Work, order_id: OrderId) -> None:
    """Mark an order as reserved that waits for nothing any more."""
    state = work.state(order_slot(order_id))
    if isinstance(state, Backordered) and not _missing(work, state.order):
        work.tell(order_slot(order_id), MarkReserved())


def review(work: Work, request: ReviewShortage, now: datetime) -> None:
    """See whether all has arrived; if not, do as was chosen.

    Raises:
        ApplicationError: out_of_stock: what is there is to be shipped, and nothing is.
    """
    slot = order_slot(request.order_id)
    reserve_if_all_arrived(work, request.order_id)
    state = work.state(slot)
    if isinstance(state, Backordered):
        match request.choice:
            case ShortageChoice.WAIT:
                work.tell(slot, AcceptBackorder(_deadline(state.order, now)))
            case ShortageChoice.SHIP_AVAILABLE if not _held(work, state.order):
                raise refused(Reason.OUT_OF_STOCK, "nothing of the order is there to be shipped")
            case ShortageChoice.SHIP_AVAILABLE:
                _amend_to_held(work, state.order)
    if request.by:
        work.tell(fulfillment_slot(request.order_id), *acts((request.by,)))


def amend(work: Work, request: AmendPieces) -> None:
    """Leave pieces out of the order and let them go.

    Raises:
        ApplicationError: not_fulfillable: the order has a label.
        RuleBroken: the order does not allow it.
    """
    order_id = request.order_id
    if live_label(work, order_id):
        raise refused(Reason.NOT_FULFILLABLE, "the order has a label already")
    work.tell(order_slot(order_id), AmendOrder(request.pieces))
    for pieces in request.pieces:
        work.tell(stock_slot(pieces.sku), ReduceClaim(order_id, pieces.quantity))
    reserve_if_all_arrived(work, order_id)
    work.tell(fulfillment_slot(order_id), *acts((request.by,)))


def reservation_of(work: Work, order_id: OrderId) -> ReservationResult:
    """Where the order stands by now."""
    state = work.state(order_slot(order_id))
    order = submitted_order(state, order_id)
    lines = order.lines if order.amended_from else ()
    return ReservationResult(
        order.total,
        shortage=_shortage(work, state) if isinstance(state, Backordered) else None,
        amended=tuple(Pieces(line.sku, line.quantity) for line in lines),
    )


def _shortage(work: Work, state: Backordered) -> Shortage:
    held = sum(_held(work, state.order).values())
    return Shortage(_missing(work, state.order), held, state.asking, state.deadline)
