"""What the saga records of itself: turning back, operators' acts, its end; queue ``orders``."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from temporalio import activity

from activities.failures import STILL_HELD, final, refused, translated
from activities.messages import (
    ChangeAddress,
    CloseCancelled,
    ClosedSaga,
    EarlierRun,
    RecordAttention,
    RecordOperator,
    TurnBack,
)
from activities.orders.trail import (
    acts,
    claimed_skus_of,
    closed_saga,
    live_label,
    start_trail,
    take_in,
    with_payment,
)
from activities.ports import AttentionNotice, Notifications
from activities.unit_of_work import (
    Work,
    command_context,
    folds,
    fulfillment_slot,
    order_slot,
    payment_slot,
    read,
    shipment_slot,
    stock_slot,
)
from domain.ids import OrderId, Sku
from domain.order import state as order_state
from domain.order.commands import CancelOrder, ChangeDeliveryAddress
from domain.payment import payment
from domain.saga import trail as fulfillment
from domain.saga.commands import (
    CloseFulfillment,
    FulfillmentCommand,
    RecordCompensationFailure,
    RecordStepFailure,
    RequireAttention,
    StartCompensation,
)
from domain.values import Compensation, Outcome, Reason
from eventstore.commands.folding import Loaded
from eventstore.commands.handler import CommandHandler, Decision
from eventstore.errors import DuplicateEventId


class OrderActivities:
    """Write the saga's own trail and end the order."""

    def __init__(self, handler: CommandHandler, notifications: Notifications) -> None:
        self._handler = handler
        self._notifications = notifications

    @activity.defn
    async def turn_back(self, request: TurnBack) -> ClosedSaga | EarlierRun | None:
        """Record why the saga undoes the order, and take the order in first if it is new.

        Returns how the order ended if it has ended: then there is nothing to undo; or what an
        earlier run may have left behind, which this run's own steps do not tell.

        Raises:
            ApplicationError: OrderConflict; InvalidOrderDocument; unavailable.
        """
        with translated():
            before = await self._turned_back(request)
            if isinstance(before, ClosedSaga):
                return await with_payment(self._handler, request.document.order_id, before)
        return before

    async def _turned_back(self, request: TurnBack) -> ClosedSaga | EarlierRun | None:
        now, order_id = activity.info().scheduled_time, request.document.order_id
        order, trail = order_slot(order_id), fulfillment_slot(order_id)
        try:
            return await self._handler.execute(
                folds(order, trail),
                lambda loaded: _turn_back(Work(loaded), request, now),
                command_context(request.saga, "turn-back"),
            )
        except DuplicateEventId:  # an earlier attempt, whose answer was lost, recorded it
            return _left_behind(await read(self._handler, order, trail), request)

    @activity.defn
    async def close_cancelled(self, request: CloseCancelled) -> ClosedSaga:
        """Record the order as cancelled, provided that nothing of it is left.

        Raises:
            ApplicationError: still_held, if stock, money or a label is not given back;
                unavailable.
        """
        order_id = request.order_id
        slot = order_slot(order_id)
        with translated():
            known = await self._handler.load(slot.stream, slot.aggregate.fold)
            skus = claimed_skus_of(known.state)
            slots = folds(
                slot,
                payment_slot(order_id),
                shipment_slot(order_id),
                fulfillment_slot(order_id),
                *(stock_slot(sku) for sku in skus),
            )
            return await self._handler.execute(
                slots,
                lambda loaded: _close(Work(loaded), request, skus),
                command_context(request.saga, "close"),
            )

    @activity.defn
    async def record_attention(self, request: RecordAttention) -> None:
        """Record that a person must act, and tell people.

        Raises:
            ApplicationError: unavailable.
        """
        commands: list[FulfillmentCommand] = []
        if request.compensation:
            commands.append(RecordCompensationFailure(request.compensation, request.message))
        commands.append(RequireAttention(request.at_step, request.waiting_for))
        with translated():
            await self._tell_trail(request.order_id, commands, request, "attention")
        await self._notifications.needs_attention(
            AttentionNotice(request.order_id, request.at_step, request.waiting_for)
        )

    @activity.defn
    async def record_operator(self, request: RecordOperator) -> None:
        """Record who steered the saga, how and why.

        Raises:
            ApplicationError: unavailable.
        """
        with translated():
            await self._tell_trail(request.order_id, acts(request.actions), request, "operator")

    @activity.defn
    async def change_address(self, request: ChangeAddress) -> None:
        """Correct the delivery address, as long as no label was bought, and record who did it.

        Raises:
            ApplicationError: not_fulfillable, if it is too late; unavailable.
        """
        order_id = request.order_id
        slots = folds(order_slot(order_id), shipment_slot(order_id), fulfillment_slot(order_id))

        def decide(loaded: Mapping[str, Loaded[Any]]) -> Decision[None]:
            work = Work(loaded)
            if live_label(work, order_id):
                raise refused(Reason.NOT_FULFILLABLE, "the order has a label already")
            work.tell(order_slot(order_id), ChangeDeliveryAddress(request.address))
            work.tell(fulfillment_slot(order_id), *acts((request.by,)))
            return work.decision(None)

        # A duplicate id: an earlier attempt, whose answer was lost, has done it.
        with translated(), suppress(DuplicateEventId):
            await self._handler.execute(slots, decide, command_context(request.saga, "address"))

    async def _tell_trail(
        self,
        order_id: OrderId,
        commands: Iterable[FulfillmentCommand],
        request: RecordAttention | RecordOperator,
        purpose: str,
    ) -> None:
        wanted = tuple(commands)

        def decide(loaded: Mapping[str, Loaded[Any]]) -> Decision[None]:
            work = Work(loaded)
            start_trail(work, request.saga, order_id)
            work.tell(fulfillment_slot(order_id), *wanted)
            return work.decision(None)

        context = command_context(request.saga, purpose)
        # A duplicate id: an earlier attempt, whose answer was lost, has done it.
        with suppress(DuplicateEventId):
            await self._handler.execute(folds(fulfillment_slot(order_id)), decide, context)


