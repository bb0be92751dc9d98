"""The state of a workflow that follows a parcel."""

from dataclasses import dataclass, field
from datetime import datetime

from activities.messages import Scan
from activities.returns.messages import ParcelView
from workflows import policies
from workflows.common.search_attributes import Progress


@dataclass(slots=True)
class DeliveryState:
    """Everything one run knows.

    Attributes:
        progress: where it stands, for people.
        scans: what was reported and is not recorded yet, oldest first.
        parcel: the parcel as it is recorded; None until it is known.
        recorded: the statuses that were reported and recorded.
        heard_at: when there was news of the parcel, or a person last looked.
        given_up: a person said that it is not to be followed.
        stopped: somebody cancelled it through Temporal; what was reported is still recorded.
    """

    progress: Progress = field(default_factory=lambda: Progress("starting"))
    scans: list[Scan] = field(default_factory=list)
    parcel: ParcelView | None = None
    recorded: list[str] = field(default_factory=list)
    heard_at: datetime | None = None
    given_up: bool = False
    stopped: bool = False

    def keep(self, scan: Scan) -> bool:
        """Keep a scan, once; returns whether there was room for it."""
        if scan in self.scans:
            return True
        if has_room := len(self.scans) < policies.MOST_SCANS:
            self.scans.append(scan)
        return has_room

    @property
    def has_arrived(self) -> bool:
        """Whether the carrier is done with the parcel."""
        return self.parcel is not None and self.parcel.arrived

    @property
    def case_waits(self) -> bool:
        """Whether a return is to be opened as soon as the order has ended."""
        parcel = self.parcel
        return parcel is not None and parcel.order_is_open and parcel.case_to_open is not None

    @property
    def is_done(self) -> bool:
        """Whether there is nothing to follow any more."""
        arrived = self.has_arrived and not self.case_waits
        return arrived or self.given_up or self.stopped
