"""Lists, newest first, with cursors; and the account's balance.

https://docs.stripe.com/api/pagination: "limit can range between 1 and 100, and the default is 10".
"""

from collections import Counter
from typing import Any, Final

from adapters.sandboxes.stripe.account import ACCOUNT_ID
from adapters.sandboxes.stripe.books import Window
from adapters.sandboxes.stripe.calls import ApiCall
from adapters.sandboxes.stripe.errors import Body, invalid, missing_object
from adapters.sandboxes.stripe.form import Params
from adapters.sandboxes.stripe.objects import CHARGE, INTENT, REFUND

_PAGE: Final = ("created", "ending_before", "expand", "limit", "starting_after")
_USUAL: Final = 10
_MOST: Final = 100


def intents(call: ApiCall) -> Body:
    """Payment intents."""
    params = Params(call.values, (*_PAGE, "customer"))
    if params.text("customer") is not None:
        raise missing_object("customer", params.required("customer"), "customer", in_path=False)
    return _page(call, params, INTENT, "/v1/payment_intents")


def refunds(call: ApiCall) -> Body:
    """Refunds, of a payment intent or charge if one is named."""
    params = Params(call.values, (*_PAGE, "charge", "payment_intent"))
    return _page(call, params, REFUND, "/v1/refunds", _parent(call, params))


def charges(call: ApiCall) -> Body:
    """Charges, of a payment intent if one is named."""
    params = Params(call.values, (*_PAGE, "payment_intent"))
    return _page(call, params, CHARGE, "/v1/charges", _parent(call, params))


def charge(call: ApiCall) -> Body:
    """A charge."""
    Params(call.values, ("expand",))
    return call.named(CHARGE, "id")


def balance(call: ApiCall) -> Body:
    """What was captured and not given back, by currency."""
    Params(call.values, ("expand",))
    sums: Counter[str] = Counter()
    for each in call.books.all_of(CHARGE):
        given_back = each["amount_refunded"] - each["_released"]
        sums[each["currency"]] += each["amount_captured"] - given_back
    available = [{"amount": sums[name], "currency": name} for name in sorted(sums)]
    return {"object": "balance", "available": available, "livemode": False, "pending": []}


def account(call: ApiCall) -> Body:
    """The account itself."""
    Params(call.values, ("expand",))
    return {
        "id": ACCOUNT_ID,
        "object": "account",
        "charges_enabled": True,
        "country": "GB",
        "default_currency": "gbp",
        "details_submitted": True,
        "payouts_enabled": True,
        "type": "standard",
    }


def _parent(call: ApiCall, params: Params) -> str | None:
    by_intent = params.text("payment_intent")
    by_charge = params.text("charge")
    if by_charge is not None:
        return str(call.stored(CHARGE, by_charge, "charge")["payment_intent"])
    if by_intent is not None:
        call.stored(INTENT, by_intent, "payment_intent")
    return by_intent


def _page(call: ApiCall, params: Params, kind: str, url: str, parent: str | None = None) -> Body:
    window = _window(params)
    try:
        found_objects = call.books.page(kind, window, parent)
    except KeyError as error:
        param = "starting_after" if window.after is not None else "ending_before"
        raise missing_object(kind, error.args[0], param, in_path=False) from None
    data, has_more = found_objects[: window.limit], len(found_objects) > window.limit
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def _window(params: Params) -> Window:
    after, before = params.text("starting_after"), params.text("ending_before")
    if after is not None and before is not None:
        raise invalid(
            "You may only specify one of these parameters: ending_before, starting_after."
        )
    bounds = _created(params)
    return Window(limit(params), after, before, **bounds)


def limit(params: Params) -> int:
    """How many objects a page has."""
    number = params.integer("limit")
    if number is None:
        return _USUAL
    if not 1 <= number <= _MOST:
        raise invalid(f"Invalid limit: must be between 1 and {_MOST}", "limit")
    return number


def _created(params: Params) -> dict[str, int]:
    if params.is_nested("created"):
        return _bounds(params.nested("created"))
    exact = params.integer("created")
    return {} if exact is None else {"since": exact, "until": exact}


def _bounds(sent: dict[str, Any]) -> dict[str, int]:
    bounds = Params(sent, ("gt", "gte", "lt", "lte"))
    least = [bounds.integer("gte"), _moved(bounds.integer("gt"), 1)]
    most = [bounds.integer("lte"), _moved(bounds.integer("lt"), -1)]
    result = {}
    if any(each is not None for each in least):
        result["since"] = max(each for each in least if each is not None)
    if any(each is not None for each in most):
        result["until"] = min(each for each in most if each is not None)
    return result


def _moved(number: int | None, by: int) -> int | None:
    return None if number is None else number + by
