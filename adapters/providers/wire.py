"""The JSON protocol of the payment and carrier services, for client and server.

Amounts are integer minor units. Requests hold personal data, so validation errors may name fields
but not values.
"""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from activities.ports import (
    CarrierLabel,
    ChargeRequest,
    LabelRequest,
    LabelStatus,
    ParcelItem,
    PaymentStatus,
    ProviderPayment,
)
from domain.ids import OrderId
from domain.money import Money
from domain.values import Address, CaptureMode

IDEMPOTENCY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"

Name = Annotated[str, Field(min_length=1, max_length=255)]
Minor = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Text = Annotated[str, Field(max_length=1000)]


class _Body(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)


class ErrorDetail(_Body):
    """`code` is stable; `message` is for humans and holds no personal data."""

    code: str
    message: str = ""


class ErrorBody(_Body):
    """The body of every error answer."""

    error: ErrorDetail


class ChargeBody(_Body):
    """Request: POST /payments."""

    order_id: Name
    amount_minor: Minor
    currency: Currency
    token: Name
    capture: CaptureMode

    @classmethod
    def of(cls, request: ChargeRequest) -> Self:
        """The body of `request`."""
        return cls(
            order_id=request.order_id,
            amount_minor=request.amount.minor,
            currency=request.amount.currency,
            token=request.token,
            capture=request.capture,
        )

    def to_request(self, idempotency_key: str) -> ChargeRequest:
        """The request in this body."""
        amount = Money(self.amount_minor, self.currency)
        return ChargeRequest(
            OrderId(self.order_id), amount, self.token, self.capture, idempotency_key
        )


class ForbidChargeBody(_Body):
    """Request: POST /payments/by-key/{key}/forbid."""

    order_id: Name
    amount_minor: Minor
    currency: Currency

    def to_money(self) -> Money:
        """The amount as domain type."""
        return Money(self.amount_minor, self.currency)


class ForbidLabelBody(_Body):
    """Request: POST /labels/by-key/{key}/forbid."""

    order_id: Name


class AmountBody(_Body):
    """Request: POST /payments/{reference}/capture and /refund."""

    amount_minor: Minor
    currency: Currency

    def to_money(self) -> Money:
        """The amount as domain type."""
        return Money(self.amount_minor, self.currency)


class PaymentBody(_Body):
    """A payment in an answer."""

    reference: Name
    idempotency_key: Name
    order_id: Name
    status: PaymentStatus
    amount_minor: Minor
    refunded_minor: Minor
    currency: Currency
    decline_code: str | None = None

    @classmethod
    def of(cls, payment: ProviderPayment) -> Self:
        """The body of `payment`."""
        return cls(
            reference=payment.reference,
            idempotency_key=payment.idempotency_key,
            order_id=payment.order_id,
            status=payment.status,
            amount_minor=payment.amount.minor,
            refunded_minor=payment.refunded.minor,
            currency=payment.amount.currency,
            decline_code=payment.decline_code,
        )

    def to_payment(self) -> ProviderPayment:
        """The payment in this body."""
        return ProviderPayment(
            reference=self.reference,
            idempotency_key=self.idempotency_key,
            order_id=OrderId(self.order_id),
            status=self.status,
            amount=Money(self.amount_minor, self.currency),
            refunded=Money(self.refunded_minor, self.currency),
            decline_code=self.decline_code,
        )


class PaymentPage(_Body):
    """A page of the ledger; `next` is the next value of `after`, None on the last page."""

    payments: list[PaymentBody]
    next: int | None = None


class ItemBody(_Body):
    """Pieces of a SKU in a parcel."""

    sku: Name
    quantity: Annotated[int, Field(ge=1, lt=2**63)]


class AddressBody(_Body):
    """The address of a parcel."""

    name: Text
    line1: Text
    line2: Text = ""
    city: Text
    region: Text = ""
    postal_code: Text
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class BuyLabelBody(_Body):
    """Request: POST /labels."""

    order_id: Name
    address: AddressBody
    items: Annotated[list[ItemBody], Field(min_length=1)]

    @classmethod
    def of(cls, request: LabelRequest) -> Self:
        """The body of `request`."""
        to = request.address
        return cls(
            order_id=request.order_id,
            address=AddressBody(
                name=to.name,
                line1=to.line1,
                line2=to.line2,
                city=to.city,
                region=to.region,
                postal_code=to.postal_code,
                country=to.country,
            ),
            items=[ItemBody(sku=item.sku, quantity=item.quantity) for item in request.items],
        )

    def to_request(self, idempotency_key: str) -> LabelRequest:
        """The request in this body."""
        items = tuple(ParcelItem(item.sku, item.quantity) for item in self.items)
        address = Address(**self.address.model_dump())
        return LabelRequest(OrderId(self.order_id), address, items, idempotency_key)


class LabelBody(_Body):
    """A label in an answer."""

    label_id: Name
    idempotency_key: Name
    order_id: Name
    status: LabelStatus
    carrier: str
    tracking_number: str
    refusal: str | None = None
    pieces: int = 0

    @classmethod
    def of(cls, label: CarrierLabel) -> Self:
        """The body of `label`."""
        return cls(
            label_id=label.label_id,
            idempotency_key=label.idempotency_key,
            order_id=label.order_id,
            status=label.status,
            carrier=label.carrier,
            tracking_number=label.tracking_number,
            refusal=label.refusal,
            pieces=label.pieces,
        )

    def to_label(self) -> CarrierLabel:
        """The label in this body."""
        return CarrierLabel(
            label_id=self.label_id,
            idempotency_key=self.idempotency_key,
            order_id=OrderId(self.order_id),
            status=self.status,
            carrier=self.carrier,
            tracking_number=self.tracking_number,
            refusal=self.refusal,
            pieces=self.pieces,
        )


class LabelPage(_Body):
    """A page of the ledger; `next` is the next value of `after`, None on the last page."""

    labels: list[LabelBody]
    next: int | None = None
