"""What the saga asks of the stock ledger; task queue ``inventory``."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from temporalio import activity

from activities.failures import translated
from activities.inventory.shortage import (
    amend,
    claim,
    reservation_of,
    reserve_if_all_arrived,
    review,
)
from activities.messages import (
    NOTHING,
    AmendPieces,
    ClosedSaga,
    CompensationRequest,
    CompensationResult,
    ReservationResult,
    ReserveInventory,
    ReviewShortage,
    SagaRef,
    TurnedBack,
)
from activities.orders.trail import (
    claimed_skus_of,
    closed_saga,
    start_trail,
    submitted_order,
    take_in,
    with_payment,
)
from activities.unit_of_work import (
    Slot,
    Work,
    command_context,
    folds,
    fulfillment_slot,
    order_slot,
    read,
    shipment_slot,
    stock_slot,
)
from domain.ids import OrderId, Sku
from domain.order import state as order_state
from domain.order.commands import CancelOrder
from domain.saga import trail as fulfillment
from domain.saga.commands import CloseFulfillment, RecordStepFailure, StartCompensation
from domain.stock.allocation import OutOfStock
from domain.stock.commands import ReleaseStock
from domain.values import FailureKind, Outcome, Reason, Step
from eventstore.commands.folding import Loaded
from eventstore.commands.handler import CommandHandler, Decision
from eventstore.errors import DuplicateEventId


class InventoryActivities:
    """Reserve and release stock."""

    def __init__(self, handler: CommandHandler) -> None:
        self._handler = handler

    @activity.defn
    async def reserve_inventory(self, request: ReserveInventory) -> ReservationResult:
        """Submit the order if it is new, and reserve its stock: one append.

        All or none, unless the order says what else to do when items are unavailable. An order
        that gets nothing ends here, in the same append: nothing was done that would have to be
        undone, and its customer is told at once.

        Raises:
            ApplicationError: OrderConflict; InvalidOrderDocument; unavailable.
        """
        document, now = request.document, activity.info().scheduled_time
        skus = tuple(dict.fromkeys(line.sku for line in document.lines))
        slots = folds(
            order_slot(document.order_id),
            fulfillment_slot(document.order_id),
            *(stock_slot(sku) for sku in skus),
        )

        def decide(loaded: Mapping[str, Loaded[Any]]) -> Decision[ReservationResult]:
            reserved = _reserve(Work(loaded), request, now)
            if isinstance(reserved, OutOfStock):
                return _end_without_stock(Work(loaded), request, now, reserved)
            return reserved

        with translated():
            context = command_context(request.saga, "reserve")
            result = await self._handler.execute(slots, decide, context)
            if result.finished is None:
                return result
            finished = await with_payment(self._handler, document.order_id, result.finished)
        return replace(result, finished=finished)

    @activity.defn
    async def release_inventory(self, request: CompensationRequest) -> CompensationResult:
        """Give back whatever the order still holds or waits for; nothing if that is nothing.

        Raises:
            ApplicationError: unavailable.
        """
        slot = order_slot(request.order_id)
        with translated():
            known = await self._handler.load(slot.stream, slot.aggregate.fold)
            skus = claimed_skus_of(known.state)
            if not skus:
                return CompensationResult(NOTHING)
            context = command_context(request.saga, "release")
            released = await self._handler.execute(
                folds(*(stock_slot(sku) for sku in skus)),
                lambda loaded: _release(Work(loaded), request.order_id, skus),
                context,
            )
        return CompensationResult(f"{released} reservations" if released else NOTHING)

    @activity.defn
    async def review_shortage(self, request: ReviewShortage) -> ReservationResult:
        """See whether the missing items are there; if not, do as was chosen: one append.

        Raises:
            ApplicationError: out_of_stock, if what is there is to be shipped and nothing is;
                not_fulfillable; unavailable.
        """
        now = activity.info().scheduled_time

        def decide(work: Work) -> None:
            review(work, request, now)

        return await self._reconsider(request.saga, request.order_id, decide, "review")

    @activity.defn
    async def amend_order(self, request: AmendPieces) -> ReservationResult:
        """Leave pieces out of the order and let them go: one append.

        Raises:
            ApplicationError: not_fulfillable, if it is too late or nothing would be left;
                unavailable.
        """

        def decide(work: Work) -> None:
            amend(work, request)

        return await self._reconsider(request.saga, request.order_id, decide, "amend")

    async def _reconsider(
        self, saga: SagaRef, order_id: OrderId, change: Callable[[Work], None], purpose: str
    ) -> ReservationResult:
        """Let `change` decide on the order, its trail, its label and its stock."""
        slot = order_slot(order_id)

        def decide(loaded: Mapping[str, Loaded[Any]]) -> Decision[ReservationResult]:
            work = Work(loaded)
            change(work)
            return work.decision(reservation_of(work, order_id))

        with translated():
            known = await self._handler.load(slot.stream, slot.aggregate.fold)
            slots: tuple[Slot[Any, Any], ...] = (
                slot,
                fulfillment_slot(order_id),
                shipment_slot(order_id),
                *(stock_slot(sku) for sku in claimed_skus_of(known.state)),
            )
            try:
                context = command_context(saga, purpose)
                return await self._handler.execute(folds(*slots), decide, context)
            except DuplicateEventId:  # an earlier attempt, whose answer was lost, has done it
                return reservation_of(await read(self._handler, *slots), order_id)


def _reserve(
    work: Work, request: ReserveInventory, now: datetime
) -> Decision[ReservationResult] | OutOfStock:
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
        shortage = claim(work, order, now)
        if shortage:
            return shortage
    reserve_if_all_arrived(work, order_id)
    return work.decision(reservation_of(work, order_id))


def _end_without_stock(
    work: Work, request: ReserveInventory, now: datetime, shortage: OutOfStock
) -> Decision[ReservationResult]:
    """Cancel the order; the trail reads as if the saga had turned back, and it has."""
    order_id, why = request.document.order_id, f"out of stock: {shortage}"
    reason = Reason.OUT_OF_STOCK
    take_in(work, request.document, now)
    start_trail(work, request.saga, order_id)
    failure = RecordStepFailure(Step.RESERVE_INVENTORY, FailureKind.REFUSED, reason, why)
    end = CloseFulfillment(Outcome.CANCELLED, reason, why)
    work.tell(fulfillment_slot(order_id), failure, StartCompensation(reason, why))
    work.tell(order_slot(order_id), CancelOrder(reason, why))
    work.tell(fulfillment_slot(order_id), end)
    order = submitted_order(work.state(order_slot(order_id)), order_id)
    ended = ClosedSaga(Outcome.CANCELLED, reason, why, None, None)
    return work.decision(ReservationResult(order.total, finished=ended))


def _turned_back(work: Work, order_id: OrderId) -> TurnedBack | None:
    """Why an earlier run of the saga had begun to undo the order, if it had."""
    trail = work.state(fulfillment_slot(order_id))
    if isinstance(trail, fulfillment.Underway) and trail.turned_back:
        return TurnedBack(trail.turned_back.reason, trail.turned_back.detail)
    return None


def _release(work: Work, order_id: OrderId, skus: tuple[Sku, ...]) -> Decision[int]:
    held = [sku for sku in skus if work.state(stock_slot(sku)).holds_or_waits(order_id)]
    for sku in held:
        work.tell(stock_slot(sku), ReleaseStock(order_id))
    return work.decision(len(held))
