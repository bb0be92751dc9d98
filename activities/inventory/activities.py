"""Activities of the saga that reserve and release stock; task queue ``inventory``."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from temporalio import activity

from activities import messages
from activities.aggregates import FULFILLMENT, ORDER, SHIPMENT, STOCK, streams_of
from activities.inventory import shortage
from activities.orders import intake, trail
from activities.payment_port import PaymentLimits
from activities.unit_of_work import UnitOfWork, command_context, transact
from domain.ids import OrderId, Sku
from domain.lines import pieces_by_sku
from domain.notes import cut
from domain.order.commands import CancelOrder
from domain.order.state import FrozenOrder, Submitted, claimed_skus, submitted_order
from domain.parcel_left import IfLeft
from domain.saga.commands import CloseFulfillment, RecordStepFailure, StartCompensation
from domain.saga.trail import Underway
from domain.shipment.shipment import live_label
from domain.stock.commands import ReduceClaim, ReleaseStock, ShipStock
from domain.values import FailureKind, Outcome, Reason, Step, readable
from eventstore.commands.handler import CommandHandler


class InventoryActivities:
    """Reserve and release stock.

    Args:
        handler: loads and appends.
        limits: what the payment provider takes at all.
        cancel_after_s: the setting that `ReservationResult` names.
        if_left: the setting that `ReservationResult` names.
    """

    def __init__(
        self,
        handler: CommandHandler,
        limits: PaymentLimits,
        cancel_after_s: float | None = None,
        if_left: IfLeft = IfLeft.ASK,
    ) -> None:
        self._handler = handler
        self._limits = limits
        self._cancel_after_s = cancel_after_s
        self._if_left = if_left

    @activity.defn
    async def reserve_inventory(
        self, request: messages.ReserveInventory
    ) -> messages.ReservationResult:
        """Submit the order if it is new and reserve its stock, in one append.

        All of it or none, unless the order says what else to do when items are unavailable. An
        order that gets nothing, or that the payment provider does not take, is cancelled in the
        same append: nothing has to be undone, and its customer is told at once.

        Raises:
            ApplicationError: OrderConflict; InvalidDocument.
        """
        document, now = request.document, activity.info().scheduled_time
        order_id = document.order_id
        skus = pieces_by_sku(document.lines)
        try:
            result = await transact(
                self._handler,
                (*streams_of(order_id, ORDER, FULFILLMENT), *STOCK.streams(skus)),
                lambda unit: self._reserve_or_cancel(unit, request, now),
                command_context(request.saga, "reserve"),
            )
        except intake.OrderConflict as conflict:
            raise await intake.conflict_failure(self._handler, conflict) from conflict
        if result.finished is None:
            return replace(result, cancel_after_s=self._cancel_after_s, if_left=self._if_left)
        finished = await trail.with_final_payment(self._handler, order_id, result.finished)
        return replace(result, finished=finished)

    @activity.defn
    async def release_inventory(
        self, request: messages.CompensationRequest
    ) -> messages.CompensationResult:
        """Release whatever the order still holds and leave every queue it waits in.

        Goods that have left are not on the shelf: they are booked out instead.
        """
        order_id = request.order_id
        skus = claimed_skus(await ORDER.stream(order_id).load(self._handler))
        if not skus:
            return messages.CompensationResult(messages.NOTHING)
        released = await transact(
            self._handler,
            (SHIPMENT.stream(order_id), *STOCK.streams(skus)),
            lambda unit: _release(unit, order_id, skus),
            command_context(request.saga, "release"),
        )
        return messages.CompensationResult(released)

    @activity.defn
    async def review_shortage(self, request: messages.ReviewShortage) -> messages.ReservationResult:
        """Check whether the missing items have arrived; if not, follow the choice. One append.

        Raises:
            ApplicationError: out_of_stock, if the choice is to ship what is available and nothing
                is; not_fulfillable.
        """
        now = activity.info().scheduled_time
        return await self._reconsider(
            request.saga,
            request.order_id,
            lambda unit: shortage.review(unit, request, now),
            "review",
        )

    @activity.defn
    async def amend_order(self, request: messages.AmendPieces) -> messages.ReservationResult:
        """Remove pieces from the order and release them, in one append.

        Raises:
            ApplicationError: not_fulfillable, if it is too late or nothing would be left.
        """
        return await self._reconsider(
            request.saga, request.order_id, lambda unit: shortage.amend(unit, request), "amend"
        )

    def _reserve_or_cancel(
        self, unit: UnitOfWork, request: messages.ReserveInventory, now: datetime
    ) -> messages.ReservationResult:
        created = trail.is_own(unit, request.saga, request.document.order_id)
        result = _reserve(unit, request, now, self._limits)
        if isinstance(result, _NotTaken):
            unit.rollback()
            result = _turn_back_at_once(unit, request, now, result)
        return replace(result, created=created)

    async def _reconsider(
        self,
        saga: messages.SagaRef,
        order_id: OrderId,
        change: Callable[[UnitOfWork], None],
        purpose: str,
    ) -> messages.ReservationResult:
        """Let `change` decide on the order, its trail, its label and its stock."""

        def rule(unit: UnitOfWork) -> messages.ReservationResult:
            trail.require_forward(unit, order_id)
            change(unit)
            return shortage.reservation_of(unit, order_id)

        skus = claimed_skus(await ORDER.stream(order_id).load(self._handler))
        return await transact(
            self._handler,
            (*streams_of(order_id, ORDER, FULFILLMENT, SHIPMENT), *STOCK.streams(skus)),
            rule,
            command_context(saga, purpose),
            if_done=lambda unit: shortage.reservation_of(unit, order_id),
        )


@dataclass(frozen=True, slots=True)
class _NotTaken:
    """Why an order ends before anything is done for it."""

    reason: Reason
    detail: str


def _reserve(
    unit: UnitOfWork, request: messages.ReserveInventory, now: datetime, limits: PaymentLimits
) -> messages.ReservationResult | _NotTaken:
    order_id = request.document.order_id
    intake.ensure_submitted(unit, request.document, now)
    state = unit.state(ORDER.stream(order_id))
    order = submitted_order(state, order_id)
    if closed := trail.closed_saga(state):
        return messages.ReservationResult(order.total, finished=closed)
    trail.ensure_started(unit, request.saga, order_id)
    if turned_back := _turned_back(unit, order_id):
        return messages.ReservationResult(order.total, turned_back=turned_back)
    if isinstance(state, Submitted):
        if refused := _beyond(limits, order):
            return refused
        if out_of_stock := shortage.claim(unit, order, now):
            return _NotTaken(Reason.OUT_OF_STOCK, f"out of stock: {out_of_stock}")
        left = submitted_order(unit.state(ORDER.stream(order_id)), order_id)
        if refused := _beyond(limits, left):  # it may cost less now
            return refused
    shortage.reserve_if_all_arrived(unit, order_id)
    return shortage.reservation_of(unit, order_id)


def _beyond(limits: PaymentLimits, order: FrozenOrder) -> _NotTaken | None:
    """Why the payment provider does not take the order; None: it does, or nothing is to be paid."""
    if order.is_free or order.payment is None or order.payment.token is None:
        return None
    problem = limits.problem(order.total, readable(order.payment.token, "payment token"))
    if problem is None:
        return None
    return _NotTaken(Reason.NOT_FULFILLABLE, f"the payment provider does not take it: {problem}")


def _turn_back_at_once(
    unit: UnitOfWork, request: messages.ReserveInventory, now: datetime, why: _NotTaken
) -> messages.ReservationResult:
    """Cancel the order; its trail reads as if the saga had compensated.

    If the shop has confirmed a payment, the order is not cancelled before that is given back.
    """
    order_id = request.document.order_id
    order, fulfillment = ORDER.stream(order_id), FULFILLMENT.stream(order_id)
    reason, detail = why.reason, cut(why.detail)
    intake.ensure_submitted(unit, request.document, now)
    trail.ensure_started(unit, request.saga, order_id)
    unit.execute(
        fulfillment,
        RecordStepFailure(Step.RESERVE_INVENTORY, FailureKind.REFUSED, reason, detail),
        StartCompensation(reason, detail),
    )
    submitted = submitted_order(unit.state(order), order_id)
    total = submitted.total
    if submitted.confirmed is not None:
        return messages.ReservationResult(total, turned_back=messages.TurnedBack(reason, detail))
    unit.execute(order, CancelOrder(reason, detail))
    unit.execute(fulfillment, CloseFulfillment(Outcome.CANCELLED, reason, detail))
    closed = messages.ClosedSaga(Outcome.CANCELLED, reason, detail, None, None)
    return messages.ReservationResult(total, finished=closed)


def _turned_back(unit: UnitOfWork, order_id: OrderId) -> messages.TurnedBack | None:
    """Why an earlier run of the saga started to compensate; None if none did."""
    fulfillment = unit.state(FULFILLMENT.stream(order_id))
    if isinstance(fulfillment, Underway) and fulfillment.turned_back:
        return messages.TurnedBack(fulfillment.turned_back.reason, fulfillment.turned_back.detail)
    return None


def _release(unit: UnitOfWork, order_id: OrderId, skus: tuple[Sku, ...]) -> str:
    """Release the order's claims, or book them out; says how many SKUs it had claims on."""
    ledgers = STOCK.streams(skus)
    claimed = [ledger for ledger in ledgers if unit.state(ledger).holds_or_waits(order_id)]
    parcel = live_label(unit.state(SHIPMENT.stream(order_id)))
    has_left = parcel is not None and parcel.has_left
    for ledger in claimed:
        held = unit.state(ledger).reservations.get(order_id, 0)
        if has_left and held:
            unit.execute(ledger, ReduceClaim(order_id, held), ShipStock(order_id))
        else:
            unit.execute(ledger, ReleaseStock(order_id))
    if not claimed:
        return messages.NOTHING
    return f"{len(claimed)} reservations{' booked out: the goods have left' if has_left else ''}"
