"""What the saga asks of the carrier; task queue ``shipping``."""

from collections.abc import Mapping
from typing import Any

from temporalio import activity

from activities.failures import refused, translated
from activities.keys import cancel_label_key, shipment_key
from activities.messages import (
    NOTHING,
    NOTHING_FOR_GOOD,
    CompensationRequest,
    CompensationResult,
    ShipmentResult,
    StepRequest,
)
from activities.orders.trail import complete, live_label, submitted_order
from activities.ports import (
    Carrier,
    CarrierLabel,
    GatewayError,
    LabelRequest,
    LabelStatus,
    OutcomeUnknown,
    ParcelItem,
)
from activities.unit_of_work import (
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
from domain.order.state import Completed, FrozenOrder, Processing
from domain.shipment.commands import RecordLabel, RecordLabelCancelled
from domain.shipment.shipment import NoShipment, Shipment
from domain.values import CaptureMode, Reason, readable
from eventstore.commands.folding import Loaded
from eventstore.commands.handler import CommandHandler, Decision


class ShippingActivities:
    """Buy labels and take them back."""

    def __init__(self, handler: CommandHandler, carrier: Carrier) -> None:
        self._handler = handler
        self._carrier = carrier

    @activity.defn
    async def create_shipment(self, request: StepRequest) -> ShipmentResult:
        """Buy the label; complete the order unless its money is still to be captured.

        Raises:
            ApplicationError: address_refused, carrier_unavailable, not_fulfillable; unavailable
                or unknown_outcome, to be tried again.
        """
        with translated(Reason.CARRIER_UNAVAILABLE):
            order, known = await self._load(request.order_id)
            label = None
            if not (isinstance(known, Shipment) and known.label_is_live):
                label = await self._buy(order)
            skus = tuple(dict.fromkeys(line.sku for line in order.lines))
            return await self._record(request, order, skus, label)

    @activity.defn
    async def cancel_shipment(self, request: CompensationRequest) -> CompensationResult:
        """Take the label back, as the carrier's own state says.

        Raises:
            ApplicationError: unavailable or unknown_outcome, to be tried again; a refusal of the
                carrier, for a person to look at.
        """
        with translated(Reason.CARRIER_UNAVAILABLE):
            try:
                label = await self._take_back(request.order_id)
            except GatewayError:
                if request.settled_by is None:
                    raise
                return await self._settle_by_hand(request)
            if label is None or label.status is LabelStatus.REFUSED:
                return CompensationResult(NOTHING)
            if label.status is LabelStatus.FORBIDDEN:
                return CompensationResult(NOTHING_FOR_GOOD)
            await self._record_cancelled(request, label)
        return CompensationResult("cancelled")

    async def _load(self, order_id: OrderId) -> tuple[FrozenOrder, NoShipment | Shipment]:
        order, parcel = order_slot(order_id), shipment_slot(order_id)
        known = await read(self._handler, order, parcel)
        return submitted_order(known.state(order), order_id), known.state(parcel)

    async def _buy(self, order: FrozenOrder) -> CarrierLabel:
        key = shipment_key(order.order_id)
        address = readable(order.address, "delivery address")
        items = tuple(ParcelItem(line.sku, line.quantity) for line in order.lines)
        try:
            label = await self._carrier.buy_label(LabelRequest(order.order_id, address, items, key))
        except OutcomeUnknown:
            found = await self._carrier.find(key)
            if found is None:
                raise
            label = found
        if label.status is LabelStatus.REFUSED:
            raise refused(
                Reason.ADDRESS_REFUSED, f"the carrier refused the address: {label.refusal}"
            )
        if label.status is not LabelStatus.LIVE:
            raise refused(Reason.NOT_FULFILLABLE, f"the order's label is {label.status}")
        return label

    async def _record(
        self,
        request: StepRequest,
        order: FrozenOrder,
        skus: tuple[Sku, ...],
        label: CarrierLabel | None,
    ) -> ShipmentResult:
        order_id = request.order_id

        def decide(loaded: Mapping[str, Loaded[Any]]) -> Decision[ShipmentResult]:
            work = Work(loaded)
            if label:
                work.tell(shipment_slot(order_id), _recorded(label))
            live = live_label(work, order_id)
            if live is None:
                raise refused(Reason.NOT_FULFILLABLE, "the order's label was cancelled before")
            at_once = order.payment.capture is CaptureMode.AUTOMATIC
            if at_once and isinstance(work.state(order_slot(order_id)), Processing):
                complete(work, order_id, skus, live.tracking_number)
            completed = isinstance(work.state(order_slot(order_id)), Completed)
            if at_once and not completed:
                raise refused(Reason.NOT_FULFILLABLE, "the order is not ready to be shipped")
            return work.decision(ShipmentResult(live.label_id, live.tracking_number, completed))

        slots = folds(
            order_slot(order_id),
            shipment_slot(order_id),
            fulfillment_slot(order_id),
            *(stock_slot(sku) for sku in skus),
        )
        return await self._handler.execute(slots, decide, command_context(request.saga, "label"))

    async def _take_back(self, order_id: OrderId) -> CarrierLabel | None:
        """What stands under the order's key at the carrier after it was undone.

        Where there is nothing, the carrier is told not to issue a label any more: a request may be
        on its way still. None if the carrier has no way to forbid that.
        """
        key = shipment_key(order_id)
        label = await self._carrier.find(key) or await self._carrier.forbid(order_id, key)
        if label is None or label.status is not LabelStatus.LIVE:
            return label
        return await self._carrier.cancel_label(label.label_id, cancel_label_key(order_id))

    async def _record_cancelled(self, request: CompensationRequest, label: CarrierLabel) -> None:
        slot = shipment_slot(request.order_id)

        def decide(loaded: Mapping[str, Loaded[Any]]) -> Decision[None]:
            work = Work(loaded)
            if isinstance(work.state(slot), NoShipment):
                work.tell(slot, _recorded(label))
            work.tell(slot, RecordLabelCancelled(request.order_id, label.label_id))
            return work.decision(None)

        await self._handler.execute(
            folds(slot), decide, command_context(request.saga, "label-cancelled")
        )

    async def _settle_by_hand(self, request: CompensationRequest) -> CompensationResult:
        slot = shipment_slot(request.order_id)

        def decide(loaded: Mapping[str, Loaded[Any]]) -> Decision[None]:
            work = Work(loaded)
            if label := live_label(work, request.order_id):
                work.tell(slot, RecordLabelCancelled(request.order_id, label.label_id))
            return work.decision(None)

        await self._handler.execute(
            folds(slot), decide, command_context(request.saga, "label-by-hand")
        )
        return CompensationResult("settled by hand")


def _recorded(label: CarrierLabel) -> RecordLabel:
    return RecordLabel(
        label.order_id,
        label.carrier,
        label.label_id,
        label.tracking_number,
        label.idempotency_key,
    )
