"""Idempotency keys of writes: begun before the write, answered after it.

The same request again gets the first answer; the same key with anything else is refused; a request
without an answer is carried out again, which changes nothing twice because its id is the same.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Final

from eventstore.postgres.errors import translated
from eventstore.postgres.sql_files import statement
from projections.engine.projection import Pool

KEPT_FOR: Final = timedelta(days=30)
"""How long a key is remembered; as long as Temporal keeps ended runs in the shipped set-ups."""

_sql: Final = partial(statement, package="ordersaga.access.sql")
_FORGOTTEN_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class RequestKey:
    """A request by who asks, under which key, and for what.

    Attributes:
        subject: who asks, such as ``operator:ann``; keys of different subjects do not meet.
        key: the value of the header Idempotency-Key.
        content: method, path, query and body.
    """

    subject: str
    key: str
    content: bytes = field(repr=False)

    @property
    def fingerprint(self) -> bytes:
        """A digest of what is asked for."""
        return hashlib.sha256(self.content).digest()

    @property
    def id(self) -> str:
        """Identifies the key of the subject: 64 hexadecimal digits."""
        return hashlib.sha256(f"{self.subject}\n{self.key}".encode()).hexdigest()

    @property
    def request_id(self) -> str:
        """Identifies the whole request, wherever it is carried out."""
        whole = self.id.encode() + self.fingerprint
        return f"api-{hashlib.sha256(whole).hexdigest()[:40]}"


@dataclass(frozen=True, slots=True)
class Answer:
    """The final answer of a request: HTTP status and JSON body."""

    status: int
    body: str


@dataclass(frozen=True, slots=True)
class BegunRequest:
    """A request that was begun, perhaps earlier.

    Attributes:
        is_same: False if the key was used for something else.
        run_id: the workflow run that it was sent to; None: to none yet.
        answer: None if it has none yet.
    """

    is_same: bool
    run_id: str | None = None
    answer: Answer | None = None


class Requests:
    """The requests of an installation.

    Args:
        pool: connections to its database.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def begin(self, key: RequestKey) -> BegunRequest:
        """Begin a request, or find what became of it.

        Raises:
            StoreUnavailable: the database does not answer.
        """
        with translated():
            row = None
            while row is None:  # between the two statements another process may forget the row
                names = (key.subject, key.key)
                if await self._pool.fetchrow(_sql("begin_request"), *names, key.fingerprint):
                    return BegunRequest(is_same=True)
                row = await self._pool.fetchrow(_sql("load_request"), *names)
        answer = None if row["status"] is None else Answer(row["status"], row["answer"])
        return BegunRequest(row["fingerprint"] == key.fingerprint, row["run_id"], answer)

    async def note_run(self, key: RequestKey, run_id: str) -> None:
        """Note to which workflow run a request is sent, before it is sent."""
        with translated():
            await self._pool.fetchrow(_sql("note_run"), key.subject, key.key, run_id)

    async def answer(self, key: RequestKey, answer: Answer) -> Answer:
        """Store the answer; returns the first one that was stored."""
        values = (key.subject, key.key, answer.status, answer.body)
        with translated():
            row = await self._pool.fetchrow(_sql("answer_request"), *values)
        return answer if row is None else Answer(row["status"], row["answer"])

    async def forget(self) -> None:
        """Forget requests that are older than `KEPT_FOR`."""
        with translated():
            await self._pool.execute(_sql("forget_requests"), KEPT_FOR, _FORGOTTEN_AT_ONCE)
