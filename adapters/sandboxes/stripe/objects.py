"""The API's objects, as new; fields that nothing here uses are left out or null.

https://docs.stripe.com/api/payment_intents/object, …/charges/object, …/refunds/object,
…/payment_methods/object. An underscore begins what the books keep for themselves.
"""

import secrets
import string
from typing import Any, Final

from adapters.sandboxes.stripe.cards import TestCard
from adapters.sandboxes.stripe.errors import Body

INTENT: Final = "payment_intent"
CHARGE: Final = "charge"
REFUND: Final = "refund"
METHOD: Final = "payment_method"

_LETTERS: Final = string.ascii_letters + string.digits


def new_id(prefix: str) -> str:
    """An id like Stripe's."""
    return f"{prefix}_" + "".join(secrets.choice(_LETTERS) for _ in range(24))


def visible(body: Any) -> Any:
    """An object as the API shows it."""
    if isinstance(body, list):
        return [visible(item) for item in body]
    if isinstance(body, dict):
        return {name: visible(value) for name, value in body.items() if not name.startswith("_")}
    return body


def new_intent(now: int, amount: int, currency: str, capture_method: str) -> Body:
    """A payment intent without a payment method."""
    reference = new_id("pi")
    return {
        "id": reference,
        "object": INTENT,
        "amount": amount,
        "amount_capturable": 0,
        "amount_received": 0,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": capture_method,
        "client_secret": f"{reference}_{new_id('secret')}",
        "confirmation_method": "automatic",
        "created": now,
        "currency": currency,
        "customer": None,
        "description": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {},
        "next_action": None,
        "payment_method": None,
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": None,
        "setup_future_usage": None,
        "shipping": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
    }


def new_method(now: int, card: TestCard, alias: str) -> Body:
    """A payment method of a test card."""
    return {
        "id": new_id("pm"),
        "object": METHOD,
        "billing_details": {"address": None, "email": None, "name": None, "phone": None},
        "card": _shown_card(card),
        "created": now,
        "customer": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
        "_alias": alias,
        "_used_by": None,
    }


def new_charge(now: int, intent: Body, card: TestCard) -> Body:
    """A charge of a payment intent, as accepted and captured at once."""
    return {
        "id": new_id("ch"),
        "object": CHARGE,
        "amount": intent["amount"],
        "amount_captured": intent["amount"],
        "amount_refunded": 0,
        "balance_transaction": new_id("txn"),
        "captured": True,
        "created": now,
        "currency": intent["currency"],
        "customer": None,
        "description": intent["description"],
        "disputed": card.disputed,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": dict(intent["metadata"]),
        "outcome": {"network_status": "approved_by_network", "type": "authorized"},
        "paid": True,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "payment_method_details": {
            "card": {**_shown_card(card), "capture_before": None},
            "type": "card",
        },
        "refunded": False,
        "status": "succeeded",
        "_released": 0,
    }


def new_refund(now: int, charge: Body, amount: int, *, release: bool = False) -> Body:
    """A refund of a charge; a release gives back money that was held, not captured."""
    return {
        "id": new_id("re"),
        "object": REFUND,
        "amount": amount,
        "balance_transaction": new_id("txn"),
        "charge": charge["id"],
        "created": now,
        "currency": charge["currency"],
        "destination_details": {"card": {"type": "reversal" if release else "refund"}},
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": None,
        "receipt_number": None,
        "status": "succeeded",
        "_release": release,
    }


def _shown_card(card: TestCard) -> Body:
    return {
        "brand": card.brand,
        "country": card.country,
        "exp_month": 12,
        "exp_year": 2034,
        "funding": card.funding,
        "last4": card.last4,
    }
