"""Read models with one row a stream: load the rows a batch touches, fold, write them back.

Every row is fed by one stream, so by one lane, and that lane's fence covers load and write.
"""

from collections.abc import Callable, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any, Generic, TypeVar

from projections.engine.projection import Connection, Recorded, own_id
from projections.engine.sql_files import statement

Row = TypeVar("Row")


class RowTable(Generic[Row]):
    """A table whose columns are the fields of a dataclass and whose first one is the key.

    Fields that its constructor does not take are no columns: they live as long as the batch.

    Args:
        folder: has `load.sql` (rows by a list of keys), `insert.sql` and `update.sql` (both take
            one array a column, in the order of the fields).
        apply_to: applies one event to the rows, which are keyed by the stream's own id (the part
            behind the category).
        settle: gives a row the form in which it is stored, once a batch; None if it always has it.
    """

    def __init__(
        self,
        folder: str,
        row_class: type[Row],
        apply_to: Callable[[dict[str, Row], Recorded], None],
        settle: Callable[[Row], None] | None = None,
    ) -> None:
        self._folder = f"read_models/{folder}"
        self._row_class = row_class
        self._apply_to = apply_to
        self._settle = settle
        self._columns = [
            attrgetter(field.name)
            for field in fields(row_class)  # type: ignore[arg-type]  # a dataclass
            if field.init
        ]

    async def apply(self, connection: Connection, schema: str, batch: Sequence[Recorded]) -> None:
        """Apply a batch; three statements at most."""
        rows = await self._load(connection, schema, batch)
        known = frozenset(rows)
        for item in batch:
            self._apply_to(rows, item)
        if self._settle is not None:
            for row in rows.values():
                self._settle(row)
        new = [row for key, row in rows.items() if key not in known]
        old = [row for key, row in rows.items() if key in known]
        await self._write(connection, schema, "insert", new)
        await self._write(connection, schema, "update", old)

    async def _load(
        self, connection: Connection, schema: str, batch: Sequence[Recorded]
    ) -> dict[str, Row]:
        """The stored rows of the streams that did not begin in this batch."""
        begun = {item.stored.stream for item in batch if item.stored.version == 1}
        wanted = {own_id(item) for item in batch if item.stored.stream not in begun}
        if not wanted:
            return {}
        found = await connection.fetch(statement(self._folder, "load", schema), list(wanted))
        return {row[0]: self._row_class(*row) for row in found}

    async def _write(
        self, connection: Connection, schema: str, name: str, rows: Sequence[Row]
    ) -> None:
        if rows:
            columns: list[list[Any]] = [list(map(get, rows)) for get in self._columns]
            await connection.execute(statement(self._folder, name, schema), *columns)
