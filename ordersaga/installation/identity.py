"""The installation id: read by processes, changed by people.

It is made with the schema. A copied database needs another one, so that the copy does not take the
payments of the original for its own; a rebuilt database takes its old one.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final
from uuid import UUID, uuid4

import asyncpg

from domain.errors import InvalidValue
from domain.fields import parse_reason
from eventstore.errors import SchemaMissing
from eventstore.postgres.errors import translated
from eventstore.postgres.migrator import Schema
from eventstore.postgres.roles import become
from eventstore.postgres.sql_files import statement
from ordersaga.errors import Refused

INSTALLATION: Final = Schema("identities", "ordersaga.installation")

_sql: Final = partial(statement, package="ordersaga.installation.sql")
_CURRENT: Final = _sql("current")


@dataclass(frozen=True, slots=True)
class Identity:
    """An id that the installation has, or had.

    Attributes:
        previous: the id before; None for the first.
        act: made, renewed or adopted.
    """

    id: str
    previous: str | None
    act: str
    actor: str
    reason: str
    at: datetime


def parse_installation_id(raw: str) -> str:
    """The id in its one form, a UUID in lower case.

    Raises:
        InvalidValue: it is no UUID.
    """
    text = raw.strip().lower()
    with suppress(ValueError):
        if str(UUID(text)) == text:
            return text
    raise InvalidValue("installation", "must be a UUID, as `ordersaga installation show` prints it")


class Installation:
    """The installation that a migrated database belongs to.

    Args:
        pool: connections to it.
    """

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def current(self) -> str:
        """The id that counts now.

        Raises:
            SchemaMissing: the database was not migrated.
            StoreUnavailable: no answer.
        """
        with translated():
            current = await self._pool.fetchval(_CURRENT)
        if current is None:
            raise SchemaMissing("the database has no installation id: run `ordersaga migrate`")
        return str(current)

    async def history(self) -> Sequence[Identity]:
        """Every id with who gave it and why, the present one first."""
        with translated():
            rows = await self._pool.fetch(_sql("history"))
        return [Identity(**row) for row in rows]

    async def renew(self, actor: str, reason: str) -> Identity:
        """Give a copied database an id of its own.

        Raises:
            InvalidValue: the reason is empty or too long.
            NotAllowed: the login may not change it.
        """
        return await self._change(str(uuid4()), "renewed", actor, reason)

    async def adopt(self, old: str, actor: str, reason: str) -> Identity:
        """Give a rebuilt database the id that it had before.

        Raises:
            InvalidValue: the id is malformed, or the reason is empty or too long.
            NotAllowed: the login may not change it.
            Refused: it has this id already.
        """
        return await self._change(parse_installation_id(old), "adopted", actor, reason)

    async def _change(self, new: str, act: str, actor: str, reason: str) -> Identity:
        checked = parse_reason(reason)
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                await become(connection, "owner")
                await connection.execute(_sql("lock"))
                row = await connection.fetchrow(_sql("change"), new, act, actor, checked)
        if row is None:
            raise Refused(f"this installation is {new} already")
        return Identity(**row)
