"""Payment intents: create, confirm, update, cancel, capture.

https://docs.stripe.com/api/payment_intents; statuses: https://docs.stripe.com/payments/paymentintents/lifecycle
"""

from typing import Final

from adapters.providers.faults import FaultKind
from adapters.sandboxes.stripe import bank
from adapters.sandboxes.stripe.calls import ApiCall
from adapters.sandboxes.stripe.currencies import check_charge, check_currency, check_steps
from adapters.sandboxes.stripe.errors import Body, StripeRefusal, invalid, unexpected_state
from adapters.sandboxes.stripe.form import Params
from adapters.sandboxes.stripe.methods import attach
from adapters.sandboxes.stripe.objects import INTENT, new_intent

_SHOWN: Final = (
    "description",
    "receipt_email",
    "statement_descriptor",
    "statement_descriptor_suffix",
)
_WITH_CONFIRM: Final = ("error_on_requires_action", "off_session", "return_url", "use_stripe_sdk")
_TYPES: Final = ("payment_method_types", "allowed_payment_method_types")
"""Which of them a version of the API takes is not checked."""
_PAYMENT: Final = ("payment_method", "payment_method_data", "payment_method_options")
_CREATE: Final = (
    *("amount", "automatic_payment_methods", "capture_method", "confirm", "confirmation_method"),
    *("currency", "expand", "metadata", "setup_future_usage", "shipping"),
    *(*_SHOWN, *_WITH_CONFIRM, *_TYPES, *_PAYMENT),
)
_CONFIRM: Final = (
    "capture_method",
    "expand",
    "receipt_email",
    "shipping",
    *_WITH_CONFIRM,
    *_PAYMENT,
)
_UPDATE: Final = ("amount", "currency", "expand", "metadata", "shipping", *_SHOWN, *_PAYMENT)
_CAPTURE: Final = (
    *("amount_to_capture", "expand", "final_capture", "metadata"),
    *("statement_descriptor", "statement_descriptor_suffix"),
)
_METHODS: Final = ("automatic", "automatic_async", "manual")
_REASONS: Final = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")
_ASYNC_SINCE: Final = "2024-04-10"
"""From this version on `automatic_async` is the default of `capture_method`."""

_CONFIRMABLE: Final = ("requires_payment_method", "requires_confirmation", "requires_action")
_CANCELABLE: Final = (
    *("requires_payment_method", "requires_capture", "requires_confirmation"),
    *("requires_action", "processing"),
)


def create(call: ApiCall) -> Body:
    """A new payment intent, unconfirmed even if it is to be confirmed at once: see `charge`."""
    params = Params(call.values, _CREATE)
    if not params.boolean("confirm"):
        _only_with_confirm(params)
    currency = params.required("currency")
    amount = params.integer("amount")
    if amount is None:
        raise invalid("Missing required param: amount.", "amount", "parameter_missing")
    check_currency(currency)
    check_charge(amount, currency)
    usual = "automatic_async" if call.version >= _ASYNC_SINCE else "automatic"
    capture_method = params.choice("capture_method", _METHODS) or usual
    intent = new_intent(call.now, amount, currency, capture_method)
    intent["metadata"] = params.metadata({})
    intent["confirmation_method"] = (
        params.choice("confirmation_method", ("automatic", "manual")) or "automatic"
    )
    _take_texts(params, intent)
    _take_types(params, intent)
    _take_method(call, params, intent)
    if params.boolean("confirm"):
        _check_confirmable(params, intent)
    call.books.insert(intent)
    return intent


def is_confirmed(call: ApiCall) -> bool:
    """Whether a creation is to be confirmed at once."""
    return call.values.get("confirm") == "true"


def prepare(call: ApiCall) -> Body:
    """The payment intent that is to be confirmed, with its payment method; see `charge`."""
    params = Params(call.values, _CONFIRM)
    intent = call.intent_to_change()
    if intent["status"] not in _CONFIRMABLE:
        text = "You cannot confirm this PaymentIntent because it has a status of"
        raise unexpected_state(f"{text} {intent['status']}.", intent)
    capture_method = params.choice("capture_method", _METHODS)
    if capture_method is not None:
        intent["capture_method"] = capture_method
    _take_texts(params, intent)
    _take_method(call, params, intent)
    _check_confirmable(params, intent)
    call.books.update(intent)
    return intent


def charge(call: ApiCall, intent: Body) -> Body:
    """Confirm a prepared payment intent: "upon confirmation, it attempts to initiate a payment".

    Raises:
        StripeRefusal: declined; saved, and so are the changes.
    """
    params = Params(call.values, {*_CREATE, *_CONFIRM})
    bank.ask(
        call,
        intent,
        off_session=params.text("off_session") not in (None, "false"),
        no_action=params.boolean("error_on_requires_action"),
        return_url=params.text("return_url") or "",
    )
    return intent


