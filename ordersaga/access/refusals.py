"""What tokens were refused for lack of a right: only ever added to."""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from eventstore.postgres.errors import translated
from eventstore.postgres.sql_files import statement
from projections.engine.projection import Pool
from projections.paging import Page, fetch_page

_sql: Final = partial(statement, package="ordersaga.access.sql")


@dataclass(frozen=True, slots=True)
class Refusal:
    """One request that was refused: who asked for which operation, and why it was not allowed."""

    number: int
    at: datetime
    actor: str
    token_id: str
    operation: str
    why: str


async def keep_refusal(pool: Pool, actor: str, token_id: str, operation: str, why: str) -> None:
    """Add a refusal to the record."""
    with translated():
        await pool.execute(_sql("keep_refusal"), actor, token_id, operation, why)


async def list_refusals(pool: Pool, *, limit: int = 50, cursor: str | None = None) -> Page[Refusal]:
    """What was refused, the latest first. Raises InvalidCursor for a cursor of another listing."""
    key = {"number": int}
    return await fetch_page(pool, _sql("list_refusals"), Refusal, key, limit=limit, cursor=cursor)
