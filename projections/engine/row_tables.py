"""Read models with one row per stream: load the rows that a batch changes, fold, write back.

Each row is fed by one stream and therefore by one lane. The lane's fence protects the whole
load-fold-write cycle.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any, Generic, TypeVar

from projections.engine.projection import Connection, Recorded, own_id

Row = TypeVar("Row")


Sql = Callable[..., str]
"""Gives the text of a statement, by its name, for the tables of a schema; see `statement`."""


async def execute_columns(
    connection: Connection, query: str, rows: Iterable[Sequence[Any]]
) -> None:
    """Run a statement that takes one array per column; nothing without rows."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    if columns:
        await connection.execute(query, *columns)


def ids_of_earlier_streams(batch: Sequence[Recorded]) -> list[str]:
    """The ids of the streams that began before this batch and may have stored rows."""
    begun = {item.stored.stream for item in batch if item.stored.version == 1}
    return list({own_id(item) for item in batch if item.stored.stream not in begun})


class RowTable(Generic[Row]):
    """A table whose columns are fields of a dataclass; the first one is the key.

    Args:
        sql: has `load` (rows by a list of keys), `insert` and `update` (both take one array per
            column, in the order of `columns`).
        apply_to: applies one event to the rows, which are keyed by the id in the stream's name.
        columns: names of the stored fields, by default all that the constructor takes. Other
            fields exist only during a batch.
        settle: brings a row into its stored form, once per batch.
    """

    def __init__(
        self,
        sql: Sql,
        row_class: type[Row],
        apply_to: Callable[[dict[str, Row], Recorded], None],
        *,
        columns: Sequence[str] | None = None,
        settle: Callable[[Row], None] | None = None,
    ) -> None:
        self._sql = sql
        self._row_class = row_class
        self._apply_to = apply_to
        self._settle = settle
        declared = fields(row_class)  # type: ignore[arg-type]  # a dataclass
        self._values = attrgetter(*(columns or [field.name for field in declared if field.init]))

    async def apply(self, connection: Connection, schema: str, batch: Sequence[Recorded]) -> None:
        """Apply a batch with at most three statements."""
        rows = await self._load(connection, schema, batch)
        stored = frozenset(rows)
        for item in batch:
            self._apply_to(rows, item)
        if self._settle is not None:
            for row in rows.values():
                self._settle(row)
        inserts = [self._values(row) for key, row in rows.items() if key not in stored]
        updates = [self._values(row) for key, row in rows.items() if key in stored]
        await execute_columns(connection, self._sql("insert", schema), inserts)
        await execute_columns(connection, self._sql("update", schema), updates)

    async def _load(
        self, connection: Connection, schema: str, batch: Sequence[Recorded]
    ) -> dict[str, Row]:
        ids = ids_of_earlier_streams(batch)
        if not ids:
            return {}
        records = await connection.fetch(self._sql("load", schema), ids)
        return {record[0]: self._row_class(**record) for record in records}
