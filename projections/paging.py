"""Keyset paging: a page of a listing, and an opaque cursor that continues it."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

import asyncpg

from domain.errors import InvalidValue
from domain.fields import parse_moment
from eventstore.postgres.connection import survey
from projections.conditions import with_conditions
from projections.engine.projection import Pool
from projections.errors import InvalidCursor

T = TypeVar("T")

MOST: Final = 1000
"""Most rows in a page."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Rows of a listing; `next_cursor` continues it and is None on the last page."""

    items: tuple[T, ...]
    next_cursor: str | None


def encode_cursor(*key: datetime | str | int) -> str:
    """The opaque form of a row's sort key."""
    parts = [part.isoformat() if isinstance(part, datetime) else part for part in key]
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None, *kinds: type) -> tuple[Any, ...]:
    """The sort key in a cursor, as values of `kinds` (datetime, str, int); Nones without a cursor.

    Raises:
        InvalidCursor: `encode_cursor` did not make it for such a key.
    """
    if cursor is None:
        return (None,) * len(kinds)
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        parts = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if not isinstance(parts, list):
            raise InvalidCursor
        return tuple(_part(kind, part) for kind, part in zip(kinds, parts, strict=True))
    except (ValueError, binascii.Error):
        raise InvalidCursor from None


def decode_sorted(cursor: str | None, sort: str, *kinds: type) -> tuple[Any, ...]:
    """The sort key in a cursor of a listing that can be sorted in several ways.

    Its cursors are made by `encode_cursor` of the sort's name and the key: keys of two sorts may
    look alike.

    Raises:
        InvalidCursor: it is of another sort or listing.
    """
    named, *key = decode_cursor(cursor, str, *kinds)
    if cursor is not None and named != sort:
        raise InvalidCursor
    return tuple(key)


def _part(kind: type, part: object) -> object:
    if kind is datetime and isinstance(part, str):
        try:
            return parse_moment(datetime.fromisoformat(part), "cursor")
        except InvalidValue:
            raise InvalidCursor from None
    if type(part) is not kind or (isinstance(part, int) and not -(2**63) <= part < 2**63):
        raise InvalidCursor
    if isinstance(part, str) and ("\0" in part or not part.isascii()):
        raise InvalidCursor
    return part


def checked_limit(limit: int) -> int:
    """`limit`, if a page may have that many rows.

    Raises:
        ValueError: it is not 1 to MOST.
    """
    if not 1 <= limit <= MOST:
        raise ValueError(f"a page has 1 to {MOST} rows, not {limit}")
    return limit


async def fetch_page(
    pool: Pool,
    query: str,
    row_class: type[T],
    key: Mapping[str, type],
    *,
    limit: int,
    cursor: str | None,
    **filters: Any,
) -> Page[T]:
    """A page of a query that sorts by `key` (columns and their types).

    The query names a condition for each filter, and ``after`` for the key of the previous page's
    last row; see `conditions`. A filter that is None means any.

    Raises:
        InvalidCursor: the cursor is not from this listing.
    """
    if cursor is not None:
        filters["after"] = decode_cursor(cursor, *key.values())
    text, values = with_conditions(query, filters)
    with survey():
        rows = await pool.fetch(text, *values, checked_limit(limit) + 1)
    return page_of(rows, limit, make_row(row_class), lambda row: tuple(row[name] for name in key))


def asked_for(criteria: Any) -> dict[str, Any]:
    """The fields of a filter, a dataclass, by their names."""
    return {field.name: getattr(criteria, field.name) for field in fields(criteria)}


def page_of(
    rows: Sequence[asyncpg.Record],
    limit: int,
    make: Callable[[asyncpg.Record], T],
    key: Callable[[asyncpg.Record], tuple[datetime | str | int, ...]],
) -> Page[T]:
    """A page from `limit` + 1 rows; the last one only shows that there are more."""
    items = rows[:limit]
    more = len(rows) > limit
    return Page(tuple(make(row) for row in items), encode_cursor(*key(items[-1])) if more else None)


def make_row(row_class: type[T], **convert: Callable[[Any], Any]) -> Callable[[asyncpg.Record], T]:
    """Makes objects of a dataclass from records with the same names, some values converted."""
    names = [field.name for field in fields(row_class)]  # type: ignore[arg-type]  # a dataclass

    def make(row: asyncpg.Record) -> T:
        return row_class(
            **{name: convert[name](row[name]) if name in convert else row[name] for name in names}
        )

    return make
