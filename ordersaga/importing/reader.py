"""Reads the records of an Online Retail file, with the line number of each."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ordersaga.importing.errors import UnreadableFile
from ordersaga.importing.text_lines import text_lines

COLUMNS = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
)


_FIELDS = (
    "invoice",
    "stock_code",
    "description",
    "quantity",
    "date",
    "price",
    "customer",
    "country",
)


@dataclass(frozen=True, slots=True)
class RawLine:
    """One record as stripped text; `complete` is False if columns are missing."""

    number: int
    invoice: str
    stock_code: str
    description: str
    quantity: str
    date: str
    price: str
    customer: str
    country: str
    complete: bool


def read_lines(path: Path) -> Iterator[RawLine]:
    """All records of the file, in order, without blank lines.

    Raises:
        UnreadableFile: the file is damaged, empty, not text or not valid CSV, or lacks a column.
    """
    rows = csv.reader(text_lines(path), strict=True)
    try:
        places = _column_places(path, next(rows, []))
        yield from _records(rows, places)
    except csv.Error as error:
        problem = f"line {rows.line_num} is not valid CSV ({error})"
        raise UnreadableFile(path, problem) from error


def _column_places(path: Path, header: list[str]) -> list[int]:
    if not header:
        raise UnreadableFile(path, "the file is empty or its first line is blank")
    names = [name.strip().lower() for name in header]
    lacking = [column for column in COLUMNS if names.count(column.lower()) != 1]
    if lacking:
        raise UnreadableFile(
            path, f"the first line must name each of these columns once: {', '.join(lacking)}"
        )
    return [names.index(column.lower()) for column in COLUMNS]


def _records(rows: Iterator[list[str]], places: list[int]) -> Iterator[RawLine]:
    begins = _line_num(rows) + 1
    for row in rows:
        number, begins = begins, _line_num(rows) + 1
        if row:
            yield _raw_line(number, row, places)


def _raw_line(number: int, row: list[str], places: list[int]) -> RawLine:
    values = [row[place].strip() if place < len(row) else "" for place in places]
    fields = dict(zip(_FIELDS, values, strict=True))
    return RawLine(number=number, complete=max(places) < len(row), **fields)


def _line_num(rows: Iterator[list[str]]) -> int:
    # The csv reader counts physical lines, but its type is not public.
    number: int = getattr(rows, "line_num")  # noqa: B009  see the line above
    return number
