"""A durable SQLite file, changed by one thread.

An answer is sent after the commit, so it survives a power cut. Changes that wait at the same moment
share a transaction; each one is undone separately if it fails.
"""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

View = TypeVar("View")
"""What a change sees of the file, inside its transaction."""

_Result = TypeVar("_Result")
_BATCH: Final = 200


@dataclass(slots=True)
class _Job:
    work: Callable[[Any], Any]
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


class SqliteThread(Generic[View]):
    """The file `path`; it and its folder are created if they do not exist.

    Args:
        path: the file.
        tables: the statements that make its tables.
        view: makes what a change gets of the connection.
    """

    def __init__(
        self, path: Path, tables: Sequence[str], view: Callable[[sqlite3.Connection], View]
    ) -> None:
        self._path = path
        self._tables = tables
        self._view = view
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

    async def run(self, work: Callable[[View], _Result]) -> _Result:
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
            for statement in self._tables:
                connection.execute(statement)
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _serve(self, connection: sqlite3.Connection) -> None:
        stopping = False
        while not stopping:
            jobs, stopping = self._take()
            if jobs:
                _run_all(connection, self._view(connection), jobs)
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


def _run_all(connection: sqlite3.Connection, view: Any, jobs: list[_Job]) -> None:
    try:
        connection.execute("BEGIN IMMEDIATE")
        for job in jobs:
            _run_one(connection, view, job)
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        for job in jobs:
            job.error = error
    for job in jobs:
        job.settle()


def _run_one(connection: sqlite3.Connection, view: Any, job: _Job) -> None:
    connection.execute("SAVEPOINT job")
    try:
        job.result = job.work(view)
    except Exception as error:  # noqa: BLE001  the caller gets any error
        job.error = error
        connection.execute("ROLLBACK TO job")
    connection.execute("RELEASE job")
