"""The outside world as the saga sees it: payment provider, carrier, notifications.

Every call that changes something carries an idempotency key: the provider does it once, however
often it is asked. Adapters translate each provider's own errors to the three classes below and
nothing else. Requests hold personal data; it must not reach logs, errors or traces.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from domain.ids import OrderId
from domain.money import Money
from domain.values import Address, CaptureMode


class GatewayError(Exception):
    """Root of what a gateway can raise; the text is safe to show."""


class GatewayUnavailable(GatewayError):
    """The request had no effect (refused connection, 5xx before work, rate limit): try again."""


class OutcomeUnknown(GatewayError):
    """The request may or may not have had its effect (time-out, lost answer): look it up by key."""


class GatewayRejected(GatewayError):
    """The request itself is wrong (credentials, malformed, unknown reference): retrying is idle."""


# --- payment -------------------------------------------------------------------------------------


class PaymentStatus(StrEnum):
    """Where a payment stands at the provider.

    An expired one was authorised for so long that the bank let the money go; a forbidden one never
    was a payment: its key was taken out of use.
    """

    AUTHORISED = "authorised"
    CAPTURED = "captured"
    VOIDED = "voided"
    REFUNDED = "refunded"
    DECLINED = "declined"
    EXPIRED = "expired"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True, slots=True)
class ChargeRequest:
    """Take (or, on_shipment, hold) `amount` for an order, once per `idempotency_key`."""

    order_id: OrderId
    amount: Money
    token: str
    capture: CaptureMode
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class ProviderPayment:
    """A payment as the provider knows it.

    `refunded` is what went back so far; `decline_code` is set only when the status is declined.
    """

    reference: str
    idempotency_key: str
    order_id: OrderId
    status: PaymentStatus
    amount: Money
    refunded: Money
    decline_code: str | None = None


class PaymentGateway(Protocol):
    """A payment provider.

    All methods raise GatewayUnavailable, OutcomeUnknown or GatewayRejected. A decline is a result
    (status declined), not an error.
    """

    async def charge(self, request: ChargeRequest) -> ProviderPayment:
        """Authorise or capture; the same key returns the first result."""
        ...

    async def find(self, idempotency_key: str) -> ProviderPayment | None:
        """The payment that was made under a key, or None if the provider never saw the key."""
        ...

    async def forbid(
        self, order_id: OrderId, amount: Money, idempotency_key: str
    ) -> ProviderPayment | None:
        """Make sure that nothing is charged under a key, even if a request is still on its way.

        Returns the payment if it was made already, else the forbidden one that now stands under
        the key; None if this provider has no way to forbid, and the request may still arrive.
        """
        ...

    async def capture(self, reference: str, amount: Money, idempotency_key: str) -> ProviderPayment:
        """Take at most the authorised amount; capturing a captured payment returns it.

        A bank that does not pay is an answer (status declined; the authorisation stands), and so is
        an authorisation that has expired (status expired).
        """
        ...

    async def void(self, reference: str, idempotency_key: str) -> ProviderPayment:
        """Give an authorisation back; voiding a voided payment returns it."""
        ...

    async def refund(self, reference: str, amount: Money, idempotency_key: str) -> ProviderPayment:
        """Give captured money back, at most what was captured, once per key."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


class PaymentLedger(Protocol):
    """What a provider says happened, for reconciliation."""

    def payments(self) -> AsyncIterator[ProviderPayment]:
        """Every payment the provider holds for us."""
        ...


# --- carrier -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ParcelItem:
    """Pieces of a SKU in the parcel."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class LabelRequest:
    """Buy a label for an order's parcel, once per `idempotency_key`."""

    order_id: OrderId
    address: Address
    items: tuple[ParcelItem, ...]
    idempotency_key: str


class LabelStatus(StrEnum):
    """Where a label stands at the carrier; a forbidden one is a key that was taken out of use."""

    LIVE = "live"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True, slots=True)
class CarrierLabel:
    """A label as the carrier knows it; a refused one has a `refusal` and no tracking number.

    `pieces` is what was announced to be in the parcel, over all SKUs.
    """

    label_id: str
    idempotency_key: str
    order_id: OrderId
    status: LabelStatus
    carrier: str
    tracking_number: str
    refusal: str | None = None
    pieces: int = 0


class Carrier(Protocol):
    """A carrier.

    All methods raise GatewayUnavailable, OutcomeUnknown or GatewayRejected. A refused address is a
    result (status refused), not an error.
    """

    async def buy_label(self, request: LabelRequest) -> CarrierLabel:
        """Buy a label; the same key returns the first result."""
        ...

    async def find(self, idempotency_key: str) -> CarrierLabel | None:
        """The label bought under a key, or None if the carrier never saw the key."""
        ...

    async def forbid(self, order_id: OrderId, idempotency_key: str) -> CarrierLabel | None:
        """Make sure that no label is bought under a key, even if a request is still on its way.

        Returns the label if it was bought already, else the forbidden one that now stands under
        the key; None if this carrier has no way to forbid, and the request may still arrive.
        """
        ...

    async def cancel_label(self, label_id: str, idempotency_key: str) -> CarrierLabel:
        """Take a label back; cancelling a cancelled label returns it."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


class CarrierLedger(Protocol):
    """What a carrier says happened, for reconciliation."""

    def labels(self) -> AsyncIterator[CarrierLabel]:
        """Every label the carrier holds for us, refused ones included."""
        ...


# --- notifications -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AttentionNotice:
    """A saga waits for a person; holds no personal data."""

    order_id: OrderId
    at_step: str
    waiting_for: str


class Notifications(Protocol):
    """Tells people that they must act."""

    async def needs_attention(self, notice: AttentionNotice) -> None:
        """Deliver the notice at least once."""
        ...
