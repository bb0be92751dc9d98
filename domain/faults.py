"""The one list of errors: of workflows, updates, queries, activities, the command line and the API.

`make docs` writes docs/errors.md and docs/errors.json from it. A code is a stable name for
programs. In a failure of Temporal it stands in the `type`; where that is the name of a class, it is
the code in that form (``order_conflict``, ``OrderConflict``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Where(StrEnum):
    """Where an error can be met.

    run: a workflow failed with it. answer: an update was refused with it. attempt: the failure of
    an activity, which Temporal's UI shows; the saga deals with it.
    """

    RUN = "run"
    ANSWER = "answer"
    ATTEMPT = "attempt"
    API = "api"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of error.

    Attributes:
        code: stable name.
        meaning: what is wrong.
        repeat: whether the same request can succeed later, without a change.
        advice: what to do.
        where: where it can be met.
        type: of a failure of Temporal; None: it never is one.
    """

    code: str
    meaning: str
    repeat: bool
    advice: str
    where: tuple[Where, ...]
    type: str | None = None


_R, _A, _T, _H, _C = Where.RUN, Where.ANSWER, Where.ATTEMPT, Where.API, Where.COMMAND
_WAIT: Final = "send it again with the same Idempotency-Key after the seconds of Retry-After"
_LATER: Final = "run the command again when it is there"
_NOTHING: Final = "nothing: the saga goes on by itself"
_BY_HAND: Final = "look at what the saga says it waits for; the inbox names the actions"


def _no(code: str, meaning: str, advice: str, *where: Where, type_: str | None = None) -> Fault:
    return Fault(code, meaning, repeat=False, advice=advice, where=where, type=type_)


def _later(code: str, meaning: str, advice: str, *where: Where, type_: str | None = None) -> Fault:
    return Fault(code, meaning, repeat=True, advice=advice, where=where, type=type_)


# --- about an order ------------------------------------------------------------------------------

ORDER_CONFLICT: Final = _no(
    "order_conflict",
    "the order id belongs to an order with other content",
    "use another order id, or send the order as it was placed; `fields` name what differs",
    *(_R, _A, _T, _H, _C),
    type_="OrderConflict",
)
INVALID_DOCUMENT: Final = _no(
    "invalid_document",
    "fields are missing or wrong",
    "correct the fields that are named",
    *(_R, _A, _T, _H, _C),
    type_="InvalidDocument",
)
NOT_POSSIBLE: Final = _no(
    "not_possible_now",
    "the present state does not allow it",
    "look at `actions` of the order: they are possible now",
    *(_A, _H, _C),
    type_="NotPossibleNow",
)
RETURN_CONFLICT: Final = _no(
    "return_conflict",
    "the return id belongs to a return with other content",
    "use another return id, or send the return as it was opened",
    *(_R, _A, _T, _H, _C),
    type_="ReturnConflict",
)
RETURN_REFUSED: Final = _no(
    "return_refused",
    "what was shipped, captured or decided does not allow it",
    "do what the text says",
    *(_R, _A, _T, _H, _C),
    type_="ReturnRefused",
)
SAGA_ENDED: Final = _no(
    "saga_ended", "the order's saga has ended", "look at the order: nothing can be changed", _H
)
SAGA_UNKNOWN: Final = _later(
    "saga_unknown",
    "the order has no saga that could do it",
    "the inbox says why, and what ends it; a new order has its saga within seconds",
    *(_H, _C),
)

# --- what an attempt at a step says --------------------------------------------------------------

OUT_OF_STOCK: Final = _no(
    "out_of_stock",
    "nothing of the order is available",
    "order again later",
    _T,
    type_="out_of_stock",
)
PAYMENT_DECLINED: Final = _no(
    "payment_declined",
    "the customer's payment was declined",
    "ask for another means of payment; place a new order",
    _T,
    type_="payment_declined",
)
ADDRESS_REFUSED: Final = _no(
    "address_refused",
    "the carrier does not deliver to the address",
    "ask for another address; place a new order",
    _T,
    type_="address_refused",
)
NOT_FULFILLABLE: Final = _no(
    "not_fulfillable",
    "the order cannot be carried out; the text says why",
    "do what the text says; place a new order",
    _T,
    type_="not_fulfillable",
)
STILL_HELD: Final = _no(
    "still_held", "something of the order is not undone yet", _BY_HAND, _T, type_="still_held"
)
REFUND_FAILED: Final = _no(
    "refund_failed",
    "the provider could not give the money back",
    _BY_HAND,
    _T,
    type_="refund_failed",
)
UNAVAILABLE: Final = _later(
    "unavailable", "the provider did not take the request", _NOTHING, _T, type_="unavailable"
)
UNKNOWN_OUTCOME: Final = _later(
    "unknown_outcome",
    "the provider's answer is not known; it is looked up before anything else is done",
    _NOTHING,
    _T,
    type_="unknown_outcome",
)
PAUSED: Final = _later(
    "paused",
    "the provider fails or wants fewer requests: it is asked later",
    _NOTHING,
    _T,
    type_="paused",
)
ACCESS_REFUSED: Final = _later(
    "access_refused",
    "the provider does not accept our credentials",
    "correct them; the saga goes on by itself",
    _T,
    type_="access_refused",
)
NOT_OURS: Final = _later(
    "not_ours",
    "the provider holds somebody else's payment or label under the order's key",
    _BY_HAND,
    _T,
    type_="not_ours",
)
REFUND_PENDING: Final = _later(
    "refund_pending", "the bank has not finished a refund", _NOTHING, _T, type_="refund_pending"
)
REFUND_NEEDS_CUSTOMER: Final = _later(
    "refund_needs_customer",
    "the customer must say where a refund goes",
    "ask the customer; the saga goes on by itself",
    _T,
    type_="refund_needs_customer",
)
NO_PARCEL: Final = _later(
    "no_parcel", "a scan came before its label was recorded", _NOTHING, _T, type_="no_parcel"
)
UNEXPECTED: Final = _later(
    "unexpected",
    "a bug, or an event that cannot be read",
    "find the cause in the worker's log and repair it; the saga goes on by itself",
    _T,
    type_="unexpected",
)

