"""The state of a running saga, split by who changes it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from activities.messages import (
    OrderDocument,
    PaymentResult,
    ReservationResult,
    ShipmentResult,
    Shortage,
)
from domain.ids import LineId, OrderId
from domain.lines import LineKind, Pieces
from domain.money import Money
from domain.order.terms import OutageTerms, ShortageChoice, UnavailablePolicy, UnavailableTerms
from domain.parcel_left import IfLeft
from domain.values import CaptureMode, Compensation, Outcome, PaymentDue, Step
from workflows.common.failures import Cause
from workflows.common.search_attributes import Progress
from workflows.fulfillment.intake import Intake
from workflows.fulfillment.requests import PendingRequests

ON_HOLD: Final = "on_hold"
TURNING_BACK: Final = "turning_back"
AWAITING_CHOICE: Final = "awaiting_choice"
AWAITING_STOCK: Final = "awaiting_stock"
AWAITING_PAYMENT: Final = "awaiting_payment"
AMENDING: Final = "amend_order"
SETTLING: Final = "settle_payment"
CLOSING: Final = "closing"
CLOSED: Final = "closed"

_QUEUEING: Final = (UnavailablePolicy.WAIT, UnavailablePolicy.ASK)


@dataclass(frozen=True, slots=True)
class KnownOrder:
    """What a saga needs of its order once the order is in the event store; no personal data.

    Attributes:
        content: digests of the document's fields; see `workflows.fulfillment.content`.
        pieces: as ordered, by line.
        is_handed_in: the shop has confirmed its payment at checkout: money may be held or captured.
        asks_for_payment: another payment is asked for if one gives nothing.
    """

    order_id: OrderId
    content: Mapping[str, str]
    placed_at: datetime | None
    pieces: tuple[Pieces, ...]
    unavailable: UnavailableTerms
    on_outage: OutageTerms | None
    if_left: IfLeft | None
    is_handed_in: bool = False
    asks_for_payment: bool = False


def last_step(document: OrderDocument) -> Step:
    """The step that completes an order: without goods, nothing is shipped."""
    if all(line.kind is not LineKind.GOODS for line in document.lines):
        return Step.PROCESS_PAYMENT
    on_shipment = document.payment and document.payment.capture is CaptureMode.ON_SHIPMENT
    return Step.CAPTURE_PAYMENT if on_shipment else Step.CREATE_SHIPMENT


@dataclass(slots=True)
class Steps:
    """How far the saga has come. The steps change it.

    Attributes:
        current: the step that is running, or that was running when the saga turned back.
        last: the step after which the order can no longer be cancelled.
        past_pivot: the last step succeeded.
        paid: money was captured or authorised, as far as is known.
        overpaid: the order was amended, and more may have been captured than it costs now.
        payment: the answer to the payment; None: there is none yet.
        shipment: the answer to the request of a label; None: there is none yet.
        parcel_left: the parcel has left, so the order is shipped and paid whoever cancels it.
        due: the payment was declined, and another one is waited for; None: it is not.
        refused_payment: why the last one that came could not be tried; empty: there is none.
    """

    current: Step = Step.RESERVE_INVENTORY
    last: Step = Step.CREATE_SHIPMENT
    past_pivot: bool = False
    paid: bool = False
    overpaid: bool = False
    payment: PaymentResult | None = None
    shipment: ShipmentResult | None = None
    parcel_left: bool = False
    due: PaymentDue | None = None
    refused_payment: str = ""


@dataclass(slots=True)
class Reservation:
    """What the stock ledger last answered. `SagaState.note_reservation` changes it.

    Attributes:
        answered: the order holds its stock, or queues for it.
        since: when all its stock was reserved; None: it is not, or items are missing.
        shortage: what is missing; None: nothing.
        amended: the pieces left in the order; empty: as many as were ordered.
        amended_total: what the pieces left in the order cost.
    """

    answered: bool = False
    since: datetime | None = None
    shortage: Shortage | None = None
    amended: tuple[Pieces, ...] = ()
    amended_total: Money | None = None


@dataclass(slots=True)
class CompensationRecord:
    """What must be undone and what was. Steps register, compensations undo.

    Attributes:
        registered: what to undo if the saga turns back, oldest first.
        undone: what each finished compensation undid.
        label_in_doubt: a label was requested, and whether it was issued is unknown.
        turning_back: the saga is compensating, or has compensated.
        cause: why it turns back.
        recorded: compensation is recorded; the order will end as cancelled.
    """

    registered: list[Compensation] = field(default_factory=list)
    undone: dict[str, str] = field(default_factory=dict)
    label_in_doubt: bool = False
    turning_back: bool = False
    cause: Cause | None = None
    recorded: bool = False

    @property
    def open(self) -> tuple[Compensation, ...]:
        """What is registered and not undone, oldest first."""
        return tuple(item for item in self.registered if item.value not in self.undone)

    @property
    def to_undo(self) -> str:
        """What is open while the saga turns back, to add to a sentence for people."""
        names = ", ".join(self.open) if self.turning_back else ""
        return f"; still to undo: {names}" if names else ""


@dataclass(slots=True)
class SagaState:
    """Everything one run knows.

    Attributes:
        document: the order as it came in; None once it is in the event store.
        accepted_order: what the saga needs of it; None until the input was accepted.
        intake: whether the event store has the order.
        progress: where it stands, for people.
        requests: what operators and customers asked for.
        steps: how far it has come.
        reservation: the order's stock.
        compensation: what must be undone and what was.
        reason: why it turns back, or how it ended, in one sentence.
        outcome: how it ended; None while it runs.
        cancel_after: how long a provider may fail before the order is cancelled; None: it waits.
        if_left: what to do if the parcel has left before the order is undone.
    """

    document: OrderDocument | None = None
    accepted_order: KnownOrder | None = None
    intake: Intake = field(default_factory=Intake)
    progress: Progress = field(default_factory=lambda: Progress("submitted"))
    requests: PendingRequests = field(default_factory=PendingRequests)
    steps: Steps = field(default_factory=Steps)
    reservation: Reservation = field(default_factory=Reservation)
    compensation: CompensationRecord = field(default_factory=CompensationRecord)
    reason: str | None = None
    outcome: Outcome | None = None
    cancel_after: timedelta | None = None
    if_left: IfLeft = IfLeft.ASK

    @property
    def order(self) -> KnownOrder:
        """The order, once the input was accepted."""
        if self.accepted_order is None:
            raise RuntimeError("the saga has no order yet")
        return self.accepted_order

    @property
    def order_id(self) -> OrderId:
        """The order's id."""
        return self.order.order_id

    @property
    def can_turn_back(self) -> bool:
        """Whether the order can still be cancelled."""
        too_late = self.steps.past_pivot or self.steps.parcel_left
        return not (too_late or self.compensation.turning_back or self.outcome)

    @property
    def can_change_order(self) -> bool:
        """Whether address and pieces can still be changed: no label was requested yet."""
        return self.can_turn_back and (
            Compensation.CANCEL_SHIPMENT not in self.compensation.registered
        )

    @property
    def can_become_short(self) -> bool:
        """Whether the reservation may still report a shortage for which the saga would wait."""
        queues = self.accepted_order is None or self.accepted_order.unavailable.policy in _QUEUEING
        return queues and not self.reservation.answered and self.can_turn_back

    @property
    def choices(self) -> tuple[ShortageChoice, ...]:
        """What can be chosen now about unavailable items; empty if none are missing."""
        shortage = self.reservation.shortage
        if shortage is None or self.requests.choice or not self.can_turn_back:
            return ()
        possible: Mapping[ShortageChoice, bool] = {
            ShortageChoice.SHIP_AVAILABLE: shortage.held > 0,
            ShortageChoice.WAIT: shortage.asking,
            ShortageChoice.CANCEL: True,
        }
        return tuple(choice for choice, is_possible in possible.items() if is_possible)

    @property
    def can_pay(self) -> bool:
        """Whether another payment is waited for, and none has come yet."""
        return self.steps.due is not None and not self.requests.payment and self.can_turn_back

    @property
    def amendment_is_due(self) -> bool:
        """Whether there is an amendment to carry out, or money to give back for one."""
        amendable = self.requests.amendments and self.reservation.answered
        return bool(amendable) or self.steps.overpaid

    @property
    def pieces_left(self) -> dict[LineId, int]:
        """The pieces of each line after all accepted amendments."""
        lines = self.reservation.amended or self.order.pieces
        left = {item.line_id: item.quantity for item in lines}
        for amendment in self.requests.amendments:
            left.update({item.line_id: item.quantity for item in amendment.pieces})
        return left

    def note_settings(self, result: ReservationResult) -> None:
        """Note the installation's settings; what the order itself says takes precedence."""
        terms = self.order.on_outage
        seconds = terms.cancel_after_s if terms else result.cancel_after_s
        self.cancel_after = None if seconds is None else timedelta(seconds=seconds)
        self.if_left = self.order.if_left or result.if_left

    def note_reservation(self, result: ReservationResult) -> bool:
        """Note an answer of the stock ledger; returns whether the order was amended."""
        self.reservation.answered = True
        self.document, self.progress.may_hand_over = None, True
        self.reservation.shortage = result.shortage
        if result.amended:
            self.reservation.amended = result.amended
            self.reservation.amended_total = result.total
            self.steps.overpaid = self.steps.paid
        return bool(result.amended)
