"""Activities that write the saga's trail and end the order; task queue ``orders``."""

from collections.abc import Iterable
from datetime import datetime

from temporalio import activity

from activities import messages
from activities.aggregates import FULFILLMENT, ORDER, PAYMENT, SHIPMENT, STOCK, streams_of
from activities.failures import STILL_HELD, final_failure, never_refused, refusal
from activities.orders import intake, trail
from activities.orders.messages import AskForPayment
from activities.parted import can_go_on, is_past_payment, parted, record_scans
from activities.ports import AttentionNotice, Notifications, Sagas
from activities.unit_of_work import UnitOfWork, command_context, done, transact
from domain.ids import OrderId, Sku
from domain.order import commands as order_commands
from domain.order import state as order_state
from domain.order.commands import CancelOrder, ChangeDeliveryAddress
from domain.parcel_left import IfLeft
from domain.payment.state import NoPayment, holds_money
from domain.saga import commands as saga_commands
from domain.saga.trail import Underway
from domain.shipment.shipment import is_held, live_label
from domain.values import Address, Compensation, Outcome, PaymentDue, Reason
from eventstore.commands.handler import CommandHandler


class OrderActivities:
    """Write the saga's trail and end the order."""

    def __init__(self, handler: CommandHandler, notifications: Notifications, sagas: Sagas) -> None:
        self._handler = handler
        self._notifications = notifications
        self._sagas = sagas

    @activity.defn
    async def turn_back(
        self, request: messages.TurnBack
    ) -> messages.ClosedSaga | messages.GoesOn | messages.EarlierRun | None:
        """Record why the saga compensates; a new order is submitted first.

        Returns:
            How the order ended, if it has; then nothing must be undone. That it goes on, because
            its parcel has left and the request says so; then nothing is recorded but what operators
            did. Otherwise what an earlier run may have left behind and this run does not know; None
            if there was none.

        Raises:
            ApplicationError: OrderConflict; InvalidDocument.
        """
        now, order_id = activity.info().scheduled_time, request.order_id
        try:
            with never_refused():
                result = await transact(
                    self._handler,
                    streams_of(order_id, ORDER, PAYMENT, SHIPMENT, FULFILLMENT),
                    lambda unit: _turn_back(unit, request, now),
                    command_context(request.saga, "turn-back"),
                    if_done=lambda unit: _left_behind(unit, request),
                )
        except intake.OrderConflict as conflict:
            raise await intake.conflict_failure(self._handler, conflict) from conflict
        if isinstance(result, messages.ClosedSaga):
            return await trail.with_final_payment(self._handler, order_id, result)
        return result

    @activity.defn
    async def close_cancelled(self, request: messages.CloseCancelled) -> messages.ClosedSaga:
        """Record the order as cancelled, provided that everything has been undone.

        Raises:
            ApplicationError: still_held, if stock, money or a label is still held.
        """
        order_id = request.order_id
        own = streams_of(order_id, ORDER, PAYMENT, SHIPMENT, FULFILLMENT)
        skus = order_state.claimed_skus(await ORDER.stream(order_id).load(self._handler))
        with never_refused():
            return await transact(
                self._handler,
                (*own, *STOCK.streams(skus)),
                lambda unit: _close(unit, request, skus),
                command_context(request.saga, "close"),
            )

    @activity.defn
    async def record_attention(self, request: messages.RecordAttention) -> None:
        """Record that a person must act, and notify people."""
        commands: list[saga_commands.FulfillmentCommand] = []
        if request.compensation:
            commands.append(
                saga_commands.RecordCompensationFailure(request.compensation, request.message)
            )
        commands.append(saga_commands.RequireAttention(request.at_step, request.waiting_for))
        await self._record(request, commands, "attention")
        await self._notifications.needs_attention(
            AttentionNotice(request.order_id, request.at_step, request.waiting_for)
        )

    @activity.defn
    async def record_operator(self, request: messages.RecordOperator) -> None:
        """Record which operator did what to the saga, and why."""
        await self._record(request, trail.operator_commands(request.actions), "operator")

    @activity.defn
    async def ask_for_payment(self, request: AskForPayment) -> PaymentDue | None:
        """Record that another payment is wanted, and until when; None: it is not any more."""
        order_id, now = request.order_id, activity.info().scheduled_time
        stream = ORDER.stream(order_id)

        def rule(unit: UnitOfWork) -> PaymentDue | None:
            order = order_state.payable_order(unit.state(stream))
            if order is None or not order.asks_for_payment:
                return None
            deadline = now + order.deadline_of_payment
            unit.execute(stream, order_commands.AskForPayment(request.code, deadline))
            return order_state.submitted_order(unit.state(stream), order_id).payment_due

        context = command_context(request.saga, "ask-for-payment")
        with never_refused():
            return await transact(self._handler, (stream,), rule, context, if_done=rule)

    @activity.defn
    async def change_address(self, request: messages.ChangeAddress) -> None:
        """Correct the delivery address and record who did it, as long as no label was bought.

        Raises:
            ApplicationError: not_fulfillable, if it is too late.
        """
        order_id, saga = request.order_id, request.saga
        address = await self._sagas.address_change(saga.workflow_id, saga.run_id)
        if address is None:
            raise refusal(Reason.NOT_FULFILLABLE, "the saga wants no other address any more")
        await transact(
            self._handler,
            streams_of(order_id, ORDER, SHIPMENT, FULFILLMENT),
            lambda unit: _change_address(unit, request, address),
            command_context(request.saga, "address"),
            if_done=done,
        )

    async def _record(
        self,
        request: messages.RecordAttention | messages.RecordOperator,
        commands: Iterable[saga_commands.FulfillmentCommand],
        purpose: str,
    ) -> None:
        fulfillment = FULFILLMENT.stream(request.order_id)

        def rule(unit: UnitOfWork) -> None:
            trail.ensure_started(unit, request.saga, request.order_id)
            unit.execute(fulfillment, *commands)

        context = command_context(request.saga, purpose)
        with never_refused():
            await transact(self._handler, (fulfillment,), rule, context, if_done=done)