def _turn_back(
    work: Work, request: TurnBack, now: datetime
) -> Decision[ClosedSaga | EarlierRun | None]:
    order_id = request.document.order_id
    take_in(work, request.document, now)
    if closed := closed_saga(work.state(order_slot(order_id))):
        return work.decision(closed)
    trail = fulfillment_slot(order_id)
    start_trail(work, request.saga, order_id)
    work.tell(trail, *acts(request.operator))
    if request.step and request.kind:
        work.tell(
            trail, RecordStepFailure(request.step, request.kind, request.reason, request.detail)
        )
    work.tell(trail, StartCompensation(request.reason, request.detail))
    return work.decision(_left_behind(work, request))


def _left_behind(work: Work, request: TurnBack) -> EarlierRun | None:
    """What a run before this one may have done; None if this run did everything itself."""
    order_id = request.document.order_id
    state, trail = work.state(order_slot(order_id)), work.state(fulfillment_slot(order_id))
    if not isinstance(trail, fulfillment.Underway) or trail.run_id == request.saga.run_id:
        return None
    match state:
        case order_state.Backordered():
            release = (Compensation.RELEASE_INVENTORY,)
            return EarlierRun(release, charge_in_doubt=False, label_in_doubt=False)
        case order_state.Reserved():
            return EarlierRun(tuple(Compensation), charge_in_doubt=True, label_in_doubt=False)
        case order_state.Processing():
            return EarlierRun(tuple(Compensation), charge_in_doubt=False, label_in_doubt=True)
        case _:  # no step comes before the reservation
            return None


def _close(work: Work, request: CloseCancelled, skus: tuple[Sku, ...]) -> Decision[ClosedSaga]:
    order_id = request.order_id
    if held := list(_still_held(work, order_id, skus)):
        raise final(STILL_HELD, f"not undone yet: {', '.join(held)}")
    if closed := closed_saga(work.state(order_slot(order_id))):
        return work.decision(closed)
    work.tell(order_slot(order_id), CancelOrder(request.reason, request.detail))
    work.tell(
        fulfillment_slot(order_id),
        CloseFulfillment(Outcome.CANCELLED, request.reason, request.detail),
    )
    return work.decision(ClosedSaga(Outcome.CANCELLED, request.reason, request.detail, None, None))


def _still_held(work: Work, order_id: OrderId, skus: tuple[Sku, ...]) -> Iterable[str]:
    for sku in skus:
        if work.state(stock_slot(sku)).holds_or_waits(order_id):
            yield f"stock of {sku}"
    if payment.holds_money(work.state(payment_slot(order_id))):
        yield "money"
    if live_label(work, order_id):
        yield "a live label"
