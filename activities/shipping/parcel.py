"""Activities that record what happens to a parcel once it has left; task queue ``shipping``."""

from typing import Final

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.aggregates import ORDER, RETURNS, SHIPMENT, streams_of
from activities.ports import AttentionNotice, Notifications
from activities.returns.messages import ParcelAttention, ParcelOperators, ParcelView, RecordScan
from activities.unit_of_work import UnitOfWork, command_context, record, transact
from domain.ids import OrderId, ReturnId
from domain.order.state import Cancelled, Completed, OrderState
from domain.returns.values import ReturnKind
from domain.shipment import commands
from domain.shipment.shipment import NoShipment, Shipment, ShipmentStatus
from eventstore.commands.handler import CommandHandler

NO_PARCEL: Final = "no_parcel"
"""The order has no label; it may still get one."""

_RETURN_KINDS: Final = {
    ShipmentStatus.LOST: ReturnKind.LOST,
    ShipmentStatus.RETURNED: ReturnKind.RETURNED_TO_SENDER,
}


class DeliveryActivities:
    """Record scans, and what operators did about a parcel."""

    def __init__(self, handler: CommandHandler, notifications: Notifications) -> None:
        self._handler = handler
        self._notifications = notifications

    @activity.defn
    async def record_scan(self, request: RecordScan) -> ParcelView:
        """Record a scan unless it is known or would move the parcel backwards; return its status.

        Raises:
            ApplicationError: no_parcel: no label is recorded yet. The scan is kept for it; the
                attempt is repeated to tell what became of it.
        """
        view = await transact(
            self._handler,
            streams_of(request.order_id, ORDER, SHIPMENT, RETURNS),
            lambda unit: _record(unit, request),
            command_context(request.saga, "scan"),
            if_done=lambda unit: _view(unit, request.order_id),
        )
        if view is None:
            raise ApplicationError("the order has no parcel", type=NO_PARCEL)
        return view

    @activity.defn
    async def record_delivery_attention(self, request: ParcelAttention) -> None:
        """Record that a person must look at the parcel, and notify people."""
        command = commands.RequireDeliveryAttention(request.at_step, request.waiting_for)
        context = command_context(request.saga, "delivery-attention")
        await record(self._handler, SHIPMENT.stream(request.order_id), (command,), context)
        await self._notifications.needs_attention(
            AttentionNotice(request.order_id, request.at_step, request.waiting_for)
        )

    @activity.defn
    async def record_delivery_operator(self, request: ParcelOperators) -> None:
        """Record which operator did what about the parcel, and why."""
        actions = [
            commands.RecordDeliveryOperator(action.actor, action.action, action.reason)
            for action in request.actions
        ]
        context = command_context(request.saga, "delivery-operator")
        await record(self._handler, SHIPMENT.stream(request.order_id), actions, context)


def _record(unit: UnitOfWork, request: RecordScan) -> ParcelView | None:
    if scan := request.scan:
        command = commands.RecordCarrierUpdate(scan.status, scan.at)
        unit.execute(SHIPMENT.stream(request.order_id), command)
    return _view(unit, request.order_id)


def _view(unit: UnitOfWork, order_id: OrderId) -> ParcelView | None:
    """The parcel; None: no label is recorded."""
    parcel = unit.state(SHIPMENT.stream(order_id))
    if isinstance(parcel, NoShipment):
        return None
    order = unit.state(ORDER.stream(order_id))
    return ParcelView(
        status=parcel.status.value,
        arrived=parcel.has_arrived or not parcel.label_is_live,
        contradicted_by=parcel.contradicted_by,
        case_to_open=_case_to_open(unit, order_id, parcel, order),
        order_is_open=not isinstance(order, Completed | Cancelled),
        order_is_cancelled=isinstance(order, Cancelled),
    )


def _case_to_open(
    unit: UnitOfWork, order_id: OrderId, parcel: Shipment, order: OrderState
) -> ReturnKind | None:
    """The return that the parcel calls for, if it is not open yet.

    What an undone order has lost is written off already; what comes back from it goes into stock.
    """
    kind = _RETURN_KINDS.get(parcel.status)
    undone = isinstance(order, Cancelled)
    if kind is None or ReturnId(kind.value) in unit.state(RETURNS.stream(order_id)).cases:
        return None
    return None if undone and kind is ReturnKind.LOST else kind
