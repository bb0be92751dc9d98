"""Reads the records of an Online Retail file, with the line number of each."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ordersaga.importing.errors import UnreadableFile
from ordersaga.importing.text_lines import text_lines

COLUMNS = {
    "InvoiceNo": "invoice",
    "StockCode": "stock_code",
    "Description": "description",
    "Quantity": "quantity",
    "InvoiceDate": "date",
    "UnitPrice": "price",
    "CustomerID": "customer",
    "Country": "country",
}
"""The columns of the file, each with its field of a `RawLine`."""


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
        begins = rows.line_num + 1
        for row in rows:
            number, begins = begins, rows.line_num + 1
            if row:
                yield _raw_line(number, row, places)
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


def _raw_line(number: int, row: list[str], places: list[int]) -> RawLine:
    values = [row[place].strip() if place < len(row) else "" for place in places]
    fields = dict(zip(COLUMNS.values(), values, strict=True))
    return RawLine(number=number, complete=max(places) < len(row), **fields)
