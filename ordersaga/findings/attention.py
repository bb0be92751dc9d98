"""Which orders need a person, and why: the one answer that every list shows.

An order needs a person if its saga says so, or if the watchdog sees something that the saga cannot
say.
"""

from collections.abc import Collection
from functools import partial
from typing import Final

from eventstore.postgres.connection import survey
from projections.engine.projection import Pool
from projections.engine.sql_files import statement

MOST: Final = 10_000
"""At most this many orders, those with the first ids."""

_sql: Final = partial(statement, __package__)


async def orders_needing_attention(
    pool: Pool, order_ids: Collection[str] | None = None
) -> dict[str, str]:
    """Why each of these orders (of all: None) needs a person; the others are missing."""
    chosen = None if order_ids is None else list(order_ids)
    with survey():
        rows = await pool.fetch(_sql("attention"), chosen, MOST)
    return {row["order_id"]: row["why"] for row in rows}
