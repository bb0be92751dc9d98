"""The errors of the one list that the API sends, and how: as problem details (RFC 9457)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from fastapi.responses import JSONResponse

from domain import faults
from domain.faults import Fault

MEDIA_TYPE: Final = "application/problem+json"


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A kind of error of the one list, and its status of HTTP."""

    fault: Fault
    status: int

    @property
    def code(self) -> str:
        """Stable name, for programs."""
        return self.fault.code

    @property
    def title(self) -> str:
        """What it means."""
        return self.fault.meaning

    @property
    def repeat(self) -> bool:
        """Whether the same request can succeed later, without a change."""
        return self.fault.repeat

    @property
    def advice(self) -> str:
        """What to do."""
        return self.fault.advice

    @property
    def uri(self) -> str:
        """The value of the field ``type``."""
        return f"urn:ordersaga:problem:{self.code}"


NOT_SHOWN_YET: Final = ProblemType(faults.NOT_SHOWN_YET, 202)
BAD_REQUEST: Final = ProblemType(faults.BAD_REQUEST, 400)
KEY_MISSING: Final = ProblemType(faults.KEY_MISSING, 400)
UNAUTHENTICATED: Final = ProblemType(faults.UNAUTHENTICATED, 401)
FORBIDDEN: Final = ProblemType(faults.FORBIDDEN, 403)
NOT_FOUND: Final = ProblemType(faults.NOT_FOUND, 404)
METHOD_NOT_ALLOWED: Final = ProblemType(faults.METHOD_NOT_ALLOWED, 405)
TOO_SLOW: Final = ProblemType(faults.TOO_SLOW, 408)
ORDER_CONFLICT: Final = ProblemType(faults.ORDER_CONFLICT, 409)
RETURN_CONFLICT: Final = ProblemType(faults.RETURN_CONFLICT, 409)
RETURN_REFUSED: Final = ProblemType(faults.RETURN_REFUSED, 409)
KEY_REUSED: Final = ProblemType(faults.KEY_REUSED, 409)
NOT_POSSIBLE: Final = ProblemType(faults.NOT_POSSIBLE, 409)
SAGA_ENDED: Final = ProblemType(faults.SAGA_ENDED, 409)
SAGA_UNKNOWN: Final = ProblemType(faults.SAGA_UNKNOWN, 409)
REFUSED: Final = ProblemType(faults.REFUSED, 409)
OTHER_HISTORY: Final = ProblemType(faults.OTHER_HISTORY, 409)
CHANGED: Final = ProblemType(faults.CHANGED, 412)
TOO_LARGE: Final = ProblemType(faults.TOO_LARGE, 413)
INVALID_DOCUMENT: Final = ProblemType(faults.INVALID_DOCUMENT, 422)
RATE_LIMITED: Final = ProblemType(faults.RATE_LIMITED, 429)
TOO_MANY_STREAMS: Final = ProblemType(faults.TOO_MANY_STREAMS, 429)
HEADERS_TOO_LARGE: Final = ProblemType(faults.HEADERS_TOO_LARGE, 431)
INTERNAL: Final = ProblemType(faults.INTERNAL, 500)
STORE_AWAY: Final = ProblemType(faults.STORE_AWAY, 503)
TEMPORAL_AWAY: Final = ProblemType(faults.TEMPORAL_AWAY, 503)
PROVIDER_AWAY: Final = ProblemType(faults.PROVIDER_AWAY, 503)
ISSUER_AWAY: Final = ProblemType(faults.ISSUER_AWAY, 503)
TOO_LONG: Final = ProblemType(faults.TOO_LONG, 504)

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
    RETURN_CONFLICT,
    RETURN_REFUSED,
    KEY_REUSED,
    NOT_POSSIBLE,
    SAGA_ENDED,
    SAGA_UNKNOWN,
    REFUSED,
    OTHER_HISTORY,
    CHANGED,
    TOO_LARGE,
    INVALID_DOCUMENT,
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
BY_CODE: Final = {problem.code: problem for problem in PROBLEMS}


@dataclass(eq=False)
class Problem(Exception):
    """Ends a request with an error of the list.

    Attributes:
        detail: what is wrong with this request, in one sentence without personal data.
        errors: the wrong fields, each with ``field``, ``rule`` and ``message``.
        headers: more headers of the answer.
    """

    type: ProblemType
    detail: str = ""
    errors: Sequence[Mapping[str, object]] = ()
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
    names = ("field", "rule", "message")
    wrong = {
        "type": "object",
        "required": list(names),
        "properties": dict.fromkeys(names, text),
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
            "errors": {"type": "array", "items": wrong},
        },
    }
