"""Activities that record what happens to a parcel once it has left; task queue ``shipping``."""

from typing import Final

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.aggregates import RETURNS, SHIPMENT
from activities.ports import AttentionNotice, Notifications
from activities.returns.messages import ParcelAttention, ParcelOperators, ParcelView, RecordScan
from activities.unit_of_work import UnitOfWork, command_context, record, transact
from domain.ids import OrderId, ReturnId
from domain.returns.values import ReturnKind
from domain.shipment import commands
from domain.shipment.shipment import Shipment, ShipmentStatus, live_label
from eventstore.commands.handler import CommandHandler

NO_PARCEL: Final = "no_parcel"
"""The order has no live label; it may still get one."""

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
            ApplicationError: no_parcel, which is retried.
        """
        return await transact(
            self._handler,
            (SHIPMENT.stream(request.order_id), RETURNS.stream(request.order_id)),
            lambda unit: _record(unit, request),
            command_context(request.saga, "scan"),
        )

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


def _record(unit: UnitOfWork, request: RecordScan) -> ParcelView:
    order_id, scan = request.order_id, request.scan
    _parcel(unit, order_id)
    if scan:
        command = commands.RecordCarrierUpdate(scan.status, scan.at)
        unit.execute(SHIPMENT.stream(order_id), command)
    parcel = _parcel(unit, order_id)
    kind = _RETURN_KINDS.get(parcel.status)
    cases = unit.state(RETURNS.stream(order_id)).cases
    is_open = kind is None or ReturnId(kind.value) in cases
    return ParcelView(
        status=parcel.status.value,
        arrived=parcel.has_arrived,
        contradicted_by=parcel.contradicted_by,
        case_to_open=None if is_open else kind,
    )


def _parcel(unit: UnitOfWork, order_id: OrderId) -> Shipment:
    if (parcel := live_label(unit.state(SHIPMENT.stream(order_id)))) is None:
        raise ApplicationError("the order has no parcel", type=NO_PARCEL)
    return parcel
