"""The messages that a running workflow accepts from operators and other services.

Each message is one JSON object. Refusals name the field and never repeat a value.
"""

import functools
import json
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue

from domain import fields
from domain.ids import LineId
from domain.lines import Pieces
from domain.order.drafting import MAX_LINES
from domain.order.terms import ShortageChoice
from domain.parcel_left import CHOICES, IfLeft
from workflows.documents.parts import AddressModel, LineIdText, Moment, text
from workflows.documents.payment import ONE_MEANS, ConfirmedModel, Token, reference_of
from workflows.documents.validation import (
    FieldProblem,
    InvalidDocument,
    Model,
    named_by_domain,
    refusals,
    validate,
)

MOST_MESSAGE_BYTES: Final = 500_000
"""The longest message; an amendment of every line of the longest order is shorter."""

_SEVERAL: Final = b"ordersaga/several"

NO_INPUT: Final = RawValue(Payload())
"""The input of a workflow or handler that was called without any."""

SEVERAL_INPUTS: Final = RawValue(Payload(metadata={"encoding": _SEVERAL}))
"""Stands for two or more inputs, which are always refused; created by the data converter."""

Actor = Annotated[str, *text(fields.parse_actor, fields.MAX_ACTOR)]
Note = Annotated[str, *text(fields.parse_reason, fields.MAX_REASON)]


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


def _choice(goods: IfLeft | None) -> IfLeft | None:
    if goods is IfLeft.ASK:
        raise PydanticCustomError(
            "choice", "must be one of {choices}", {"choices": ", ".join(CHOICES)}
        )
    return goods


class ResolveMessage(_Message):
    """``resolve``: a person settled what needs attention; `note` says how.

    `goods`: what becomes of goods that have left although their order is undone.
    """

    actor: Actor
    note: Note
    goods: Annotated[
        IfLeft | None,
        AfterValidator(_choice),
        WithJsonSchema({"enum": [*(choice.value for choice in CHOICES), None]}),
    ] = None


class ChangeAddressMessage(OperatorMessage):
    """``change_address``: deliver to another address. Personal data."""

    address: AddressModel


class ChooseMessage(OperatorMessage):
    """``choose``: what to do about unavailable items."""

    choice: ShortageChoice


class PayMessage(OperatorMessage):
    """``pay``: another payment after a decline, by the provider's token or a confirmed payment.

    The token is a secret.
    """

    model_config = ConfigDict(json_schema_extra=ONE_MEANS)

    token: Annotated[Token | None, Field(repr=False)] = None
    confirmed: ConfirmedModel | None = None

    @property
    def means(self) -> tuple[str | None, str | None]:
        """The token or the reference of the confirmed payment, the other one None."""
        return fields.parse_means(self.token, reference_of(self.confirmed), "")

    @model_validator(mode="after")
    def _check(self) -> Self:
        named_by_domain(lambda: self.means)
        return self


class PiecesModel(_Message):
    """The pieces of a line that stay in the order; 0 removes it."""

    line_id: LineIdText
    quantity: Annotated[int, Field(ge=0, le=fields.MAX_QUANTITY)]


class AmendMessage(OperatorMessage):
    """``amend``: remove pieces from the order. Lines that are not named stay as they are."""

    lines: Annotated[list[PiecesModel], Field(min_length=1, max_length=MAX_LINES)]

    def pieces(self) -> tuple[Pieces, ...]:
        """The pieces as domain values."""
        return tuple(Pieces(LineId(line.line_id), line.quantity) for line in self.lines)


class CarrierUpdateMessage(_Message):
    """``carrier_update``: a scan of the parcel, at the carrier's time."""

    status: Literal["handed_over", "in_transit", "delivered", "returned", "lost"]
    at: Moment


def parse_message(
    model: type[Model], raw: RawValue, root: str = "message", most_bytes: int = MOST_MESSAGE_BYTES
) -> Model:
    """Validate the one input that a handler was called with.

    Every update, signal and query takes ``raw: RawValue = NO_INPUT`` and reads it here. A typed
    parameter, or one that Temporal decodes, could fail the workflow task for ever.

    Raises:
        InvalidDocument: it is not exactly one JSON object of the right form.
    """
    with refusals(root):
        return validate(model, json_of(raw, root), root, most_bytes)


def handed_over(form: Any, raw: RawValue) -> Any:
    """What a run has handed over to the one that continues it; `form` is its type.

    Raises:
        ValidationError: it has another form.
    """
    return _reader(form).validate_json(raw.payload.data)


@functools.cache
def _reader(form: Any) -> TypeAdapter[Any]:
    return TypeAdapter(form)


def json_of(raw: RawValue, root: str = "document") -> bytes:
    """The JSON text of the one input, not parsed yet.

    Raises:
        InvalidDocument: there is not exactly one input, or it is not JSON.
    """
    if raw in (NO_INPUT, SEVERAL_INPUTS):
        many = "none" if raw == NO_INPUT else "several"
        problem = f"needs exactly one JSON object as input, not {many}"
        raise InvalidDocument((FieldProblem(root, problem),))
    if raw.payload.metadata.get("encoding") != b"json/plain":
        problem = "must be a JSON object (payload encoding json/plain)"
        raise InvalidDocument((FieldProblem(root, problem),))
    return raw.payload.data


def canonical_json(value: Any) -> bytes:
    """Canonical JSON: equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()
