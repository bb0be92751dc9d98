"""Facts about the shipment of an order."""

from dataclasses import dataclass
from datetime import datetime

from domain.ids import OrderId


@dataclass(frozen=True, slots=True)
class ScanContradicted:
    """The carrier told of another end (`status`, at `at` by its clock) than the one on record.

    What is on record stands; a person must find out what became of the parcel.
    """

    status: str
    at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryAttentionRequired:
    """A person must look at the parcel: `waiting_for` says in one sentence what on."""

    at_step: str
    waiting_for: str


@dataclass(frozen=True, slots=True)
class DeliveryOperatorActed:
    """A person steered the following of the parcel: who, what and why."""

    actor: str
    action: str
    reason: str


DeliveryEvent = ScanContradicted | DeliveryAttentionRequired | DeliveryOperatorActed

# --- shipment ------------------------------------------------------------------------------------


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
    """The carrier took the label back."""

    order_id: OrderId
    label_id: str


@dataclass(frozen=True, slots=True)
class ShipmentHandedOver:
    """The carrier has the parcel since `at` (carrier's clock)."""

    at: datetime


@dataclass(frozen=True, slots=True)
class ShipmentInTransit:
    """The parcel was scanned on its way at `at` (carrier's clock)."""

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
    """The carrier gave the parcel up at `at` (carrier's clock)."""

    at: datetime


ShipmentEvent = (
    LabelBought
    | LabelCancelled
    | ShipmentHandedOver
    | ShipmentInTransit
    | ShipmentDelivered
    | ShipmentReturned
    | ShipmentLost
    | DeliveryEvent
)
