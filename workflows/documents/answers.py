"""What workflows answer: results, statuses and the answers to updates. None holds personal data.

The JSON Schemas are made from these types; a text beside a type says what the field means. Fields
may be added at any time.
"""

from typing import Annotated, Literal, NotRequired, TypedDict

from domain.order.terms import ShortageChoice
from domain.parcel_left import IfLeft
from domain.returns.values import ReturnKind
from domain.values import Compensation, Outcome, Reason

# --- updates -------------------------------------------------------------------------------------


class UpdateAnswer(TypedDict):
    """The update was accepted."""

    accepted: Literal[True]
    pending: NotRequired[
        Annotated[Literal[True], "noted, and done later; whether that succeeds is not certain yet"]
    ]


class RefundAnswer(UpdateAnswer):
    """The decision about a refund was accepted."""

    amount_minor: NotRequired[Annotated[int, "what is refunded, in minor units; absent if pending"]]


class Placed(TypedDict):
    """The order is placed."""

    order_id: str
    created: Annotated[bool, "by this call; false: the same order was there before"]
    pending: NotRequired[
        Annotated[Literal[True], "the event store has not answered yet: the order may conflict"]
    ]


class SameOrder(TypedDict):
    """Whether a document describes the order of a saga."""

    order_id: str
    same: Annotated[bool | None, "null: the saga cannot tell"]
    fields: Annotated[list[str], "what differs"]


# --- orders --------------------------------------------------------------------------------------


class OrderResult(TypedDict):
    """How an order ended: completed, or cancelled with everything undone."""

    order_id: str
    outcome: Outcome
    reason: Annotated[Reason | None, "why it was cancelled; null: it was completed"]
    detail: Annotated[str, "the reason in words; may be empty"]
    payment_reference: Annotated[str | None, "the payment provider's; null: nothing was paid"]
    tracking_number: Annotated[str | None, "the carrier's; null: nothing was shipped"]


class Wait(TypedDict):
    """What an activity waits for."""

    activity: str
    trouble: Annotated[str, "whose trouble keeps it from its end, such as provider"]
    since: Annotated[str, "since when, in UTC"]
    failure: Annotated[str, "the last failure"]
    plan: Annotated[str, "what will happen"]


class MissingItem(TypedDict):
    """An item of which too little is in stock."""

    sku: str
    ordered: Annotated[int, "pieces"]
    missing: Annotated[int, "pieces of them that are not in stock"]


class CompensationStatus(TypedDict):
    """What is undone, as a part of the status."""

    turning_back: Annotated[bool, "the order is being undone"]
    reason: Annotated[str | None, "why, in words"]
    compensations: Annotated[list[Compensation], "what is still to be undone"]
    undone: Annotated[dict[str, str], "what was undone, by compensation"]


class ShortageStatus(TypedDict):
    """What is missing, as a part of the status."""

    missing: list[MissingItem]
    answer_by: Annotated[str | None, "until when an answer or a payment is awaited; null: none is"]
    choices: Annotated[list[ShortageChoice], "what `choose` takes now"]
    amended_total_minor: Annotated[int | None, "the total after amendments, in minor units"]


class OrderConflict(TypedDict):
    """The order id belongs to another order."""

    fields: Annotated[list[str], "what differs"]
    run_id: Annotated[str | None, "the run that took the other order on"]


class SagaStatus(CompensationStatus, ShortageStatus):
    """Where a saga stands, without what is possible now."""

    order_id: Annotated[str | None, "null: the document is not accepted"]
    placed_at: str | None
    step: Annotated[str, "a step, a compensation, or a state such as on_hold"]
    waits_for: Annotated[str, "completes the sentence: it waits for ..."]
    waiting: list[Wait]
    cancel_after_s: Annotated[float | None, "seconds of an outage after which the order is undone"]
    held_by: Annotated[str | None, "who put it on hold"]
    hold_reason: str | None
    can_cancel: bool
    if_parcel_left: Annotated[
        IfLeft, "what to do if the parcel has left before the order is undone"
    ]
    needs_attention: Annotated[bool, "a person must act"]
    attention: Annotated[str | None, "what a person must do"]
    ignored_signals: Annotated[dict[str, int], "how many, by name"]
    goods: Annotated[list[str], "what `resolve` must say of goods that have left; empty: nothing"]
    declined: Annotated[str | None, "why the payment was declined; null: no other one is awaited"]
    outcome: Annotated[Outcome | None, "null: the order has not ended"]
    conflict: Annotated[OrderConflict | None, "null: the order id is this run's"]


class OrderStatus(SagaStatus):
    """Where the saga of an order stands and what it waits for."""

    actions: Annotated[list[str], "the updates that would be accepted now"]


# --- parcels -------------------------------------------------------------------------------------


class DeliveryResult(TypedDict):
    """Where a parcel is, after it was followed."""

    order_id: str
    status: Annotated[str | None, "null: there is no parcel"]


class DeliveryStatus(DeliveryResult):
    """Where a parcel is and what is waited for."""

    step: str
    waits_for: Annotated[str, "completes the sentence: it waits for ..."]
    needs_attention: Annotated[bool, "a person must act"]
    attention: Annotated[str | None, "what a person must do"]
    unrecorded_scans: int
    ignored_signals: Annotated[dict[str, int], "how many, by name"]


# --- returns -------------------------------------------------------------------------------------


class ListedPieces(TypedDict):
    """Pieces of a line of the order."""

    line_id: str
    quantity: int


class ReturnOutcome(TypedDict):
    """What is decided and done about a return, as a part of its status and result."""

    lines: Annotated[list[ListedPieces], "what came back"]
    refund_minor: Annotated[int | None, "granted, in minor units; 0: denied; null: not decided"]
    currency: str | None
    gift_card_minor: Annotated[int | None, "a gift card's part, which the shop gives back itself"]
    refund_reference: Annotated[str | None, "the payment provider's, once the refund was made"]
    restock: Annotated[list[ListedPieces] | None, "what goes back into stock; null: not decided"]
    restocked: Annotated[bool, "whether it is back in stock"]


class ReturnResult(ReturnOutcome):
    """How a return ended."""

    order_id: str
    return_id: str
    kind: ReturnKind
    outcome: Annotated[
        Literal["closed", "nothing_to_return"], "nothing_to_return: all is in other returns"
    ]


class ReturnStatus(ReturnOutcome):
    """Where a return stands and what it waits for."""

    order_id: Annotated[str | None, "null: the document is not accepted"]
    return_id: str | None
    content_digest: Annotated[str | None, "a fingerprint of the return's content"]
    opened: Annotated[bool, "it is recorded"]
    step: str
    waits_for: Annotated[str, "completes the sentence: it waits for ..."]
    needs_attention: Annotated[bool, "a person must act"]
    attention: Annotated[str | None, "what a person must do"]
    undecided: Annotated[list[str], "the decisions to be made: refund, restock"]
