"""The order document that a client submits, validated field by field.

A refusal names every invalid field and never repeats a value: the document holds personal data,
and refusals appear in logs and in the Temporal UI.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from activities.messages import OrderDocument
from domain import fields, ids
from domain.ids import CustomerId, OrderId, Sku, order_stream
from domain.money import Money, total
from domain.order import decisions as order
from domain.order.unavailable import (
    CANCEL_AT_ONCE,
    MAX_DEADLINE_HOURS,
    DeadlineDefault,
    UnavailablePolicy,
    UnavailableTerms,
)
from domain.values import Address, CaptureMode, OrderLine, PaymentTerms, readable
from workflows.documents.outage import OnOutage, outage_json, outage_terms
from workflows.documents.validation import (
    FieldProblem,
    InvalidDocument,
    by_domain,
    named_by_domain,
    refusals,
    validate,
)


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


class _Strict(BaseModel):
    """No conversions: an integer is an integer, text is text. Unknown fields are errors."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class AddressModel(_Strict):
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


class LineModel(_Strict):
    """A number of pieces of one SKU at one price."""

    sku: SkuText
    description: Annotated[str, *text(fields.parse_description, fields.MAX_DESCRIPTION)]
    quantity: Annotated[int, Field(ge=1, le=fields.MAX_QUANTITY, description="pieces")]
    unit_price_minor: Annotated[
        int,
        Field(
            ge=1,
            le=fields.MAX_AMOUNT,
            description="price of one piece in minor units, such as pence",
        ),
    ]


class PaymentModel(_Strict):
    """How the order is paid."""

    token: Annotated[
        str,
        *pattern(fields.parse_token, f"^{fields.TOKEN}$"),
        Field(description="the payment provider's token for the customer's payment method"),
    ]
    capture: CaptureMode = Field(
        default=CaptureMode.AUTOMATIC,
        description="automatic: capture the money at once; on_shipment: authorise it, and capture "
        "it when the label is bought",
    )


class UnavailableModel(_Strict):
    """What to do when items are unavailable."""

    policy: Annotated[
        UnavailablePolicy,
        Field(
            description="cancel: cancel the order at once; ship_available: ship the items that "
            "are available; wait: queue for the missing items; ask: queue for them, and ask the "
            "customer"
        ),
    ] = UnavailablePolicy.CANCEL
    deadline_hours: Annotated[
        int,
        Field(
            ge=1,
            le=MAX_DEADLINE_HOURS,
            description="how long the order waits for stock or for the customer's choice",
        ),
    ] = CANCEL_AT_ONCE.deadline_hours
    default: Annotated[DeadlineDefault, Field(description="what to do after the deadline")] = (
        DeadlineDefault.CANCEL
    )

    def to_domain(self) -> UnavailableTerms:
        """The terms as a domain value."""
        return UnavailableTerms(self.policy, self.deadline_hours, self.default)


class OrderDocumentModel(_Strict):
    """An order to fulfil."""

    model_config = ConfigDict(title="OrderDocument")

    order_id: Annotated[
        OrderIdText, Field(description="the workflow id of the saga is order-<order_id>")
    ]
    customer_id: Annotated[
        Annotated[str, *pattern(ids.parse_customer_id, _ID_FORM)] | None,
        Field(description="null or omitted for a guest"),
    ] = None
    currency: Annotated[
        str,
        *pattern(fields.parse_currency, "^[A-Z]{3}$"),
        Field(description="ISO 4217 code, such as GBP"),
    ]
    placed_at: Annotated[
        Moment | None,
        Field(
            description="when the order was placed, with UTC offset, from 2000 to 2100; "
            "default: now"
        ),
    ] = None
    lines: Annotated[list[LineModel], Field(min_length=1, max_length=order.MAX_LINES)]
    address: AddressModel
    payment: PaymentModel
    unavailable: Annotated[
        UnavailableModel, Field(description="omitted: the order is cancelled immediately")
    ] = UnavailableModel()
    on_outage: Annotated[
        OnOutage | None,
        Field(
            description="what to do if a provider fails for long; wait: wait for it, however long; "
            "omitted: what the installation's setting says, which by default is to wait"
        ),
    ] = None


