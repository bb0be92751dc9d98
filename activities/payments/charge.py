"""Taking or holding an order's money, under the first key whose authorisation has not expired."""

from activities.failures import refused
from activities.keys import payment_keys
from activities.ports import (
    ChargeRequest,
    OutcomeUnknown,
    PaymentGateway,
    PaymentStatus,
    ProviderPayment,
)
from domain.order.state import FrozenOrder
from domain.values import CaptureMode, Reason, readable


class Charging:
    """Charges at the provider; records nothing."""

    def __init__(self, gateway: PaymentGateway) -> None:
        self._gateway = gateway

    async def charge(
        self, order: FrozenOrder, capture: CaptureMode, *, look_first: bool
    ) -> ProviderPayment:
        """The order's payment at the provider; made now if there is none that still holds.

        Args:
            order: what is to be paid.
            capture: whether a new payment is captured at once.
            look_first: a payment may have been made before.

        Raises:
            GatewayError: as the port says.
            ApplicationError: payment_declined: authorisation after authorisation has expired.
        """
        for key in payment_keys(order.order_id):
            made = await self._gateway.find(key) if look_first else None
            made = made or await self._charge_under(key, order, capture)
            if made.status is not PaymentStatus.EXPIRED:
                return made
            look_first = True
        raise refused(Reason.PAYMENT_DECLINED, "the authorisation expired again and again")

    async def _charge_under(
        self, key: str, order: FrozenOrder, capture: CaptureMode
    ) -> ProviderPayment:
        token = readable(order.payment.token, "payment token")
        request = ChargeRequest(order.order_id, order.total, token, capture, key)
        try:
            return await self._gateway.charge(request)
        except OutcomeUnknown:
            if made := await self._gateway.find(key):
                return made
            raise
