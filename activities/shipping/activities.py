"""Activities of the saga that buy and cancel labels; task queue ``shipping``."""

from typing import Final

from temporalio import activity

from activities import messages, ports
from activities.aggregates import FULFILLMENT, ORDER, PAYMENT, SHIPMENT, STOCK, streams_of
from activities.failures import is_trouble_of_store, refusal
from activities.orders.trail import complete, require_forward, scan_of, tracking_number_of
from activities.parted import decide_about_parcel, parted
from activities.shipping.own import OrderLabels, OwnLabel, OwnLabels
from activities.shortfall import shortage_of
from activities.unit_of_work import UnitOfWork, command_context, load, transact
from domain.ids import OrderId
from domain.order.state import Backordered, Completed, FrozenOrder, Processing, submitted_order
from domain.shipment.commands import RecordLabel, RecordLabelCancelled
from domain.shipment.shipment import NoShipment, live_label
from domain.values import CaptureMode, Reason
from eventstore.commands.handler import CommandHandler

_SCANNED_MEANWHILE: Final = (
    "the carrier has cancelled the label of a parcel that it has scanned: find out where it is"
)


class ShippingActivities:
    """Buy and cancel labels."""

    def __init__(self, handler: CommandHandler, labels: OwnLabels) -> None:
        self._handler = handler
        self._labels = labels

    @activity.defn
    async def create_shipment(
        self, request: messages.StepRequest
    ) -> messages.ShipmentResult | messages.Shortage:
        """Buy the label; complete the order unless its money has still to be captured.

        An order without goods needs none.

        Returns:
            Or what the order waits for, if a count has taken reserved pieces away.

        Raises:
            ApplicationError: address_refused, not_fulfillable or not_ours.
        """
        order_id = request.order_id
        own = streams_of(order_id, ORDER, SHIPMENT, FULFILLMENT)
        unit = await load(self._handler, *own)
        require_forward(unit, order_id)
        state = unit.state(ORDER.stream(order_id))
        if isinstance(state, Backordered):  # unless the pieces have come back just now
            return await shortage_of(self._handler, order_id) or await self.create_shipment(request)
        order = submitted_order(state, order_id)
        labels, parcel = await self._labels.of(order_id), unit.state(SHIPMENT.stream(order_id))
        past_others = request.settled_by is not None
        if not past_others:
            labels.check_recorded(parcel)
        _require_paid(unit, order_id)
        needed = order.skus and not live_label(parcel)
        label = await _buy(labels, order, past_others=past_others) if needed else None
        result = await transact(
            self._handler,
            (*own, *STOCK.streams(order.skus)),
            lambda unit: _record_label(unit, order, label),
            command_context(request.saga, "label"),
        )
        return result or await self.create_shipment(request)

    @activity.defn
    async def cancel_shipment(
        self, request: messages.CompensationRequest
    ) -> messages.CompensationResult:
        """Cancel the label, unless the parcel has left; then do what the request says.

        Raises:
            ApplicationError: not_ours, or not_fulfillable: the carrier or our record rejects it;
                for a person to look at.
        """
        if decided := await self._ask_record(request, "scans"):
            return decided
        try:
            return await self._cancel(request)
        except Exception as error:
            if request.settled_by is None or is_trouble_of_store(error):
                raise
            return await self._settle_by_hand(request, request.settled_by)

    async def _ask_record(
        self, request: messages.CompensationRequest, purpose: str, label: OwnLabel | None = None
    ) -> messages.CompensationResult | None:
        """What is to be done about the parcel if it has left; see `decide_about_parcel`.

        Args:
            request: the undo.
            purpose: of the command.
            label: a live one that our record may not know.
        """
        order_id = request.order_id
        shipment = SHIPMENT.stream(order_id)

        def rule(unit: UnitOfWork) -> messages.CompensationResult | None:
            state = unit.state(shipment)
            if label and isinstance(state, NoShipment) and (state.kept or request.scans):
                unit.execute(shipment, _recorded(label))
            return decide_about_parcel(unit, request)

        streams = streams_of(order_id, ORDER, PAYMENT, SHIPMENT, FULFILLMENT)
        return await transact(
            self._handler, streams, rule, command_context(request.saga, purpose), if_done=rule
        )

    async def _cancel(self, request: messages.CompensationRequest) -> messages.CompensationResult:
        """Cancel the order's label at the carrier.

        If there is none, the carrier is told to refuse one from now on: a request may still be on
        its way.

        Raises:
            NotOurs: the carrier, or our record, has one of somebody else; ours was cancelled.
        """
        labels = await self._labels.of(request.order_id)
        label, others = await _find_or_forbid(labels)
        if label and label.status is ports.LabelStatus.LIVE:
            if decided := await self._ask_record(request, "label-found", label):
                return decided
            label = await labels.cancel(label)
        if others:
            raise others[0]
        labels.check_recorded(await SHIPMENT.stream(request.order_id).load(self._handler))
        if label is None or label.status is ports.LabelStatus.REFUSED:
            return messages.CompensationResult(messages.NOTHING)
        if label.status is ports.LabelStatus.FORBIDDEN:
            return messages.CompensationResult(messages.NOTHING_FOR_GOOD)
        await self._record_cancelled(request, label)
        return messages.CompensationResult("cancelled")

    async def _record_cancelled(
        self, request: messages.CompensationRequest, label: OwnLabel
    ) -> None:
        shipment = SHIPMENT.stream(request.order_id)

        def rule(unit: UnitOfWork) -> None:
            if isinstance(unit.state(shipment), NoShipment):
                unit.execute(shipment, _recorded(label))
            if parted(unit.state(shipment)):
                raise refusal(Reason.NOT_FULFILLABLE, _SCANNED_MEANWHILE)
            unit.execute(shipment, RecordLabelCancelled(request.order_id, label.label_id))

        context = command_context(request.saga, "label-cancelled")
        await transact(self._handler, (shipment,), rule, context)

    async def _settle_by_hand(
        self, request: messages.CompensationRequest, by: messages.OperatorAction
    ) -> messages.CompensationResult:
        streams = streams_of(request.order_id, ORDER, PAYMENT, SHIPMENT, FULFILLMENT)
        shipment = SHIPMENT.stream(request.order_id)

        def rule(unit: UnitOfWork) -> messages.CompensationResult:
            if decided := decide_about_parcel(unit, request):
                return decided
            if label := live_label(unit.state(shipment)):
                unit.execute(shipment, RecordLabelCancelled(request.order_id, label.label_id))
            return messages.CompensationResult(f"settled by hand by {by.actor}")

        context = command_context(request.saga, "label-by-hand")
        return await transact(self._handler, streams, rule, context)


