"""The outside world as the saga sees it: carrier, notifications; see also `payment_port`.

Every call that changes something carries an idempotency key: the provider does it once, however
often it is called. Adapters translate a provider's errors into the classes below and no others.
Requests hold personal data, which must not reach logs, errors or traces.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from domain.ids import OrderId
from domain.money import Money
from domain.values import Address


class GatewayError(Exception):
    """Base of everything a gateway raises; the text is safe to show.

    Attributes:
        retry_after_s: the seconds after which the provider wants to be asked again; None: it does
            not say.
    """

    def __init__(self, text: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(text)
        self.retry_after_s = retry_after_s


class GatewayUnavailable(GatewayError):
    """The request had no effect (connection refused, rate limit, 5xx): it can be retried."""


class OutcomeUnknown(GatewayError):
    """The request may have had its effect (time-out, lost answer): look it up."""


class GatewayRefusedAccess(GatewayError):
    """Our credentials are not accepted (401, 403): nothing was done.

    That says nothing about the order. Once they are repaired, the same request can succeed.
    """


class GatewayRejected(GatewayError):
    """The request is invalid (format, unknown reference): retrying is pointless."""


class KeyUsedUp(GatewayRejected):
    """The key was used for something else, or is answered with an earlier failure for ever.

    Only another key can help; it is recorded before it is used.
    """


class RefundUnfinished(GatewayError):
    """The provider took on a refund, and the money has not gone back yet."""


class RefundNeedsCustomer(GatewayError):
    """A refund waits for the customer, who must tell the provider where the money goes."""


class RefundFailed(GatewayError):
    """A refund failed: the money is still here, and a person must decide."""


class NotOurs(GatewayError):
    """What the provider holds is not this order's: nothing may be done with it.

    A person must look at it. The text names the record and what differs.
    """


# --- whose it is ---------------------------------------------------------------------------------


class Installation(Protocol):
    """The installation that the event store belongs to."""

    async def current(self) -> str:
        """Its id: part of every key and record at a provider; raises StoreUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class Identity:
    """What a record at a provider says of whose it is; empty where it says nothing.

    `asked`: the amount that the payment was requested with; None for a label.
    """

    installation: str
    order_id: str
    idempotency_key: str
    asked: Money | None = None


@dataclass(frozen=True, slots=True)
class UnclearRecord:
    """A record in a provider's ledger that cannot be placed; `why` holds no personal data."""

    reference: str
    why: str


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
    installation: str


class LabelStatus(StrEnum):
    """Where a label stands at the carrier; forbidden: its key was blocked before it was bought."""

    LIVE = "live"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True, slots=True)
class CarrierLabel:
    """A label as the carrier knows it, whoever bought it.

    A refused one has a `refusal` and no tracking number.

    `pieces` is the declared number of pieces in the parcel, over all SKUs.
    """

    label_id: str
    installation: str
    idempotency_key: str
    order_id: OrderId
    status: LabelStatus
    carrier: str
    tracking_number: str
    refusal: str | None = None
    pieces: int = 0

    @property
    def reference(self) -> str:
        """The carrier's id, by the name that all providers' records have."""
        return self.label_id

    @property
    def identity(self) -> Identity:
        """What it says of whose it is."""
        return Identity(self.installation, self.order_id, self.idempotency_key)


class Carrier(Protocol):
    """A carrier.

    All methods raise GatewayUnavailable, GatewayRefusedAccess, OutcomeUnknown or GatewayRejected.
    A refused address is a result (status refused), not an error.
    """

    async def buy_label(self, request: LabelRequest) -> CarrierLabel:
        """Buy a label; the same key returns the first result."""
        ...

    async def find(self, idempotency_key: str) -> CarrierLabel | None:
        """The label bought with a key; None if the carrier never saw the key."""
        ...

    async def forbid(
        self, order_id: OrderId, idempotency_key: str, installation: str
    ) -> CarrierLabel | None:
        """Make sure that no label is bought with a key, even if a request is still on its way.

        Returns the label if it was already bought, otherwise a record that makes the key unusable;
        None if this carrier cannot forbid, and the request may still arrive.
        """
        ...

    async def cancel_label(self, label_id: str, idempotency_key: str) -> CarrierLabel:
        """Cancel a label; cancelling a cancelled label returns it."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


class CarrierLedger(Protocol):
    """The carrier's own record of labels, for reconciliation."""

    def labels(self) -> AsyncIterator[CarrierLabel | UnclearRecord]:
        """Every label of the account, refused ones and those of others included."""
        ...


# --- sagas ---------------------------------------------------------------------------------------


class Sagas(Protocol):
    """The running sagas, asked for what must not stand in the input of an activity."""

    async def address_change(self, workflow_id: str, run_id: str) -> Address | None:
        """The delivery address that a saga wants recorded; None: it wants none."""
        ...

    async def payment_token(self, workflow_id: str, run_id: str) -> str | None:
        """The token that a saga wants recorded; None: it wants none."""
        ...


# --- notifications -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AttentionNotice:
    """A saga needs a person to act; holds no personal data."""

    order_id: OrderId
    at_step: str
    waiting_for: str


class Notifications(Protocol):
    """Notifies people that they must act."""

    async def needs_attention(self, notice: AttentionNotice) -> None:
        """Deliver the notice at least once."""
        ...
