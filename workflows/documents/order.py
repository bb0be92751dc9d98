"""The order document that a client submits, validated field by field.

A refusal names every invalid field and never repeats a value: the document holds personal data,
and refusals appear in logs and in the Temporal UI. Sums are no personal data.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Final, Literal

from pydantic import ConfigDict, Field

from activities.messages import OrderDocument
from domain import fields
from domain.codes import CURRENCIES
from domain.ids import CustomerId, OrderId, order_id_of, order_stream
from domain.lines import LineKind
from domain.money import Money
from domain.order.drafting import MAX_LINES, check_total
from domain.order.terms import (
    CANCEL_AT_ONCE,
    MAX_DEADLINE_HOURS,
    DeadlineDefault,
    UnavailablePolicy,
    UnavailableTerms,
)
from domain.parcel_left import IfLeft
from domain.values import Address
from workflows.documents.lines import (
    HAS_GOODS,
    Adjustments,
    LineModel,
    adjustments_to_json,
    line_problems,
    line_to_json,
)
from workflows.documents.outage import OnOutage, outage_json, outage_terms
from workflows.documents.parts import (
    AddressModel,
    CustomerIdText,
    CustomerModel,
    Moment,
    OrderIdText,
    Strict,
    given_as,
    text,
)
from workflows.documents.payment import PaymentModel, payment_to_json
from workflows.documents.validation import (
    FieldProblem,
    InvalidDocument,
    by_domain,
    refusals,
    validate,
)

SCHEMA_VERSION: Final = 1
"""The version of the document's form."""

IfParcelLeft = Annotated[
    Literal["ask", "ship_and_collect"] | None,
    Field(
        description="what to do if the parcel has left before the order is undone; ask: a person "
        "decides; ship_and_collect: ship it and collect the money; omitted: what the "
        "installation's setting says, which by default is to ask"
    ),
]


class UnavailableModel(Strict):
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


class OrderDocumentModel(Strict):
    """An order to fulfil."""

    model_config = ConfigDict(
        title="OrderDocument",
        json_schema_extra={
            "anyOf": [given_as("order_id", "string"), given_as("reference", "string")],
            "if": HAS_GOODS,
            "then": given_as("address", "object"),
        },
    )

    schema_version: Annotated[Literal[1], Field(description="version of this form; default: 1")] = (
        SCHEMA_VERSION
    )
    order_id: Annotated[
        OrderIdText | None,
        Field(
            description="the workflow id of the saga is order-<order_id>; omitted: ref- and the "
            "first 40 hexadecimal digits of the SHA-256 of the reference (UTF-8)"
        ),
    ] = None
    reference: Annotated[
        Annotated[str, *text(fields.parse_reference, fields.MAX_REFERENCE)] | None,
        Field(description="the shop's own number of the order, any text"),
    ] = None
    customer_id: Annotated[
        CustomerIdText | None,
        Field(description="null or omitted for a guest"),
    ] = None
    customer: CustomerModel | None = None
    currency: Annotated[
        str,
        by_domain(fields.parse_currency),
        Field(
            description="ISO 4217 code, such as GBP",
            json_schema_extra={"enum": sorted(CURRENCIES)},
        ),
    ]
    placed_at: Annotated[
        Moment | None,
        Field(
            description="when the order was placed, with UTC offset, from 2000 to 2100; "
            "default: now"
        ),
    ] = None
    lines: Annotated[list[LineModel], Field(min_length=1, max_length=MAX_LINES)]
    adjustments: Adjustments = Field(
        default_factory=list,
        description="of the whole order; spread over its lines in proportion to their sums",
    )
    total_minor: Annotated[
        int | None,
        Field(
            ge=0,
            le=fields.MAX_AMOUNT,
            description="what the shop thinks is to be paid: all lines and adjustments; the order "
            "is refused if that makes another sum",
        ),
    ] = None
    address: Annotated[
        AddressModel | None, Field(description="may be omitted if no line is goods")
    ] = None
    payment: Annotated[
        PaymentModel | None, Field(description="may be omitted if nothing is to be paid")
    ] = None
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
    if_parcel_left: IfParcelLeft = None
    metadata: Annotated[dict[str, str], by_domain(fields.parse_metadata)] = Field(
        default_factory=dict,
        description="the shop's own notes, kept as they are; no personal data",
        json_schema_extra={
            "maxProperties": fields.MAX_METADATA,
            "propertyNames": {
                "type": "string",
                "pattern": f"^[^{fields.HIDDEN}]{{1,{fields.MAX_METADATA_NAME}}}$",
            },
            "additionalProperties": {
                "type": "string",
                "pattern": f"^[^\x00]{{0,{fields.MAX_METADATA_TEXT}}}$",
            },
        },
    )

    @property
    def id(self) -> OrderId | None:
        """The order's id, given or derived; None: neither id nor reference is given."""
        if self.order_id is not None:
            return OrderId(self.order_id)
        return None if self.reference is None else order_id_of(self.reference)


