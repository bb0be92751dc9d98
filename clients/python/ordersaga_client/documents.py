"""The documents that are sent and the answers that are read.

Written by `make docs` from the JSON Schemas.
"""

from typing import Literal, NotRequired, TypedDict

from pydantic import BaseModel, ConfigDict


class _Answer(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class Address(TypedDict):
    """Where the parcel goes. Personal data."""

    name: str
    line1: str
    line2: NotRequired[str]
    city: str
    region: NotRequired[str]
    postal_code: NotRequired[str]
    country: str


class Adjustment(TypedDict):
    """An amount added to the sum of the line or the order; negative: taken off."""

    kind: Literal["discount", "tax", "gift_card"]
    amount_minor: int
    included: NotRequired[bool]
    description: NotRequired[str]


class CancelAfter(TypedDict):
    """Cancel the order once a provider has failed for this long."""

    cancel_after: int | str


class Confirmed(TypedDict):
    """A payment that the shop has authorised or captured at checkout."""

    reference: str


class Customer(TypedDict):
    """How the customer is reached. Personal data."""

    email: str


class Line(TypedDict):
    """A number of pieces of goods, or a service, at one price."""

    line_id: NotRequired[str | None]
    kind: NotRequired[Literal["goods", "shipping", "tip", "gift_wrap", "digital", "service"]]
    sku: NotRequired[str | None]
    description: str
    quantity: int
    unit_price_minor: int
    adjustments: NotRequired[list[Adjustment]]


class OnDecline(TypedDict):
    """What to do if the payment is declined."""

    policy: NotRequired[Literal["cancel", "ask"]]
    deadline_hours: NotRequired[int]


class Payment(TypedDict):
    """How the order is paid."""

    token: NotRequired[str | None]
    confirmed: NotRequired[Confirmed | None]
    capture: NotRequired[Literal["automatic", "on_shipment"]]
    on_decline: NotRequired[OnDecline]


class Unavailable(TypedDict):
    """What to do when items are unavailable."""

    policy: NotRequired[Literal["cancel", "ship_available", "wait", "ask"]]
    deadline_hours: NotRequired[int]
    default: NotRequired[Literal["cancel", "ship_available"]]


class OrderDocument(TypedDict):
    """An order to fulfil."""

    schema_version: NotRequired[Literal[1]]
    order_id: NotRequired[str | None]
    reference: NotRequired[str | None]
    customer_id: NotRequired[str | None]
    customer: NotRequired[Customer | None]
    currency: str
    placed_at: NotRequired[str | None]
    lines: list[Line]
    adjustments: NotRequired[list[Adjustment]]
    total_minor: NotRequired[int | None]
    address: NotRequired[Address | None]
    payment: NotRequired[Payment | None]
    unavailable: NotRequired[Unavailable]
    on_outage: NotRequired[Literal["wait"] | CancelAfter | None]
    if_parcel_left: NotRequired[Literal["ask", "ship_and_collect"] | None]
    metadata: NotRequired[dict[str, str]]


class Amount(TypedDict):
    """An amount in the order's currency."""

    amount_minor: int


class Pieces(TypedDict):
    """A number of pieces of one line of the order."""

    line_id: str
    quantity: int


class ReturnDocument(TypedDict):
    """A return: goods or money of a completed order go back."""

    order_id: str
    return_id: str
    kind: NotRequired[Literal["customer", "lost", "returned_to_sender"]]
    lines: Literal["all"] | list[Pieces]
    refund: NotRequired[Literal["full", "none"] | Amount | None]
    restock: NotRequired[Literal["all", "none"] | list[Pieces] | None]
    actor: str
    reason: str


class Scan(TypedDict):
    """`carrier_update`: a scan of the parcel, at the carrier's time."""

    status: Literal["handed_over", "in_transit", "delivered", "returned", "lost"]
    at: str


class Placed(_Answer):
    """The order is placed."""

    order_id: str
    created: bool
    pending: Literal[True] | None = None


class SameOrder(_Answer):
    """Whether a document describes the order of a saga."""

    order_id: str
    same: bool | None
    fields: list[str]


class OrderResult(_Answer):
    """How an order ended: completed, or cancelled with everything undone."""

    order_id: str
    outcome: Literal["completed", "cancelled"]
    reason: (
        Literal[
            "out_of_stock",
            "payment_declined",
            "address_refused",
            "not_fulfillable",
            "provider_outage",
            "reservation_expired",
            "customer_request",
            "operator_request",
        ]
        | None
    )
    detail: str
    payment_reference: str | None
    tracking_number: str | None


class MissingItem(_Answer):
    """An item of which too little is in stock."""

    sku: str
    ordered: int
    missing: int


class ConflictingOrder(_Answer):
    """The order id belongs to another order."""

    fields: list[str]
    run_id: str | None


class Wait(_Answer):
    """What an activity waits for."""

    activity: str
    trouble: str
    since: str
    failure: str
    plan: str


class OrderStatus(_Answer):
    """Where the saga of an order stands and what it waits for."""

    turning_back: bool
    reason: str | None
    compensations: list[Literal["release_inventory", "undo_payment", "cancel_shipment"]]
    undone: dict[str, str]
    missing: list[MissingItem]
    answer_by: str | None
    choices: list[Literal["ship_available", "wait", "cancel"]]
    amended_total_minor: int | None
    order_id: str | None
    placed_at: str | None
    step: str
    waits_for: str
    waiting: list[Wait]
    cancel_after_s: float | None
    held_by: str | None
    hold_reason: str | None
    can_cancel: bool
    if_parcel_left: Literal["ask", "ship_and_collect", "lost", "coming_back"]
    needs_attention: bool
    attention: str | None
    ignored_signals: dict[str, int]
    goods: list[str]
    declined: str | None
    outcome: Literal["completed", "cancelled"] | None
    conflict: ConflictingOrder | None
    actions: list[str]


class UpdateAnswer(_Answer):
    """The update was accepted."""

    accepted: Literal[True]
    pending: Literal[True] | None = None


class DeliveryStatus(_Answer):
    """Where a parcel is and what is waited for."""

    order_id: str
    status: str | None
    step: str
    waits_for: str
    needs_attention: bool
    attention: str | None
    unrecorded_scans: int
    ignored_signals: dict[str, int]


class ListedPieces(_Answer):
    """Pieces of a line of the order."""

    line_id: str
    quantity: int


class ReturnStatus(_Answer):
    """Where a return stands and what it waits for."""

    lines: list[ListedPieces]
    refund_minor: int | None
    currency: str | None
    gift_card_minor: int | None
    refund_reference: str | None
    restock: list[ListedPieces] | None
    restocked: bool
    order_id: str | None
    return_id: str | None
    content_digest: str | None
    opened: bool
    step: str
    waits_for: str
    needs_attention: bool
    attention: str | None
    undecided: list[str]


class ReturnResult(_Answer):
    """How a return ended."""

    lines: list[ListedPieces]
    refund_minor: int | None
    currency: str | None
    gift_card_minor: int | None
    refund_reference: str | None
    restock: list[ListedPieces] | None
    restocked: bool
    order_id: str
    return_id: str
    kind: Literal["customer", "lost", "returned_to_sender"]
    outcome: Literal["closed", "nothing_to_return"]


class RefundAnswer(_Answer):
    """The decision about a refund was accepted."""

    accepted: Literal[True]
    pending: Literal[True] | None = None
    amount_minor: int | None = None