def update(call: ApiCall) -> Body:
    """Change a payment intent without confirming it."""
    params = Params(call.values, _UPDATE)
    intent = call.intent_to_change()
    if ("amount" in params or "currency" in params) and intent["status"] not in _CONFIRMABLE:
        text = "This PaymentIntent's amount could not be updated because it has a status of"
        raise unexpected_state(f"{text} {intent['status']}.", intent)
    currency, amount = params.text("currency"), params.integer("amount")
    intent["currency"] = currency or intent["currency"]
    intent["amount"] = intent["amount"] if amount is None else amount
    check_currency(intent["currency"])
    check_charge(intent["amount"], intent["currency"])
    intent["metadata"] = params.metadata(intent["metadata"])
    _take_texts(params, intent)
    _take_method(call, params, intent)
    call.books.update(intent)
    return intent


def cancel(call: ApiCall) -> Body:
    """Cancel a payment intent: nothing can be charged with it any more."""
    params = Params(call.values, ("cancellation_reason", "expand"))
    reason = params.choice("cancellation_reason", _REASONS)
    intent = call.intent_to_change()
    if intent["status"] not in _CANCELABLE:
        raise unexpected_state(
            f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}. "
            f"Only a PaymentIntent with one of the following statuses may be canceled: "
            f"{', '.join(_CANCELABLE)}.",
            intent,
        )
    bank.cancel(call, intent, reason)
    return intent


def capture(call: ApiCall) -> Body:
    """Capture all or part of what a payment intent holds.

    Raises:
        StripeRefusal: it holds nothing, not so much, or the bank declines.
    """
    params = Params(call.values, _CAPTURE)
    amount = params.integer("amount_to_capture")
    intent = call.intent_to_change()
    if call.decision is FaultKind.EXPIRED and intent["status"] == "requires_capture":
        bank.cancel(call, intent, call.settings.expiry_reason)
    if intent["status"] != "requires_capture":
        raise unexpected_state(
            "This PaymentIntent could not be captured because it has a status of "
            f"{intent['status']}. Only a PaymentIntent with one of the following statuses may be "
            "captured: requires_capture.",
            intent,
        )
    intent["metadata"] = params.metadata(intent["metadata"])
    amount = intent["amount_capturable"] if amount is None else amount
    _check_capture(intent, amount)
    bank.capture(call, intent, amount)
    return intent


def retrieve(call: ApiCall) -> Body:
    """A payment intent; with `client_secret` as the customer's browser does."""
    Params(call.values, ("client_secret", "expand"))
    return call.named(INTENT, "intent")


def _check_capture(intent: Body, amount: int) -> None:
    if amount < 1:
        raise invalid("Invalid positive integer", "amount_to_capture", "parameter_invalid_integer")
    if amount > intent["amount_capturable"]:
        raise StripeRefusal(
            400,
            f"The provided `amount_to_capture` ({amount}) is greater than the capturable amount "
            f"({intent['amount_capturable']}).",
            saved=True,
            code="amount_too_large",
            param="amount_to_capture",
            payment_intent=intent,
        )
    check_steps(amount, intent["currency"], "amount_to_capture")


def _only_with_confirm(params: Params) -> None:
    for name in _WITH_CONFIRM[:3]:
        if name in params:
            raise invalid(f"The parameter `{name}` can only be used with `confirm=true`.", name)


def _take_texts(params: Params, intent: Body) -> None:
    for name in _SHOWN:
        if name in params:
            intent[name] = params.text(name)
    if "shipping" in params:
        intent["shipping"] = params.nested("shipping")


def _take_types(params: Params, intent: Body) -> None:
    types = [each for name in _TYPES for each in params.array(name)]
    automatic = params.nested("automatic_payment_methods")
    if types and automatic:
        raise invalid(
            "You may only specify one of these parameters: automatic_payment_methods, "
            "payment_method_types."
        )
    if types and types != ["card"]:
        raise invalid("The stand-in has card payments only.", "payment_method_types")
    if not types:
        redirects = automatic.get("allow_redirects", "always")
        intent["automatic_payment_methods"] = {"allow_redirects": redirects, "enabled": True}


def _take_method(call: ApiCall, params: Params, intent: Body) -> None:
    sent, data = params.text("payment_method"), params.nested("payment_method_data")
    if sent is None and not data:
        return
    intent["payment_method"] = attach(call, sent, data, intent)
    if intent["status"] == "requires_payment_method":
        intent["status"] = "requires_confirmation"


def _check_confirmable(params: Params, intent: Body) -> None:
    if intent["payment_method"] is None:
        raise invalid(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can "
            "either update the PaymentIntent with a payment method and then confirm it again, or "
            "confirm it again directly with a payment method.",
            code="payment_intent_unexpected_state",
        )
    automatic = intent["automatic_payment_methods"] or {"allow_redirects": "never"}
    if automatic["allow_redirects"] != "never" and "return_url" not in params:
        raise invalid(
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. "
            "Because some of these payment methods might redirect your customer off of your page, "
            "you must provide a `return_url`. If you don't want to accept redirect-based payment "
            "methods, set `automatic_payment_methods[enabled]` to `true` and "
            "`automatic_payment_methods[allow_redirects]` to `never`.",
            "return_url",
        )