def parse_document(raw: object, workflow_id: str | None) -> OrderDocument:
    """Validate an order document.

    Args:
        raw: the JSON text as bytes, or the JSON value as Python values.
        workflow_id: the saga's id, which must be ``order-<order_id>``; None: not known yet.

    Raises:
        InvalidDocument: names every invalid field.
    """
    model = validate(OrderDocumentModel, raw, "document")
    with refusals("document"):
        problems = (*_identity_problems(model, workflow_id), *line_problems(model.lines))
        if problems:
            raise InvalidDocument(problems)
        document = _to_domain(model)
        if problems := tuple(_sum_problems(model, document)):
            raise InvalidDocument(problems)
        return document


def document_to_json(document: OrderDocument) -> dict[str, Any]:
    """The JSON form of a document; `parse_document` turns it back into an equal document.

    Whatever has its default is omitted, so equal orders have the same form and the same digest.
    """
    terms = document.unavailable
    unavailable = {} if terms == CANCEL_AT_ONCE else {"unavailable": _terms_to_json(terms)}
    return {
        "schema_version": SCHEMA_VERSION,
        "order_id": document.order_id,
        **_given("reference", document.reference),
        "customer_id": document.customer_id,
        **_given("customer", document.customer and {"email": document.customer.email}),
        "currency": document.currency,
        "placed_at": document.placed_at.isoformat() if document.placed_at else None,
        "lines": [line_to_json(line) for line in document.lines],
        **adjustments_to_json(document.adjustments),
        **_given("address", document.address and address_to_json(document.address)),
        **_given("payment", document.payment and payment_to_json(document.payment)),
        **unavailable,
        **outage_json(document.on_outage),
        **_given("metadata", dict(document.metadata) or None),
        **({"if_parcel_left": document.if_left.value} if document.if_left else {}),
    }


def document_total(document: OrderDocument) -> Money:
    """What is to be paid for the order."""
    return document.content.total


def _given(name: str, value: object) -> dict[str, Any]:
    return {} if value is None else {name: value}


def _identity_problems(
    model: OrderDocumentModel, workflow_id: str | None
) -> Iterator[FieldProblem]:
    if model.id is None:
        yield FieldProblem("order_id", "is missing: give it, or a reference that it is made from")
    elif workflow_id not in (None, required := order_stream(model.id)):
        yield FieldProblem("order_id", f"needs the workflow id {required}, not this one")


def _sum_problems(model: OrderDocumentModel, document: OrderDocument) -> Iterator[FieldProblem]:
    """What is missing or wrong in view of what the order costs and consists of."""
    total = document_total(document).minor
    if total < 0:
        yield FieldProblem("adjustments", f"take off {-total} minor units more than the lines cost")
    if model.total_minor not in (None, total):
        problem = f"is {model.total_minor}, but lines and adjustments make {total}"
        yield FieldProblem("total_minor", problem)
    if document.payment is None and total > 0:
        yield FieldProblem("payment", f"is missing: the order costs {total} minor units")
    if document.address is None and any(line.kind is LineKind.GOODS for line in document.lines):
        yield FieldProblem("address", "is missing: goods need one")


def _to_domain(model: OrderDocumentModel) -> OrderDocument:
    currency = model.currency
    document = OrderDocument(
        order_id=model.id or OrderId(""),
        customer_id=CustomerId(model.customer_id) if model.customer_id else None,
        currency=currency,
        placed_at=model.placed_at,
        lines=tuple(line.to_domain(n, currency) for n, line in enumerate(model.lines, start=1)),
        address=model.address.to_domain() if model.address else None,
        payment=model.payment.to_domain() if model.payment else None,
        unavailable=model.unavailable.to_domain(),
        on_outage=outage_terms(model.on_outage),
        adjustments=tuple(one.to_domain(currency) for one in model.adjustments),
        reference=model.reference,
        customer=model.customer.to_domain() if model.customer else None,
        metadata=model.metadata,
        if_left=IfLeft(model.if_parcel_left) if model.if_parcel_left else None,
    )
    check_total(document_total(document), "lines")
    return document


def address_to_json(address: Address) -> dict[str, str]:
    """The JSON form of an address."""
    return {
        "name": address.name,
        "line1": address.line1,
        "line2": address.line2,
        "city": address.city,
        "region": address.region,
        "postal_code": address.postal_code,
        "country": address.country,
    }


def _terms_to_json(terms: UnavailableTerms) -> dict[str, Any]:
    return {
        "policy": terms.policy.value,
        "deadline_hours": terms.deadline_hours,
        "default": terms.default.value,
    }
