"""Commands of the shipment of an order."""

from dataclasses import dataclass
from datetime import datetime

from domain.ids import OrderId
from domain.parcel_left import IfLeft


@dataclass(frozen=True, slots=True)
class RecordLabel:
    """Record the carrier's label."""

    order_id: OrderId
    carrier: str
    label_id: str
    tracking_number: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class RecordLabelCancelled:
    """Record that the carrier cancelled the label."""

    order_id: OrderId
    label_id: str


@dataclass(frozen=True, slots=True)
class RecordCarrierUpdate:
    """Record a scan: `status` is handed_over, in_transit, delivered, returned or lost.

    Scans may arrive twice, late, out of order, and before the label is recorded; one that would
    move the shipment backwards changes nothing.
    """

    status: str
    at: datetime


@dataclass(frozen=True, slots=True)
class GiveUpParcel:
    """Record what a person says of a parcel that has left although its order is undone."""

    goods: IfLeft
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class RequireDeliveryAttention:
    """Record that a person must look at the parcel."""

    at_step: str
    waiting_for: str


@dataclass(frozen=True, slots=True)
class RecordDeliveryOperator:
    """Record what an operator did about the parcel, and why."""

    actor: str
    action: str
    reason: str


ShipmentCommand = (
    RecordLabel
    | RecordLabelCancelled
    | RecordCarrierUpdate
    | GiveUpParcel
    | RequireDeliveryAttention
    | RecordDeliveryOperator
)
