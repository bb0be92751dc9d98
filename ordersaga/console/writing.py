"""What the forms of the console and the writes of the API share: keys and answers."""

import json
import secrets
from collections.abc import Mapping
from typing import Any

from fastapi.responses import Response

from ordersaga.access.requests import RequestKey
from ordersaga.api.problems import BAD_REQUEST, PROBLEMS, Problem
from ordersaga.console.sessions import Viewer


def key_of_form(entered: Mapping[str, str], problem: Problem | None) -> str:
    """The key of a form that is shown.

    It is a new one after an answer that is final, because a corrected form is another request. It
    stays the same where the answer may still come: what was sent may have had its effect.
    """
    kept = entered.get("key") if problem and problem.type.repeat else None
    return kept or secrets.token_hex(16)


def request_key(viewer: Viewer, key: str, target: str, content: bytes) -> RequestKey:
    """The request by whose form it is; the same form sent twice is the same request."""
    if not key.isalnum():
        raise Problem(BAD_REQUEST, "the form has lost its key: open it again")
    return RequestKey(viewer.token.subject, f"console-{key}", target.encode() + content)


def answer_of(response: Response) -> Any:
    """What was answered; raises Problem if it was refused."""
    answer = json.loads(bytes(response.body))
    if response.status_code >= 400:
        raise _stored_problem(answer)
    return answer


def _stored_problem(answer: dict[str, Any]) -> Problem:
    kinds = {kind.code: kind for kind in PROBLEMS}
    return Problem(kinds[answer["code"]], answer.get("detail", ""), answer.get("errors", ()))
