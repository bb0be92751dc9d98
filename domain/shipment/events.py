"""Events of the shipment of an order."""

from dataclasses import dataclass
from datetime import datetime

from domain.ids import OrderId
from domain.parcel_left import IfLeft


@dataclass(frozen=True, slots=True)
class LabelBought:
    """The carrier issued a label for the order's parcel."""

    order_id: OrderId
    carrier: str
    label_id: str
    tracking_number: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class LabelCancelled:
    """The carrier cancelled the label."""

    order_id: OrderId
    label_id: str


@dataclass(frozen=True, slots=True)
class ShipmentHandedOver:
    """The carrier received the parcel at `at` (carrier's clock)."""

    at: datetime


@dataclass(frozen=True, slots=True)
class ShipmentInTransit:
    """The parcel was scanned in transit at `at` (carrier's clock)."""

    at: datetime


@dataclass(frozen=True, slots=True)
class ShipmentDelivered:
    """The parcel was delivered at `at` (carrier's clock)."""

    at: datetime


@dataclass(frozen=True, slots=True)
class ShipmentReturned:
    """The parcel came back to us at `at` (carrier's clock)."""

    at: datetime


@dataclass(frozen=True, slots=True)
class ShipmentLost:
    """The carrier declared the parcel lost at `at` (carrier's clock)."""

    at: datetime


@dataclass(frozen=True, slots=True)
class ScanKept:
    """The carrier reported `status` (at `at`, by its clock) before a label was recorded.

    It counts once there is one.
    """

    status: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ParcelGivenUp:
    """The order is undone although its parcel has left: `goods` says what became of them."""

    goods: IfLeft
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class ScanContradicted:
    """The carrier reported a `status` (at `at`, by its clock) that cannot follow the recorded one.

    A second end, a scan of a parcel whose label is cancelled, or a delivery of goods that were
    written off. The record stands; a person must find out what happened to the parcel.
    """

    status: str
    at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryAttentionRequired:
    """A person must look at the parcel; `waiting_for` says in one sentence what for."""

    at_step: str
    waiting_for: str


@dataclass(frozen=True, slots=True)
class DeliveryOperatorActed:
    """An operator did something about the parcel: who, what and why."""

    actor: str
    action: str
    reason: str


ScanEvent = (
    ShipmentHandedOver | ShipmentInTransit | ShipmentDelivered | ShipmentReturned | ShipmentLost
)
DeliveryEvent = ScanContradicted | ParcelGivenUp | DeliveryAttentionRequired | DeliveryOperatorActed
ShipmentEvent = ScanKept | LabelBought | LabelCancelled | ScanEvent | DeliveryEvent
