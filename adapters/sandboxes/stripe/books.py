"""The durable books of the stand-in, inside one transaction: objects, saved answers, the account.

The times at which something happens to an object by itself lie in its row, so that moving the clock
needs no timers: `due` returns what is due.
"""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from adapters.sandboxes.stripe.errors import Body

_FOREVER: Final = 2**62
_TABLES: Final = (
    "create_objects",
    "create_objects_kind",
    "create_objects_parent",
    "create_objects_due",
    "create_objects_index",
    "create_saved",
    "create_saved_created",
    "create_facts",
)


@cache
def _sql(name: str) -> str:
    return (files("adapters.sandboxes.stripe") / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def tables() -> list[str]:
    """The statements that make the tables of new books."""
    return [_sql(name) for name in _TABLES]


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of a list is asked for; bounds are inclusive times in seconds."""

    limit: int
    after: str | None = None
    before: str | None = None
    since: int = 0
    until: int = _FOREVER


@dataclass(frozen=True, slots=True)
class Saved:
    """What is known of an idempotency key; `status` is None while its request has not ended."""

    fingerprint: str
    endpoint: str
    object_id: str | None
    request_id: str
    status: int | None
    body: str | None


class Books:
    """The books on a connection; `search_lag_s` is how long the search does not see a change."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.now = 0.0
        self.search_lag_s = 0.0

    # --- objects ---------------------------------------------------------------------------------

    def find(self, kind: str, reference: str) -> Body | None:
        """The object with an id."""
        row = self._execute("object", kind=kind, id=reference).fetchone()
        return None if row is None else json.loads(row[0])

    def insert(self, body: Body, parent: str | None = None) -> None:
        """Insert a new object; `_due` of its body is when something happens to it by itself."""
        self._execute(
            "insert_object",
            id=body["id"],
            kind=body["object"],
            parent=parent,
            created=body["created"],
            due_at=body.get("_due"),
            index_at=self.now + self.search_lag_s,
            body=json.dumps(body),
        )

    def update(self, body: Body) -> None:
        """Replace an object."""
        self._execute(
            "update_object",
            id=body["id"],
            due_at=body.get("_due"),
            index_at=self.now + self.search_lag_s,
            body=json.dumps(body),
        )

    def page(self, kind: str, window: Window, parent: str | None = None) -> list[Body]:
        """Part of a list, newest first; one object more than asked for if there are more.

        Raises:
            KeyError: a cursor names no object of the kind.
        """
        backwards = window.before is not None
        name = ("page" if parent is None else "page_of_parent") + ("_before" if backwards else "")
        values: dict[str, Any] = {"kind": kind, "limit": window.limit + 1}
        values |= {"since": window.since, "until": window.until}
        values |= {"above": self._place(kind, window.before, 0)}
        if parent is not None:
            values["parent"] = parent
        if not backwards:
            values["below"] = self._place(kind, window.after, _FOREVER)
        rows = [json.loads(row[0]) for row in self._execute(name, **values)]
        return rows[: window.limit][::-1] + rows[window.limit :] if backwards else rows

    def due(self) -> list[Body]:
        """Some of the objects to which something happens by now; none: there are no more."""
        return [json.loads(row[0]) for row in self._execute("due_objects", now=self.now)]

    def index(self) -> None:
        """Show the search what has waited long enough."""
        self._execute("index_objects", now=self.now)

    def indexed(self, kind: str) -> Iterator[Body]:
        """What the search knows of a kind, newest first."""
        return (json.loads(row[0]) for row in self._execute("indexed_objects", kind=kind))

    def all_of(self, kind: str) -> Iterator[Body]:
        """All objects of a kind, oldest first."""
        return (json.loads(row[0]) for row in self._execute("all_objects", kind=kind))

    def count(self) -> int:
        """The number of objects."""
        return int(self._execute("count_objects").fetchone()[0])

    # --- idempotency keys ------------------------------------------------------------------------

    def saved(self, key: str) -> Saved | None:
        """What is known of a key."""
        row = self._execute("saved", key=key).fetchone()
        return None if row is None else Saved(*row)

    def begin(self, key: str, fingerprint: str, endpoint: str, request_id: str) -> None:
        """A request with a new key begins."""
        self._execute(
            "begin_saved",
            key=key,
            fingerprint=fingerprint,
            endpoint=endpoint,
            created=self.now,
            request_id=request_id,
        )

    def note(self, key: str, object_id: str) -> None:
        """The request of a key has made an object, and is to be ended with it."""
        self._execute("note_saved", key=key, object_id=object_id)

    def end(self, key: str, status: int, body: str) -> None:
        """The answer of a key."""
        self._execute("end_saved", key=key, status=status, body=body)

    def drop(self, key: str) -> None:
        """Forget a key whose request was refused before anything began."""
        self._execute("drop_saved", key=key)

    def remove_saved(self, before: float) -> None:
        """Remove the keys that were first used by then."""
        self._execute("remove_saved", before=before)

    # --- the account -----------------------------------------------------------------------------

    def fact(self, name: str) -> Any:
        """A value of the account; None if it was never set."""
        row = self._execute("fact", name=name).fetchone()
        return None if row is None else json.loads(row[0])

    def set_fact(self, name: str, value: Any) -> None:
        """Keep a value of the account."""
        self._execute("set_fact", name=name, value=json.dumps(value))

    def _place(self, kind: str, reference: str | None, otherwise: int) -> int:
        if reference is None:
            return otherwise
        row = self._execute("sequence", kind=kind, id=reference).fetchone()
        if row is None:
            raise KeyError(reference)
        return int(row[0])

    def _execute(self, statement: str, **values: Any) -> sqlite3.Cursor:
        return self._connection.execute(_sql(statement), values)
