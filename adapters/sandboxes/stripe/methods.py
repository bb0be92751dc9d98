"""Payment methods of test cards.

https://docs.stripe.com/api/payment_methods: one that is not attached to a customer works once.
"""

from typing import Final

from adapters.sandboxes.stripe.calls import ApiCall
from adapters.sandboxes.stripe.cards import card_of, of_token
from adapters.sandboxes.stripe.errors import Body, StripeRefusal, invalid, missing_object
from adapters.sandboxes.stripe.form import Params
from adapters.sandboxes.stripe.objects import METHOD, new_method

_USED: Final = (
    "The provided PaymentMethod was previously used with a PaymentIntent without Customer"
    " attachment, shared with a connected account without Customer attachment, or was detached from"
    " a Customer. It may not be used again. To use a PaymentMethod multiple times, you must attach"
    " it to a Customer first."
)


def create(call: ApiCall) -> Body:
    """A payment method of a token, as Stripe's form in the browser makes them."""
    params = Params(call.values, ("billing_details", "card", "expand", "metadata", "type"))
    params.required("type")
    method = _of_data(call, call.values, "card[token]")
    method["metadata"] = params.metadata({})
    call.books.insert(method)
    return method


def retrieve(call: ApiCall) -> Body:
    """A payment method; the name of a test card gives a new one."""
    Params(call.values, ("expand",))
    card = card_of(call.path["id"])
    if card is None:
        return call.named(METHOD, "payment_method")
    return new_method(call.now, card, call.path["id"])


def attach(call: ApiCall, sent: str | None, data: Body, intent: Body) -> str:
    """The id of the payment method that a request names or describes.

    Raises:
        StripeRefusal: there is none, or another payment intent has used it.
    """
    if sent is not None and data:
        raise invalid("You may only specify one of payment_method, payment_method_data.")
    if sent is None:
        method = _of_data(call, data, "payment_method_data[card][token]")
    else:
        method = _named(call, sent)
    check_unused(method, intent)
    if call.books.find(METHOD, method["id"]) is None:
        call.books.insert(method)
    return str(method["id"])


def check_unused(method: Body, intent: Body) -> None:
    """Refuse a payment method that another payment intent was confirmed with."""
    if method["_used_by"] not in (None, intent["id"]):
        raise StripeRefusal(400, _USED)


def use(call: ApiCall, method: Body, intent: Body) -> None:
    """Confirm an intent with a payment method: no other one can use it from now on."""
    check_unused(method, intent)
    call.books.update({**method, "_used_by": intent["id"]})


def _named(call: ApiCall, name: str) -> Body:
    card = card_of(name)
    if card is not None:
        return new_method(call.now, card, name)
    if name.startswith("tok_"):
        raise missing_object("PaymentMethod", name, "payment_method", in_path=False)
    return call.stored(METHOD, name, "payment_method")


def _of_data(call: ApiCall, data: Body, param: str) -> Body:
    if data.get("type") != "card":
        raise invalid("The stand-in has card payments only.", "type")
    card = data.get("card", {})
    token = card.get("token") if isinstance(card, dict) else None
    if not isinstance(token, str):
        # https://docs.stripe.com/security: card numbers never pass through a shop's server
        raise StripeRefusal(
            402,
            "Sending credit card numbers directly to the Stripe API is generally unsafe. "
            "Use a token or the payment method of a test card.",
            kind="card_error",
            param=param,
        )
    alias = of_token(token)
    test_card = None if alias is None else card_of(alias)
    if alias is None or test_card is None:
        raise missing_object("token", token, param, in_path=False)
    return new_method(call.now, test_card, alias)
