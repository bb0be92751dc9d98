"""The acts on an order as buttons and forms: what they are called, ask for and say."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel

from ordersaga.api.acting import OPERATIONS
from ordersaga.api.routes.recovering import RECOVER, RecoverBody
from ordersaga.console.sessions import Viewer

Form = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class ActForm:
    """An act for people.

    Attributes:
        name: of the act.
        operation: of the API that does it.
        body: what the operation takes.
        title: on its button and its form.
        explanation: what it does.
        reason: the name of the field that says why.
        is_final: it cannot be taken back.
    """

    name: str
    operation: str
    body: type[BaseModel]
    title: str
    explanation: str
    reason: str = "reason"
    is_final: bool = False


_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "retry": ("Try again now", "What fails is tried again at once, not when its pause ends."),
    "resume": ("Resume", "The saga goes on where it was held."),
    "choose": ("Choose for the customer", "Says what happens about the items that are missing."),
    "pay": (
        "Pay in another way",
        "Another token is tried, or a payment that was confirmed. The one before is ended.",
    ),
    "resolve": (
        "Settled by hand",
        "States that a person has settled outside what fails. The saga goes on as if it was done.",
    ),
    "hold": ("Hold", "No further step begins until somebody resumes it. What is done stays done."),
    "change_address": ("Change the address", "The parcel goes to another address."),
    "amend": ("Remove pieces", "Pieces leave the order; what was paid for them is not taken."),
    "cancel": ("Cancel the order", "Everything that was done is undone, and the order ends."),
}
_FINAL: Final = frozenset({"cancel", "resolve"})
OPERATION_OF: Final = {operation.act.value: operation for operation in OPERATIONS}
"""The operations that ask a saga for something, by act."""


def _form(name: str, title: str, explanation: str) -> ActForm:
    operation, reason = OPERATION_OF[name], "note" if name == "resolve" else "reason"
    texts = (title, explanation, reason)
    return ActForm(name, operation.name, operation.body, *texts, is_final=name in _FINAL)


ACTS: Final[Mapping[str, ActForm]] = {
    RECOVER: ActForm(
        RECOVER,
        "recover_order",
        RecoverBody,
        "Start its saga again",
        "The saga is gone, and the order is open. It goes on where it stood; nothing that was done "
        "is done again.",
    ),
    **{name: _form(name, *texts) for name, texts in _TEXTS.items()},
}
"""Every act, those that help most first."""


def offered(actions: Sequence[str], viewer: Viewer) -> list[ActForm]:
    """The acts that are possible now and that the viewer has a right to."""
    return [form for name, form in ACTS.items() if name in actions and viewer.may(form.operation)]


def message_of(act: ActForm, form: Form) -> bytes:
    """The body of the operation, as JSON, from the fields of the form."""
    message: dict[str, Any] = {act.reason: one(form, "reason")}
    if act.name == "cancel" and one(form, "requested_by"):
        message["requested_by"] = one(form, "requested_by")
    if act.name == "choose":
        message["choice"] = one(form, "choice")
    if act.name == "pay":
        if token := one(form, "token"):
            message["token"] = token
        if reference := one(form, "confirmed"):
            message["confirmed"] = {"reference": reference}
    if act.name == "change_address":
        message["address"] = {name: one(form, name) for name in ADDRESS if one(form, name)}
    if act.name == "amend":
        message["lines"] = [{"line_id": line, "quantity": left} for line, left in _left(form)]
    return json.dumps(message).encode()


ADDRESS: Final[Mapping[str, str]] = {
    "name": "Name",
    "line1": "Street and number",
    "line2": "More of it",
    "city": "City",
    "region": "Region",
    "postal_code": "Postal code",
    "country": "Country, as two letters",
}
"""The fields of an address."""

_LINE: Final = "line:"
_MOST_DIGITS: Final = 10


def pieces_left(form: Form) -> list[tuple[str, int]]:
    """The lines whose number of pieces was changed to another number."""
    return [(line_id, left) for line_id, left in _left(form) if isinstance(left, int)]


def _left(form: Form) -> Iterator[tuple[str, int | str]]:
    """The lines that were changed; a text that is no number is refused later."""
    for name, values in form.items():
        line_id = name.removeprefix(_LINE)
        if name.startswith(_LINE) and values[0] != one(form, f"was:{line_id}"):
            yield line_id, _pieces(values[0])


def _pieces(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() and len(text) < _MOST_DIGITS else text


def one(form: Form, name: str) -> str:
    """The value of a field; empty if there is none."""
    return form.get(name, ("",))[0]
