"""Files that are no file of orders: one clear error each."""

import gzip
from pathlib import Path

import pytest

from ordersaga.errors import WRONG_USAGE
from ordersaga.importing.errors import ReportFailed, UnreadableFile
from ordersaga.importing.reader import read_lines
from ordersaga.importing.refusals import LineReason, RefusedLine, check_report_path, write_report
from ordersaga.importing.text_lines import MAX_LINE_BYTES, file_digest
from tests.unit.ordersaga.importing.builders import row, text_of, write


def problem_of(path: Path) -> str:
    with pytest.raises(UnreadableFile) as caught:
        list(read_lines(path))
    assert caught.value.exit_code == WRONG_USAGE
    return caught.value.problem


def file_with(folder: Path, content: bytes) -> Path:
    path = folder / "orders.csv"
    path.write_bytes(content)
    return path


def test_a_plain_and_a_gzip_file_read_alike_whatever_their_names(tmp_path: Path) -> None:
    plain = write(tmp_path, row(), row(InvoiceNo="2"), name="orders.csv.gz")
    packed = tmp_path / "orders.csv"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert list(read_lines(plain)) == list(read_lines(packed))


def test_a_byte_order_mark_blank_lines_and_other_column_orders_do_no_harm(tmp_path: Path) -> None:
    head, line = text_of(row()).splitlines()
    turned = "\n\n".join(",".join(reversed(part.split(","))) for part in (head, line))
    (read,) = read_lines(file_with(tmp_path, b"\xef\xbb\xbf" + turned.encode() + b"\n\n\n"))
    assert (read.number, read.invoice, read.country) == (3, "536365", "United Kingdom")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "empty"),
        (b"\n", "first line is blank"),
        (b"a,b,c\n1,2,3\n", "InvoiceNo, StockCode"),
        (text_of(row()).replace("Country\n", "Nation\n").encode(), "once: Country"),
        (text_of(row()).replace("Country\n", "Country,country\n").encode(), "once: Country"),
        (b"\x7fELF\x02\x01\x01\x00\x00\x00", "NUL byte"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "line 1 is not UTF-8"),
        (text_of(row()).encode("utf-16"), "NUL byte"),
        (text_of(row(Description="CAFÉ")).encode("latin-1"), "line 2 is not UTF-8"),
        (text_of(row()).encode() + b"\0", "line 3 holds a NUL byte"),
        (text_of(row()).encode() + b"x" * (MAX_LINE_BYTES + 1), "line 3 is longer than 65,536"),
        (b"x" * 10_000_000, "line 1 is longer than 65,536"),
        (text_of(row()).encode() + b'"never closed\n', "line 3 is not valid CSV"),
        (text_of(row()).encode() + b'"' + b"x\n" * 100_000, "is not valid CSV"),
        (text_of(row()).encode() + b'a,"b"c,d\n', "line 3 is not valid CSV"),
        (b"\x1f\x8b", "damaged or truncated"),
        (b"\x1f\x8b" + b"nonsense", "damaged or truncated"),
        (gzip.compress(text_of(row()).encode())[:-12], "damaged or truncated"),
        (gzip.compress(text_of(row()).encode()) + b"tail", "damaged or truncated"),
    ],
)
def test_a_file_that_cannot_be_orders_says_what_is_wrong(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    assert problem in problem_of(file_with(tmp_path, content))


def test_a_missing_file_and_a_folder_say_so(tmp_path: Path) -> None:
    assert "no such file" in problem_of(tmp_path / "nowhere.csv")
    assert "not a regular file" in problem_of(tmp_path)
    with pytest.raises(UnreadableFile, match="no such file"):
        file_digest(tmp_path / "nowhere.csv")


def test_the_digest_names_the_content(tmp_path: Path) -> None:
    first = write(tmp_path, row(), name="a.csv")
    second = write(tmp_path, row(), name="b.csv")
    other = write(tmp_path, row(Quantity="7"), name="c.csv")
    assert file_digest(first) == file_digest(second) != file_digest(other)
    assert len(file_digest(first)) == 16


REFUSED = RefusedLine(7, "C1", "71053", LineReason.CANCELLATION, 'says "no"')


def test_the_report_is_csv_or_json_lines_by_its_name(tmp_path: Path) -> None:
    table, lines = tmp_path / "r.csv", tmp_path / "r.jsonl"
    write_report(table, [REFUSED])
    write_report(lines, [REFUSED])
    assert table.read_text().splitlines() == [
        "line,invoice,stock_code,reason,detail",
        '7,C1,71053,cancellation,"says ""no"""',
    ]
    assert lines.read_text() == (
        '{"line": 7, "invoice": "C1", "stock_code": "71053", "reason": "cancellation", '
        '"detail": "says \\"no\\""}\n'
    )


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