async def _find_or_forbid(labels: OrderLabels) -> tuple[OwnLabel | None, list[ports.NotOurs]]:
    """The order's label at the carrier, or what makes sure that there will be none.

    None if the carrier has no way to do that. Also what somebody else holds under a key of ours.
    """
    others = list[ports.NotOurs]()
    for key in labels.keys.labels:
        try:
            return await labels.find(key) or await labels.forbid(key), others
        except ports.NotOurs as error:
            others.append(error)
    return None, others


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
) -> messages.ShipmentResult | None:
    """Record a label that was bought now, and complete the order if it has been paid.

    None: a count has taken reserved pieces away meanwhile; the label is recorded, and no more.
    """
    order_id, stream = order.order_id, ORDER.stream(order.order_id)
    if bought:
        unit.execute(SHIPMENT.stream(order_id), _recorded(bought))
    tracking_number = tracking_number_of(unit, order)
    if isinstance(unit.state(stream), Backordered):
        return None
    is_paid_at_once = order.payment is None or order.payment.capture is CaptureMode.AUTOMATIC
    if is_paid_at_once and isinstance(unit.state(stream), Processing):
        complete(unit, order_id, order.skus, tracking_number)
    completed = isinstance(unit.state(stream), Completed)
    if is_paid_at_once and not completed:
        raise refusal(Reason.NOT_FULFILLABLE, "the order is not ready to be shipped")
    return messages.ShipmentResult(tracking_number, completed, scan_of(unit, order_id))


def _recorded(label: OwnLabel) -> RecordLabel:
    return RecordLabel(
        label.order_id,
        label.carrier,
        label.label_id,
        label.tracking_number,
        label.idempotency_key,
    )
