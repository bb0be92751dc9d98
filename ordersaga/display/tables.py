"""Plain tables for a terminal; values are never read as markup and cannot steer the terminal."""

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from domain.currencies import format_amount
from domain.money import Money
from ordersaga.display.text import printable

_PIPE_WIDTH: Final = 200


def console(*, stderr: bool = False) -> Console:
    """A console for stdout (or stderr); wide when the output goes to a file or a pipe."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _PIPE_WIDTH
    return Console(stderr=stderr, width=width, highlight=False)


def cell(value: object) -> Text:
    """A table cell as plain text; empty for None."""
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


def clock(at: datetime | None) -> str:
    """A time for a table, in UTC to the second; empty for None."""
    return "" if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def money(minor: int, currency: str) -> str:
    """An amount for a table."""
    return format_amount(Money(minor, currency))
