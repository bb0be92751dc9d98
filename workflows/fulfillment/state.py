"""What a saga remembers about itself while it runs, and what it says when it is asked."""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from activities.messages import ClosedSaga, OperatorAction, OrderDocument, Shortage
from domain.ids import OrderId, Sku
from domain.money import Money
from domain.order.unavailable import ShortageChoice, UnavailablePolicy
from domain.values import Address, Compensation, Outcome, Pieces, Step
from workflows.documents.messages import canonical_json
from workflows.documents.order import document_to_json

STARTING = "starting"
ON_HOLD = "on_hold"
TURNING_BACK = "turning_back"
AWAITING_CHOICE = "awaiting_choice"
AWAITING_STOCK = "awaiting_stock"
AMENDING = "amend_order"
SETTLING = "settle_payment"
CLOSING = "closing"
CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class AddressChange:
    """An accepted change of the delivery address that was not carried out yet."""

    address: Address
    by: OperatorAction


@dataclass(frozen=True, slots=True)
class Choice:
    """An accepted answer to what is to be done about unavailable items."""

    what: ShortageChoice
    by: OperatorAction


@dataclass(frozen=True, slots=True)
class Amendment:
    """An accepted wish to leave pieces out that was not carried out yet."""

    pieces: tuple[Pieces, ...]
    by: OperatorAction


@dataclass(slots=True)
class SagaState:
    """The state of one run; only the workflow changes it.

    Attributes:
        stage: what it is at: a step, a compensation or one of the words above.
        waits_for: one sentence for people.
        step: the forward step it is at, or was at when it turned back.
        last_step: the step after which there is no way back.
        past_pivot: that step succeeded.
        turning_back: it is undoing, or has undone, what was done.
        turned_back: so, and it is on record: the order will end as cancelled.
        reason: why it turns back, in one sentence.
        compensations: what is registered for undoing, oldest first.
        undone: what each finished compensation undid.
        cancel: the accepted wish to cancel.
        held_by: who holds the saga, None if nobody does.
        attention: what a person must do, None if nothing.
        decision: the operator's answer to `attention`: retry, or settled by hand.
        unrecorded: operator actions that are not in the event store yet.
        paid: money was taken or is held, as far as is known.
        payment_in_doubt: a charge was asked for and its fate is not known.
        label_in_doubt: so with a label.
        reserved_at: when its stock was set aside, None if it is not.
        claimed: the reservation was answered: the order has its stock, or queues for it.
        shortage: what it waits for, None if its items are there.
        stock_moved: stock may have arrived since it looked last.
        choice: the accepted answer to the shortage.
        amendments: accepted wishes to leave pieces out, oldest first.
        amended: the pieces that count now, empty as long as nothing was left out.
        amended_total: what they cost.
        unsettled: it was amended, and may have been paid more than it costs now.
        order_status: where the order itself stands.
        scans: what the carrier said of the parcel, for the workflow that follows it.
    """

    document: OrderDocument | None = None
    stage: str = STARTING
    waits_for: str = "the first step"
    step: Step = Step.RESERVE_INVENTORY
    last_step: Step = Step.CREATE_SHIPMENT
    past_pivot: bool = False
    turning_back: bool = False
    turned_back: bool = False
    reason: str | None = None
    compensations: list[Compensation] = field(default_factory=list)
    undone: dict[str, str] = field(default_factory=dict)
    cancel: "CancelWish | None" = None
    held_by: OperatorAction | None = None
    attention: str | None = None
    decision: "Decision | None" = None
    unrecorded: list[OperatorAction] = field(default_factory=list)
    address_changes: list[AddressChange] = field(default_factory=list)
    paid: bool = False
    payment_in_doubt: bool = False
    label_in_doubt: bool = False
    reserved_at: datetime | None = None
    claimed: bool = False
    shortage: Shortage | None = None
    stock_moved: bool = False
    choice: Choice | None = None
    amendments: list[Amendment] = field(default_factory=list)
    amended: tuple[Pieces, ...] = ()
    amended_total: Money | None = None
    unsettled: bool = False
    order_status: str = "submitted"
    scans: list[dict[str, Any]] = field(default_factory=list)
    outcome: Outcome | None = None

    @property
    def order(self) -> OrderDocument:
        """The order; the input was accepted by then."""
        if self.document is None:
            raise RuntimeError("the saga has no order yet")
        return self.document

    @property
    def order_id(self) -> OrderId:
        """The order's id."""
        return self.order.order_id

    def take_unrecorded(self) -> tuple[OperatorAction, ...]:
        """The operator actions still to be recorded; they count as recorded from here on."""
        taken, self.unrecorded = tuple(self.unrecorded), []
        return taken

    def drop_wishes(self) -> tuple[OperatorAction, ...]:
        """Forget the wishes that no longer matter; returns what is to be recorded of them."""
        dropped = [change.by for change in self.address_changes]
        dropped += [amendment.by for amendment in self.amendments]
        dropped += [self.choice.by] if self.choice else []
        self.address_changes, self.amendments, self.choice = [], [], None
        return tuple(dropped)

    def pieces_left(self) -> dict[Sku, int]:
        """The pieces of each SKU after all accepted amendments."""
        left: Counter[Sku] = Counter()
        for item in self.amended or self.order.lines:
            left[item.sku] += item.quantity
        for amendment in self.amendments:
            left.update({item.sku: item.quantity - left[item.sku] for item in amendment.pieces})
        return dict(left)


