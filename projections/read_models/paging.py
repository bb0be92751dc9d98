"""Keyset paging: a page of a listing and an opaque cursor to the next one."""

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

import asyncpg

from projections.errors import InvalidCursor

T = TypeVar("T")

MOST: Final = 1000
"""Most rows in a page."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Rows of a listing; `next_cursor` continues it and is None at the end."""

    items: tuple[T, ...]
    next_cursor: str | None


def encode_cursor(*key: datetime | str | int) -> str:
    """The opaque form of a row's sorting key."""
    parts = [part.isoformat() if isinstance(part, datetime) else part for part in key]
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None, *kinds: type) -> tuple[Any, ...]:
    """The sorting key in a cursor, of these types (datetime, str, int); Nones without a cursor.

    Raises:
        InvalidCursor: it was not made by `encode_cursor` for such a key.
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


def _part(kind: type, part: object) -> object:
    if kind is datetime and isinstance(part, str):
        moment = datetime.fromisoformat(part)
        if moment.tzinfo is None:
            raise InvalidCursor
        return moment
    if type(part) is not kind or (isinstance(part, int) and not -(2**63) <= part < 2**63):
        raise InvalidCursor
    if isinstance(part, str) and ("\0" in part or not part.isascii()):
        raise InvalidCursor
    return part


def checked_limit(limit: int) -> int:
    """`limit` if a page may have that many rows.

    Raises:
        ValueError: it is not 1 to MOST.
    """
    if not 1 <= limit <= MOST:
        raise ValueError(f"a page has 1 to {MOST} rows, not {limit}")
    return limit


def page_of(
    rows: Sequence[asyncpg.Record],
    limit: int,
    make: Callable[[asyncpg.Record], T],
    key: Callable[[asyncpg.Record], tuple[datetime | str | int, ...]],
) -> Page[T]:
    """A page from `limit` + 1 rows, of which the last only tells that there are more."""
    kept = rows[:limit]
    more = len(rows) > limit
    return Page(tuple(make(row) for row in kept), encode_cursor(*key(kept[-1])) if more else None)


def make_row(row_class: type[T]) -> Callable[[asyncpg.Record], T]:
    """How a database row becomes an object of a dataclass with the same names."""
    wanted = [field.name for field in fields(row_class)]  # type: ignore[arg-type]  # a dataclass

    def make(row: asyncpg.Record) -> T:
        return row_class(**{name: row[name] for name in wanted})

    return make


def as_json(row: Any) -> dict[str, Any]:
    """A row (a dataclass) as a JSON object: times in ISO 8601, everything else as it is."""
    values = ((field.name, getattr(row, field.name)) for field in fields(row))
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in values
    }
