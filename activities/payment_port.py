"""The payment provider as the saga sees it.

See `activities.ports` for what all providers share: errors, and whose a record is.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from activities.ports import Identity, UnclearRecord
from domain.ids import OrderId
from domain.money import Money
from domain.values import CaptureMode


class PaymentStatus(StrEnum):
    """Where a payment stands at the provider.

    Unconfirmed: it was created, and no money moves until it is confirmed. Requires_action: the
    customer would have to authenticate; nothing is held. Expired: the bank released an
    authorisation that was not captured in time. A status that is not final is none of these: asking
    for it raises OutcomeUnknown.
    """

    UNCONFIRMED = "unconfirmed"
    REQUIRES_ACTION = "requires_action"
    AUTHORISED = "authorised"
    CAPTURED = "captured"
    VOIDED = "voided"
    REFUNDED = "refunded"
    DECLINED = "declined"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """Create a payment that captures (or, on_shipment, authorises) `amount` once it is confirmed.

    Once per `idempotency_key`. The token is a secret.
    """

    order_id: OrderId
    amount: Money
    token: str
    capture: CaptureMode
    idempotency_key: str
    installation: str


@dataclass(frozen=True, slots=True)
class ProviderPayment:
    """A payment as the provider knows it, whoever made it.

    What it does not say of whose it is, is empty: a payment of the shop's checkout has no key.
    `asked` is the amount of the request, `amount` what is held or was captured of it, and
    `refunded` the sum of all refunds that have not failed; `decline_code` is set if the status is
    declined. `lapses_at`: when an authorisation ends by itself, if known; of no other status.
    """

    reference: str
    installation: str
    idempotency_key: str
    order_id: OrderId
    status: PaymentStatus
    asked: Money
    amount: Money
    refunded: Money
    decline_code: str | None = None
    lapses_at: datetime | None = None

    @property
    def identity(self) -> Identity:
        """What it says of whose it is."""
        return Identity(self.installation, self.order_id, self.idempotency_key, self.asked)


class RefundStatus(StrEnum):
    """Where a refund stands at the provider; money has gone back only if it succeeded.

    Requires_action: it waits for the customer, who must give the provider an account.
    """

    PENDING = "pending"
    REQUIRES_ACTION = "requires_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ProviderRefund:
    """A refund of the payment `reference` as the provider knows it; `code`: why it failed."""

    refund_id: str
    reference: str
    idempotency_key: str
    status: RefundStatus
    amount: Money
    code: str | None = None


class PaymentLimits(Protocol):
    """What a provider takes at all, as it publishes it: a pure table, known without asking it."""

    def problem(self, amount: Money, token: str) -> str | None:
        """Why it would refuse such a payment: names the field and the limit, not the token."""
        ...


class PaymentGateway(Protocol):
    """A payment provider, which makes a payment in two acts.

    It is created first, which moves no money; its reference is recorded; then it is confirmed by
    that reference. Whoever wants to be sure that it will not be confirmed cancels it by reference.
    So an order has one payment, whatever becomes of keys and answers, and only what creates
    something (a payment, a refund) needs a key. For a provider with one act,
    an adapter can let the key be the reference, create nothing, charge when it is confirmed, and
    block the key when it is voided.

    All methods raise GatewayUnavailable, GatewayRefusedAccess, OutcomeUnknown or GatewayRejected.
    A decline is a result (status declined), not an error. An answer may be about a payment of
    somebody else; `activities.payments.own` finds that out.
    """

    @property
    def limits(self) -> PaymentLimits:
        """What the provider takes at all."""
        ...

    async def create(self, request: PaymentRequest) -> ProviderPayment:
        """Create a payment; the same key returns it again.

        Raises:
            KeyUsedUp: the key is answered with an earlier failure.
        """
        ...

    async def confirm(self, reference: str) -> ProviderPayment:
        """Authorise or capture a payment that was created; it happens at most once.

        What is already confirmed, declined or ended is returned as it is.
        """
        ...

    async def read(self, reference: str) -> ProviderPayment:
        """The payment with a reference, whoever made it."""
        ...

    async def claim(self, reference: str, identity: Identity) -> ProviderPayment:
        """Write into a payment that has no key whose it is; one that has a key stays as it is.

        The payment as it is then: compare what it says. No money moves.
        """
        ...

    async def find(self, idempotency_key: str) -> ProviderPayment | None:
        """The payment created with a key, as far as a bounded search finds it.

        None proves nothing: nothing that moves money may depend on it.
        """
        ...

    async def capture(self, reference: str, amount: Money) -> ProviderPayment:
        """Capture at most the authorised amount, once; what is over is returned as it is.

        If the bank does not pay, the status is declined and the authorisation stands; if the
        authorisation has expired, the status is expired.
        """
        ...

    async def void(self, reference: str) -> ProviderPayment:
        """End a payment that was not captured: it is never confirmed, what is held is released.

        Voiding a payment that is over returns it.
        """
        ...

    async def refund(self, reference: str, amount: Money, idempotency_key: str) -> ProviderRefund:
        """Refund at most what was captured, once per key, however old the key is.

        The same key returns the refund as it is now.
        """
        ...

    async def refunds(self, reference: str) -> tuple[ProviderRefund, ...]:
        """Every refund of a payment, oldest first; one without a key has its id as key."""
        ...

    async def read_refund(self, reference: str, refund_id: str) -> ProviderRefund:
        """The refund of a payment with the provider's id, as it is now."""
        ...

    async def close(self) -> None:
        """Release connections."""
        ...


class PaymentLedger(Protocol):
    """The provider's own record of payments, for reconciliation."""

    def payments(self) -> AsyncIterator[ProviderPayment | UnclearRecord]:
        """Every payment of the account that carries an order, also those of others."""
        ...
