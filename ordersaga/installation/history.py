"""Which history the database goes on with: after a restore, or a fail-over, it may be another one.

Each session enters the present history before it does anything else. So a process learns of another
one with its first connection to the server that goes on, and no event is appended unseen.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final

import asyncpg

from domain.fields import parse_reason
from eventstore.errors import StoreUnavailable
from eventstore.postgres.connection import LimitedConnection
from eventstore.postgres.errors import translated
from eventstore.postgres.roles import become
from eventstore.postgres.sql_files import statement

_sql: Final = partial(statement, package="ordersaga.installation.sql")
_ENTER: Final = _sql("enter_history")
_NOT_MIGRATED: Final = (
    asyncpg.InvalidSchemaNameError,
    asyncpg.UndefinedFunctionError,
    asyncpg.InsufficientPrivilegeError,  # `doctor` says which right a login lacks
)


@dataclass(frozen=True, slots=True)
class History:
    """One history of the database.

    Attributes:
        number: 1 for the one that it was made with.
        known_up_to: the last position of the history before it that belongs to this one as well.
        begins_at: its own positions are higher. Between the two are positions that are gone.
        known_until: when the event at `known_up_to` was recorded; None: there was none.
        act: made; found: by a program, in the first session; announced: by a person.
        examined_at: when somebody looked for what was lost; None: nobody has.
        lost: what was found then.
    """

    number: int
    place: str
    known_up_to: int
    begins_at: int
    known_until: datetime | None
    act: str
    actor: str
    reason: str
    at: datetime
    examined_at: datetime | None
    examined_by: str | None
    lost: Mapping[str, Any] | None

    def has_lost(self, position: int) -> bool:
        """Whether a position belongs to what went on before, and is not in this database."""
        return self.known_up_to < position < self.begins_at


def _history(row: Mapping[str, Any]) -> History:
    return History(**{**row, "lost": row["lost"] and json.loads(row["lost"])})


@dataclass
class Histories:
    """The histories that this process knows of.

    Attributes:
        all: the first one first.
        on_change: called when another one has begun, before any statement reaches it.
    """

    all: Sequence[History] = ()
    on_change: list[Callable[[], None]] = field(default_factory=list)

    async def enter(self, connection: LimitedConnection) -> None:
        """Begin a session; does nothing in a database without our schema.

        The first sessions with another history are refused: whoever waits for one has read, or
        sealed, with what was remembered of the history before, and must begin again.

        Raises:
            asyncpg.PostgresError: the server cannot go on with a history, such as a standby.
            StoreUnavailable: it goes on with another history than this process knows.
        """
        before = self.number
        try:
            rows = await connection.fetch(_ENTER)
        except _NOT_MIGRATED:
            return
        self._learn([_history(dict(row)) for row in rows])
        if before not in (0, self.number):
            raise StoreUnavailable("the database goes on with another history: begin again")

    def _learn(self, histories: Sequence[History]) -> None:
        before, self.all = self.number, histories
        if before not in (0, self.number):
            for call in self.on_change:
                call()

    @property
    def number(self) -> int:
        """Of the present history; 0: none is known."""
        return self.all[-1].number if self.all else 0

    def that_lost(self, position: int) -> History | None:
        """The history at whose beginning a position was lost; None: it was not."""
        return next((one for one in self.all if one.has_lost(position)), None)

    def is_lost(self, position: int) -> bool:
        """Whether a position is of a history that is gone."""
        return any(one.has_lost(position) for one in self.all)


class HistoryTable:
    """The histories as the database keeps them.

    Args:
        pool: connections to it.
    """

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool

    async def list(self) -> Sequence[History]:
        """All of them, the first one first.

        Raises:
            SchemaMissing: the database was not migrated.
            StoreUnavailable: no answer.
        """
        with translated():
            return [_history(dict(row)) for row in await self._pool.fetch(_sql("list_histories"))]

    async def announce(self, actor: str, reason: str) -> Sequence[History]:
        """Begin another history; returns all of them.

        Raises:
            InvalidValue: the reason is empty or too long.
            NotAllowed: the login may not begin one.
        """
        checked = parse_reason(reason)
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                await become(connection, "owner")
                await connection.execute(_sql("announce_history"), actor, checked)
        return await self.list()

    async def note_examined(self, number: int, actor: str, lost: Mapping[str, Any]) -> None:
        """Keep what was lost at the beginning of a history.

        Raises:
            NotAllowed: the login may not write it.
        """
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                await become(connection, "owner")
                text = json.dumps(lost)
                await connection.execute(_sql("note_examined"), number, actor, text)


def unexamined(histories: Iterable[History]) -> Sequence[History]:
    """Those of which nobody has looked for what was lost."""
    return [one for one in histories if one.examined_at is None]
