"""What the saga asks of the stock ledger; task queue ``inventory``."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from temporalio import activity

from activities.aggregates import Work, folds, fulfillment_slot, order_slot, stock_slot
from activities.context import command_context
from activities.failures import refused, translated
from activities.messages import (
    NOTHING,
    CompensationRequest,
    CompensationResult,
    ReservationResult,
    ReserveInventory,
    TurnedBack,
)
from activities.order_work import (
    closed_saga,
    skus_of,
    start_trail,
    submitted_order,
    take_in,
    with_payment,
)
from domain import fulfillment, order_state
from domain.commands import MarkReserved, ReleaseStock
from domain.ids import OrderId, Sku
from domain.order_state import FrozenOrder
from domain.policies import OutOfStock, plan_reservation
from domain.values import Reason
from eventstore.handling import CommandHandler, Decision, Loaded


class InventoryActivities:
    """Reserve and release stock."""

    def __init__(self, handler: CommandHandler) -> None:
        self._handler = handler

    @activity.defn
    async def reserve_inventory(self, request: ReserveInventory) -> ReservationResult:
        """Submit the order if it is new, and reserve all its stock or none: one append.

        Raises:
            ApplicationError: out_of_stock; OrderConflict; InvalidOrderDocument; unavailable.
        """
        document, now = request.document, activity.info().scheduled_time
        skus = tuple(dict.fromkeys(line.sku for line in document.lines))
        slots = folds(
            order_slot(document.order_id),
            fulfillment_slot(document.order_id),
            *(stock_slot(sku) for sku in skus),
        )

        def decide(loaded: Mapping[str, Loaded[Any]]) -> Decision[ReservationResult | OutOfStock]:
            return _reserve(Work(loaded), request, now)

        with translated():
            context = command_context(request.saga, "reserve")
            result = await self._handler.execute(slots, decide, context)
            if isinstance(result, OutOfStock):
                raise refused(Reason.OUT_OF_STOCK, f"out of stock: {result}")
            if result.finished is None:
                return result
            finished = await with_payment(self._handler, document.order_id, result.finished)
        return replace(result, finished=finished)

    @activity.defn
    async def release_inventory(self, request: CompensationRequest) -> CompensationResult:
        """Give back whatever the order still holds; nothing if it holds nothing.

        Raises:
            ApplicationError: unavailable.
        """
        slot = order_slot(request.order_id)
        with translated():
            known = await self._handler.load(slot.stream, slot.aggregate.fold)
            skus = skus_of(known.state)
            if not skus:
                return CompensationResult(NOTHING)
            context = command_context(request.saga, "release")
            released = await self._handler.execute(
                folds(*(stock_slot(sku) for sku in skus)),
                lambda loaded: _release(Work(loaded), request.order_id, skus),
                context,
            )
        return CompensationResult(f"{released} reservations" if released else NOTHING)


def _reserve(
    work: Work, request: ReserveInventory, now: datetime
) -> Decision[ReservationResult | OutOfStock]:
    order_id = request.document.order_id
    take_in(work, request.document, now)
    state = work.state(order_slot(order_id))
    order = submitted_order(state, order_id)
    if closed := closed_saga(state):
        return work.decision(ReservationResult(order.total, finished=closed))
    start_trail(work, request.saga, order_id)
    if before := _turned_back(work, order_id):
        return work.decision(ReservationResult(order.total, turned_back=before))
    if isinstance(state, order_state.Submitted):
        shortage = _set_aside(work, order)
        if shortage:
            return Decision({}, shortage)
        work.tell(order_slot(order_id), MarkReserved())
    return work.decision(ReservationResult(order.total))


def _turned_back(work: Work, order_id: OrderId) -> TurnedBack | None:
    """Why an earlier run of the saga had begun to undo the order, if it had."""
    trail = work.state(fulfillment_slot(order_id))
    if isinstance(trail, fulfillment.Underway) and trail.turned_back:
        return TurnedBack(trail.turned_back.reason, trail.turned_back.detail)
    return None


def _set_aside(work: Work, order: FrozenOrder) -> OutOfStock | None:
    stock = {line.sku: work.state(stock_slot(line.sku)) for line in order.lines}
    plan = plan_reservation(order.order_id, order.lines, stock)
    if isinstance(plan, OutOfStock):
        return plan
    for sku, events in plan.events.items():
        work.add(stock_slot(sku), events)
    return None


def _release(work: Work, order_id: OrderId, skus: tuple[Sku, ...]) -> Decision[int]:
    held = [sku for sku in skus if order_id in work.state(stock_slot(sku)).reservations]
    for sku in held:
        work.tell(stock_slot(sku), ReleaseStock(order_id))
    return work.decision(len(held))
