"""Reads a table: finds its separator, its header and its format, then its records."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final

from ordersaga.importing.errors import UnreadableFile
from ordersaga.importing.mapping import Mapping as Format
from ordersaga.importing.report import shortened

SEPARATORS: Final = (",", ";", "\t", "|")
_NAMES: Final = {"\t": "tab"}
_HEAD: Final = 20
"""Lines among which the header must be."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record: the number of its first line, and its values by column, with single blanks.

    `problem` says what is wrong with its shape; empty: nothing.
    """

    number: int
    values: Mapping[str, str]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """Where the header of a table is, and what it says.

    Attributes:
        places: of each column of the format that the file has.
        width: of the whole header.
    """

    format: str
    separator: str
    line: int
    places: Mapping[str, int]
    width: int

    @property
    def separator_name(self) -> str:
        """For people."""
        return _NAMES.get(self.separator, self.separator)


def find_header(
    name: str, lines: Iterator[str], formats: Mapping[str, Format]
) -> tuple[Header, Iterator[str]]:
    """The header, and all lines again; only the first ones are read.

    Raises:
        UnreadableFile: no line has the columns of a format, or several formats match.
    """
    head = list(islice(lines, _HEAD))
    if not any(line.strip() for line in head):
        raise UnreadableFile(name, "the file is empty")
    headers = [
        header
        for label, mapping in formats.items()
        for separator in ([mapping.separator] if mapping.separator else SEPARATORS)
        if (header := _header(name, label, mapping, head, separator))
    ]
    if len(headers) > 1:
        labels = " and ".join(sorted({header.format for header in headers}))
        raise UnreadableFile(name, f"its header fits {labels}: say which with --format")
    if not headers:
        raise UnreadableFile(name, _unknown(head, formats))
    return headers[0], chain(head, lines)


def _header(
    name: str, label: str, mapping: Format, head: Sequence[str], separator: str
) -> Header | None:
    for line, row in _rows(head, separator):
        cells = [_key(cell) for cell in row]
        if all(_times(cells, mapping, column) for column in mapping.header):
            twice = [one for one in mapping.columns if _times(cells, mapping, one) > 1]
            if twice:
                raise UnreadableFile(name, f"line {line} names {', '.join(twice)} twice")
            places = {
                column: cells.index(called)
                for column in mapping.columns
                if (called := _called(cells, mapping, column))
            }
            return Header(label, separator, line, places, len(row))
    return None


def _rows(head: Sequence[str], separator: str) -> Iterator[tuple[int, list[str]]]:
    rows = csv.reader(head, delimiter=separator)
    begins = 1
    try:
        for row in rows:
            yield begins, row
            begins = rows.line_num + 1
    except csv.Error:  # not with this separator
        return


def _key(name: str) -> str:
    return " ".join(name.strip("\ufeff").casefold().split())


def _called(cells: Sequence[str], mapping: Format, column: str) -> str | None:
    """What the header calls a column: its own name first, then the other ones."""
    names = map(_key, (column, *mapping.also_called.get(column, ())))
    return next((name for name in names if name in cells), None)


def _times(cells: Sequence[str], mapping: Format, column: str) -> int:
    called = _called(cells, mapping, column)
    return cells.count(called) if called else 0


def _unknown(head: Sequence[str], formats: Mapping[str, Format]) -> str:
    rows = [list(_rows(head, separator)) for separator in SEPARATORS]
    widest = max((row for each in rows for _, row in each), key=len, default=[])
    cells = [_key(cell) for cell in widest]
    lacking = {
        label: [column for column in mapping.header if not _times(cells, mapping, column)]
        for label, mapping in formats.items()
    }
    label = min(lacking, key=lambda one: len(lacking[one]))
    columns = shortened(", ".join(cell.strip() for cell in widest))
    nearest = f"; for {label} it lacks {', '.join(lacking[label])}"
    return (
        f"no line of the first {_HEAD} is the header of {' or '.join(formats)} (columns found: "
        f"{columns}{nearest}): name the format with --format, or describe it with --map FILE.toml"
    )


def records(name: str, lines: Iterable[str], header: Header, strip: str = "") -> Iterator[Record]:
    """All records below the header, without blank lines.

    Raises:
        UnreadableFile: it is not valid CSV.
    """
    rows = csv.reader(lines, delimiter=header.separator, strict=True)
    begins = 1
    try:
        for row in rows:
            number, begins = begins, rows.line_num + 1
            if number > header.line and any(cell.strip() for cell in row):
                yield _record(number, row, header, strip)
    except csv.Error as error:
        problem = f"line {rows.line_num} is not valid CSV with the separator "
        raise UnreadableFile(name, f"{problem}{header.separator_name} ({error})") from error


def _record(number: int, row: Sequence[str], header: Header, strip: str) -> Record:
    cells = [*row, *[""] * (header.width - len(row))]
    if strip:
        cells = [cell.strip().strip(strip) for cell in cells]
    values = {column: " ".join(cells[place].split()) for column, place in header.places.items()}
    problem = ""
    if len(row) < header.width and max(header.places.values()) >= len(row):
        problem = f"has {len(row)} columns, the header {header.width}"
    elif any(cell.strip() for cell in row[header.width :]):
        problem = f"has {len(row)} columns, the header {header.width}: is a separator in a value?"
    return Record(number, values, problem)
