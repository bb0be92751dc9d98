"""The endpoints of the API that the stand-in has."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from adapters.sandboxes.stripe import intents, lists, methods, refunds, search
from adapters.sandboxes.stripe.calls import ApiCall
from adapters.sandboxes.stripe.errors import Body


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint.

    Attributes:
        method, path: of the request.
        operation: its name for faults and in the list of calls.
        right: what a restricted key needs.
        work: what it does.
        is_charge: whether the object that `work` returns is then charged.
    """

    method: str
    path: str
    operation: str
    right: str
    work: Callable[[ApiCall], Body]
    is_charge: Callable[[ApiCall], bool] = lambda _: False

    @property
    def changes(self) -> bool:
        """Whether it changes something."""
        return self.method == "POST"


_INTENTS: Final = "/v1/payment_intents"
_INTENT: Final = f"{_INTENTS}/{{id}}"
_REFUNDS: Final = "/v1/refunds"
_METHODS: Final = "/v1/payment_methods"

ENDPOINTS: Final = (
    Endpoint(
        "POST",
        _INTENTS,
        "create",
        "rak_payment_intent_write",
        intents.create,
        intents.is_confirmed,
    ),
    Endpoint("GET", _INTENTS, "list", "rak_payment_intent_read", lists.intents),
    Endpoint("GET", f"{_INTENTS}/search", "search", "rak_payment_intent_read", search.search),
    Endpoint("GET", _INTENT, "retrieve", "rak_payment_intent_read", intents.retrieve),
    Endpoint("POST", _INTENT, "update", "rak_payment_intent_write", intents.update),
    Endpoint(
        "POST",
        f"{_INTENT}/confirm",
        "confirm",
        "rak_payment_intent_write",
        intents.prepare,
        lambda _: True,
    ),
    Endpoint("POST", f"{_INTENT}/cancel", "cancel", "rak_payment_intent_write", intents.cancel),
    Endpoint("POST", f"{_INTENT}/capture", "capture", "rak_payment_intent_write", intents.capture),
    Endpoint("POST", _REFUNDS, "refund", "rak_charge_write", refunds.create),
    Endpoint("GET", _REFUNDS, "list_refunds", "rak_charge_read", lists.refunds),
    Endpoint("GET", f"{_REFUNDS}/{{id}}", "retrieve_refund", "rak_charge_read", refunds.retrieve),
    Endpoint("POST", f"{_REFUNDS}/{{id}}", "update_refund", "rak_charge_write", refunds.update),
    Endpoint(
        "POST", f"{_REFUNDS}/{{id}}/cancel", "cancel_refund", "rak_charge_write", refunds.cancel
    ),
    Endpoint("GET", "/v1/charges", "list_charges", "rak_charge_read", lists.charges),
    Endpoint("GET", "/v1/charges/{id}", "retrieve_charge", "rak_charge_read", lists.charge),
    Endpoint("POST", _METHODS, "create_method", "rak_payment_method_write", methods.create),
    Endpoint(
        "GET", f"{_METHODS}/{{id}}", "retrieve_method", "rak_payment_method_read", methods.retrieve
    ),
    Endpoint("GET", "/v1/balance", "balance", "rak_balance_read", lists.balance),
    Endpoint("GET", "/v1/account", "account", "rak_account_read", lists.account),
)
