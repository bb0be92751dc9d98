"""Plain tables for a terminal; values are never read as markup and cannot steer the terminal."""

import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from domain.money import Money, format_amount
from ordersaga.display.text import printable

_PIPE_WIDTH: Final = 200


def console(*, stderr: bool = False) -> Console:
    """A console for stdout (or stderr); wide when the output goes to a file or a pipe."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _PIPE_WIDTH
    return Console(stderr=stderr, width=width, highlight=False)


def cell(value: object) -> Text:
    """A table cell as plain text; empty for None; a time as `clock` shows it."""
    if isinstance(value, datetime):
        return Text(clock(value))
    return Text("" if value is None else printable(value))


def make_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None
) -> Table:
    """A plain table; columns whose name ends in ``>`` are aligned to the right."""
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for name in columns:
        table.add_column(name.removesuffix(">"), justify="right" if name.endswith(">") else "left")
    for row in rows:
        table.add_row(*(cell(value) for value in row))
    return table


class Columns:
    """The columns of a table of records.

    Args:
        columns: names of attributes, such as ``order_id: order, attempts>, last_error``. A header
            that differs from the name follows a colon; ``>`` aligns to the right.
        computed: the cells of columns that are not attributes.
    """

    def __init__(self, columns: str, **computed: Callable[[Any], object]) -> None:
        parts = [column.partition(": ") for column in columns.split(", ")]
        names = [name.removesuffix(">") for name, _, _ in parts]
        self._headers = [header or name.replace("_", " ") for name, _, header in parts]
        self._cells = [computed.get(name) or attrgetter(name) for name in names]

    def table(self, records: Iterable[object], *, title: str | None = None) -> Table:
        """One row per record."""
        rows = ([value(record) for value in self._cells] for record in records)
        return make_table(self._headers, rows, title=title)


def clock(at: datetime | None) -> str:
    """A time for a table, in UTC to the second; empty for None."""
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def money(minor: int, currency: str) -> str:
    """An amount for a table."""
    return format_amount(Money(minor, currency))
