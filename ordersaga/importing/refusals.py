"""Refused lines of the file, with reasons, and their report."""

import csv
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path

from ordersaga.importing.errors import ReportFailed


class LineReason(StrEnum):
    """Why a line was refused, as in the report."""

    INCOMPLETE_LINE = "incomplete_line"
    MISSING_FIELD = "missing_field"
    CANCELLATION = "cancellation"
    NO_PRODUCT = "no_product"
    RETURN = "return"
    NO_QUANTITY = "no_quantity"
    NO_PRICE = "no_price"
    BAD_NUMBER = "bad_number"
    BAD_DATE = "bad_date"
    BAD_VALUE = "bad_value"
    UNKNOWN_COUNTRY = "unknown_country"
    OTHER_PRICE = "other_price"
    OTHER_CUSTOMER = "other_customer"
    TOO_LARGE = "too_large"
    ORDER_REFUSED = "order_refused"
    ORDER_CONFLICT = "order_conflict"


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A refused line: its number, what it belongs to, and why."""

    line: int
    invoice: str
    stock_code: str
    reason: LineReason
    detail: str


_MAX_TEXT = 80


def shortened(text: str) -> str:
    """`text`, shortened so that a huge field cannot flood the report or the terminal."""
    return text if len(text) <= _MAX_TEXT else text[: _MAX_TEXT - 1] + "…"


def check_report_path(report: Path, source: Path) -> None:
    """Check that the report can be written, without changing an existing one.

    Raises:
        ReportFailed: it is the imported file itself, or cannot be opened for writing.
    """
    if report.exists() and source.exists() and report.samefile(source):
        raise ReportFailed(report, "it is the file to import")
    existed = report.exists()
    try:
        report.open("a").close()
    except OSError as error:
        raise ReportFailed(report, (error.strerror or "not writable").lower()) from error
    if not existed:
        report.unlink()


def write_report(report: Path, refused: Iterable[RefusedLine]) -> None:
    """Write the refused lines: JSON lines if the name ends in .jsonl, otherwise CSV.

    Raises:
        ReportFailed: the file cannot be written.
    """
    try:
        with report.open("w", encoding="utf-8", newline="") as out:
            rows = (asdict(line) for line in refused)
            if report.suffix == ".jsonl":
                out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            else:
                writer = csv.DictWriter(out, [field.name for field in fields(RefusedLine)])
                writer.writeheader()
                writer.writerows(rows)
    except OSError as error:
        raise ReportFailed(report, (error.strerror or "not writable").lower()) from error
