"""`ordersaga import` as a program."""

import gzip
import json
from pathlib import Path

import pytest

from ordersaga.demo.source import SHIPPED_SAMPLE
from tests.acceptance.cli_shop import CliShop
from tests.unit.ordersaga.importing.builders import row, text_of


@pytest.fixture
async def shop(empty_database: str, tmp_path: Path) -> CliShop:
    return await CliShop.opened(empty_database, tmp_path)


async def test_the_shipped_sample_imports_once(shop: CliShop) -> None:
    command = ("import", str(SHIPPED_SAMPLE), "--limit", "100", "--with-stock", "100")
    first = await shop.json(*command)
    assert (first["orders_new"], first["orders_already_there"]) == (100, 0)
    assert first["pieces_received"] > 1000
    assert (
        first["lines_taken"] + first["lines_refused"] + first["lines_beyond_limit"]
        == first["lines_in_file"]
    )
    report = (shop.folder / "import-report-online-retail.csv").read_text().splitlines()
    assert len(report) == first["lines_refused"] + 1
    head = await shop.head()
    again = await shop.json(*command)
    assert (again["orders_new"], again["orders_already_there"]) == (0, 100)
    assert again["pieces_received"] == 0
    assert await shop.head() == head


async def test_the_report_names_line_invoice_and_reason(shop: CliShop) -> None:
    (shop.folder / "orders.csv").write_text(text_of(row(), row(StockCode="POST")))
    ended = await shop.run("import", "orders.csv", "--report", "refused.jsonl")
    assert (ended.code, "no_product" in ended.out) == (0, True)
    (line,) = (shop.folder / "refused.jsonl").read_text().splitlines()
    assert json.loads(line) == {
        "line": 3,
        "invoice": "536365",
        "stock_code": "POST",
        "reason": "no_product",
        "detail": "the stock code does not start with five digits",
    }


async def test_a_file_that_cannot_be_read_is_one_error_and_changes_nothing(shop: CliShop) -> None:
    good = text_of(*(row(InvoiceNo=str(n)) for n in range(500))).encode()
    contents = {
        "empty": b"",
        "binary": bytes(range(256)) * 100,
        "long": good + b"x" * 10_000_000,
        "latin": good + text_of(row(Description="CAFÉ")).encode("latin-1"),
        "utf16": good.decode().encode("utf-16"),
        "columns": b"a,b,c\n1,2,3\n",
        "nul": good + b"\0\n",
        "cut.gz": gzip.compress(good)[:-20],
        "quote": good + b'"never closed',
    }
    for name, content in contents.items():
        (shop.folder / name).write_bytes(content)
    head = await shop.head()
    names = [*contents, "nowhere", "."]
    commands = [("import", name, "--with-stock", "100") for name in names]
    for name, ended in zip(names, await shop.run_all(commands), strict=True):
        assert (ended.code, ended.err.count("\n")) == (2, 1), (name, ended.err)
        assert ended.err.startswith("error: cannot import"), name
        assert ended.out == ""
    assert await shop.head() == head
    assert not list(shop.folder.glob("import-report*"))


async def test_hostile_fields_are_refused_line_by_line(shop: CliShop) -> None:
    nasty = ["'; DROP TABLE eventstore.events; --", "🏮" * 300, "-1", "9" * 400, "$(rm -rf /)", ""]
    rows = [row(**{name: value}) for value in nasty for name in row() if name != "CustomerID"]
    (shop.folder / "orders.csv").write_text(text_of(*rows), encoding="utf-8")
    summary = await shop.json("import", "orders.csv", "--with-stock", "100")
    assert summary["lines_taken"] + summary["lines_refused"] == len(rows)
    # Only a description may hold such text.
    assert summary["orders_new"] <= 2
    again = await shop.json("order", "list")
    assert again["items"] == []


async def test_wrong_options_end_with_2_and_touch_nothing(shop: CliShop) -> None:
    source = shop.folder / "orders.csv"
    source.write_text(text_of(row()))
    before = source.read_bytes()
    commands = [
        ("import", "orders.csv", "--currency", "pounds"),
        ("import", "orders.csv", "--payment-token", ""),
        ("import", "orders.csv", "--limit", "0"),
        ("import", "orders.csv", "--with-stock", "-5"),
        ("import", "orders.csv", "--report", "orders.csv"),
        ("import", "orders.csv", "--report", "no/such/folder.csv"),
        ("import",),
    ]
    for command, ended in zip(commands, await shop.run_all(commands), strict=True):
        assert (ended.code, ended.out) == (2, ""), (command, ended.err)
    assert await shop.head() == 0
    assert source.read_bytes() == before
