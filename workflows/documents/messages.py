"""What operators and other services can say to a running saga, and what it answers.

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
"""What a workflow takes that was started without any input."""

SEVERAL_INPUTS: Final = RawValue(Payload(metadata={"encoding": _SEVERAL}))
"""What the data converter hands over instead of two or more inputs: no message has so many."""

Actor = Annotated[
    str, StringConstraints(pattern=PRINTABLE, min_length=1, max_length=100, strip_whitespace=True)
]
Words = Annotated[
    str, StringConstraints(pattern=PRINTABLE, min_length=1, max_length=500, strip_whitespace=True)
]


class RequestedBy(StrEnum):
    """On whose wish an order is cancelled."""

    CUSTOMER = "customer"
    OPERATOR = "operator"


class _Message(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class OperatorMessage(_Message):
    """``hold``, ``resume`` and ``retry``: who acts, and why."""

    actor: Actor
    reason: Words


class CancelMessage(OperatorMessage):
    """``cancel``: end the order and undo what was done."""

    requested_by: RequestedBy = RequestedBy.OPERATOR


class ResolveMessage(_Message):
    """``resolve``: what the saga waits for was settled by hand; `note` says how."""

    actor: Actor
    note: Words


class ChangeAddressMessage(OperatorMessage):
    """``change_address``: deliver to another address. Holds personal data."""

    address: AddressModel


class ChooseMessage(OperatorMessage):
    """``choose``: what is to be done about unavailable items."""

    choice: ShortageChoice


class PiecesModel(_Message):
    """So many pieces of a SKU are left; 0 drops it."""

    sku: Identifier
    quantity: Annotated[int, Field(ge=0, le=checks.MAX_QUANTITY)]


class AmendMessage(OperatorMessage):
    """``amend``: leave pieces out of the order; SKUs that are not named stay as they are."""

    lines: Annotated[list[PiecesModel], Field(min_length=1, max_length=order.MAX_LINES)]

    def pieces(self) -> tuple[Pieces, ...]:
        """The same as the domain knows it."""
        return tuple(Pieces(Sku(line.sku), line.quantity) for line in self.lines)


class CarrierUpdateMessage(_Message):
    """``carrier_update``: a scan of the parcel by the carrier at its own time."""

    status: Literal["handed_over", "in_transit", "delivered", "returned", "lost"]
    at: AwareDatetime


def parse_message(model: type[_M], inputs: Sequence[Any]) -> _M:
    """The one message among `inputs`.

    Raises:
        InvalidDocument: there is not exactly one JSON object of the right form.
    """
    message = validate(model, only_message(inputs), "message")
    if not isinstance(message, model):
        raise TypeError("validation returned another type")
    return message


def only_message(inputs: Sequence[Any]) -> Any:
    """The one input of a message; raises InvalidDocument if there is another number of them."""
    if len(inputs) != 1 or inputs[0] == SEVERAL_INPUTS:
        many = "several" if inputs else "none"
        problem = FieldProblem("message", f"needs exactly one JSON object, not {many}")
        raise InvalidDocument((problem,))
    return inputs[0]


def json_of(given: RawValue) -> bytes:
    """The JSON text of a workflow's one input, not yet parsed.

    A workflow whose `run` is declared as ``run(self, given: RawValue = NO_INPUT)`` and begins
    with this fails at once on whatever it is started with, and never retries for ever.

    Raises:
        InvalidDocument: there was not exactly one input, or it is not JSON.
    """
    if given in (NO_INPUT, SEVERAL_INPUTS):
        many = "none" if given == NO_INPUT else "several"
        problem = f"needs exactly one JSON object as input, not {many}"
        raise InvalidDocument((FieldProblem("document", problem),))
    if given.payload.metadata.get("encoding") != b"json/plain":
        problem = "must be a JSON object (payload encoding json/plain)"
        raise InvalidDocument((FieldProblem("document", problem),))
    return given.payload.data


def canonical_json(value: Any) -> bytes:
    """The same bytes for equal JSON values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
