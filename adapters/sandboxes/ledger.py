"""The durable ledger of a sandbox: one SQLite file, changed by one thread.

An answer is sent after the commit, so it survives a power cut. Changes that wait at the same moment
share a transaction; each one is undone separately if it fails.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, TypeVar

from adapters.providers.rules import FORBIDDEN_CONTENT, same_key_other_content

_Result = TypeVar("_Result")
_BATCH: Final = 200


@cache
def _sql(name: str) -> str:
    return (files("adapters.sandboxes") / "sql" / f"{name}.sql").read_text(encoding="utf-8")


class Records:
    """The records, inside one transaction on the ledger's thread. Bodies are JSON text."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def by_reference(self, reference: str) -> str | None:
        """The body of the record with this reference."""
        return self._body("record_by_reference", reference=reference)

    def by_key(self, key: str) -> str | None:
        """The body of the record with this key."""
        return self._body("record_by_key", key=key)

    def after(self, sequence: int, limit: int) -> list[tuple[int, str]]:
        """At most `limit` records after number `sequence`, each with its number."""
        rows = self._execute("records_after", after=sequence, limit=limit).fetchall()
        return [(row[0], row[1]) for row in rows]

    def count(self) -> int:
        """The number of records."""
        return int(self._execute("count_records").fetchone()[0])

    def insert(self, reference: str, key: str, body: str) -> None:
        """Insert a new record."""
        self._execute("insert_record", reference=reference, key=key, body=body)

    def update(self, reference: str, body: str) -> None:
        """Replace a record."""
        self._execute("update_record", reference=reference, body=body)

    def answer(self, key: str, fingerprint: str, work: Callable[["Records"], str]) -> "Answer":
        """The first answer to `key`; if there is none, `work` creates it.

        Raises:
            RequestRefused: the key was used with another fingerprint.
        """
        row = self._execute("answer_by_key", key=key).fetchone()
        if row is None:
            body = work(self)
            self._execute("insert_answer", key=key, fingerprint=fingerprint, body=body)
            return Answer(body, replayed=False)
        if row[0] != fingerprint:
            raise same_key_other_content()
        return Answer(row[1], replayed=True)

    def forbid(self, key: str, make: Callable[["Records"], str]) -> "Answer":
        """The record of `key`; if there is none, `make` creates one that blocks the key."""
        body = self.by_key(key)
        if body is not None:
            return Answer(body, replayed=True)
        return self.answer(key, FORBIDDEN_CONTENT, make)

    def _body(self, statement: str, **values: str) -> str | None:
        row = self._execute(statement, **values).fetchone()
        return None if row is None else str(row[0])

    def _execute(self, statement: str, **values: str | int) -> sqlite3.Cursor:
        return self._connection.execute(_sql(statement), values)


@dataclass(frozen=True, slots=True)
class Answer:
    """The body of an answer, and whether it was sent before."""

    body: str
    replayed: bool


@dataclass(slots=True)
class _Job:
    work: Callable[[Records], Any]
    future: "asyncio.Future[Any]"
    loop: asyncio.AbstractEventLoop
    result: Any = None
    error: BaseException | None = None

    def settle(self) -> None:
        self.loop.call_soon_threadsafe(self._settle)

    def _settle(self) -> None:
        if self.future.cancelled():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class Ledger:
    """The ledger in the file `path`; the file and its folder are created if they do not exist."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    async def open(self) -> None:
        """Open the file and start the thread.

        Raises:
            OSError, sqlite3.Error: the file or its folder cannot be created, or it is not a ledger.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = await asyncio.to_thread(self._connect)
        self._thread = threading.Thread(
            target=self._serve, args=(connection,), name=f"ledger {self._path.name}", daemon=True
        )
        self._thread.start()

    async def close(self) -> None:
        """Finish all jobs, then close the file."""
        if self._thread is not None:
            self._jobs.put(None)
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    async def run(self, work: Callable[[Records], _Result]) -> _Result:
        """Run `work` on the ledger's thread; its changes are durable on return.

        An exception that `work` raises undoes its changes and reaches the caller.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_Result] = loop.create_future()
        self._jobs.put(_Job(work, future, loop))
        return await future

    def _connect(self) -> sqlite3.Connection:
        # Opened here, but used only by the ledger's thread from then on.
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        try:
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000"):
                connection.execute(f"PRAGMA {pragma}")
            connection.execute(_sql("create_records"))
            connection.execute(_sql("create_answers"))
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _serve(self, connection: sqlite3.Connection) -> None:
        stopping = False
        while not stopping:
            jobs, stopping = self._take()
            if jobs:
                _run_all(connection, jobs)
        connection.close()

    def _take(self) -> tuple[list[_Job], bool]:
        jobs: list[_Job] = []
        job = self._jobs.get()
        while job is not None:
            jobs.append(job)
            if len(jobs) == _BATCH or self._jobs.empty():
                return jobs, False
            job = self._jobs.get()
        return jobs, True


def _run_all(connection: sqlite3.Connection, jobs: list[_Job]) -> None:
    try:
        connection.execute("BEGIN IMMEDIATE")
        for job in jobs:
            _run_one(connection, job)
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        for job in jobs:
            job.error = error
    for job in jobs:
        job.settle()


def _run_one(connection: sqlite3.Connection, job: _Job) -> None:
    connection.execute("SAVEPOINT job")
    try:
        job.result = job.work(Records(connection))
    except Exception as error:  # noqa: BLE001  the caller gets any error
        job.error = error
        connection.execute("ROLLBACK TO job")
    connection.execute("RELEASE job")
