"""What happens to the money: charges, holds, captures, releases, and what settles by itself."""

from typing import Final

from adapters.providers.faults import FaultKind
from adapters.sandboxes.stripe.calls import ApiCall
from adapters.sandboxes.stripe.cards import Decline, TestCard, card_of
from adapters.sandboxes.stripe.errors import CARD_ERROR, Body, StripeRefusal
from adapters.sandboxes.stripe.methods import use
from adapters.sandboxes.stripe.objects import CHARGE, METHOD, REFUND, new_charge, new_refund

_PROCESSING_S: Final = 86400.0
_REFUSED_BY_BANK: Final = Decline("card_declined", "generic_decline", "Your card was declined.")
_NOT_PRESENT: Final = Decline(
    "authentication_required",
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
)
_NOT_HANDLED: Final = Decline(
    "authentication_required",
    "authentication_not_handled",
    "This payment required an authentication action to complete, but `error_on_requires_action` was"
    " set.",
)


def ask(
    call: ApiCall, intent: Body, *, off_session: bool, no_action: bool, return_url: str
) -> None:
    """Charge the payment method of an intent, or ask its customer to authenticate.

    Raises:
        StripeRefusal: declined; saved, and so are the changes.
    """
    method, card = _method_of(call, intent)
    use(call, method, intent)
    if off_session and card.authenticates == "always":
        _decline(call, intent, method, _NOT_PRESENT)
    elif not off_session and card.authenticates != "never":
        if no_action:
            _decline(call, intent, method, _NOT_HANDLED)
        _require_action(call, intent, return_url)
    else:
        charge(call, intent)


def charge(call: ApiCall, intent: Body) -> None:
    """Charge the payment method of an intent, whose customer has authenticated if need be.

    Raises:
        StripeRefusal: declined; saved, and so are the changes.
    """
    method, card = _method_of(call, intent)
    decline = _REFUSED_BY_BANK if call.decision is FaultKind.DECLINED else card.decline
    intent["next_action"] = None
    if decline is not None:
        _decline(call, intent, method, decline)
    elif call.decision is FaultKind.PROCESSING:
        intent["status"] = "processing"
        intent["_due"] = call.books.now + (call.processing_s or _PROCESSING_S)
        call.books.update(intent)
    else:
        _accept(call, intent, card)


def refuse_authentication(call: ApiCall, intent: Body) -> None:
    """The customer failed to authenticate.

    Raises:
        StripeRefusal: always; saved, and so are the changes.
    """
    method, _ = _method_of(call, intent)
    code = "payment_intent_authentication_failure"
    intent["next_action"] = None
    _decline(call, intent, method, Decline(code, "", "The provided payment method has failed."))


def capture(call: ApiCall, intent: Body, amount: int) -> None:
    """Capture part of a hold; the rest is released.

    Raises:
        StripeRefusal: the bank declines; the hold stays.
    """
    held = _charge_of(call, intent)
    if call.decision is FaultKind.DECLINED:
        no = _REFUSED_BY_BANK
        intent["last_payment_error"] = _failure(no, held["id"], None)
        call.books.update(intent)
        raise _refusal(no, held["id"], intent)
    held |= {"captured": True, "amount_captured": amount}
    held["payment_method_details"]["card"]["capture_before"] = None
    intent |= {"status": "succeeded", "amount_capturable": 0, "amount_received": amount}
    intent["_due"] = None
    _release(call, held, intent["amount"] - amount)
    call.books.update(intent)


def cancel(call: ApiCall, intent: Body, reason: str | None) -> None:
    """Cancel an intent; what it holds is released."""
    if intent["status"] == "requires_capture":
        held = _charge_of(call, intent)
        held["payment_method_details"]["card"]["capture_before"] = None
        _release(call, held, held["amount"])
    intent |= {
        "status": "canceled",
        "canceled_at": call.now,
        "cancellation_reason": reason,
        "amount_capturable": 0,
        "next_action": None,
        "_due": None,
    }
    call.books.update(intent)


def fail_refund(call: ApiCall, refund: Body, status: str = "failed") -> None:
    """The money of a refund comes back to the account."""
    refund |= {"status": status, "_due": None}
    if status == "failed":
        refund["failure_reason"] = "expired_or_canceled_card"
        refund["failure_balance_transaction"] = refund["balance_transaction"]
    call.books.update(refund)
    charged = call.stored(CHARGE, refund["charge"], "charge")
    charged["amount_refunded"] -= refund["amount"]
    charged["refunded"] = False
    call.books.update(charged)


