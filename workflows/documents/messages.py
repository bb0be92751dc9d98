"""The messages that a running workflow accepts from operators and other services.

Each message is one JSON object. Refusals name the field and never repeat a value.
"""

import json
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue

from domain import checks
from domain.ids import Sku
from domain.order import decisions as order
from domain.order.unavailable import ShortageChoice
from domain.values import Pieces
from workflows.documents.order import AddressModel
from workflows.documents.validation import (
    PRINTABLE,
    FieldProblem,
    Identifier,
    InvalidDocument,
    validate,
)

_M = TypeVar("_M", bound=BaseModel)

_SEVERAL: Final = b"ordersaga/several"

NO_INPUT: Final = RawValue(Payload())
"""The input of a workflow that was started without any."""

SEVERAL_INPUTS: Final = RawValue(Payload(metadata={"encoding": _SEVERAL}))
"""Stands for two or more inputs, which are always refused; created by the data converter."""

Actor = Annotated[
    str, StringConstraints(pattern=PRINTABLE, min_length=1, max_length=100, strip_whitespace=True)
]
Note = Annotated[
    str, StringConstraints(pattern=PRINTABLE, min_length=1, max_length=500, strip_whitespace=True)
]


class RequestedBy(StrEnum):
    """Who wants the order cancelled."""

    CUSTOMER = "customer"
    OPERATOR = "operator"


class _Message(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class OperatorMessage(_Message):
    """``hold``, ``resume`` and ``retry``: who does it, and why."""

    actor: Actor
    reason: Note


class CancelMessage(OperatorMessage):
    """``cancel``: undo what was done and end the order."""

    requested_by: RequestedBy = RequestedBy.OPERATOR


class ResolveMessage(_Message):
    """``resolve``: a person settled what needs attention; `note` says how."""

    actor: Actor
    note: Note


class ChangeAddressMessage(OperatorMessage):
    """``change_address``: deliver to another address. Personal data."""

    address: AddressModel


class ChooseMessage(OperatorMessage):
    """``choose``: what to do about unavailable items."""

    choice: ShortageChoice


class PiecesModel(_Message):
    """The pieces of a SKU that stay in the order; 0 removes it."""

    sku: Identifier
    quantity: Annotated[int, Field(ge=0, le=checks.MAX_QUANTITY)]


class AmendMessage(OperatorMessage):
    """``amend``: remove pieces from the order. SKUs that are not named stay as they are."""

    lines: Annotated[list[PiecesModel], Field(min_length=1, max_length=order.MAX_LINES)]

    def pieces(self) -> tuple[Pieces, ...]:
        """The pieces as domain values."""
        return tuple(Pieces(Sku(line.sku), line.quantity) for line in self.lines)


class CarrierUpdateMessage(_Message):
    """``carrier_update``: a scan of the parcel, at the carrier's time."""

    status: Literal["handed_over", "in_transit", "delivered", "returned", "lost"]
    at: AwareDatetime


def parse_message(model: type[_M], inputs: Sequence[Any]) -> _M:
    """Validate the one message that a handler was called with.

    Raises:
        InvalidDocument: it is not exactly one JSON object of the right form.
    """
    message = validate(model, only_message(inputs), "message")
    if not isinstance(message, model):
        raise TypeError("validation returned another type")
    return message


def only_message(inputs: Sequence[Any]) -> Any:
    """The one input of a handler; raises InvalidDocument if there are none or several."""
    if len(inputs) != 1 or inputs[0] == SEVERAL_INPUTS:
        many = "several" if inputs else "none"
        problem = FieldProblem("message", f"needs exactly one JSON object, not {many}")
        raise InvalidDocument((problem,))
    return inputs[0]


def json_of(raw: RawValue) -> bytes:
    """The JSON text of a workflow's one input, not parsed yet.

    A workflow whose `run` takes ``raw: RawValue = NO_INPUT`` can refuse any input with a clear
    error. With a typed parameter, a bad input would fail the workflow task, which Temporal would
    retry for ever.

    Raises:
        InvalidDocument: there is not exactly one input, or it is not JSON.
    """
    if raw in (NO_INPUT, SEVERAL_INPUTS):
        many = "none" if raw == NO_INPUT else "several"
        problem = f"needs exactly one JSON object as input, not {many}"
        raise InvalidDocument((FieldProblem("document", problem),))
    if raw.payload.metadata.get("encoding") != b"json/plain":
        problem = "must be a JSON object (payload encoding json/plain)"
        raise InvalidDocument((FieldProblem("document", problem),))
    return raw.payload.data


def canonical_json(value: Any) -> bytes:
    """Canonical JSON: equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
