"""Inputs and results of activities, and the names that workflows and workers share.

All are dataclasses that Temporal stores as JSON. A field may be added with a default; renaming or
removing one breaks open sagas.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from domain import values
from domain.ids import CustomerId, OrderId
from domain.lines import Adjustment, Content, OrderLine, Pieces
from domain.money import Money
from domain.order.terms import CANCEL_AT_ONCE, OutageTerms, ShortageChoice, UnavailableTerms
from domain.parcel_left import IfLeft

ORDERS_QUEUE = "orders"
INVENTORY_QUEUE = "inventory"
PAYMENTS_QUEUE = "payments"
SHIPPING_QUEUE = "shipping"
ALL_QUEUES = (ORDERS_QUEUE, INVENTORY_QUEUE, PAYMENTS_QUEUE, SHIPPING_QUEUE)

WORKFLOW_TYPE = "OrderFulfillment"
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class OrderDocument:
    """A whole order as a client submits it, validated and in the domain's types."""

    order_id: OrderId
    customer_id: CustomerId | None
    currency: str
    placed_at: datetime | None
    lines: tuple[OrderLine, ...]
    address: values.Address | None
    payment: values.PaymentTerms | None
    unavailable: UnavailableTerms = CANCEL_AT_ONCE
    on_outage: OutageTerms | None = None
    adjustments: tuple[Adjustment, ...] = ()
    reference: str | None = None
    customer: values.Contact | None = None
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)
    if_left: IfLeft | None = None

    @property
    def content(self) -> Content:
        """Lines and adjustments together."""
        return Content(self.currency, self.lines, self.adjustments)


@dataclass(frozen=True, slots=True)
class SagaRef:
    """The saga run that requests an activity, named in the metadata of every event.

    It has learnt of the event store up to the position `seen_up_to`.
    """

    workflow_id: str
    run_id: str
    seen_up_to: int = 0


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """The common fields of all requests about an order in the event store."""

    saga: SagaRef
    order_id: OrderId


@dataclass(frozen=True, slots=True)
class ReserveInventory:
    """Submit the order in `document` unless it exists, then reserve its stock.

    All of it or none, unless the document says what else to do when items are unavailable.
    """

    saga: SagaRef
    document: OrderDocument


@dataclass(frozen=True, slots=True)
class ReservationResult:
    """Where the order stands, including what an earlier run did.

    Attributes:
        total: what the order costs now.
        finished: how the order ended; then there is nothing to do.
        turned_back: why an earlier run started to compensate; this run must then compensate too.
        shortage: what the order waits for; None if nothing is missing.
        amended: the pieces that count now; empty if they are the submitted ones.
        cancel_after_s: the installation's setting for orders that do not say what to do if a
            provider fails for long; None: wait.
        if_left: the same, for a parcel that has left before its order is undone.
        created: this run brought the order into the event store.
    """

    total: Money
    finished: "ClosedSaga | None" = None
    turned_back: "TurnedBack | None" = None
    shortage: "Shortage | None" = None
    amended: tuple[Pieces, ...] = ()
    cancel_after_s: float | None = None
    if_left: IfLeft = IfLeft.ASK
    created: bool = False


@dataclass(frozen=True, slots=True)
class Shortage:
    """What an order waits for.

    Attributes:
        missing: the items that are not in stock.
        held: how many pieces are reserved for the order.
        asking: whether its customer is asked to choose.
        deadline: when the order's default decides.
        labelled: whether the order has a label.
    """

    missing: tuple[values.MissingItem, ...]
    held: int
    asking: bool
    deadline: datetime
    labelled: bool = False

    def __str__(self) -> str:
        shown = [str(item) for item in self.missing[:_SHOWN]]
        more = len(self.missing) - len(shown)
        return "; ".join([*shown, f"and {more} more"] if more else shown)


@dataclass(frozen=True, slots=True)
class TurnedBack:
    """Why a saga started to compensate, as recorded."""

    reason: values.Reason
    detail: str


@dataclass(frozen=True, slots=True)
class ClosedSaga:
    """How an order ended, as recorded."""

    outcome: values.Outcome
    reason: values.Reason | None
    detail: str
    payment_reference: str | None
    tracking_number: str | None


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """What this run must undo besides its own steps, because another run of the saga was before it.

    `label_in_doubt`: a label may have been requested whose outcome is not recorded. `turned_back`:
    why the order is being undone; the reason that was recorded first stays.
    """

    compensations: tuple[values.Compensation, ...]
    label_in_doubt: bool
    turned_back: TurnedBack


