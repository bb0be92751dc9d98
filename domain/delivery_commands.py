"""What can be recorded about following a parcel, beside the carrier's scans."""

from dataclasses import dataclass


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