def _change_address(unit: UnitOfWork, request: messages.ChangeAddress, address: Address) -> None:
    order_id = request.order_id
    trail.require_forward(unit, order_id)
    if live_label(unit.state(SHIPMENT.stream(order_id))):
        raise refusal(Reason.NOT_FULFILLABLE, "the order already has a label")
    unit.execute(ORDER.stream(order_id), ChangeDeliveryAddress(address))
    unit.execute(FULFILLMENT.stream(order_id), *trail.operator_commands((request.by,)))


def _turn_back(
    unit: UnitOfWork, request: messages.TurnBack, now: datetime
) -> messages.ClosedSaga | messages.GoesOn | messages.EarlierRun | None:
    order_id = request.order_id
    if request.document:
        intake.ensure_submitted(unit, request.document, now)
    if closed := trail.closed_saga(unit.state(ORDER.stream(order_id))):
        return closed
    trail.ensure_started(unit, request.saga, order_id)
    record_scans(unit, order_id, request.scans)
    commands: list[saga_commands.FulfillmentCommand] = [*trail.operator_commands(request.operator)]
    if request.step and request.kind and not trail.has_turned_back(unit, order_id):
        failure = saga_commands.RecordStepFailure(
            request.step, request.kind, request.reason, request.detail
        )
        commands.append(failure)
    goes_on = _goes_on(unit, request)
    commands.append(
        saga_commands.WithdrawCompensation("the parcel has left")
        if goes_on
        else saga_commands.StartCompensation(request.reason, request.detail)
    )
    unit.execute(FULFILLMENT.stream(order_id), *commands)
    return goes_on or _left_behind(unit, request)


def _goes_on(unit: UnitOfWork, request: messages.TurnBack) -> messages.GoesOn | None:
    """Whether the order is shipped and paid all the same, because its parcel has left."""
    order_id = request.order_id
    parcel = parted(unit.state(SHIPMENT.stream(order_id)))
    ships = request.if_left is IfLeft.SHIP_AND_COLLECT
    if ships and parcel and can_go_on(unit, order_id):
        return messages.GoesOn(parcel.status.value)
    return None


def _left_behind(unit: UnitOfWork, request: messages.TurnBack) -> messages.EarlierRun | None:
    """What an earlier run may have done; None if this run did everything itself."""
    order_id = request.order_id
    fulfillment = unit.state(FULFILLMENT.stream(order_id))
    if not isinstance(fulfillment, Underway) or fulfillment.run_id == request.saga.run_id:
        return None
    if (turned_back := fulfillment.turned_back) is None:
        return None  # the answer to an attempt that another one has overtaken
    order = unit.state(ORDER.stream(order_id))
    compensations = _compensations(order)
    if order_state.is_handed_in(order) and Compensation.UNDO_PAYMENT not in compensations:
        compensations = (*compensations, Compensation.UNDO_PAYMENT)
    return messages.EarlierRun(
        compensations,
        label_in_doubt=is_past_payment(order),
        turned_back=messages.TurnedBack(turned_back.reason, turned_back.detail),
    )


def _compensations(order: order_state.OrderState) -> tuple[Compensation, ...]:
    """What runs before this one may have to undo."""
    match order:
        case order_state.Reserved() | order_state.Processing():
            return tuple(Compensation)
        case order_state.Backordered(counted=False):
            return (Compensation.RELEASE_INVENTORY,)
        case order_state.Backordered():  # a count came between the steps
            return tuple(Compensation)
        case _:
            return ()  # no step comes before the reservation


def _close(
    unit: UnitOfWork, request: messages.CloseCancelled, skus: tuple[Sku, ...]
) -> messages.ClosedSaga:
    order_id, reason, detail = request.order_id, request.reason, request.detail
    settled = frozenset(request.settled)
    held = [what for step, what in _still_held(unit, order_id, skus) if step not in settled]
    if held:
        raise final_failure(STILL_HELD, f"not undone yet: {', '.join(held)}")
    order = ORDER.stream(order_id)
    if closed := trail.closed_saga(unit.state(order)):
        return closed
    unit.execute(order, CancelOrder(reason, detail))
    unit.execute(
        FULFILLMENT.stream(order_id),
        saga_commands.CloseFulfillment(Outcome.CANCELLED, reason, detail),
    )
    return messages.ClosedSaga(Outcome.CANCELLED, reason, detail, None, None)


def _still_held(
    unit: UnitOfWork, order_id: OrderId, skus: tuple[Sku, ...]
) -> Iterable[tuple[Compensation, str]]:
    """What the order still holds, and what would undo it."""
    for sku in skus:
        if unit.state(STOCK.stream(sku)).holds_or_waits(order_id):
            yield Compensation.RELEASE_INVENTORY, f"stock of {sku}"
    payment = unit.state(PAYMENT.stream(order_id))
    order = unit.state(ORDER.stream(order_id))
    unseen = isinstance(payment, NoPayment) and order_state.is_handed_in(order)
    if holds_money(payment) or unseen:
        yield Compensation.UNDO_PAYMENT, "money"
    if is_held(unit.state(SHIPMENT.stream(order_id))):
        yield Compensation.CANCEL_SHIPMENT, "a live label"
