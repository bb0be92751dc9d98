"""Where an import keeps what it reads: a private file that vanishes, so memory stays bounded."""

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Final

from msgspec.msgpack import Decoder, Encoder

from activities.messages import OrderDocument
from ordersaga.importing.report import Entry, Outcome
from ordersaga.importing.table import Record

_AT_ONCE: Final = 1000
_BETWEEN: Final = "\0"
"""Between the values of a line; no text file holds it."""
_encode: Final = Encoder().encode
_decode: Final = Decoder(tuple[tuple[int, ...], OrderDocument]).decode
_TABLES: Final = """
CREATE TABLE lines (number INTEGER PRIMARY KEY, key TEXT NOT NULL, problem TEXT, "values" TEXT);
CREATE TABLE orders (line INTEGER PRIMARY KEY, id TEXT UNIQUE NOT NULL, planned BLOB NOT NULL);
CREATE TABLE entries (line INTEGER, "order" TEXT, "column" TEXT, outcome TEXT, reason TEXT,
                      detail TEXT);
"""
_GROUPED: Final = """
SELECT first_value(number) OVER (PARTITION BY key ORDER BY number) AS first,
       number, problem, "values"
FROM lines ORDER BY first, number
"""


class Workspace:
    """Lines, planned orders and report entries of one import.

    SQLite keeps them in a temporary database that only this process can open and that is gone when
    it ends, however it ends.
    """

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript(_TABLES)
        self._db.execute("BEGIN")
        self._columns: tuple[str, ...] = ()

    def close(self) -> None:
        """Throw everything away."""
        self._db.close()

    # --- lines -----------------------------------------------------------------------------------

    def add_lines(self, records: Iterable[tuple[str, Record]]) -> None:
        """Keep records, each with the number of its order; those without one stand alone.

        All have the same columns.
        """
        for some in _in_parts(map(self._row, records)):
            self._db.executemany("INSERT INTO lines VALUES (?, ?, ?, ?)", some)

    def _row(self, keyed: tuple[str, Record]) -> tuple[object, ...]:
        key, one = keyed
        self._columns = self._columns or tuple(one.values)
        values = _BETWEEN.join(one.values.values())
        return one.number, key or f"{_BETWEEN}{one.number}", one.problem, values

    def orders_of_lines(self) -> Iterator[list[Record]]:
        """The records of each order, in the sequence in which the orders begin."""
        rows = self._db.execute(_GROUPED)
        for _, some in groupby(rows, key=itemgetter(0)):
            yield [
                Record(
                    number, dict(zip(self._columns, values.split(_BETWEEN), strict=True)), problem
                )
                for _, number, problem, values in some
            ]

    def count_lines(self) -> int:
        """Records that were read."""
        return int(self._db.execute("SELECT count(*) FROM lines").fetchone()[0])

    # --- orders ----------------------------------------------------------------------------------

    def add_order(self, lines: list[int], document: OrderDocument) -> int | None:
        """Keep a planned order; None, or the line of an earlier order that has the same id."""
        order_id = document.order_id
        try:
            row = (lines[0], order_id, _encode((lines, document)))
            self._db.execute("INSERT INTO orders VALUES (?, ?, ?)", row)
        except sqlite3.IntegrityError:
            earlier = self._db.execute("SELECT line FROM orders WHERE id = ?", (order_id,))
            return int(earlier.fetchone()[0])
        return None

    def orders(self) -> Iterator[tuple[tuple[int, ...], OrderDocument]]:
        """The planned orders: their lines and their documents."""
        for (planned,) in self._db.execute("SELECT planned FROM orders ORDER BY line"):
            yield _decode(planned)

    def count_orders(self) -> int:
        """Planned orders."""
        return int(self._db.execute("SELECT count(*) FROM orders").fetchone()[0])

    # --- report ----------------------------------------------------------------------------------

    def add_entries(self, entries: Iterable[Entry]) -> None:
        """Keep entries of the report."""
        rows = (
            (one.line, one.order, one.column, one.outcome, one.reason, one.detail)
            for one in entries
        )
        self._db.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", rows)

    def entries(self, outcome: Outcome | None = None) -> Iterator[Entry]:
        """All entries, or those with an outcome, by line."""
        rows = self._db.execute(
            "SELECT * FROM entries WHERE ?1 IS NULL OR outcome = ?1 ORDER BY line, rowid",
            (outcome,),
        )
        for line, order, column, outcome, reason, detail in rows:
            yield Entry(line, order, column, Outcome(outcome), reason, detail)

    def count_entries(self, outcome: Outcome) -> dict[str, int]:
        """Lines by reason, the most frequent first."""
        rows = self._db.execute(
            "SELECT reason, count(*) FROM entries WHERE outcome = ? GROUP BY 1 ORDER BY 2 DESC, 1",
            (outcome,),
        )
        return {str(reason): int(count) for reason, count in rows}


def _in_parts(rows: Iterable[tuple[object, ...]]) -> Iterator[list[tuple[object, ...]]]:
    part: list[tuple[object, ...]] = []
    for row in rows:
        part.append(row)
        if len(part) == _AT_ONCE:
            yield part
            part = []
    yield part