def parse_document(raw: object, workflow_id: str) -> OrderDocument:
    """Validate an order document.

    Args:
        raw: the JSON text as bytes, or the JSON value as Python values.
        workflow_id: the saga's id, which must be ``order-<order_id>``.

    Raises:
        InvalidDocument: names every invalid field.
    """
    model = validate(OrderDocumentModel, raw, "document")
    with refusals("document"):
        problems = (*_identity_problems(model, workflow_id), *_line_problems(model))
        if problems:
            raise InvalidDocument(problems)
        return _to_domain(model)


def document_json_schema() -> dict[str, Any]:
    """The JSON Schema of the order document."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **OrderDocumentModel.model_json_schema(),
    }


def document_to_json(document: OrderDocument) -> dict[str, Any]:
    """The JSON form of a document; `parse_document` turns it back into an equal document.

    Default terms for unavailable items are omitted, so a document with them and one without have
    the same form and the same digest.
    """
    address, terms = document.address, document.unavailable
    unavailable = {} if terms == CANCEL_AT_ONCE else {"unavailable": _terms_to_json(terms)}
    return {
        "order_id": document.order_id,
        "customer_id": document.customer_id,
        "currency": document.currency,
        "placed_at": document.placed_at.isoformat() if document.placed_at else None,
        "lines": [_line_to_json(line) for line in document.lines],
        "address": {
            "name": address.name,
            "line1": address.line1,
            "line2": address.line2,
            "city": address.city,
            "region": address.region,
            "postal_code": address.postal_code,
            "country": address.country,
        },
        "payment": {
            "token": readable(document.payment.token, "payment token"),
            "capture": document.payment.capture.value,
        },
        **unavailable,
        **outage_json(document.on_outage),
    }


def document_total(document: OrderDocument) -> Money:
    """The order's total."""
    return total((line.amount for line in document.lines), document.currency)


def _identity_problems(model: OrderDocumentModel, workflow_id: str) -> Iterator[FieldProblem]:
    required = order_stream(OrderId(model.order_id))
    if workflow_id != required:
        yield FieldProblem("order_id", f"needs the workflow id {required}, not this one")


def _line_problems(model: OrderDocumentModel) -> Iterator[FieldProblem]:
    prices: dict[str, int] = {}
    pieces: Counter[str] = Counter()
    for index, line in enumerate(model.lines):
        if prices.setdefault(line.sku, line.unit_price_minor) != line.unit_price_minor:
            yield FieldProblem(
                f"lines.{index}.unit_price_minor", "the same SKU has another price above"
            )
        pieces[line.sku] += line.quantity
        if pieces[line.sku] > fields.MAX_QUANTITY:
            yield FieldProblem(
                f"lines.{index}.quantity",
                f"the same SKU is above: together at most {fields.MAX_QUANTITY} pieces",
            )


def _to_domain(model: OrderDocumentModel) -> OrderDocument:
    document = OrderDocument(
        order_id=OrderId(model.order_id),
        customer_id=CustomerId(model.customer_id) if model.customer_id else None,
        currency=model.currency,
        placed_at=model.placed_at,
        lines=tuple(_line(line, model.currency) for line in model.lines),
        address=model.address.to_domain(),
        payment=PaymentTerms(model.payment.token, model.payment.capture),
        unavailable=model.unavailable.to_domain(),
        on_outage=outage_terms(model.on_outage),
    )
    order.check_total(document_total(document), "lines")
    return document


def _line(line: LineModel, currency: str) -> OrderLine:
    price = Money(line.unit_price_minor, currency)
    return OrderLine(Sku(line.sku), line.description, line.quantity, price)


def _terms_to_json(terms: UnavailableTerms) -> dict[str, Any]:
    return {
        "policy": terms.policy.value,
        "deadline_hours": terms.deadline_hours,
        "default": terms.default.value,
    }


def _line_to_json(line: OrderLine) -> dict[str, Any]:
    return {
        "sku": line.sku,
        "description": line.description,
        "quantity": line.quantity,
        "unit_price_minor": line.unit_price.minor,
    }
