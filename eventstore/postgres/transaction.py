"""A transaction that tells why it failed."""

from typing import Literal

import asyncpg
from asyncpg.transaction import Transaction

IsolationLevel = Literal["read_committed", "read_uncommitted", "serializable", "repeatable_read"]


class PlainTransaction(Transaction):
    """The driver's transaction, which on a connection that was ended hides the first error.

    Its rollback would raise that the connection is closed, even in place of a cancellation.
    """

    async def __aexit__(
        self,
        extype: object,
        ex: object,
        tb: object,
    ) -> None:
        try:
            await super().__aexit__(extype, ex, tb)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            if ex is None:
                raise  # it may not have been committed
