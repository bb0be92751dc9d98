"""Parts that several documents and messages have: ids, texts, times, addresses."""

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from domain import fields, ids
from domain.codes import COUNTRIES, NEED_POSTAL_CODE
from domain.values import Address, Contact
from workflows.documents.validation import by_domain, named_by_domain

JsonSchema = dict[str, Any]
"""A part of a JSON Schema, for what pydantic cannot say."""


def text(parse: Callable[[Any, str], str], max_length: int, min_length: int = 1) -> tuple[Any, ...]:
    """What annotates a text: the domain's validator, and the form for the JSON Schema."""
    return pattern(parse, one_line(max_length, min_length))


def one_line(max_length: int, min_length: int = 1) -> str:
    """The form of a text of one line; blanks around it do not count."""
    blank, printable = f"[{fields.BLANKS}]*", f"[^{fields.HIDDEN}]"
    end = f"[^{fields.HIDDEN}{fields.BLANKS}]"
    words = f"{end}({printable}{{0,{max_length - 2}}}{end})?"
    return f"^{blank}({words}){'' if min_length else '?'}{blank}$"


def pattern(parse: Callable[[Any, str], str], form: str) -> tuple[Any, ...]:
    """What annotates a code or an id: the domain's validator, and the form for the JSON Schema."""
    return by_domain(parse), Field(json_schema_extra={"pattern": form})


def given_as(name: str, form: str) -> JsonSchema:
    """For the JSON Schema: a field that is there, and not null."""
    return {"required": [name], "properties": {name: {"type": form}}}


TOKEN: Final = f"^[{fields.BLANKS}]*[!-~]{{1,{fields.MAX_REFERENCE}}}[{fields.BLANKS}]*$"
"""The form of a payment provider's token."""
CONFIRMED: Final = f"^[{fields.BLANKS}]*{fields.CONFIRMED}[{fields.BLANKS}]*$"
"""The form of a provider's reference of a payment."""
_ID_FORM = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
_AddressText = Annotated[
    str,
    *text(
        partial(fields.parse_text, max_length=fields.MAX_ADDRESS_FIELD), fields.MAX_ADDRESS_FIELD
    ),
]
_OptionalAddressText = Annotated[
    str,
    *text(
        partial(fields.parse_optional_text, max_length=fields.MAX_ADDRESS_FIELD),
        fields.MAX_ADDRESS_FIELD,
        min_length=0,
    ),
]
OrderIdText = Annotated[str, *pattern(ids.parse_order_id, _ID_FORM)]
CustomerIdText = Annotated[str, *pattern(ids.parse_customer_id, _ID_FORM)]
LineIdText = Annotated[str, *pattern(ids.parse_line_id, _ID_FORM)]
SkuText = Annotated[str, *pattern(ids.parse_sku, _ID_FORM)]
_LOCAL_TIME = (
    "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt ]"
    "([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.,][0-9]+)?)?"
)
_OFFSET = "(Z|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)"
_TIME = re.compile(f"{_LOCAL_TIME}{_OFFSET}?")


def _written_out(value: object) -> object:
    """The time in a text; pydantic would also take seconds since 1970, but nothing is guessed."""
    if isinstance(value, str) and _TIME.fullmatch(value):
        with suppress(ValueError):
            return datetime.fromisoformat(value)
    problem = {"part": "", "problem": "must be a time such as 2026-01-31T14:05:00+00:00"}
    raise PydanticCustomError("domain", "{problem}", problem)


Moment = Annotated[
    datetime,
    BeforeValidator(_written_out),
    by_domain(fields.parse_moment),
    WithJsonSchema({"type": "string", "pattern": f"^{_LOCAL_TIME}{_OFFSET}$"}),
]
"""A time from 2000 to 2100, in UTC."""


class Strict(BaseModel):
    """No conversions: an integer is an integer, text is text. Unknown fields are errors."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


_NEEDS_POSTAL_CODE: Final[JsonSchema] = {
    "if": {"properties": {"country": {"enum": sorted(NEED_POSTAL_CODE)}}},
    "then": {
        "required": ["postal_code"],
        "properties": {
            "postal_code": {"type": "string", "pattern": one_line(fields.MAX_POSTAL_CODE)}
        },
    },
}


class AddressModel(Strict):
    """Where the parcel goes. Personal data."""

    model_config = ConfigDict(json_schema_extra=_NEEDS_POSTAL_CODE)

    name: _AddressText
    line1: _AddressText
    line2: _OptionalAddressText = ""
    city: _AddressText
    region: _OptionalAddressText = ""
    postal_code: Annotated[
        str,
        Field(
            description="may be omitted where addresses have none",
            json_schema_extra={"pattern": one_line(fields.MAX_POSTAL_CODE, min_length=0)},
        ),
    ] = ""
    country: Annotated[
        str,
        by_domain(fields.parse_country),
        Field(
            description="ISO 3166 alpha-2 code, such as GB",
            json_schema_extra={"enum": sorted(COUNTRIES)},
        ),
    ]

    def to_domain(self) -> Address:
        """The address as a domain value, in normal form."""
        return fields.parse_address(Address(**self.model_dump()), "")

    @model_validator(mode="after")
    def _check(self) -> Self:
        named_by_domain(self.to_domain)  # whether there is a postal code depends on the country
        return self


_NO_BLANK_OR_AT = f"[^@{fields.BLANKS}]+"
_EMAIL = {"pattern": f"^[{fields.BLANKS}]*{_NO_BLANK_OR_AT}@{_NO_BLANK_OR_AT}[{fields.BLANKS}]*$"}


class CustomerModel(Strict):
    """How the customer is reached. Personal data."""

    email: Annotated[
        str,
        by_domain(fields.parse_email),
        Field(json_schema_extra={"allOf": [{"pattern": one_line(fields.MAX_EMAIL)}, _EMAIL]}),
    ]

    def to_domain(self) -> Contact:
        """The contact as a domain value."""
        return Contact(self.email)
