"""What is recorded about following a parcel, beside the carrier's scans; in the shipment stream."""

from dataclasses import dataclass
from datetime import datetime


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