@dataclass(frozen=True, slots=True)
class CancelWish:
    """Somebody wants the order cancelled."""

    by: OperatorAction
    customer: bool


@dataclass(frozen=True, slots=True)
class Decision:
    """What an operator decided about what the saga waits for.

    `settled_by` is None for: try it again.
    """

    settled_by: OperatorAction | None


def content_digest(document: OrderDocument) -> str:
    """A fingerprint of the content: 64 hexadecimal digits.

    Equal for what is the same order in the end: lines of one SKU count as one, in any order,
    descriptions do not count, and the order's time does not either, as a document may leave it out.
    """
    content = document_to_json(document)
    del content["placed_at"]
    pieces: Counter[Sku] = Counter()
    for line in document.lines:
        pieces[line.sku] += line.quantity
    prices = {line.sku: line.unit_price.minor for line in document.lines}
    content["lines"] = [[sku, pieces[sku], prices[sku]] for sku in sorted(pieces)]
    return hashlib.sha256(canonical_json(content)).hexdigest()


def placed_at_text(document: OrderDocument) -> str | None:
    """The order's time as the status gives it, None if the document left it out."""
    return document.placed_at.isoformat() if document.placed_at else None


def status_json(state: SagaState) -> dict[str, Any]:
    """The answer to the query ``status``; holds no personal data."""
    document = state.document
    return {
        "order_id": document.order_id if document else None,
        "content_digest": content_digest(document) if document else None,
        "placed_at": placed_at_text(document) if document else None,
        "step": state.stage,
        "waits_for": state.waits_for,
        "held_by": state.held_by.actor if state.held_by and not state.outcome else None,
        "hold_reason": state.held_by.reason if state.held_by else None,
        "can_cancel": can_turn_back(state),
        "turning_back": state.turning_back,
        "reason": state.reason,
        "needs_attention": state.attention is not None,
        "attention": state.attention,
        "compensations": _texts(still_to_undo(state)),
        "undone": dict(state.undone),
        "missing": _missing_json(state),
        "answer_by": state.shortage.deadline.isoformat() if state.shortage else None,
        "choices": [choice.value for choice in choices(state)],
        "amended_total_minor": state.amended_total.minor if state.amended_total else None,
        "outcome": state.outcome.value if state.outcome else None,
    }


def result_json(order_id: OrderId, closed: ClosedSaga) -> dict[str, Any]:
    """The saga's result."""
    return {
        "order_id": order_id,
        "outcome": closed.outcome.value,
        "reason": closed.reason.value if closed.reason else None,
        "detail": closed.detail,
        "payment_reference": closed.payment_reference,
        "tracking_number": closed.tracking_number,
    }


def still_to_undo(state: SagaState) -> tuple[Compensation, ...]:
    """What would have to be undone if the saga turned back, or is not undone yet; oldest first."""
    if state.outcome:
        return ()
    return tuple(item for item in state.compensations if item.value not in state.undone)


def can_turn_back(state: SagaState) -> bool:
    """Whether the order can still be cancelled by asking the saga."""
    return not (state.past_pivot or state.turning_back or state.outcome)


def can_hold(state: SagaState) -> bool:
    """Whether there is a step to hold before, or one that may fail and then waits on hold."""
    return can_turn_back(state)


def can_change_address(state: SagaState) -> bool:
    """Whether no label was asked for yet."""
    return can_turn_back(state) and Compensation.CANCEL_SHIPMENT not in state.compensations


def choices(state: SagaState) -> tuple[ShortageChoice, ...]:
    """What can be chosen now about unavailable items; nothing if none are missing."""
    shortage = state.shortage
    if shortage is None or state.choice or not can_turn_back(state):
        return ()
    possible = {
        ShortageChoice.SHIP_AVAILABLE: shortage.held > 0,
        ShortageChoice.WAIT: shortage.asking,
        ShortageChoice.CANCEL: True,
    }
    return tuple(choice for choice, is_possible in possible.items() if is_possible)


def may_become_short(state: SagaState) -> bool:
    """Whether the stock ledger has not answered yet, and a shortage would not end the order."""
    document = state.document
    waits = document is None or document.unavailable.policy in _WAITING
    return waits and not state.claimed and can_turn_back(state)


_WAITING = (UnavailablePolicy.WAIT, UnavailablePolicy.ASK)


def _missing_json(state: SagaState) -> list[dict[str, Any]]:
    missing = state.shortage.missing if state.shortage else ()
    return [{"sku": item.sku, "ordered": item.ordered, "missing": item.missing} for item in missing]


def _texts(compensations: Iterable[Compensation]) -> list[str]:
    return [compensation.value for compensation in compensations]
