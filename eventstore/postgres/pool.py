"""Connection pools for the event store."""

from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from eventstore.postgres.errors import translated


class _Connection(asyncpg.Connection):
    """A connection that is not reset when it goes back to the pool.

    The store keeps no session state; the reset query would cost a third of the throughput.

    Attributes:
        session: identifies the session with the server.
    """

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.session = object()

    def get_reset_query(self) -> str:
        return ""


async def create_pool(
    dsn: str, *, min_size: int = 1, max_size: int = 10, application_name: str = "ordersaga"
) -> asyncpg.Pool:
    """A pool for `PostgresEventStore` and for other code that keeps no session state.

    Raises:
        StoreUnavailable: the server cannot be reached.
    """
    with translated():
        return await asyncpg.create_pool(
            dsn,
            min_size=min_size,
            max_size=max_size,
            connection_class=_Connection,
            server_settings={
                "application_name": application_name,
                "default_transaction_isolation": "read committed",
                "jit": "off",  # our statements are short, compiling them costs more than it saves
            },
        )


def session_of(connection: PoolConnectionProxy) -> object | None:
    """Identifies the session with the server; None if the pool is not from `create_pool`.

    A session does not outlive a crash of the server.
    """
    session: object | None = getattr(connection, "session", None)
    return session
