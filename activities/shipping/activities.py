"""Activities of the saga that buy and cancel labels; task queue ``shipping``."""

from temporalio import activity

from activities import messages, ports
from activities.aggregates import FULFILLMENT, ORDER, SHIPMENT, STOCK, streams_of
from activities.failures import refusal
from activities.orders.trail import complete, require_forward, tracking_number_of
from activities.shipping.own import OrderLabels, OwnLabel, OwnLabels
from activities.unit_of_work import UnitOfWork, command_context, load, transact
from domain.ids import OrderId
from domain.order.state import Completed, FrozenOrder, Processing, submitted_order
from domain.shipment.commands import RecordLabel, RecordLabelCancelled
from domain.shipment.shipment import NoShipment, live_label
from domain.values import CaptureMode, Reason
from eventstore.commands.handler import CommandHandler


class ShippingActivities:
    """Buy and cancel labels."""

    def __init__(self, handler: CommandHandler, labels: OwnLabels) -> None:
        self._handler = handler
        self._labels = labels

    @activity.defn
    async def create_shipment(self, request: messages.StepRequest) -> messages.ShipmentResult:
        """Buy the label; complete the order unless its money has still to be captured.

        An order without goods needs none.

        Raises:
            ApplicationError: address_refused, not_fulfillable or not_ours.
        """
        order_id = request.order_id
        own = streams_of(order_id, ORDER, SHIPMENT, FULFILLMENT)
        unit = await load(self._handler, *own)
        require_forward(unit, order_id)
        order = submitted_order(unit.state(ORDER.stream(order_id)), order_id)
        labels, parcel = await self._labels.of(order_id), unit.state(SHIPMENT.stream(order_id))
        past_others = request.settled_by is not None
        if not past_others:
            labels.check_recorded(parcel)
        _require_paid(unit, order_id)
        needed = order.skus and not live_label(parcel)
        label = await _buy(labels, order, past_others=past_others) if needed else None
        return await transact(
            self._handler,
            (*own, *STOCK.streams(order.skus)),
            lambda unit: _record_label(unit, order, label),
            command_context(request.saga, "label"),
        )

    @activity.defn
    async def cancel_shipment(
        self, request: messages.CompensationRequest
    ) -> messages.CompensationResult:
        """Cancel the label, depending on its state at the carrier.

        Raises:
            ApplicationError: not_ours, or not_fulfillable: the carrier rejects it; for a person to
                look at.
        """
        try:
            label = await self._cancel(request.order_id)
        except ports.GatewayError:
            if request.settled_by is None:
                raise
            return await self._settle_by_hand(request)
        if label is None or label.status is ports.LabelStatus.REFUSED:
            return messages.CompensationResult(messages.NOTHING)
        if label.status is ports.LabelStatus.FORBIDDEN:
            return messages.CompensationResult(messages.NOTHING_FOR_GOOD)
        await self._record_cancelled(request, label)
        return messages.CompensationResult("cancelled")

    async def _cancel(self, order_id: OrderId) -> OwnLabel | None:
        """The order's label at the carrier, after it was cancelled.

        If there is none, the carrier is told to refuse one from now on: a request may still be on
        its way. None if the carrier has no way to do that.

        Raises:
            NotOurs: the carrier, or our record, has one of somebody else; ours was cancelled.
        """
        labels, others = await self._labels.of(order_id), list[ports.NotOurs]()
        label = None
        for key in labels.keys.labels:
            try:
                label = await labels.find(key) or await labels.forbid(key)
                break
            except ports.NotOurs as error:
                others.append(error)
        if label and label.status is ports.LabelStatus.LIVE:
            label = await labels.cancel(label)
        if others:
            raise others[0]
        labels.check_recorded(await SHIPMENT.stream(order_id).load(self._handler))
        return label

    async def _record_cancelled(
        self, request: messages.CompensationRequest, label: OwnLabel
    ) -> None:
        shipment = SHIPMENT.stream(request.order_id)

        def rule(unit: UnitOfWork) -> None:
            if isinstance(unit.state(shipment), NoShipment):
                unit.execute(shipment, _recorded(label))
            unit.execute(shipment, RecordLabelCancelled(request.order_id, label.label_id))

        context = command_context(request.saga, "label-cancelled")
        await transact(self._handler, (shipment,), rule, context)

    async def _settle_by_hand(
        self, request: messages.CompensationRequest
    ) -> messages.CompensationResult:
        shipment = SHIPMENT.stream(request.order_id)

        def rule(unit: UnitOfWork) -> None:
            if label := live_label(unit.state(shipment)):
                unit.execute(shipment, RecordLabelCancelled(request.order_id, label.label_id))

        context = command_context(request.saga, "label-by-hand")
        await transact(self._handler, (shipment,), rule, context)
        return messages.CompensationResult("settled by hand")


def _require_paid(unit: UnitOfWork, order_id: OrderId) -> None:
    """Refuse to buy a label for an order that our books do not have as paid."""
    if not isinstance(unit.state(ORDER.stream(order_id)), Processing | Completed):
        raise refusal(Reason.NOT_FULFILLABLE, "the order is not ready to be shipped")


async def _buy(labels: OrderLabels, order: FrozenOrder, *, past_others: bool) -> OwnLabel:
    """Buy the label; past_others: with the next key if somebody else has used one."""
    others: ports.NotOurs | None = None
    for key in labels.keys.labels:
        try:
            return _accepted(await labels.buy(key, order))
        except ports.NotOurs as error:
            if not past_others:
                raise
            others = error
    raise others or RuntimeError("an order has at least one key for its label")


def _accepted(label: OwnLabel) -> OwnLabel:
    if label.status is ports.LabelStatus.REFUSED:
        raise refusal(Reason.ADDRESS_REFUSED, f"the carrier refused the address: {label.refusal}")
    if label.status is not ports.LabelStatus.LIVE:
        raise refusal(Reason.NOT_FULFILLABLE, f"the order's label is {label.status}")
    return label


def _record_label(
    unit: UnitOfWork, order: FrozenOrder, bought: OwnLabel | None
) -> messages.ShipmentResult:
    """Record a label that was bought now, and complete the order if it has been paid."""
    order_id, stream = order.order_id, ORDER.stream(order.order_id)
    if bought:
        unit.execute(SHIPMENT.stream(order_id), _recorded(bought))
    tracking_number = tracking_number_of(unit, order)
    is_paid_at_once = order.payment is None or order.payment.capture is CaptureMode.AUTOMATIC
    if is_paid_at_once and isinstance(unit.state(stream), Processing):
        complete(unit, order_id, order.skus, tracking_number)
    completed = isinstance(unit.state(stream), Completed)
    if is_paid_at_once and not completed:
        raise refusal(Reason.NOT_FULFILLABLE, "the order is not ready to be shipped")
    return messages.ShipmentResult(tracking_number, completed)


def _recorded(label: OwnLabel) -> RecordLabel:
    return RecordLabel(
        label.order_id,
        label.carrier,
        label.label_id,
        label.tracking_number,
        label.idempotency_key,
    )
