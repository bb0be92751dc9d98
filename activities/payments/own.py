"""An order's own payments: the one way from the activities to the payment provider.

Whatever the provider answers is compared with the order before anybody sees it. What is changed at
the provider is either named by our events or an `OwnPayment`, and only this module makes one.
"""

from dataclasses import replace
from typing import Final, NewType

from activities.identity import Claim, require_own
from activities.keys import OrderKeys
from activities.payment_port import (
    PaymentGateway,
    PaymentRequest,
    PaymentStatus,
    ProviderPayment,
    ProviderRefund,
)
from activities.payments.objections import Objection, objection_to
from activities.ports import (
    GatewayRejected,
    Identity,
    Installation,
    KeyUsedUp,
    NotOurs,
    OutcomeUnknown,
)
from activities.unit_of_work import if_time_is_left
from domain.errors import RuleBroken
from domain.money import Money
from domain.order.state import FrozenOrder
from domain.payment import state as payment
from domain.values import CaptureMode, readable

OwnPayment = NewType("OwnPayment", ProviderPayment)
"""A payment that is known as the order's own."""

_OVER: Final = frozenset({PaymentStatus.VOIDED, PaymentStatus.EXPIRED})
NOT_TAKEN: Final = frozenset(
    {PaymentStatus.UNCONFIRMED, PaymentStatus.REQUIRES_ACTION, PaymentStatus.AUTHORISED}
)
"""What voiding ends."""


class OwnPayments:
    """Gives the payments of an order.

    Args:
        gateway: the payment provider.
        installation: whose payments count.
    """

    def __init__(self, gateway: PaymentGateway, installation: Installation) -> None:
        self._gateway = gateway
        self._installation = installation

    def problem(self, order: FrozenOrder, token: str) -> str | None:
        """Why the provider would not take a token for an order; see `PaymentLimits`."""
        return self._gateway.limits.problem(order.total, token)

    async def of(self, order: FrozenOrder) -> "OrderPayments":
        """The payments of an order; raises StoreUnavailable."""
        return OrderPayments(self._gateway, await self._installation.current(), order)


