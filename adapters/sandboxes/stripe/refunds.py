"""Refunds.

https://docs.stripe.com/api/refunds, https://docs.stripe.com/refunds
"""

from typing import Final

from adapters.sandboxes.stripe import bank
from adapters.sandboxes.stripe.calls import ApiCall
from adapters.sandboxes.stripe.cards import card_of
from adapters.sandboxes.stripe.currencies import check_steps, shown
from adapters.sandboxes.stripe.errors import Body, StripeRefusal, invalid
from adapters.sandboxes.stripe.form import Params
from adapters.sandboxes.stripe.objects import CHARGE, INTENT, METHOD, REFUND, new_refund

_CREATE: Final = ("amount", "charge", "expand", "metadata", "payment_intent", "reason")
_REASONS: Final = ("duplicate", "fraudulent", "requested_by_customer")


def create(call: ApiCall) -> Body:
    """Refund all or part of a charge; it is found by itself or by its payment intent."""
    params = Params(call.values, _CREATE)
    reason, amount = params.choice("reason", _REASONS), params.integer("amount")
    metadata = params.metadata({})
    charge = _charge(call, params)
    left = charge["amount_captured"] - (charge["amount_refunded"] - charge["_released"])
    amount = left if amount is None else amount
    _check(charge, amount, left)
    refund = new_refund(call.now, charge, amount)
    refund |= {"reason": reason, "metadata": metadata}
    _settle_later(call, charge, refund)
    charge["amount_refunded"] += amount
    charge["refunded"] = charge["amount_refunded"] >= charge["amount"]
    call.books.update(charge)
    call.books.insert(refund, charge["payment_intent"])
    return refund


def retrieve(call: ApiCall) -> Body:
    """A refund."""
    Params(call.values, ("expand",))
    return call.named(REFUND, "id")


def update(call: ApiCall) -> Body:
    """Change a refund's metadata."""
    params = Params(call.values, ("expand", "metadata"))
    refund = call.named(REFUND, "id")
    refund["metadata"] = params.metadata(refund["metadata"])
    call.books.update(refund)
    return refund


def cancel(call: ApiCall) -> Body:
    """Cancel a refund that waits for the customer."""
    Params(call.values, ("expand",))
    refund = call.named(REFUND, "id")
    if refund["status"] != "requires_action":
        raise StripeRefusal(
            400, f"You cannot cancel a refund with a status of {refund['status']}.", saved=True
        )
    bank.fail_refund(call, refund, "canceled")
    return refund


def _charge(call: ApiCall, params: Params) -> Body:
    by_charge, by_intent = params.text("charge"), params.text("payment_intent")
    if by_charge is None and by_intent is None:
        raise invalid("One of the following params should be provided: payment_intent or charge.")
    if by_charge is None and by_intent is not None:
        intent = call.stored(INTENT, by_intent, "payment_intent")
        by_charge = intent["latest_charge"] if intent["status"] == "succeeded" else None
        if by_charge is None:
            raise StripeRefusal(
                400,
                f"This PaymentIntent ({by_intent}) does not have a successful charge to refund.",
                saved=True,
                param="payment_intent",
            )
    charge = call.stored(CHARGE, str(by_charge), "charge")
    if by_intent is not None and charge["payment_intent"] != by_intent:
        raise invalid(f"Charge {charge['id']} does not belong to {by_intent}.", "charge")
    return charge


def _check(charge: Body, amount: int, left: int) -> None:
    name = charge["id"]
    if charge["disputed"]:
        text = f"Charge {name} has been charged back; cannot issue a refund."
        raise StripeRefusal(400, text, saved=True, code="charge_disputed")
    if not charge["captured"]:
        text = f"Charge {name} is not captured or has failed, so it cannot be refunded."
        raise StripeRefusal(400, text, saved=True, param="charge")
    if left <= 0:
        text = f"Charge {name} has already been refunded."
        raise StripeRefusal(400, text, saved=True, code="charge_already_refunded")
    if amount < 1:
        raise invalid("Invalid positive integer", "amount", "parameter_invalid_integer")
    check_steps(amount, charge["currency"])
    if amount > left:
        currency = charge["currency"]
        raise StripeRefusal(
            400,
            f"Refund amount ({shown(amount, currency)}) is greater than unrefunded amount on charge"
            f" ({shown(left, currency)})",
            saved=True,
            param="amount",
        )


def _settle_later(call: ApiCall, charge: Body, refund: Body) -> None:
    method = call.stored(METHOD, charge["payment_method"], "payment_method")
    card = card_of(method["_alias"])
    course = "succeeded" if card is None else card.refund
    if course == "requires_action":
        refund["status"] = "requires_action"
    elif course != "succeeded":
        refund["status"] = "pending" if course == "pending" else "succeeded"
        refund["_then"] = "succeeded" if course == "pending" else "failed"
        refund["_due"] = call.books.now + call.settings.refund_s
