"""What is recorded about a parcel after it has left; task queue ``shipping``."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.failures import translated
from activities.messages import SagaRef
from activities.ports import AttentionNotice, Notifications
from activities.returns.messages import ParcelAttention, ParcelOperators, ParcelView, RecordScan
from activities.unit_of_work import Work, command_context, folds, returns_slot, shipment_slot
from domain.ids import OrderId, ReturnId
from domain.returns.values import ReturnKind
from domain.shipment.commands import (
    RecordCarrierUpdate,
    RecordDeliveryOperator,
    RequireDeliveryAttention,
    ShipmentCommand,
)
from domain.shipment.shipment import Shipment, ShipmentStatus
from eventstore.commands.folding import Loaded
from eventstore.commands.handler import CommandHandler, Decision
from eventstore.errors import DuplicateEventId

NO_PARCEL: Final = "no_parcel"
"""The order has no live label: it may get one yet."""

_CASES: Final = {
    ShipmentStatus.LOST: ReturnKind.LOST,
    ShipmentStatus.RETURNED: ReturnKind.RETURNED_TO_SENDER,
}


class DeliveryActivities:
    """Record scans, and who looked after a parcel that needed it."""

    def __init__(self, handler: CommandHandler, notifications: Notifications) -> None:
        self._handler = handler
        self._notifications = notifications

    @activity.defn
    async def record_scan(self, request: RecordScan) -> ParcelView:
        """Record a scan, unless it is known or would lead backwards; tells where the parcel is.

        Raises:
            ApplicationError: no_parcel or unavailable, to be tried again.
        """
        slots = folds(shipment_slot(request.order_id), returns_slot(request.order_id))
        with translated():
            return await self._handler.execute(
                slots,
                lambda loaded: _record(Work(loaded), request),
                command_context(request.saga, "scan"),
            )

    @activity.defn
    async def record_delivery_attention(self, request: ParcelAttention) -> None:
        """Record that a person must look at the parcel, and tell people.

        Raises:
            ApplicationError: unavailable.
        """
        command = RequireDeliveryAttention(request.at_step, request.waiting_for)
        with translated():
            await self._note(request.saga, request.order_id, (command,), "delivery-attention")
        await self._notifications.needs_attention(
            AttentionNotice(request.order_id, request.at_step, request.waiting_for)
        )

    @activity.defn
    async def record_delivery_operator(self, request: ParcelOperators) -> None:
        """Record who steered the following of the parcel, how and why.

        Raises:
            ApplicationError: unavailable.
        """
        commands = tuple(
            RecordDeliveryOperator(act.actor, act.action, act.reason) for act in request.actions
        )
        with translated():
            await self._note(request.saga, request.order_id, commands, "delivery-operator")

    async def _note(
        self, saga: SagaRef, order_id: OrderId, commands: tuple[ShipmentCommand, ...], purpose: str
    ) -> None:
        slot = shipment_slot(order_id)

        def decide(loaded: Mapping[str, Loaded[Any]]) -> Decision[None]:
            work = Work(loaded)
            work.tell(slot, *commands)
            return work.decision(None)

        # A duplicate id: an earlier attempt, whose answer was lost, has done it.
        with suppress(DuplicateEventId):
            await self._handler.execute(folds(slot), decide, command_context(saga, purpose))


def _record(work: Work, request: RecordScan) -> Decision[ParcelView]:
    slot = shipment_slot(request.order_id)
    parcel = _parcel(work, request.order_id)
    if request.scan:
        work.tell(slot, RecordCarrierUpdate(request.scan.status, request.scan.at))
        parcel = _parcel(work, request.order_id)
    cases = work.state(returns_slot(request.order_id)).cases
    kind = _CASES.get(parcel.status)
    opened = kind is None or ReturnId(kind.value) in cases
    view = ParcelView(
        status=parcel.status.value,
        arrived=parcel.has_arrived,
        contradicted_by=parcel.contradicted_by,
        case_to_open=None if opened else kind,
    )
    return work.decision(view)


def _parcel(work: Work, order_id: OrderId) -> Shipment:
    state = work.state(shipment_slot(order_id))
    if isinstance(state, Shipment) and state.label_is_live:
        return state
    raise ApplicationError("the order has no parcel", type=NO_PARCEL)
