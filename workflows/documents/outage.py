"""``on_outage`` of the order document: wait for a provider that fails, or cancel after a time."""

import re
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag
from pydantic import WithJsonSchema as JsonSchema
from pydantic_core import PydanticCustomError

from domain.order.terms import MAX_CANCEL_AFTER_S, WAIT, OutageTerms

_NUMBER: Final = "[0-9]{1,9}"
_ISO_8601: Final = (
    f"^P(?!$)({_NUMBER}W)?({_NUMBER}D)?(T(?=[0-9])({_NUMBER}H)?({_NUMBER}M)?({_NUMBER}S)?)?$"
)
_SECONDS: Final = {"W": 604_800, "D": 86_400, "H": 3_600, "M": 60, "S": 1}


def _seconds(value: object) -> object:
    """Whole seconds from an ISO 8601 duration; anything that is no text stays as it is."""
    if not isinstance(value, str):
        return value
    if not re.fullmatch(_ISO_8601, value):
        expected = "must be whole seconds or an ISO 8601 duration such as PT30M"
        raise PydanticCustomError("duration", expected)
    parts = re.findall("([0-9]+)([WDHMS])", value)
    return sum(int(number) * _SECONDS[unit] for number, unit in parts)


_Duration = Annotated[
    int,
    BeforeValidator(_seconds),
    Field(ge=1, le=MAX_CANCEL_AFTER_S),
    JsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": MAX_CANCEL_AFTER_S},
                {"type": "string", "pattern": _ISO_8601},
            ],
            "description": "seconds, or an ISO 8601 duration such as PT30M; up to 90 days",
        }
    ),
]


class CancelAfterModel(BaseModel):
    """Cancel the order once a provider has failed for this long."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)

    cancel_after: _Duration


def _form(value: object) -> str:
    return "as_object" if isinstance(value, dict | BaseModel) else "as_word"


OnOutage = Annotated[
    Annotated[Literal["wait"], Tag("as_word")] | Annotated[CancelAfterModel, Tag("as_object")],
    Discriminator(_form),
]


def outage_terms(on_outage: CancelAfterModel | str | None) -> OutageTerms | None:
    """The terms as a domain value; None: the installation's setting decides."""
    if on_outage is None:
        return None
    if isinstance(on_outage, CancelAfterModel):
        return OutageTerms(on_outage.cancel_after)
    return WAIT


def outage_json(terms: OutageTerms | None) -> dict[str, Any]:
    """The terms as a part of the document; empty if there are none."""
    if terms is None:
        return {}
    after = terms.cancel_after_s
    return {"on_outage": "wait" if after is None else {"cancel_after": after}}
