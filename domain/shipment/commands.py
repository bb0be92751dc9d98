"""Commands to the shipment of an order."""

from dataclasses import dataclass
from datetime import datetime

from domain.ids import OrderId


@dataclass(frozen=True, slots=True)
class RequireDeliveryAttention:
    """Record that a person must look at the parcel."""

    at_step: str
    waiting_for: str


@dataclass(frozen=True, slots=True)
class RecordDeliveryOperator:
    """Record who steered the following of the parcel, how and why."""

    actor: str
    action: str
    reason: str


DeliveryCommand = RequireDeliveryAttention | RecordDeliveryOperator

# --- shipment ------------------------------------------------------------------------------------


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
    """Record that the carrier took the label back."""

    order_id: OrderId
    label_id: str


@dataclass(frozen=True, slots=True)
class RecordCarrierUpdate:
    """Record a scan: `status` is handed_over, in_transit, delivered, returned or lost.

    Updates may come twice, late or out of order; one that would move the shipment backwards
    changes nothing.
    """

    status: str
    at: datetime


ShipmentCommand = RecordLabel | RecordLabelCancelled | RecordCarrierUpdate | DeliveryCommand
