"""How far the feed itself is behind: what is stored but not shown yet, and who holds it up."""

from dataclasses import dataclass
from typing import Final

import asyncpg

from eventstore.model import FeedFilter
from eventstore.postgres.errors import translated
from eventstore.postgres.feed import before_next, end_of_look, selection
from eventstore.postgres.sql_files import statement
from eventstore.store import EVERYTHING

_HOLDER: Final = statement("feed_holder")
_MARK: Final = statement("feed_mark")
_HEAD: Final = statement("head")
_AGE_AFTER: Final = statement("age_after")


@dataclass(frozen=True, slots=True)
class FeedHolder:
    """An open transaction that appends: no reader of the feed gets beyond its position.

    Every append holds the feed for some milliseconds. One that hangs, or a session that forgot
    its transaction, holds it for as long as it lives.

    Attributes:
        position: the feed is complete up to here.
        pid: the server process of the transaction; None if it is a prepared one.
        application: the name that its session gave.
        age_s: age of the transaction in seconds, at least that of the oldest event behind it.
    """

    position: int
    pid: int | None
    application: str
    age_s: float

    @property
    def problem(self) -> str:
        """Who holds the feed and what to do, in one line."""
        name = f" ({self.application})" if self.application else ""
        who = f"of process {self.pid}{name}" if self.pid else "that was prepared"
        advice = f"end it with `SELECT pg_terminate_backend({self.pid})`" if self.pid else "end it"
        return (
            f"an open transaction {who} has held up the feed at position {self.position} for "
            f"{self.age_s:.0f} s: {advice}"
        )


async def feed_holder(pool: asyncpg.Pool) -> FeedHolder | None:
    """The transaction that holds up the feed right now; None if there is none.

    Raises:
        StoreUnavailable: the database does not answer.
    """
    with translated():
        row = await pool.fetchrow(_HOLDER)
    if row is None:
        return None
    behind = await age_after(pool, row["position"])
    age_s = max(row["age_s"] or 0.0, behind or 0.0)
    return FeedHolder(row["position"], row["pid"], row["application"], age_s)


async def complete_position(connection: "asyncpg.Connection | asyncpg.Pool") -> int:
    """The position at or below which no further event can appear, and up to which readers get."""
    (row,) = await connection.fetch(_MARK)
    return int(row["mark"])


async def age_after(
    pool: asyncpg.Pool, position: int, feed_filter: FeedFilter = EVERYTHING
) -> float | None:
    """Age in seconds of the first event after a position, whether the feed shows it or not.

    None if there is none.
    """
    with translated():
        head = await pool.fetchval(_HEAD)
        while position < head:
            upto = end_of_look(position, head, feed_filter)
            age = await pool.fetchval(_AGE_AFTER, position, upto, *selection(feed_filter))
            if age is not None:
                return float(age)
            position = await before_next(pool, upto, head) if upto < head else upto
    return None
