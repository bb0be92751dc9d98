"""Inputs and results of activities, and the names that workflow and workers share.

All are plain dataclasses: they travel as JSON. A field may be added with a default; renaming or
removing one breaks sagas that are open.
"""

from dataclasses import dataclass
from datetime import datetime

from domain.ids import CustomerId, OrderId
from domain.money import Money
from domain.order.unavailable import CANCEL_AT_ONCE, ShortageChoice, UnavailableTerms
from domain.values import (
    Address,
    Compensation,
    FailureKind,
    MissingItem,
    OrderLine,
    Outcome,
    PaymentTerms,
    Pieces,
    Reason,
    Step,
)

ORDERS_QUEUE = "orders"
INVENTORY_QUEUE = "inventory"
PAYMENTS_QUEUE = "payments"
SHIPPING_QUEUE = "shipping"
ALL_QUEUES = (ORDERS_QUEUE, INVENTORY_QUEUE, PAYMENTS_QUEUE, SHIPPING_QUEUE)

WORKFLOW_TYPE = "OrderFulfillment"

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class OrderDocument:
    """A whole order as a client hands it in, checked and in the domain's types."""

    order_id: OrderId
    customer_id: CustomerId | None
    currency: str
    placed_at: datetime | None
    lines: tuple[OrderLine, ...]
    address: Address
    payment: PaymentTerms
    unavailable: UnavailableTerms = CANCEL_AT_ONCE


@dataclass(frozen=True, slots=True)
class SagaRef:
    """Which saga run asks: goes into the metadata of every event."""

    workflow_id: str
    run_id: str


@dataclass(frozen=True, slots=True)
class ReserveInventory:
    """Make sure the order is submitted as in `document`, then reserve its stock.

    All of it or none, unless the document says what else to do when items are unavailable.
    """

    saga: SagaRef
    document: OrderDocument


@dataclass(frozen=True, slots=True)
class ReservationResult:
    """Where the order stands, also by what an earlier run did, if there was one.

    `finished` is set when the order had ended: nothing is to be done. `turned_back` is set when
    an earlier run had begun to undo it: only going on undoing is right. `shortage` is set as long
    as items are missing. `amended` are the pieces that count now, empty if they are the submitted
    ones; `total` is what they cost.
    """

    total: Money
    finished: "ClosedSaga | None" = None
    turned_back: "TurnedBack | None" = None
    shortage: "Shortage | None" = None
    amended: tuple[Pieces, ...] = ()


@dataclass(frozen=True, slots=True)
class Shortage:
    """What an order waits for; `held` counts the pieces that are set aside for it."""

    missing: tuple[MissingItem, ...]
    held: int
    asking: bool
    deadline: datetime

    def __str__(self) -> str:
        shown = [str(item) for item in self.missing[:_SHOWN]]
        more = len(self.missing) - len(shown)
        return "; ".join([*shown, f"and {more} more"] if more else shown)


@dataclass(frozen=True, slots=True)
class TurnedBack:
    """Why a saga turned back, as recorded."""

    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class ClosedSaga:
    """How an order ended, as recorded."""

    outcome: Outcome
    reason: Reason | None
    detail: str
    payment_reference: str | None
    tracking_number: str | None


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """An earlier run of the saga was lost half-way: what this run must undo besides its own.

    That run may have asked for a charge, or a label, whose fate nobody has recorded.
    """

    compensations: tuple[Compensation, ...]
    charge_in_doubt: bool
    label_in_doubt: bool


@dataclass(frozen=True, slots=True)
class StepRequest:
    """Run a later step for an order that is known to the event store."""

    saga: SagaRef
    order_id: OrderId


@dataclass(frozen=True, slots=True)
class PaymentResult:
    """The provider's reference, and whether money was taken or only held.

    `overpaid`: more was taken than the order costs, as it was amended in the meantime.
    """

    reference: str
    captured: bool
    overpaid: bool = False


@dataclass(frozen=True, slots=True)
class ShipmentResult:
    """The carrier's answer; `order_completed` is False while the capture is still to come."""

    label_id: str
    tracking_number: str
    order_completed: bool


@dataclass(frozen=True, slots=True)
class OperatorAction:
    """What a person did to a saga and why."""

    actor: str
    action: str
    reason: str


@dataclass(frozen=True, slots=True)
class CompensationRequest:
    """Undo a step, whether or not it ever happened.

    `settled_by` is set when a person says that it was undone by hand: the provider is asked once
    more, and where it cannot confirm, the person's word is recorded as the proof.
    """

    saga: SagaRef
    order_id: OrderId
    reason: Reason
    settled_by: OperatorAction | None = None


NOTHING = "nothing"
NOTHING_FOR_GOOD = "nothing, and it cannot happen any more"


@dataclass(frozen=True, slots=True)
class CompensationResult:
    """`undone` says in a word or two what was undone; NOTHING if the step had no effect.

    NOTHING_FOR_GOOD: so, and a request that is still on its way will have none either.
    """

    undone: str


@dataclass(frozen=True, slots=True)
class TurnBack:
    """Record why the saga turns back; `step` is None when somebody cancelled it."""

    saga: SagaRef
    document: OrderDocument
    step: Step | None
    kind: FailureKind | None
    reason: Reason
    detail: str
    operator: tuple[OperatorAction, ...] = ()


@dataclass(frozen=True, slots=True)
class CloseCancelled:
    """Record the order as cancelled after everything was undone."""

    saga: SagaRef
    order_id: OrderId
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class RecordAttention:
    """Record and announce that a person must act; `compensation` is what could not be undone."""

    saga: SagaRef
    order_id: OrderId
    at_step: str
    message: str
    waiting_for: str
    compensation: Compensation | None = None


@dataclass(frozen=True, slots=True)
class RecordOperator:
    """Record who steered the saga, how and why, in the order in which it happened."""

    saga: SagaRef
    order_id: OrderId
    actions: tuple[OperatorAction, ...]


@dataclass(frozen=True, slots=True)
class ChangeAddress:
    """Correct the delivery address of an order that has no label yet. Holds personal data."""

    saga: SagaRef
    order_id: OrderId
    address: Address
    by: OperatorAction


@dataclass(frozen=True, slots=True)
class ReviewShortage:
    """Look whether the missing items are there by now; if not, do as `choice` says.

    `by` is who chose, None if the deadline decided or nobody did.
    """

    saga: SagaRef
    order_id: OrderId
    choice: ShortageChoice | None = None
    by: OperatorAction | None = None


@dataclass(frozen=True, slots=True)
class AmendPieces:
    """Leave pieces out of an order that has no label yet; 0 drops a line."""

    saga: SagaRef
    order_id: OrderId
    pieces: tuple[Pieces, ...]
    by: OperatorAction


@dataclass(frozen=True, slots=True)
class SettlePayment:
    """Give back what was captured beyond an amended order's total.

    `settled_by` is set when a person says that it was given back by hand.
    """

    saga: SagaRef
    order_id: OrderId
    settled_by: OperatorAction | None = None
