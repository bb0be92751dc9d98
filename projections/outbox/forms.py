"""What the data of notifications consists of; the JSON Schemas are made from these types."""

from collections.abc import Mapping
from typing import Annotated, Final, TypedDict

from domain.returns.values import ReturnKind
from domain.values import Reason


class Amount(TypedDict):
    """An amount of money."""

    amount_minor: Annotated[int, "minor units, such as pence"]
    currency: str


class Total(TypedDict):
    """What an order costs."""

    total_minor: Annotated[int, "what is paid through the provider, in minor units"]
    gift_card_minor: Annotated[int, "what a gift card pays"]
    currency: str


class LinePieces(TypedDict):
    """Pieces of a line and what they cost."""

    line_id: str
    sku: str | None
    quantity: int
    amount_minor: Annotated[int, "what was paid for them through the provider, in minor units"]
    gift_card_minor: Annotated[int, "what a gift card paid for them"]


class Submitted(Total):
    """An order was submitted."""

    pieces: Annotated[int, "of goods"]


class Completed(TypedDict):
    """An order was completed."""

    tracking_number: Annotated[str | None, "null: there was nothing to ship"]


class Cancelled(TypedDict):
    """An order was cancelled and everything undone."""

    reason: Reason


class Missing(TypedDict):
    """An item of which too little is in stock."""

    sku: str
    ordered: int
    missing: int


class Unavailable(TypedDict):
    """Items of an order are unavailable."""

    missing: list[Missing]
    asking: Annotated[bool, "the customer is asked to choose"]
    deadline: str


class Backordered(TypedDict):
    """An order waits for items."""

    deadline: str


class PaymentDue(TypedDict):
    """The payment was declined, and the order waits for another one."""

    declined: Annotated[str, "why"]
    deadline: Annotated[str, "then the order is cancelled"]


class Amended(Total):
    """Pieces were removed from an order."""

    lines: Annotated[list[LinePieces], "what is left"]


class Refund(Amount):
    """A refund of an order."""

    refund_reference: str | None


class PaidBack(Refund):
    """Money was given back."""

    payment_reference: str | None


class Scanned(TypedDict):
    """The carrier reported where the parcel is."""

    at: Annotated[str, "the carrier's time"]


class Contradicted(Scanned):
    """The carrier reported what cannot follow the record."""

    status: str


class Attention(TypedDict):
    """A person must act."""

    at_step: str
    waiting_for: Annotated[str, "what a person must do"]


class Acted(TypedDict):
    """An operator acted."""

    action: str


class Returned(TypedDict):
    """Something happened to a return."""

    return_id: str


class ReturnOpened(Returned):
    """A return was opened."""

    kind: ReturnKind
    lines: list[LinePieces]


class ReturnAmount(Returned, Amount):
    """Money of a return is on its way."""


class ReturnRefund(ReturnAmount):
    """The money of a return was given back."""

    refund_reference: str | None


class ReturnAttention(Returned, Attention):
    """A person must act on a return."""


# --- what is no event ----------------------------------------------------------------------------


class Found(TypedDict):
    """The watchdog found something that a person must look at."""

    finding: Annotated[str, "its kind"]
    subject: Annotated[str, "a workflow id, or a task queue"]
    run_id: str | None


class Failing(TypedDict):
    """A provider fails."""

    since: str
    failure: str
    access_refused: Annotated[bool, "our credentials are not accepted"]


class Recovered(TypedDict):
    """A provider answers again."""

    since: str
    until: str


ANNOUNCED: Final[Mapping[str, type]] = {
    "attention.found": Found,
    "provider.failing": Failing,
    "provider.recovered": Recovered,
}
"""Notifications of what is no event, by their kind."""
