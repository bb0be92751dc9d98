"""Activities of the saga that buy and cancel labels; task queue ``shipping``."""

from temporalio import activity

from activities import keys, messages, ports
from activities.aggregates import FULFILLMENT, ORDER, SHIPMENT, STOCK, streams_of
from activities.failures import refusal
from activities.orders.trail import complete
from activities.unit_of_work import UnitOfWork, command_context, if_time_is_left, load, transact
from domain.ids import OrderId
from domain.order.state import Completed, FrozenOrder, Processing, submitted_order
from domain.shipment.commands import RecordLabel, RecordLabelCancelled
from domain.shipment.shipment import NoShipment, live_label
from domain.values import CaptureMode, Reason, readable
from eventstore.commands.handler import CommandHandler


class ShippingActivities:
    """Buy and cancel labels."""

    def __init__(self, handler: CommandHandler, carrier: ports.Carrier) -> None:
        self._handler = handler
        self._carrier = carrier

    @activity.defn
    async def create_shipment(self, request: messages.StepRequest) -> messages.ShipmentResult:
        """Buy the label; complete the order unless its money has still to be captured.

        Raises:
            ApplicationError: address_refused or not_fulfillable.
        """
        order_id = request.order_id
        own = streams_of(order_id, ORDER, SHIPMENT, FULFILLMENT)
        unit = await load(self._handler, *streams_of(order_id, ORDER, SHIPMENT))
        order = submitted_order(unit.state(ORDER.stream(order_id)), order_id)
        has_label = live_label(unit.state(SHIPMENT.stream(order_id))) is not None
        label = None if has_label else await self._buy(order)
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
            ApplicationError: not_fulfillable: a rejection by the carrier, for a person to look at.
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

    async def _buy(self, order: FrozenOrder) -> ports.CarrierLabel:
        key = keys.shipment_key(order.order_id)
        address = readable(order.address, "delivery address")
        items = tuple(ports.ParcelItem(line.sku, line.quantity) for line in order.lines)
        request = ports.LabelRequest(order.order_id, address, items, key)
        try:
            label = await self._carrier.buy_label(request)
        except ports.OutcomeUnknown:
            if (bought := await if_time_is_left(self._carrier.find(key))) is None:
                raise
            label = bought
        if label.status is ports.LabelStatus.REFUSED:
            raise refusal(
                Reason.ADDRESS_REFUSED, f"the carrier refused the address: {label.refusal}"
            )
        if label.status is not ports.LabelStatus.LIVE:
            raise refusal(Reason.NOT_FULFILLABLE, f"the order's label is {label.status}")
        return label

    async def _cancel(self, order_id: OrderId) -> ports.CarrierLabel | None:
        """The label under the order's key at the carrier, after it was cancelled.

        If there is none, the carrier is told to refuse one from now on: a request may still be on
        its way. None if the carrier has no way to do that.
        """
        key = keys.shipment_key(order_id)
        label = await self._carrier.find(key) or await self._carrier.forbid(order_id, key)
        if label is None or label.status is not ports.LabelStatus.LIVE:
            return label
        return await self._carrier.cancel_label(label.label_id, keys.cancel_label_key(order_id))

    async def _record_cancelled(
        self, request: messages.CompensationRequest, label: ports.CarrierLabel
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


def _record_label(
    unit: UnitOfWork, order: FrozenOrder, bought: ports.CarrierLabel | None
) -> messages.ShipmentResult:
    """Record a label that was bought now, and complete the order if it has been paid."""
    order_id, stream = order.order_id, ORDER.stream(order.order_id)
    if bought:
        unit.execute(SHIPMENT.stream(order_id), _recorded(bought))
    label = live_label(unit.state(SHIPMENT.stream(order_id)))
    if label is None:
        raise refusal(Reason.NOT_FULFILLABLE, "the order's label has been cancelled")
    is_paid_at_once = order.payment.capture is CaptureMode.AUTOMATIC
    if is_paid_at_once and isinstance(unit.state(stream), Processing):
        complete(unit, order_id, order.skus, label.tracking_number)
    completed = isinstance(unit.state(stream), Completed)
    if is_paid_at_once and not completed:
        raise refusal(Reason.NOT_FULFILLABLE, "the order is not ready to be shipped")
    return messages.ShipmentResult(label.label_id, label.tracking_number, completed)


def _recorded(label: ports.CarrierLabel) -> RecordLabel:
    return RecordLabel(
        label.order_id,
        label.carrier,
        label.label_id,
        label.tracking_number,
        label.idempotency_key,
    )
