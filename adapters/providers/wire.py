"""The JSON protocol of the payment and carrier services, for client and server.

Amounts are integer minor units. Requests hold personal data, so validation errors may name fields
but not values.
"""

from abc import ABC, abstractmethod
from typing import Annotated, Any, Generic, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from activities.payment_port import (
    PaymentRequest,
    PaymentStatus,
    ProviderPayment,
    ProviderRefund,
    RefundStatus,
)
from activities.ports import CarrierLabel, Identity, LabelRequest, LabelStatus, ParcelItem
from adapters.providers.rules import Record
from domain.ids import OrderId
from domain.money import Money
from domain.values import Address, CaptureMode

IDEMPOTENCY_HEADER = "Idempotency-Key"
REPLAYED_HEADER = "Idempotent-Replayed"

Name = Annotated[str, Field(min_length=1, max_length=255)]
Minor = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
Optional = Annotated[str, Field(max_length=255)]
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


class RecordBody(_Body, ABC, Generic[Record]):
    """A record of a provider in an answer."""

    @classmethod
    @abstractmethod
    def of(cls, record: Record) -> Self:
        """The body of `record`."""

    @abstractmethod
    def to_record(self) -> Record:
        """The record in this body."""


class AmountBody(_Body):
    """Request: POST /payments/{reference}/capture and /refunds."""

    amount_minor: Minor
    currency: Currency

    def to_money(self) -> Money:
        """The amount as domain type."""
        return Money(self.amount_minor, self.currency)


class CreatePaymentBody(AmountBody):
    """Request: POST /payments."""

    installation: Name
    order_id: Name
    token: Name
    capture: CaptureMode

    @classmethod
    def of(cls, request: PaymentRequest) -> Self:
        """The body of `request`."""
        return cls(
            installation=request.installation,
            order_id=request.order_id,
            amount_minor=request.amount.minor,
            currency=request.amount.currency,
            token=request.token,
            capture=request.capture,
        )

    def to_request(self, idempotency_key: str) -> PaymentRequest:
        """The request in this body."""
        order_id, amount = OrderId(self.order_id), self.to_money()
        return PaymentRequest(
            order_id, amount, self.token, self.capture, idempotency_key, self.installation
        )


class CheckoutBody(AmountBody):
    """Request: POST /checkout; the shop makes and confirms a payment."""

    token: Name
    capture: CaptureMode = CaptureMode.AUTOMATIC


class ClaimBody(_Body):
    """Request: POST /payments/{reference}/claim."""

    installation: Name
    order_id: Name
    idempotency_key: Name

    @classmethod
    def of(cls, identity: Identity) -> Self:
        """The body of `identity`."""
        return cls(
            installation=identity.installation,
            order_id=identity.order_id,
            idempotency_key=identity.idempotency_key,
        )

    def to_identity(self) -> Identity:
        """The identity in this body."""
        return Identity(self.installation, self.order_id, self.idempotency_key)


class ForbidLabelBody(_Body):
    """Request: POST /labels/by-key/{key}/forbid."""

    installation: Name
    order_id: Name


class PaymentBody(RecordBody[ProviderPayment]):
    """A payment in an answer; what whoever made it did not say of whose it is, is empty."""

    reference: Name
    installation: Optional = ""
    idempotency_key: Optional
    order_id: Optional
    status: PaymentStatus
    asked_minor: Minor
    amount_minor: Minor
    refunded_minor: Minor
    currency: Currency
    decline_code: str | None = None
    lapses_at: AwareDatetime | None = None

    @classmethod
    def of(cls, record: ProviderPayment) -> Self:
        """The body of a payment."""
        return cls(
            reference=record.reference,
            installation=record.installation,
            idempotency_key=record.idempotency_key,
            order_id=record.order_id,
            status=record.status,
            asked_minor=record.asked.minor,
            amount_minor=record.amount.minor,
            refunded_minor=record.refunded.minor,
            currency=record.amount.currency,
            decline_code=record.decline_code,
            lapses_at=record.lapses_at,
        )

    def to_record(self) -> ProviderPayment:
        """The payment in this body."""
        return ProviderPayment(
            reference=self.reference,
            installation=self.installation,
            idempotency_key=self.idempotency_key,
            order_id=OrderId(self.order_id),
            status=self.status,
            asked=Money(self.asked_minor, self.currency),
            amount=Money(self.amount_minor, self.currency),
            refunded=Money(self.refunded_minor, self.currency),
            decline_code=self.decline_code,
            lapses_at=self.lapses_at,
        )


class RefundBody(_Body):
    """A refund in an answer."""

    refund_id: Name
    reference: Name
    idempotency_key: Name
    status: RefundStatus
    amount_minor: Minor
    currency: Currency
    code: str | None = None

    @classmethod
    def of(cls, refund: ProviderRefund) -> Self:
        """The body of a refund."""
        return cls(
            refund_id=refund.refund_id,
            reference=refund.reference,
            idempotency_key=refund.idempotency_key,
            status=refund.status,
            amount_minor=refund.amount.minor,
            currency=refund.amount.currency,
            code=refund.code,
        )

    def to_refund(self) -> ProviderRefund:
        """The refund in this body."""
        amount = Money(self.amount_minor, self.currency)
        return ProviderRefund(
            self.refund_id, self.reference, self.idempotency_key, self.status, amount, self.code
        )


class RefundsBody(_Body):
    """The refunds of a payment, oldest first."""

    refunds: tuple[RefundBody, ...]


class PaymentPage(_Body):
    """A page of the ledger; `next` is the next value of `after`, None on the last page.

    The records are read one by one, so that an odd one hides no other.
    """

    payments: list[Any]
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

    installation: Name
    order_id: Name
    address: AddressBody
    items: Annotated[tuple[ItemBody, ...], Field(min_length=1)]

    @classmethod
    def of(cls, request: LabelRequest) -> Self:
        """The body of `request`."""
        return cls.model_validate(request, from_attributes=True)

    def to_request(self, idempotency_key: str) -> LabelRequest:
        """The request in this body."""
        items = tuple(ParcelItem(item.sku, item.quantity) for item in self.items)
        address = Address(**self.address.model_dump())
        order_id = OrderId(self.order_id)
        return LabelRequest(order_id, address, items, idempotency_key, self.installation)


class LabelBody(RecordBody[CarrierLabel]):
    """A label in an answer; `installation` is empty if whoever bought it named none."""

    label_id: Name
    installation: Optional = ""
    idempotency_key: Name
    order_id: Name
    status: LabelStatus
    carrier: str
    tracking_number: str
    refusal: str | None = None
    pieces: int = 0

    @classmethod
    def of(cls, record: CarrierLabel) -> Self:
        """The body of a label."""
        return cls.model_validate(record, from_attributes=True)

    def to_record(self) -> CarrierLabel:
        """The label in this body."""
        return CarrierLabel(**dict(self))


class LabelPage(_Body):
    """A page of the ledger; see `PaymentPage`."""

    labels: list[Any]
    next: int | None = None