@dataclass(frozen=True, slots=True)
class StepRequest(OrderRequest):
    """Run a step after the reservation, for an order that is in the event store.

    `settled_by` names an operator who looked at what somebody else holds under the order's key: the
    step goes on past it, with the next key. `again`: a capture that was declined is asked for anew.
    """

    settled_by: "OperatorAction | None" = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class PaymentResult:
    """The provider's reference, and whether money was captured or only authorised.

    Attributes:
        reference: None: there was nothing to pay.
        overpaid: more was captured than the order costs, because it was amended meanwhile.
        order_completed: that ended the order, because nothing of it is shipped.
        lapses_at: when an authorisation ends by itself; None: it was captured, or nobody says.
        scan: where the parcel is by now, if the order is completed and the carrier has said so.
    """

    reference: str | None
    captured: bool
    overpaid: bool = False
    order_completed: bool = False
    lapses_at: datetime | None = None
    scan: "Scan | None" = None


@dataclass(frozen=True, slots=True)
class ShipmentResult:
    """The carrier's answer; `order_completed` is False while the capture is outstanding.

    No tracking number: nothing of the order is shipped. `scan`: where the parcel is by now, if the
    carrier has said so.
    """

    tracking_number: str | None
    order_completed: bool
    scan: "Scan | None" = None


@dataclass(frozen=True, slots=True)
class OperatorAction:
    """What a person did to a saga and why."""

    actor: str
    action: str
    reason: str


@dataclass(frozen=True, slots=True)
class Scan:
    """A status that the carrier reported, with the carrier's time."""

    status: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CompensationRequest(OrderRequest):
    """Undo a step, whether or not it ever took effect.

    Attributes:
        reason: why the order is undone.
        settled_by: an operator who states that it was undone by hand: the provider is asked once
            more, and if it cannot confirm, the statement is recorded as the proof.
        if_left: what to do if the parcel has left.
        scans: what the carrier told the saga itself; part of what our record knows.
    """

    reason: values.Reason
    settled_by: OperatorAction | None = None
    if_left: IfLeft = IfLeft.ASK
    scans: tuple[Scan, ...] = ()


NOTHING = "nothing"
NOTHING_FOR_GOOD = "nothing, and it cannot happen any more"


@dataclass(frozen=True, slots=True)
class CompensationResult:
    """`undone` says in a few words what was undone; NOTHING if the step had no effect.

    NOTHING_FOR_GOOD: it had none, and a request that is still on its way will have none either.
    `left`: nothing was undone, because the parcel has left; a person must choose (ask), or the
    order is not undone after all (ship_and_collect).
    """

    undone: str
    left: IfLeft | None = None


@dataclass(frozen=True, slots=True)
class TurnBack(OrderRequest):
    """Record why the saga compensates; `step` is None if somebody cancelled the order.

    `if_left` and `scans` are as in `CompensationRequest`. `document` holds personal data. It is
    there only if the event store may not have the order yet.
    """

    document: OrderDocument | None
    step: values.Step | None
    kind: values.FailureKind | None
    reason: values.Reason
    detail: str
    operator: tuple[OperatorAction, ...] = ()
    if_left: IfLeft = IfLeft.ASK
    scans: tuple[Scan, ...] = ()


@dataclass(frozen=True, slots=True)
class GoesOn:
    """The order is not undone: its parcel has left, and the shop wants it shipped and paid."""

    status: str


@dataclass(frozen=True, slots=True)
class CloseCancelled(OrderRequest):
    """Record the order as cancelled once everything has been undone.

    `settled`: what operators state to have been undone by hand, whatever is recorded.
    """

    reason: values.Reason
    detail: str
    settled: tuple[values.Compensation, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordAttention(OrderRequest):
    """Record and announce that a person must act; `compensation` is the one that failed."""

    at_step: str
    message: str
    waiting_for: str
    compensation: values.Compensation | None = None


@dataclass(frozen=True, slots=True)
class RecordOperator(OrderRequest):
    """Record what operators did to the saga, in chronological order."""

    actions: tuple[OperatorAction, ...]


@dataclass(frozen=True, slots=True)
class ChangeAddress(OrderRequest):
    """Correct the delivery address of an order that has no label yet.

    The activity asks the saga for the address, so that it does not stand in Temporal once more.
    """

    by: OperatorAction


@dataclass(frozen=True, slots=True)
class ReviewShortage(OrderRequest):
    """Check whether the missing items have arrived; if not, follow `choice`, which `by` made."""

    choice: ShortageChoice | None = None
    by: OperatorAction | None = None


@dataclass(frozen=True, slots=True)
class AmendPieces(OrderRequest):
    """Remove pieces from an order that has no label yet; 0 removes a line."""

    pieces: tuple[Pieces, ...]
    by: OperatorAction


@dataclass(frozen=True, slots=True)
class SettlePayment(OrderRequest):
    """Give back what was captured beyond an amended total; `settled_by` states to have done so."""

    settled_by: OperatorAction | None = None
