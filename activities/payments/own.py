"""An order's own payments: the one way from the activities to the payment provider.

Whatever the provider answers is compared with the order before anybody sees it. What is changed at
the provider is an `OwnPayment`, and only this module makes one.
"""

from typing import NewType

from activities.identity import Claim, require_own
from activities.keys import OrderKeys
from activities.ports import (
    ChargeRequest,
    GatewayRejected,
    Installation,
    NotOurs,
    OutcomeUnknown,
    PaymentGateway,
    PaymentStatus,
    ProviderPayment,
)
from activities.unit_of_work import if_time_is_left
from domain.errors import RuleBroken
from domain.money import Money
from domain.order.state import FrozenOrder
from domain.payment import payment
from domain.values import CaptureMode, readable

OwnPayment = NewType("OwnPayment", ProviderPayment)
"""A payment that is known as the order's own."""


class OwnPayments:
    """Gives the payments of an order.

    Args:
        gateway: the payment provider.
        installation: whose payments count.
    """

    def __init__(self, gateway: PaymentGateway, installation: Installation) -> None:
        self._gateway = gateway
        self._installation = installation

    async def of(self, order: FrozenOrder) -> "OrderPayments":
        """The payments of an order; raises StoreUnavailable."""
        return OrderPayments(self._gateway, await self._installation.current(), order)


class OrderPayments:
    """The payments of one order.

    All methods that ask the provider raise NotOurs if what it holds is somebody else's; then
    nothing was changed.
    """

    def __init__(self, gateway: PaymentGateway, installation: str, order: FrozenOrder) -> None:
        self.keys = OrderKeys(installation, order.order_id)
        self._gateway = gateway
        self._order = order

    # --- looking ---------------------------------------------------------------------------------

    async def find(self, key: str) -> OwnPayment | None:
        """The payment made with a key; one that nobody has confirmed is ended first."""
        answer = await self._gateway.find(key)
        return await self._settled(answer, key) if answer else None

    async def recorded(self, state: payment.Authorised | payment.Captured) -> OwnPayment:
        """The payment that our events name, as the provider knows it now."""
        self.check_recorded(state)
        return self._own(await self._gateway.read(state.reference), state.idempotency_key)

    def check_recorded(self, state: payment.PaymentState) -> None:
        """Refuse a payment in our events that another installation made.

        So a copy of a database, once it has an id of its own, takes nothing for its own that the
        original has paid.

        Raises:
            NotOurs: its key is not one of this order's.
        """
        if not isinstance(state, payment.Authorised | payment.Captured):
            return
        if state.idempotency_key not in self.keys.payments:
            text = "was made by another installation, and is left alone"
            raise NotOurs(f"payment {state.reference} {text}")

    # --- changing --------------------------------------------------------------------------------

    async def charge(self, key: str, capture: CaptureMode) -> OwnPayment:
        """Capture or authorise what the order costs, once per key."""
        order = self._order
        if order.payment is None:
            raise RuleBroken("payment_missing", "the order does not say how it is paid")
        token = readable(order.payment.token, "payment token")
        request = ChargeRequest(
            order.order_id, order.total, token, capture, key, self.keys.installation
        )
        try:
            return await self._settled(await self._gateway.charge(request), key)
        except OutcomeUnknown:
            if answer := await if_time_is_left(self.find(key)):
                return answer
            raise
        except GatewayRejected:
            await self.find(key)  # the key may be refused because somebody else has used it
            raise

    async def forbid(self, key: str) -> OwnPayment | None:
        """Make a key unusable; the payment if one was made with it. See the port."""
        order = self._order
        most = max(order.totals, key=lambda total: total.minor)  # what is left may cost nothing
        answer = await self._gateway.forbid(order.order_id, most, key, self.keys.installation)
        return await self._settled(answer, key) if answer else None

    async def capture(self, own: OwnPayment, amount: Money, declines: int = 0) -> OwnPayment:
        """Capture at most what is authorised, after so many captures that were declined."""
        key = self.keys.capture_after(declines)
        answer = await self._gateway.capture(own.reference, amount, key)
        return self._own(answer, own.idempotency_key)

    async def void(self, own: OwnPayment) -> OwnPayment:
        """Release an authorisation."""
        answer = await self._gateway.void(own.reference, self.keys.void)
        return self._own(answer, own.idempotency_key)

    async def refund(self, own: OwnPayment, amount: Money, key: str) -> OwnPayment:
        """Refund at most what was captured, once per key."""
        answer = await self._gateway.refund(own.reference, amount, key)
        return self._own(answer, own.idempotency_key)

    # --- whose it is -----------------------------------------------------------------------------

    def _own(self, answer: ProviderPayment, key: str) -> OwnPayment:
        claim = Claim(self.keys.installation, self._order.order_id, key, self._order.totals)
        require_own("payment", answer.reference, answer.identity, claim)
        return OwnPayment(answer)

    async def _settled(self, answer: ProviderPayment, key: str) -> OwnPayment:
        own = self._own(answer, key)
        if own.status is not PaymentStatus.UNCONFIRMED:
            return own
        return self._own(await self._gateway.void(own.reference, f"{key}:abandon"), key)