# --- of requests and commands --------------------------------------------------------------------

NOT_SHOWN_YET: Final = _later(
    "not_shown_yet",
    "the read models do not show this position yet",
    "send it again after the seconds of Retry-After; `GET /orders/{id}` shows an order at once",
    _H,
)
BAD_REQUEST: Final = _no(
    "bad_request", "the request cannot be read", "correct what `detail` names", _H
)
KEY_MISSING: Final = _no(
    "idempotency_key_missing",
    "a write needs the header Idempotency-Key",
    "send a key of your own with 1 to 200 printable ASCII characters, a new one for each request",
    _H,
)
UNAUTHENTICATED: Final = _no(
    "unauthenticated",
    "there is no token, or it is unknown, expired or revoked",
    "send `Authorization: Bearer …` with a token that `ordersaga token create` printed, or that "
    "the installation's issuer made for this API",
    _H,
)
FORBIDDEN: Final = _no(
    "forbidden", "the token has no right to do this", "use a token of another role or scope", _H
)
NOT_FOUND: Final = _no(
    "not_found", "there is nothing under this id or address", "check the id and the address", _H, _C
)
METHOD_NOT_ALLOWED: Final = _no(
    "method_not_allowed", "this address does not take the method", "use one that `Allow` names", _H
)
TOO_SLOW: Final = _later(
    "request_too_slow", "the body did not come in time", "send it again, without pauses", _H
)
KEY_REUSED: Final = _no(
    "idempotency_key_reused",
    "the Idempotency-Key was used for another request",
    "use a new key for a new request",
    _H,
)
REFUSED: Final = _no("refused", "it is refused", "do what the text says", _H, _C)
CHANGED: Final = _no(
    "changed_meanwhile",
    "the order has another version than If-Match says",
    "read it again, decide again",
    _H,
)
OTHER_HISTORY: Final = _no(
    "other_history",
    "it is of a history that the database does not have any more: it was restored from a backup",
    "read again what you kept from then; `detail` says from where on",
    _H,
)
TOO_LARGE: Final = _no(
    "request_too_large", "the body is too long", "send at most 2,000,000 bytes", _H
)
HEADERS_TOO_LARGE: Final = _no(
    "headers_too_large", "the headers are too long", "send at most 16,384 bytes of headers", _H
)
RATE_LIMITED: Final = _later(
    "rate_limited", "the token has sent too many requests to this process", _WAIT, _H
)
TOO_MANY_STREAMS: Final = _later(
    "too_many_streams",
    "the token, or this process, has too many streams of changes",
    "end one of them, or come back after the seconds of Retry-After",
    _H,
)
WRONG_USAGE: Final = _no(
    "wrong_usage",
    "the command line, a file or a setting is wrong",
    "do what the text says; `--help` lists the options",
    _C,
)
INTERNAL: Final = _later(
    "internal_error", "a bug, or data that is damaged", f"tell the operators; {_WAIT}", _H, _C
)
STORE_AWAY: Final = _later(
    "store_unavailable",
    "the database does not answer",
    f"sagas wait for it; {_WAIT}",
    *(_T, _H, _C),
    type_="store_unavailable",
)
TEMPORAL_AWAY: Final = _later(
    "temporal_unavailable", "Temporal, or a worker, does not answer", _WAIT, _H, _C
)
PROVIDER_AWAY: Final = _later(
    "provider_unavailable", "a payment provider or carrier does not answer", _WAIT, _H, _C
)
ISSUER_AWAY: Final = _later(
    "issuer_unavailable",
    "the OpenID Connect issuer, whose keys are needed, does not answer",
    "send it again after the seconds of Retry-After; tokens of `ordersaga token create` work",
    _H,
)
UNREACHABLE: Final = _later("unreachable", "a server that is needed does not answer", _LATER, _C)
TOO_LONG: Final = _later("took_too_long", "the answer took too long", _WAIT, _H)
INTERRUPTED: Final = _later("interrupted", "the command was stopped", "run it again", _C)

FAULTS: Final[Sequence[Fault]] = tuple(
    value for value in list(globals().values()) if isinstance(value, Fault)
)
BY_CODE: Final = {fault.code: fault for fault in FAULTS}
BY_TYPE: Final = {fault.type: fault for fault in FAULTS if fault.type}
