"""The order document that a client submits, validated field by field.

A refusal names every invalid field and never repeats a value: the document holds personal data,
and refusals appear in logs and in the Temporal UI.
"""

from collections.abc import Iterator
from datetime import UTC
from typing import Annotated, Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from activities.messages import OrderDocument
from domain import checks
from domain.errors import DomainError
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
from workflows.documents.validation import (
    PRINTABLE,
    FieldProblem,
    Identifier,
    InvalidDocument,
    validate,
)

MAX_MINOR = 2**63 - 1


def _text(max_length: int, min_length: int = 1) -> StringConstraints:
    return StringConstraints(
        pattern=PRINTABLE, min_length=min_length, max_length=max_length, strip_whitespace=True
    )


_AddressText = Annotated[str, _text(checks.MAX_ADDRESS_FIELD)]
_OptionalAddressText = Annotated[str, _text(checks.MAX_ADDRESS_FIELD, min_length=0)]


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
    postal_code: Annotated[str, _text(checks.MAX_POSTAL_CODE)]
    country: Annotated[
        str, Field(pattern=r"^[A-Z]{2}$", description="ISO 3166 alpha-2 code, such as GB")
    ]

    def to_domain(self) -> Address:
        """The address as a domain value."""
        return Address(**self.model_dump())


class LineModel(_Strict):
    """A number of pieces of one SKU at one price."""

    sku: Identifier
    description: Annotated[str, _text(checks.MAX_DESCRIPTION)]
    quantity: Annotated[int, Field(ge=1, le=checks.MAX_QUANTITY, description="pieces")]
    unit_price_minor: Annotated[
        int,
        Field(ge=1, le=MAX_MINOR, description="price of one piece in minor units, such as pence"),
    ]


class PaymentModel(_Strict):
    """How the order is paid."""

    token: Annotated[
        str, StringConstraints(pattern=r"^[\x21-\x7e]+$", max_length=checks.MAX_REFERENCE)
    ] = Field(description="the payment provider's token for the customer's payment method")
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
        Identifier, Field(description="the workflow id of the saga is order-<order_id>")
    ]
    customer_id: Annotated[Identifier | None, Field(description="null or omitted for a guest")] = (
        None
    )
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217 code, such as GBP")]
    placed_at: Annotated[
        AwareDatetime | None,
        Field(description="when the order was placed, with UTC offset; default: now"),
    ] = None
    lines: Annotated[list[LineModel], Field(min_length=1, max_length=order.MAX_LINES)]
    address: AddressModel
    payment: PaymentModel
    unavailable: Annotated[
        UnavailableModel, Field(description="omitted: the order is cancelled immediately")
    ] = UnavailableModel()


def parse_document(raw: object, workflow_id: str) -> OrderDocument:
    """Validate an order document.

    Args:
        raw: the JSON text as bytes, or the JSON value as Python values.
        workflow_id: the saga's id, which must be ``order-<order_id>``.

    Raises:
        InvalidDocument: names every invalid field.
    """
    model = validate(OrderDocumentModel, raw, "document")
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
    for index, line in enumerate(model.lines):
        if prices.setdefault(line.sku, line.unit_price_minor) != line.unit_price_minor:
            yield FieldProblem(
                f"lines.{index}.unit_price_minor", "the same SKU has another price above"
            )
    if sum(line.quantity * line.unit_price_minor for line in model.lines) > MAX_MINOR:
        yield FieldProblem("lines", "the total does not fit a signed 64-bit integer")


def _to_domain(model: OrderDocumentModel) -> OrderDocument:
    try:
        return OrderDocument(
            order_id=OrderId(model.order_id),
            customer_id=CustomerId(model.customer_id) if model.customer_id else None,
            currency=model.currency,
            placed_at=model.placed_at.astimezone(UTC) if model.placed_at else None,
            lines=tuple(_line(line, model.currency) for line in model.lines),
            address=model.address.to_domain(),
            payment=PaymentTerms(model.payment.token, model.payment.capture),
            unavailable=model.unavailable.to_domain(),
        )
    except DomainError as error:
        raise InvalidDocument((FieldProblem("document", str(error)),)) from None


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
