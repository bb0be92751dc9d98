"""The one list of errors of the API, and how they are sent: problem details (RFC 9457).

`make docs` writes docs/api-errors.md from this list.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from fastapi.responses import JSONResponse

MEDIA_TYPE: Final = "application/problem+json"


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A kind of error.

    Attributes:
        code: stable name, for programs.
        status: of HTTP.
        title: what it means.
        repeat: whether the same request can succeed later, without a change.
        advice: what to do.
    """

    code: str
    status: int
    title: str
    repeat: bool
    advice: str

    @property
    def uri(self) -> str:
        """The value of the field ``type``."""
        return f"urn:ordersaga:problem:{self.code}"


def _no(code: str, status: int, title: str, advice: str) -> ProblemType:
    return ProblemType(code, status, title, repeat=False, advice=advice)


def _later(code: str, status: int, title: str, advice: str) -> ProblemType:
    return ProblemType(code, status, title, repeat=True, advice=advice)


_WAIT: Final = "send it again with the same Idempotency-Key after the seconds of Retry-After"

BAD_REQUEST: Final = _no(
    "bad_request", 400, "the request cannot be read", "correct what `detail` names"
)
KEY_MISSING: Final = _no(
    "idempotency_key_missing",
    400,
    "a write needs the header Idempotency-Key",
    "send a key of your own with 1 to 200 printable ASCII characters, a new one for each request",
)
UNAUTHENTICATED: Final = _no(
    "unauthenticated",
    401,
    "there is no token, or it is unknown, expired or revoked",
    "send `Authorization: Bearer …` with a token that `ordersaga token create` printed, or that "
    "the installation's issuer made for this API",
)
FORBIDDEN: Final = _no(
    "forbidden", 403, "the token has no right to do this", "use a token of another role or scope"
)
NOT_FOUND: Final = _no(
    "not_found", 404, "there is nothing under this id or address", "check the id and the address"
)
METHOD_NOT_ALLOWED: Final = _no(
    "method_not_allowed", 405, "this address does not take the method", "use one that `Allow` names"
)
TOO_SLOW: Final = _later(
    "request_too_slow", 408, "the body did not come in time", "send it again, without pauses"
)
ORDER_CONFLICT: Final = _no(
    "order_conflict",
    409,
    "the order id belongs to an order with other content",
    "use another order id, or send the order as it was placed",
)
KEY_REUSED: Final = _no(
    "idempotency_key_reused",
    409,
    "the Idempotency-Key was used for another request",
    "use a new key for a new request",
)
NOT_POSSIBLE: Final = _no(
    "not_possible_now",
    409,
    "the present state does not allow it",
    "look at `actions` of the order: they are possible now",
)
SAGA_ENDED: Final = _no(
    "saga_ended", 409, "the order's saga has ended", "look at the order: nothing can be changed"
)
SAGA_UNKNOWN: Final = _later(
    "saga_unknown",
    409,
    "the order has no saga that could do it",
    "the inbox says why, and what ends it; a new order has its saga within seconds",
)
REFUSED: Final = _no("refused", 409, "it is refused", "do what `detail` says")
CHANGED: Final = _no(
    "changed_meanwhile",
    412,
    "the order has another version than If-Match says",
    "read it again, decide again",
)
TOO_LARGE: Final = _no(
    "request_too_large", 413, "the body is too long", "send at most 2,000,000 bytes"
)
HEADERS_TOO_LARGE: Final = _no(
    "headers_too_large", 431, "the headers are too long", "send at most 16,384 bytes of headers"
)
INVALID: Final = _no(
    "invalid", 422, "fields are missing or wrong", "correct the fields that `errors` names"
)
NOT_SHOWN_YET: Final = _later(
    "not_shown_yet",
    202,
    "the read models do not show this position yet",
    "send it again after the seconds of Retry-After; `GET /orders/{id}` shows an order at once",
)
RATE_LIMITED: Final = _later(
    "rate_limited", 429, "the token has sent too many requests to this process", _WAIT
)
TOO_MANY_STREAMS: Final = _later(
    "too_many_streams",
    429,
    "the token, or this process, has too many streams of changes",
    "end one of them, or come back after the seconds of Retry-After",
)
INTERNAL: Final = _later(
    "internal_error", 500, "a bug, or data that is damaged", "tell the operators; " + _WAIT
)
STORE_AWAY: Final = _later("store_unavailable", 503, "the database does not answer", _WAIT)
TEMPORAL_AWAY: Final = _later(
    "temporal_unavailable", 503, "Temporal, or a worker, does not answer", _WAIT
)
PROVIDER_AWAY: Final = _later(
    "provider_unavailable", 503, "a payment provider or carrier does not answer", _WAIT
)
ISSUER_AWAY: Final = _later(
    "issuer_unavailable",
    503,
    "the OpenID Connect issuer, whose keys are needed, does not answer",
    "send it again after the seconds of Retry-After; tokens of `ordersaga token create` work",
)
TOO_LONG: Final = _later("took_too_long", 504, "the answer took too long", _WAIT)

PROBLEMS: Final[Sequence[ProblemType]] = (
    NOT_SHOWN_YET,
    BAD_REQUEST,
    KEY_MISSING,
    UNAUTHENTICATED,
    FORBIDDEN,
    NOT_FOUND,
    METHOD_NOT_ALLOWED,
    TOO_SLOW,
    ORDER_CONFLICT,
    KEY_REUSED,
    NOT_POSSIBLE,
    SAGA_ENDED,
    SAGA_UNKNOWN,
    REFUSED,
    CHANGED,
    TOO_LARGE,
    INVALID,
    RATE_LIMITED,
    TOO_MANY_STREAMS,
    HEADERS_TOO_LARGE,
    INTERNAL,
    STORE_AWAY,
    TEMPORAL_AWAY,
    PROVIDER_AWAY,
    ISSUER_AWAY,
    TOO_LONG,
)


@dataclass(eq=False)
class Problem(Exception):
    """Ends a request with an error of the list.

    Attributes:
        detail: what is wrong with this request, in one sentence without personal data.
        errors: the wrong fields, each with ``field`` and ``problem``.
        headers: more headers of the answer.
    """

    type: ProblemType
    detail: str = ""
    errors: Sequence[Mapping[str, str]] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """The problem details."""
        body: dict[str, Any] = {
            "type": self.type.uri,
            "title": self.type.title,
            "status": self.type.status,
            "code": self.type.code,
            "repeat": self.type.repeat,
            "advice": self.type.advice,
        }
        if self.detail:
            body["detail"] = self.detail
        if self.errors:
            body["errors"] = list(self.errors)
        return body

    def response(self) -> JSONResponse:
        """The answer to the client."""
        return JSONResponse(
            self.body(), self.type.status, dict(self.headers), media_type=MEDIA_TYPE
        )


def problem_schema() -> dict[str, Any]:
    """The JSON Schema of problem details, for OpenAPI."""
    text = {"type": "string"}
    pair = {
        "type": "object",
        "required": ["field", "problem"],
        "properties": {"field": text, "problem": text},
    }
    return {
        "type": "object",
        "title": "Problem",
        "required": ["type", "title", "status", "code", "repeat", "advice"],
        "properties": {
            "type": text,
            "title": text,
            "status": {"type": "integer"},
            "code": {"type": "string", "enum": [each.code for each in PROBLEMS]},
            "repeat": {"type": "boolean"},
            "advice": text,
            "detail": text,
            "errors": {"type": "array", "items": pair},
        },
    }
