"""Requests that a saga has accepted and not carried out yet."""

from dataclasses import dataclass, field

from activities.messages import OperatorAction, Scan
from domain.lines import Pieces
from domain.order.drafting import MAX_LINES
from domain.order.terms import ShortageChoice
from domain.values import Address


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """An accepted request to cancel the order; `customer`: the customer asked for it."""

    by: OperatorAction
    customer: bool


@dataclass(frozen=True, slots=True)
class AddressChange:
    """An accepted change of the delivery address."""

    address: Address
    by: OperatorAction


@dataclass(frozen=True, slots=True)
class Choice:
    """An accepted choice of what to do about unavailable items."""

    choice: ShortageChoice
    by: OperatorAction


@dataclass(frozen=True, slots=True)
class OtherPayment:
    """An accepted payment to try after a decline: by a token or a confirmed one.

    `repr` omits the secret token.
    """

    token: str | None = field(repr=False)
    confirmed: str | None
    by: OperatorAction


@dataclass(frozen=True, slots=True)
class Amendment:
    """An accepted request to remove pieces from the order."""

    pieces: tuple[Pieces, ...]
    by: OperatorAction


@dataclass(slots=True)
class PendingRequests:
    """Accepted requests that are not carried out yet. Handlers add them, the saga takes them.

    Attributes:
        cancel: the request to cancel the order.
        cancelled_natively: why an earlier run was cancelled through Temporal; None: it was not.
        held_by: the operator who holds the saga; None: it is not on hold.
        address_changes: oldest first.
        address_in_work: the address that an activity records now; it asks for it by a query.
        amendments: oldest first.
        choice: the answer to the shortage.
        payment: the payment method to try next; an activity asks for its token by a query.
        stock_arrived: stock may have arrived since the stock ledger was last asked.
        scans: what the carrier reported, by status; the first report of each counts.
        unsent: those that the workflow that follows the parcel does not have yet.
    """

    cancel: CancelRequest | None = None
    cancelled_natively: str | None = None
    held_by: OperatorAction | None = None
    address_changes: list[AddressChange] = field(default_factory=list)
    address_in_work: Address | None = None
    amendments: list[Amendment] = field(default_factory=list)
    choice: Choice | None = None
    payment: OtherPayment | None = None
    stock_arrived: bool = False
    scans: dict[str, Scan] = field(default_factory=dict)
    unsent: list[Scan] = field(default_factory=list)

    @property
    def waiting(self) -> int:
        """How many wait to be carried out and are not recorded yet."""
        single = (self.choice is not None) + (self.payment is not None)
        return len(self.address_changes) + len(self.amendments) + single

    @property
    def has_room_for_pieces(self) -> bool:
        """Whether another amendment can be kept."""
        return sum(len(amendment.pieces) for amendment in self.amendments) < MAX_LINES

    def keep(self, scan: Scan) -> None:
        """Keep a scan, once; there are only a few statuses."""
        if scan.status not in self.scans:
            self.scans[scan.status] = scan
            self.unsent.append(scan)

    def drop(self) -> tuple[OperatorAction, ...]:
        """Forget the requests that no longer matter; returns the actions to record for them."""
        dropped = [change.by for change in self.address_changes]
        dropped += [amendment.by for amendment in self.amendments]
        dropped += [self.choice.by] if self.choice else []
        dropped += [self.payment.by] if self.payment else []
        self.address_changes, self.amendments = [], []
        self.choice = self.payment = None
        return tuple(dropped)
