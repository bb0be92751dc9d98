"""Answers: JSON with an ETag over all that it shows, lists with cursors, CSV in a stream."""

import csv
import hashlib
import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from enum import StrEnum
from typing import Annotated, Any, Final

from fastapi import Query, Request
from fastapi.responses import Response, StreamingResponse

from ordersaga.access.tokens import Token
from ordersaga.api.context import context_of
from ordersaga.api.histories import cursor_of, in_history
from ordersaga.api.problems import CHANGED, Problem
from ordersaga.display.jsonable import json_text, to_jsonable
from ordersaga.installation.history import Histories
from projections.paging import MOST, Page

Limit = Annotated[int, Query(ge=1, le=MOST, description="Rows of a page.")]
Cursor = Annotated[
    str | None, Query(max_length=500, description="Continue after the page that gave it.")
]


class Form(StrEnum):
    """The form of a list; ``csv`` streams all of it."""

    JSON = "json"
    CSV = "csv"


AsForm = Annotated[Form, Query(alias="format", description="csv: the whole list, in a stream.")]
Fetch = Callable[[int, str | None], Awaitable[Page[Any]]]
"""Fetches a page: its size, and the cursor of the page before."""

_LONGEST_NUMBER: Final = 20
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def json_answer(
    data: Any,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An answer as JSON."""
    return raw_answer(json_text(data), status, headers)


def raw_answer(text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer whose JSON text is there."""
    return Response(text, status, dict(headers or {}), "application/json")


def tagged_answer(
    request: Request, token: Token, data: Any, version: int, position: int
) -> Response:
    """An answer with an ETag, or 304 if the client has it.

    The tag is the version of the order, the position of its last event, and a digest of what this
    role is shown. The position tells apart two events that had the same version in two histories.
    """
    text = json_text(data)
    digest = hashlib.sha256(f"{token.role}\n{text}".encode()).hexdigest()[:32]
    tag = f'"{version}.{position}-{digest}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}
    if tag in _tags(request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=headers)
    return raw_answer(text, headers=headers)


def require_version(if_match: str | None, version: int, histories: Histories) -> None:
    """Compare If-Match with the order's version.

    Raises:
        Problem: changed_meanwhile; so is a version of a history that is gone.
    """
    if if_match is None or if_match.strip() == "*":
        return
    if not any(_is_version(tag, version, histories) for tag in _tags(if_match)):
        raise Problem(CHANGED, f"it has version {version}")


def _is_version(tag: str, version: int, histories: Histories) -> bool:
    """Whether a tag, or a bare version, names this version of an order."""
    named, _, position = tag.strip('"').partition("-")[0].partition(".")
    if named != str(version):
        return False
    return not (_is_number(position) and histories.is_lost(int(position)))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < _LONGEST_NUMBER


def _tags(header: str) -> list[str]:
    return [tag.strip().removeprefix("W/") for tag in header.split(",")]


# --- lists ---------------------------------------------------------------------------------------


async def list_answer(
    request: Request, fetch: Fetch, columns: type, limit: int, cursor: str | None, form: Form
) -> Response:
    """A page as JSON, or all pages as CSV.

    Args:
        request: of the list.
        fetch: the query.
        columns: the dataclass of a row; its fields are the columns of the CSV.
        limit: rows of the page.
        cursor: of the page before.
        form: of the answer.

    Raises:
        Problem: the page before was of another history.
    """
    present = context_of(request).services.histories
    after = cursor_of(present, cursor)
    if form is Form.JSON:
        return json_answer(in_history(present, await fetch(limit, after)))
    first = await fetch(MOST, after)  # an error comes before the answer begins
    return StreamingResponse(_lines(fetch, first, columns), media_type="text/csv; charset=utf-8")


async def _lines(fetch: Fetch, page: Page[Any], columns: type) -> AsyncIterator[str]:
    names = list(columns.__dataclass_fields__)  # type: ignore[attr-defined]  # a dataclass
    yield _line(names)
    while True:
        rows = [to_jsonable(item) for item in page.items]
        yield "".join(_line([_cell(row[name]) for name in names]) for row in rows)
        if page.next_cursor is None:
            return
        page = await fetch(MOST, page.next_cursor)


def _line(cells: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue()


def _cell(value: Any) -> str:
    """A value for a spreadsheet, which must not take text for a formula."""
    if value is None:
        return ""
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text
