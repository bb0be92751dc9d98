"""Stripe's error objects.

https://docs.stripe.com/api/errors, codes: https://docs.stripe.com/error-codes
"""

from typing import Any, Final

Body = dict[str, Any]
"""An object of the API as JSON; what begins with an underscore is never shown."""

CARD_ERROR: Final = "card_error"
INVALID: Final = "invalid_request_error"
_DOCS: Final = "https://stripe.com/docs/error-codes/"


class StripeRefusal(Exception):
    """An error answer of the API.

    Args:
        status: the HTTP status.
        message: for people.
        kind: the `type` of the error.
        saved: whether it stays the answer of the idempotency key; Stripe saves whatever happens
            once the endpoint runs, so not what is refused before: rights, limits, parameters.
        headers: further headers of the answer.
        fields: `code`, `decline_code`, `param`, `charge`, `payment_intent` …
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = INVALID,
        saved: bool = False,
        headers: dict[str, str] | None = None,
        **fields: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.saved = saved
        self.headers = headers or {}
        self._kind = kind
        self._fields = fields

    def to_body(self) -> Body:
        """The JSON of the answer."""
        code = self._fields.get("code")
        error = {"message": str(self), "type": self._kind, **self._fields}
        if code is not None:
            error["doc_url"] = _DOCS + str(code).replace("_", "-")
        return {"error": error}


def invalid(message: str, param: str | None = None, code: str | None = None) -> StripeRefusal:
    """A parameter that fails validation: before the endpoint runs, so it is not saved."""
    fields: Body = {"param": param, "code": code}
    return StripeRefusal(400, message, **{k: v for k, v in fields.items() if v is not None})


def missing_object(name: str, reference: str, param: str, *, in_path: bool) -> StripeRefusal:
    """There is no such object: 404 if the path names it, 400 if a parameter does."""
    return StripeRefusal(
        404 if in_path else 400,
        f"No such {name}: '{reference}'",
        code="resource_missing",
        param=param,
    )


def unexpected_state(message: str, intent: Body) -> StripeRefusal:
    """The payment intent's status does not allow it; found by the running endpoint, so saved."""
    code = "payment_intent_unexpected_state"
    return StripeRefusal(400, message, saved=True, code=code, payment_intent=intent)


def rate_limited(reason: str, retry_after_s: float = 0.0) -> StripeRefusal:
    """Too many requests; the limiter runs before the idempotency layer, so nothing is saved."""
    headers = {"Stripe-Rate-Limited-Reason": reason}
    if retry_after_s > 0:
        headers["Retry-After"] = f"{retry_after_s:.0f}"
    message = "Request rate limit exceeded. Learn more: https://stripe.com/docs/rate-limits"
    return StripeRefusal(429, message, headers=headers, code="rate_limit")


def locked() -> StripeRefusal:
    """Another request holds the object."""
    message = (
        "This object cannot be accessed right now because another API request or Stripe process "
        "is currently accessing it."
    )
    return StripeRefusal(429, message, headers={"Stripe-Should-Retry": "true"}, code="lock_timeout")


def key_in_use(key: str) -> StripeRefusal:
    """A request with the same idempotency key is still running."""
    return StripeRefusal(
        409,
        f"There is currently another in-progress request using this Idempotent Key: {key}.",
        kind="idempotency_error",
        headers={"Stripe-Should-Retry": "true"},
        code="idempotency_key_in_use",
    )


def server_error(*, saved: bool) -> StripeRefusal:
    """Something failed at Stripe; what it did until then is not known to the caller."""
    return StripeRefusal(500, "An unknown error occurred.", kind="api_error", saved=saved)
