"""Acts on returns and parcels as buttons and forms: when they are possible, and what they send."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from domain.money import parse_amount
from ordersaga.api.routes.returning import ON_PARCELS, ON_RETURNS, AfterDelivery
from ordersaga.console.acts import Form, one
from ordersaga.console.sessions import Viewer
from projections.read_models.parcels.model import Parcel
from projections.read_models.returns.model import UNDECIDED, ReturnRow

OPEN: Final = "open_return"
_LINE: Final = "line:"
_MOST_DIGITS: Final = 10


@dataclass(frozen=True, slots=True)
class AfterForm:
    """An act for people: what it is called and does; `reason`: the field that says why."""

    act: AfterDelivery
    title: str
    explanation: str
    reason: str = "reason"


_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "refund_return": (
        "Decide the refund",
        "The money goes back once, and never more than was captured and not refunded yet.",
    ),
    "restock_return": (
        "Decide the restock",
        "What goes back into stock can be sold again. What does not is written off.",
    ),
    "retry_return": ("Try the refund again", "A refund that failed is tried again at once."),
    "resolve_return": (
        "Refunded by hand",
        "States that a person has given the money back outside. It is not refunded again.",
    ),
    "retry_parcel": ("Look again", "The scan is recorded again, or is waited for again."),
    "resolve_parcel": ("Handled by hand", "States that a person has taken care of the parcel."),
}
AFTER: Final[Mapping[str, AfterForm]] = {
    act.name: AfterForm(
        act, *_TEXTS[act.name], "note" if act.name.startswith("resolve") else "reason"
    )
    for act in (*ON_RETURNS, *ON_PARCELS)
}
"""Every act on a return or a parcel, by the operation of the API that does it."""


def offered_on_return(row: ReturnRow, viewer: Viewer) -> list[AfterForm]:
    """The acts on a return that are possible now and that the viewer has a right to."""
    names = []
    if row.closed_at is None:
        names += ["refund_return"] if row.refund == UNDECIDED else []
        names += ["restock_return"] if row.restock == UNDECIDED else []
        decided = row.needs_attention and UNDECIDED not in (row.refund, row.restock)
        names += ["retry_return", "resolve_return"] if decided else []
    return [AFTER[name] for name in names if viewer.may(name)]


def offered_on_parcel(parcel: Parcel, viewer: Viewer) -> list[AfterForm]:
    """The acts on a parcel that are possible now and that the viewer has a right to."""
    names = ("retry_parcel", "resolve_parcel") if parcel.needs_attention else ()
    return [AFTER[name] for name in names if viewer.may(name)]


def message_of(form: AfterForm, fields: Form, currency: str) -> bytes:
    """The body of the operation, as JSON, from the fields of the form.

    Raises:
        InvalidValue: the amount is none of the currency.
    """
    message: dict[str, Any] = {form.reason: one(fields, "reason")}
    if form.act.name == "refund_return":
        message["refund"] = _refund(fields, currency)
    if form.act.name == "restock_return":
        word = one(fields, "restock")
        message["restock"] = list(_pieces(fields)) if word == "some" else word
    return json.dumps(message).encode()


def opening_of(fields: Form) -> bytes:
    """The body that opens a return, as JSON, from the fields of the form."""
    everything = bool(one(fields, "everything"))
    lines = "all" if everything else list(_pieces(fields))
    names = {"return_id": one(fields, "return_id"), "reason": one(fields, "reason")}
    return json.dumps({**names, "lines": lines}).encode()


def _refund(fields: Form, currency: str) -> Any:
    word = one(fields, "refund")
    if word != "amount":
        return word
    return {"amount_minor": parse_amount(one(fields, "amount"), currency, "amount").minor}


def _pieces(fields: Form) -> Iterator[dict[str, Any]]:
    """The lines with a number of pieces; a text that is no number is refused later."""
    for name, values in fields.items():
        text = values[0]
        if name.startswith(_LINE) and text not in ("", "0"):
            is_number = text.isascii() and text.isdigit() and len(text) < _MOST_DIGITS
            pieces = int(text) if is_number else text
            yield {"line_id": name.removeprefix(_LINE), "quantity": pieces}
