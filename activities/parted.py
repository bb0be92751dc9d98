"""What our own record says before a label is cancelled: has the parcel left, and what then.

The label of a parcel that has left is never cancelled, and its goods are never released as if they
were on the shelf. The shop's rule, or a person, says what happens instead.
"""

from typing import Final

from activities.aggregates import FULFILLMENT, ORDER, PAYMENT, SHIPMENT
from activities.messages import NOTHING, CompensationRequest, CompensationResult, Scan
from activities.unit_of_work import UnitOfWork
from domain.ids import OrderId
from domain.order.state import Backordered, OrderState, Processing, submitted_order
from domain.parcel_left import IfLeft
from domain.payment.state import holds_money
from domain.saga.commands import WithdrawCompensation
from domain.shipment.commands import GiveUpParcel, RecordCarrierUpdate
from domain.shipment.shipment import Shipment, ShipmentState, live_label

_GIVEN_UP: Final = {
    IfLeft.LOST: "the parcel has left: its goods are written off",
    IfLeft.COMING_BACK: "the parcel has left: its goods are on their way back",
}


def record_scans(unit: UnitOfWork, order_id: OrderId, scans: tuple[Scan, ...]) -> None:
    """Record what the carrier told the saga itself."""
    for scan in scans:
        unit.execute(SHIPMENT.stream(order_id), RecordCarrierUpdate(scan.status, scan.at))


def parted(state: ShipmentState) -> Shipment | None:
    """The parcel if it has left, under a label that is not cancelled."""
    parcel = live_label(state)
    return parcel if parcel and parcel.has_left else None


def is_past_payment(order: OrderState) -> bool:
    """Whether all steps before the label were done."""
    waits = isinstance(order, Backordered) and order.processing
    return isinstance(order, Processing) or waits


def can_go_on(unit: UnitOfWork, order_id: OrderId) -> bool:
    """Whether the order can still be shipped and paid: its money has not gone back already."""
    order = unit.state(ORDER.stream(order_id))
    if not is_past_payment(order):
        return False
    is_free = submitted_order(order, order_id).is_free
    return is_free or holds_money(unit.state(PAYMENT.stream(order_id)))


def decide_about_parcel(
    unit: UnitOfWork, request: CompensationRequest
) -> CompensationResult | None:
    """What is done about a parcel that has left; None: it has not, its label can be cancelled.

    The unit holds the order, its payment, its parcel and the saga's trail.
    """
    order_id = request.order_id
    record_scans(unit, order_id, request.scans)
    shipment = SHIPMENT.stream(order_id)
    parcel = parted(unit.state(shipment))
    if parcel is None:
        return None
    if parcel.given_up:
        return CompensationResult(_GIVEN_UP[parcel.given_up])
    where = f"the parcel has left: it is {parcel.status.replace('_', ' ')}"
    goods, by = request.if_left, request.settled_by
    if goods in _GIVEN_UP and by:
        unit.execute(shipment, GiveUpParcel(goods, by.actor, by.reason))
        return CompensationResult(_GIVEN_UP[goods])
    if goods is IfLeft.SHIP_AND_COLLECT and can_go_on(unit, order_id):
        unit.execute(FULFILLMENT.stream(order_id), WithdrawCompensation(where))
        return CompensationResult(NOTHING, left=IfLeft.SHIP_AND_COLLECT)
    return CompensationResult(where, left=IfLeft.ASK)
