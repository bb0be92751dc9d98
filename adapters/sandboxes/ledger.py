"""The durable ledger of a sandbox: its records, and the first answer to each key."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Final

from adapters.providers.rules import FORBIDDEN_CONTENT, same_key_other_content, saved_failure
from adapters.sandboxes.sqlite_thread import SqliteThread

_FAILED: Final = "failed"
"""Replaces the fingerprint of a request whose answer was a failure that is kept."""


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
            RequestRefused: the key was used with another fingerprint, or its first answer was a
                failure that is kept.
        """
        row = self._execute("answer_by_key", key=key).fetchone()
        if row is None:
            body = work(self)
            self._execute("insert_answer", key=key, fingerprint=fingerprint, body=body)
            return Answer(body, replayed=False)
        if row[0] == _FAILED:
            raise saved_failure()
        if row[0] != fingerprint:
            raise same_key_other_content()
        return Answer(row[1], replayed=True)

    def save_failure(self, key: str) -> None:
        """Answer `key` with a failure for ever, unless it has an answer."""
        if self._execute("answer_by_key", key=key).fetchone() is None:
            self._execute("insert_answer", key=key, fingerprint=_FAILED, body="")

    def is_saved_failure(self, key: str) -> bool:
        """Whether `key` is answered with a failure for ever."""
        row = self._execute("answer_by_key", key=key).fetchone()
        return row is not None and row[0] == _FAILED

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


class Ledger(SqliteThread[Records]):
    """The ledger in the file `path`."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, [_sql("create_records"), _sql("create_answers")], Records)
