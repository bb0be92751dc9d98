"""The report of what was not taken."""

from pathlib import Path

import pytest

from ordersaga.importing.errors import ReportFailed
from ordersaga.importing.report import Entry, Outcome, Reason, check_report_path, write_report
from tests.unit.ordersaga.importing.builders import row, write

REFUSED = Entry(7, "536365", "UnitPrice", Outcome.REFUSED, Reason.BAD_NUMBER, 'says "no"')


def test_the_report_is_csv_or_json_lines_by_its_name(tmp_path: Path) -> None:
    table, lines = tmp_path / "r.csv", tmp_path / "r.jsonl"
    write_report(table, [REFUSED])
    write_report(lines, [REFUSED])
    assert table.read_text().splitlines() == [
        "line,order,column,outcome,reason,detail",
        '7,536365,UnitPrice,refused,bad_number,"says ""no"""',
    ]
    assert lines.read_text() == (
        '{"line": 7, "order": "536365", "column": "UnitPrice", "outcome": "refused", '
        '"reason": "bad_number", "detail": "says \\"no\\""}\n'
    )


def test_a_hyphen_is_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    write_report(Path("-"), [REFUSED])
    assert "bad_number" in capsys.readouterr().err


def test_a_report_never_replaces_the_imported_file(tmp_path: Path) -> None:
    source = write(tmp_path, row())
    before = source.read_bytes()
    with pytest.raises(ReportFailed, match="file to import"):
        check_report_path(source, source)
    assert source.read_bytes() == before


def test_a_report_that_cannot_be_written_is_refused_before_anything_else(tmp_path: Path) -> None:
    with pytest.raises(ReportFailed):
        check_report_path(tmp_path / "no" / "folder.csv", tmp_path / "orders.csv")


def test_checking_a_report_path_leaves_no_file_behind(tmp_path: Path) -> None:
    check_report_path(tmp_path / "report.csv", tmp_path / "orders.csv")
    assert list(tmp_path.iterdir()) == []
