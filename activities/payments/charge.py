"""Charges an order at the payment provider; an expired authorisation is replaced by a new one."""

from activities import keys, ports
from activities.failures import refusal
from domain.order.state import FrozenOrder
from domain.values import CaptureMode, Reason, readable


async def find_or_charge(
    gateway: ports.PaymentGateway, order: FrozenOrder, capture: CaptureMode, *, look_first: bool
) -> ports.ProviderPayment:
    """The order's payment at the provider; if there is none, or it has expired, charge now.

    Args:
        gateway: the provider; the caller records the result.
        order: what is to be paid.
        capture: whether a new payment is captured at once.
        look_first: whether a payment may have been made before.

    Raises:
        GatewayError: see the port.
        ApplicationError: payment_declined: every authorisation has expired.
    """
    for key in keys.payment_keys(order.order_id):
        payment = await gateway.find(key) if look_first else None
        payment = payment or await _charge(gateway, order, capture, key)
        if payment.status is not ports.PaymentStatus.EXPIRED:
            return payment
        look_first = True
    raise refusal(Reason.PAYMENT_DECLINED, "every authorisation has expired")


async def _charge(
    gateway: ports.PaymentGateway, order: FrozenOrder, capture: CaptureMode, key: str
) -> ports.ProviderPayment:
    token = readable(order.payment.token, "payment token")
    request = ports.ChargeRequest(order.order_id, order.total, token, capture, key)
    try:
        return await gateway.charge(request)
    except ports.OutcomeUnknown:
        if payment := await gateway.find(key):
            return payment
        raise
