"""Requests that the payment contract uses."""

import itertools

from activities.payment_port import PaymentGateway, PaymentRequest, ProviderPayment
from domain.ids import OrderId
from domain.money import Money
from domain.values import CaptureMode

_numbers = itertools.count(1)

OURS = "0f8fad5b-d9cb-469f-a165-70867728950e"
GBP_10 = Money(1000, "GBP")


def payment_request(
    token: str, *, capture: CaptureMode = CaptureMode.AUTOMATIC, amount: Money = GBP_10
) -> PaymentRequest:
    """A request for a new order."""
    order_id = OrderId(f"C{next(_numbers)}")
    return PaymentRequest(
        order_id, amount, token, capture, f"{OURS}:order-{order_id}:payment", OURS
    )


async def charge(gateway: PaymentGateway, request: PaymentRequest) -> ProviderPayment:
    """Both acts: create the payment and confirm it."""
    return await gateway.confirm((await gateway.create(request)).reference)