class OrderPayments:
    """The payment of one order.

    All methods that ask the provider raise NotOurs if what it holds is somebody else's; then
    nothing was changed.
    """

    def __init__(self, gateway: PaymentGateway, installation: str, order: FrozenOrder) -> None:
        self.keys = OrderKeys(installation, order.order_id)
        self._gateway = gateway
        self._order = order

    @property
    def asked(self) -> Money:
        """What the order costs now."""
        return self._order.total

    # --- looking ---------------------------------------------------------------------------------

    async def recorded(self, state: payment.KnownPayment) -> OwnPayment:
        """The payment that our events name, as the provider knows it now.

        If it was claimed just before, the provider is told whose it is.
        """
        self.check_recorded(state)
        if isinstance(state, payment.Prepared) and state.claimed:
            ours = Identity(self.keys.installation, self._order.order_id, state.idempotency_key)
            answer = await self._gateway.claim(state.reference, ours)
        else:
            answer = await self._gateway.read(state.reference)
        return self._own(answer, state.idempotency_key)

    def check_recorded(self, state: payment.KnownPayment) -> None:
        """Refuse a payment in our events that another installation made.

        So a copy of a database, once it has an id of its own, takes nothing for its own that the
        original has paid.

        Raises:
            NotOurs: its key is not one of this order's.
        """
        if not self.keys.is_of_payment(state.idempotency_key):
            text = "was made by another installation, and is left alone"
            raise NotOurs(f"payment {state.reference} {text}")

    # --- the two acts ----------------------------------------------------------------------------

    async def create(
        self, key: str, capture: CaptureMode, *, look_first: bool = False
    ) -> OwnPayment:
        """Create the payment for what the order costs, once per key; no money moves.

        `look_first`: the provider may have forgotten the key of one that exists.

        Raises:
            KeyUsedUp: this key makes no payment that can be used.
        """
        order = self._order
        if order.token is None:
            raise RuleBroken("payment_missing", "the order does not say how it is paid")
        token = readable(order.token, "payment token")
        request = PaymentRequest(
            order.order_id, order.total, token, capture, key, self.keys.installation
        )
        earlier = await self._gateway.find(key) if look_first else None
        try:
            own = self._own(earlier or await self._gateway.create(request), key)
        except KeyUsedUp:
            own = await self._made_before(key)
        if own.status is PaymentStatus.UNCONFIRMED and own.asked != order.total:
            own = await self.void(own)
        if own.status in _OVER:
            raise KeyUsedUp(f"payment {own.reference} of this key was {own.status}")
        return own

    async def _made_before(self, key: str) -> OwnPayment:
        """The payment of a used key; it may be somebody else's, or asked for another amount."""
        if (answer := await self._gateway.find(key)) is None:
            raise KeyUsedUp("the provider refuses the key, and shows no payment of it")
        return self._own(answer, key)

    async def confirm(self, prepared: payment.Prepared) -> OwnPayment:
        """Confirm the payment that our events name; it happens at most once.

        A payment for which the customer would have to act is ended, and counts as declined.

        Raises:
            OutcomeUnknown: what became of it is not known yet.
        """
        self.check_recorded(prepared)
        try:
            answer = await self._gateway.confirm(prepared.reference)
            own = self._own(answer, prepared.idempotency_key)
        except OutcomeUnknown:
            current = await if_time_is_left(self.recorded(prepared))
            if current is None or current.status is PaymentStatus.UNCONFIRMED:
                raise
            own = current
        if own.status is PaymentStatus.UNCONFIRMED:
            raise OutcomeUnknown("the payment is not confirmed yet")
        if own.status is not PaymentStatus.REQUIRES_ACTION:
            return own
        await self.void(own)
        code = own.decline_code or PaymentStatus.REQUIRES_ACTION.value
        return OwnPayment(replace(own, status=PaymentStatus.DECLINED, decline_code=code))

    # --- a payment of the shop's checkout --------------------------------------------------------

    async def objection(self, reference: str, key: str) -> Objection | ProviderPayment:
        """Why a payment that the shop confirmed cannot be taken up; else the payment. Only looks.

        Raises:
            OutcomeUnknown: its status is not final.
        """
        try:
            answer = await self._gateway.read(reference)
        except GatewayRejected:
            return Objection.UNKNOWN
        claim = Claim(self.keys.installation, self._order.order_id, key, self._order.totals)
        return objection_to(answer, claim, self._order.reference) or answer

    async def take(self, claimed: payment.Prepared) -> OwnPayment:
        """Capture or hold a claimed payment as the order wants it; it is never confirmed by us.

        If the bank does not pay, the payment is ended.
        """
        own = await self.recorded(claimed)
        if own.status is not PaymentStatus.AUTHORISED:
            return own
        if self._order.is_free:
            return await self.void(own)
        if self._order.capture is CaptureMode.ON_SHIPMENT:
            return own
        own = await self.capture(claimed, min(claimed.amount, self._order.total))
        if own.status is PaymentStatus.DECLINED:
            await self.void(own)
        return own

    # --- afterwards ------------------------------------------------------------------------------

    async def capture(
        self, state: payment.Authorised | payment.Prepared, amount: Money
    ) -> OwnPayment:
        """Capture at most what is authorised."""
        self.check_recorded(state)
        _check_at_most(amount, state.amount)
        try:
            answer = await self._gateway.capture(state.reference, amount)
        except OutcomeUnknown:
            current = await if_time_is_left(self.recorded(state))
            if current is None or current.status is PaymentStatus.AUTHORISED:
                raise
            return current
        return self._own(answer, state.idempotency_key)

    async def void(self, own: OwnPayment) -> OwnPayment:
        """End a payment that was not captured."""
        answer = await self._gateway.void(own.reference)
        return self._own(answer, own.idempotency_key)

    async def refund(self, state: payment.Captured, amount: Money, key: str) -> ProviderRefund:
        """Refund at most what was captured, once per key; the refund as it is now.

        The provider's id is asked for first, if it is known.
        """
        self.check_recorded(state)
        _check_at_most(amount, state.amount)
        if pending := state.pending.get(key):
            refund = await self._gateway.read_refund(state.reference, pending.refund_id)
        else:
            refund = await self._gateway.refund(state.reference, amount, key)
        if (refund.reference, refund.idempotency_key) != (state.reference, key):
            raise NotOurs(f"refund {refund.refund_id} is not of this order's payment")
        return refund

    async def refunds(self, state: payment.Captured) -> tuple[ProviderRefund, ...]:
        """Every refund of the payment, whoever asked for it."""
        self.check_recorded(state)
        return await self._gateway.refunds(state.reference)

    # --- whose it is -----------------------------------------------------------------------------

    def _own(self, answer: ProviderPayment, key: str) -> OwnPayment:
        claim = Claim(self.keys.installation, self._order.order_id, key, self._order.totals)
        require_own("payment", answer.reference, answer.identity, claim)
        return OwnPayment(answer)


def _check_at_most(amount: Money, limit: Money) -> None:
    """Raise GatewayRejected, or CurrencyMismatch: some providers do not ask for the currency."""
    if limit < amount:
        raise GatewayRejected("no more than was taken can be captured or given back")
