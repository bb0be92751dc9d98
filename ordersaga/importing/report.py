"""What was not taken from a file, with reasons, and the report of it."""

import csv
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Final, TextIO

from ordersaga.importing.errors import ReportFailed

ON_SCREEN: Final = 20
"""Entries that are shown on the screen if there is no report."""
_MAX_TEXT: Final = 120


class Outcome(StrEnum):
    """What became of a line that was not taken.

    left_out: by a rule of the format, such as an order that is shipped already. refused: it cannot
    be read, or its order cannot be taken. noted: it was taken, with an id in its normal form.
    """

    LEFT_OUT = "left_out"
    REFUSED = "refused"
    NOTED = "noted"


class Reason(StrEnum):
    """Why a line was refused; what is left out has the reason that its format gives."""

    INCOMPLETE_LINE = "incomplete_line"
    MISSING_FIELD = "missing_field"
    BAD_NUMBER = "bad_number"
    BAD_DATE = "bad_date"
    BAD_VALUE = "bad_value"
    UNKNOWN_COUNTRY = "unknown_country"
    DIFFERS_IN_ORDER = "differs_in_order"
    SUMS_DIFFER = "sums_differ"
    OTHER_LINE = "other_line"
    ORDER_REFUSED = "order_refused"
    ORDER_CONFLICT = "order_conflict"
    ORDER_REPEATED = "order_repeated"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the file, its order and column, and what became of it."""

    line: int
    order: str
    column: str
    outcome: Outcome
    reason: str
    detail: str

    def __str__(self) -> str:
        order = f", order {self.order}" if self.order else ""
        column = f", {self.column}" if self.column else ""
        return f"line {self.line}{order}{column}: {self.reason}: {self.detail}"


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


def write_report(report: Path, entries: Iterable[Entry]) -> None:
    """Write the entries: JSON lines if the name ends in .jsonl, otherwise CSV; ``-``: stderr.

    Raises:
        ReportFailed: the file cannot be written.
    """
    if str(report) == "-":
        _write(sys.stderr, entries, as_json=False)
        return
    try:
        with report.open("w", encoding="utf-8", newline="") as out:
            _write(out, entries, as_json=report.suffix == ".jsonl")
    except OSError as error:
        raise ReportFailed(report, (error.strerror or "not writable").lower()) from error


def _write(out: TextIO, entries: Iterable[Entry], *, as_json: bool) -> None:
    rows = (asdict(entry) for entry in entries)
    if as_json:
        out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        return
    writer = csv.DictWriter(out, [field.name for field in fields(Entry)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
