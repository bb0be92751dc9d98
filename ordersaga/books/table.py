"""The tables of the last comparison: what a verification found about money, and when."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import date, datetime
from functools import partial
from typing import Final

from eventstore.postgres.migrator import Schema
from projections.engine.projection import Pool
from projections.engine.sql_files import statement
from projections.paging import Page, fetch_page, make_row

BOOKS: Final = Schema("books", "ordersaga.books")
MOST: Final = 10_000
"""Differences that are kept: more have one cause, such as the key of another account."""

_sql: Final = partial(statement, __package__)


@dataclass(frozen=True, slots=True)
class FoundDifference:
    """An order whose money differs, in one currency; amounts kept, in minor units.

    Attributes:
        currency: None: neither side knows of money.
        rule: what is violated; `expected` and `actual` say how.
    """

    order_id: str
    currency: str | None
    ours_minor: int
    theirs_minor: int
    rule: str
    expected: str
    actual: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference as people see it.

    Attributes:
        day: of the order's last movement of money in our books, in UTC; None: there is none.
        ours_minor: what we keep of it by our books; `theirs_minor`: by the provider's.
    """

    id: int
    provider: str
    day: date | None
    order_id: str
    currency: str | None
    ours_minor: int
    theirs_minor: int
    rule: str
    expected: str
    actual: str


@dataclass(frozen=True, slots=True)
class BooksCompared:
    """When our books were last compared with a provider's, and how many differences were found."""

    provider: str
    compared_at: datetime
    differences: int


async def keep_comparison(
    pool: Pool, provider: str, differences: Sequence[FoundDifference]
) -> None:
    """Replace what an earlier verification found.

    Raises:
        PostgresError: the login may not write here, or the database takes no writes.
    """
    rows = [astuple(each) for each in differences[:MOST]]
    columns = [list(column) for column in zip(*rows, strict=True)] or [[]] * 7
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(_sql("compare"), provider, len(differences))
        await connection.execute(_sql("clear"))
        await connection.execute(_sql("keep"), provider, *columns)


async def last_comparison(pool: Pool) -> BooksCompared | None:
    """The last one; None: the books were never compared."""
    row = await pool.fetchrow(_sql("load"))
    return make_row(BooksCompared)(row) if row else None


async def list_differences(
    pool: Pool, *, limit: int = 50, cursor: str | None = None
) -> Page[Difference]:
    """What differed, latest day first.

    Raises:
        InvalidCursor: the cursor is not from this listing.
    """
    key = {"id": int}
    return await fetch_page(pool, _sql("list"), Difference, key, limit=limit, cursor=cursor)
