"""What a shop does at its checkout: it makes a payment, and the customer confirms it."""

from typing import Any

import aiohttp

from domain.values import CaptureMode
from tests.support.stack.stripe_sandbox import KEY


async def sandbox_checkout(url: str, capture: CaptureMode, amount_minor: int = 1000) -> str:
    """At the payment sandbox; the reference of the payment."""
    body = {
        "amount_minor": amount_minor,
        "currency": "GBP",
        "token": "tok_visa",
        "capture": capture.value,
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{url}/checkout", json=body) as answer,
    ):
        answer.raise_for_status()
        return str((await answer.json())["reference"])


async def stripe_checkout(
    url: str,
    capture: CaptureMode,
    amount: int = 1000,
    card: str = "pm_card_visa",
    **more: Any,
) -> str:
    """At Stripe or its stand-in, as a shop's own server does it; the id of the payment intent."""
    form = {
        "amount": str(amount),
        "currency": "gbp",
        "payment_method": card,
        "payment_method_types[]": "card",
        "capture_method": "manual" if capture is CaptureMode.ON_SHIPMENT else "automatic",
        "confirm": "true",
        **more,
    }
    headers = {"Authorization": f"Bearer {KEY}", "Stripe-Version": "2024-06-20"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{url}/v1/payment_intents", data=form) as answer,
    ):
        answer.raise_for_status()
        return str((await answer.json())["id"])