def settle(call: ApiCall) -> None:
    """Let everything happen that is due by now, and forget what is kept no longer."""
    while due := call.books.due():
        for body in due:
            _settle_one(call, body)
    call.books.index()
    call.books.remove_saved(call.books.now - call.settings.key_s)


def _settle_one(call: ApiCall, body: Body) -> None:
    if body["object"] == REFUND:
        _settle_refund(call, body)
    elif body["status"] == "requires_capture":
        cancel(call, body, call.settings.expiry_reason)
    else:
        _accept(call, body, _method_of(call, body)[1])


def _settle_refund(call: ApiCall, refund: Body) -> None:
    if refund["_then"] == "failed":
        fail_refund(call, refund)
    else:
        call.books.update({**refund, "status": refund["_then"], "_due": None})


def _method_of(call: ApiCall, intent: Body) -> tuple[Body, TestCard]:
    method = call.stored(METHOD, intent["payment_method"], "payment_method")
    card = card_of(method["_alias"])
    if card is None:
        raise LookupError(method["_alias"])  # only a test card becomes a payment method
    return method, card


def _charge_of(call: ApiCall, intent: Body) -> Body:
    return call.stored(CHARGE, intent["latest_charge"], "charge")


def _accept(call: ApiCall, intent: Body, card: TestCard) -> None:
    charged = new_charge(call.now, intent, card)
    intent |= {"latest_charge": charged["id"], "last_payment_error": None, "_due": None}
    if intent["capture_method"] == "manual":
        until = call.books.now + call.settings.hold_s
        charged |= {"captured": False, "amount_captured": 0, "balance_transaction": None}
        charged["payment_method_details"]["card"]["capture_before"] = int(until)
        intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
        intent["_due"] = until
    else:
        intent |= {"status": "succeeded", "amount_received": intent["amount"]}
    call.books.insert(charged, intent["id"])
    call.books.update(intent)


def _decline(call: ApiCall, intent: Body, method: Body, no: Decline) -> None:
    failed = new_charge(call.now, intent, _method_of(call, intent)[1])
    failed |= {"status": "failed", "paid": False, "captured": False, "amount_captured": 0}
    failed |= {"failure_code": no.code, "failure_message": no.message, "balance_transaction": None}
    failed["outcome"] = {"type": "issuer_declined", "reason": no.decline_code or no.code}
    call.books.insert(failed, intent["id"])
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "latest_charge": failed["id"],
        "last_payment_error": _failure(no, failed["id"], method),
    }
    call.books.update(intent)
    raise _refusal(no, failed["id"], intent, payment_method=method)


def _failure(no: Decline, charge_id: str, method: Body | None) -> Body:
    failure = {"charge": charge_id, "code": no.code, "message": no.message, "type": CARD_ERROR}
    if no.decline_code:
        failure["decline_code"] = no.decline_code
    return failure if method is None else {**failure, "payment_method": method}


def _refusal(no: Decline, charge_id: str, intent: Body, **more: Body) -> StripeRefusal:
    fields: Body = {"charge": charge_id, "code": no.code, "payment_intent": intent, **more}
    if no.decline_code:
        fields["decline_code"] = no.decline_code
    return StripeRefusal(402, no.message, kind=CARD_ERROR, saved=True, **fields)


def _require_action(call: ApiCall, intent: Body, return_url: str) -> None:
    redirect = {"return_url": return_url, "url": f"https://hooks.stripe.com/{intent['id']}"}
    to_url = {"type": "redirect_to_url", "redirect_to_url": redirect}
    by_script = {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect"}}
    intent |= {"status": "requires_action", "next_action": to_url if return_url else by_script}
    call.books.update(intent)


def _release(call: ApiCall, held: Body, amount: int) -> None:
    if amount > 0:
        held["amount_refunded"] += amount
        held["_released"] += amount
        held["refunded"] = held["amount_refunded"] >= held["amount"]
        refund = new_refund(call.now, held, amount, release=True)
        call.books.insert(refund, held["payment_intent"])
    call.books.update(held)
