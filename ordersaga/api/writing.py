"""Writes: the key first, then the act, the answer last.

The row of the key is there before anything happens. An answer is stored once it is final; an
outage, a rate limit and a lack of rights are never stored. A request that has a row without an
answer (the process died, a server was away) is carried out again under the same id, so that its
effect happens once.
"""

import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, TypeVar

from fastapi import Header, Request
from fastapi.responses import Response
from pydantic import BaseModel

from ordersaga.access.requests import Answer, BegunRequest, RequestKey
from ordersaga.access.tokens import Token
from ordersaga.api.answers import raw_answer
from ordersaga.api.context import Context
from ordersaga.api.documentation import KEY_HEADER
from ordersaga.api.failures import problem_of
from ordersaga.api.problems import KEY_MISSING, KEY_REUSED, MEDIA_TYPE, Problem
from ordersaga.api.reading import with_position
from ordersaga.display.jsonable import json_text
from workflows.documents.validation import validate

M = TypeVar("M", bound=BaseModel)

KeyHeader = Annotated[
    str | None,
    Header(
        alias=KEY_HEADER,
        description="A key of yours; a new one for each request. A dry run needs none.",
        json_schema_extra={"pattern": "^[!-~]{1,200}$"},
    ),
]
IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", description="The ETag or the version that you decided on."),
]
ACCEPTED: Final = 202
"""The status of an answer that is not final: it is not stored."""

REPLAYED: Final = {"Idempotency-Replayed": "true"}

_KEY: Final = re.compile(r"[\x21-\x7e]{1,200}", re.ASCII)
_FINAL_PROBLEMS: Final = frozenset({404, 409, 412, 422})


async def read_key(request: Request, token: Token, key: str | None) -> RequestKey:
    """The request by who asks, under which key, for what.

    Raises:
        Problem: there is no usable key.
    """
    if key is None or not _KEY.fullmatch(key):
        raise Problem(KEY_MISSING)
    body = await request.body()
    target = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    return RequestKey(token.subject, key, target + body)


async def read_body(request: Request, model: type[M]) -> M:
    """The body as a model; raises InvalidDocument, naming every wrong field."""
    return validate(model, await request.body(), "body")


async def once(
    context: Context, key: RequestKey, act: Callable[[BegunRequest], Awaitable[tuple[int, Any]]]
) -> Response:
    """Carry a write out once for its key, and answer each time alike.

    Args:
        context: services.
        key: the request.
        act: carries it out; gets what is known of an earlier try, and returns status and answer.

    Raises:
        Problem: the key was used for something else; or what is no final answer.
    """
    return await with_position(context, await _answer_once(context, key, act))


async def _answer_once(
    context: Context, key: RequestKey, act: Callable[[BegunRequest], Awaitable[tuple[int, Any]]]
) -> Response:
    begun = await context.requests.begin(key)
    if not begun.is_same:
        raise Problem(KEY_REUSED)
    if begun.answer is not None:
        return _replayed(begun.answer)
    final = await _carry_out(act, begun)
    if final.status == ACCEPTED:
        return _response(final)
    stored = await context.requests.answer(key, final)
    return _replayed(stored) if stored != final else _response(final)


async def _carry_out(
    act: Callable[[BegunRequest], Awaitable[tuple[int, Any]]], begun: BegunRequest
) -> Answer:
    try:
        status, data = await act(begun)
        return Answer(status, json_text(data))
    except Exception as error:
        problem = problem_of(error)
        if problem.type.repeat or problem.type.status not in _FINAL_PROBLEMS:
            raise
        return Answer(problem.type.status, json_text(problem.body()))


def _replayed(answer: Answer) -> Response:
    response = _response(answer)
    response.headers.update(REPLAYED)
    return response


def _response(answer: Answer) -> Response:
    response = raw_answer(answer.body, answer.status)
    if answer.status >= 400:
        response.headers["Content-Type"] = MEDIA_TYPE
    return response
