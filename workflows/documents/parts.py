"""Parts that several documents and messages have: ids, texts, times, addresses."""

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from domain import fields, ids
from domain.values import Address, Contact
from workflows.documents.validation import by_domain, named_by_domain


def text(parse: Callable[[Any, str], str], max_length: int, min_length: int = 1) -> tuple[Any, ...]:
    """What annotates a text: the domain's validator, and the lengths for the JSON Schema."""
    lengths = {"minLength": min_length, "maxLength": max_length}
    return by_domain(parse), Field(json_schema_extra=dict(lengths))


def pattern(parse: Callable[[Any, str], str], form: str) -> tuple[Any, ...]:
    """What annotates a code or an id: the domain's validator, and the form for the JSON Schema."""
    return by_domain(parse), Field(json_schema_extra={"pattern": form})


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
_ISO_8601 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d.*", re.ASCII | re.DOTALL)


def _written_out(value: object) -> object:
    """The time in a text; pydantic would also take seconds since 1970, but nothing is guessed."""
    if isinstance(value, str) and _ISO_8601.fullmatch(value):
        with suppress(ValueError):
            return datetime.fromisoformat(value)
    problem = {"part": "", "problem": "must be a time such as 2026-01-31T14:05:00+00:00"}
    raise PydanticCustomError("domain", "{problem}", problem)


Moment = Annotated[datetime, BeforeValidator(_written_out), by_domain(fields.parse_moment)]
"""A time from 2000 to 2100, in UTC."""


class Strict(BaseModel):
    """No conversions: an integer is an integer, text is text. Unknown fields are errors."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class AddressModel(Strict):
    """Where the parcel goes. Personal data."""

    name: _AddressText
    line1: _AddressText
    line2: _OptionalAddressText = ""
    city: _AddressText
    region: _OptionalAddressText = ""
    postal_code: Annotated[
        str,
        Field(
            description="may be omitted where addresses have none",
            json_schema_extra={"maxLength": fields.MAX_POSTAL_CODE},
        ),
    ] = ""
    country: Annotated[
        str,
        *pattern(fields.parse_country, "^[A-Z]{2}$"),
        Field(description="ISO 3166 alpha-2 code, such as GB"),
    ]

    def to_domain(self) -> Address:
        """The address as a domain value, in normal form."""
        return fields.parse_address(Address(**self.model_dump()), "")

    @model_validator(mode="after")
    def _check(self) -> Self:
        named_by_domain(self.to_domain)  # whether there is a postal code depends on the country
        return self


class CustomerModel(Strict):
    """How the customer is reached. Personal data."""

    email: Annotated[
        str,
        *text(fields.parse_email, fields.MAX_EMAIL),
        Field(json_schema_extra={"pattern": f"^{fields.EMAIL}$"}),
    ]

    def to_domain(self) -> Contact:
        """The contact as a domain value."""
        return Contact(self.email)
