"""Recognises a pooler that gives each transaction another session, such as pgbouncer's mode.

The store needs sessions: for prepared statements, for LISTEN, and for the settings of a session.
"""

from typing import Final
from uuid import uuid4

import asyncpg

from eventstore.deadline import STATEMENT_S
from eventstore.postgres.connection import connect
from eventstore.postgres.errors import translated

_ROUNDS: Final = 5
"""Other clients may take the session that is looked for: it is looked for this often."""

_MARK: Final = "SELECT set_config('eventstore.session', $1, false)"
_READ: Final = "SELECT current_setting('eventstore.session', true)"


async def is_transaction_pooled(dsn: str, *, statement_s: float = STATEMENT_S) -> bool:
    """Whether a pooler between us and the database shares sessions between its clients.

    A lone client gets the same session each time, so it takes two.

    Args:
        dsn: the database's URL.
        statement_s: the limit of a statement, in seconds.

    Raises:
        StoreUnavailable: the server cannot be reached.
    """
    with translated():
        first = await connect(dsn, statement_s=statement_s, statement_cache_size=0)
        try:
            if first.get_server_pid() == await first.fetchval("SELECT pg_backend_pid()"):
                return False  # nobody is in between: a pooler hands out numbers of its own
            second = await connect(dsn, statement_s=statement_s, statement_cache_size=0)
            try:
                return await _share_sessions(first, second)
            finally:
                await second.close()
        finally:
            await first.close()


async def _share_sessions(first: asyncpg.Connection, second: asyncpg.Connection) -> bool:
    for _ in range(_ROUNDS):
        mark = uuid4().hex
        await first.fetchval(_MARK, mark)
        async with second.transaction():
            # The second has the first's session, or keeps a session that the first would get now.
            if await second.fetchval(_READ) == mark or await first.fetchval(_READ) != mark:
                return True
    return False
