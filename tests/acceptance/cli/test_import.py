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
    first = await shop.json(*command, "--report", "report.csv")
    assert (first["orders_new"], first["orders_already_there"]) == (100, 0)
    assert first["pieces_received"] > 1000
    parts = ("taken", "left_out", "refused", "beyond_limit")
    assert sum(first[f"lines_{part}"] for part in parts) == first["lines_in_file"]
    report = (shop.folder / "report.csv").read_text().splitlines()
    assert len(report) > first["lines_refused"] + first["lines_left_out"]
    head = await shop.head()
    again = await shop.json(*command)
    assert (again["orders_new"], again["orders_already_there"]) == (0, 100)
    assert again["pieces_received"] == 0
    assert await shop.head() == head


async def test_the_report_names_line_order_column_and_reason(shop: CliShop) -> None:
    rows = (row(), row(InvoiceNo="2", UnitPrice="£1"))
    (shop.folder / "orders.csv").write_text(text_of(*rows))
    ended = await shop.run("import", "orders.csv", "--report", "refused.jsonl")
    assert (ended.code, "bad_number" in ended.out) == (0, True)
    (line,) = (shop.folder / "refused.jsonl").read_text().splitlines()
    entry = json.loads(line)
    assert "currency" in entry.pop("detail")
    assert entry == {
        "line": 3,
        "order": "2",
        "column": "UnitPrice",
        "outcome": "refused",
        "reason": "bad_number",
    }


async def test_without_a_report_the_screen_says_it_and_no_file_is_written(shop: CliShop) -> None:
    (shop.folder / "orders.csv").write_text(text_of(row(UnitPrice="£1")))
    before = set(shop.folder.iterdir())
    ended = await shop.run("import", "orders.csv")
    assert (ended.code, "line 2, order 536365, UnitPrice: bad_number" in ended.err) == (1, True)
    assert set(shop.folder.iterdir()) == before


async def test_a_file_that_cannot_be_read_is_one_error_and_changes_nothing(shop: CliShop) -> None:
    good = text_of(*(row(InvoiceNo=str(n)) for n in range(500))).encode()
    contents = {
        "empty": b"",
        "binary": bytes(range(256)) * 100,
        "long": good + b"x" * 10_000_000,
        "latin": good + text_of(row(Description="CAFÉ")).encode("latin-1"),
        "columns": b"a,b,c\n1,2,3\n",
        "nul": good + b"\0\n",
        "cut.gz": gzip.compress(good)[:-20],
        "quote": good + b'"never closed',
        "dates": text_of(row(InvoiceDate="05/04/2011 08:26")).encode(),
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


async def test_hostile_fields_never_reach_an_order(shop: CliShop) -> None:
    nasty = ["'; DROP TABLE eventstore.events; --", "🏮" * 300, "-1", "9" * 400, "$(rm -rf /)", ""]
    rows = [row(**{name: value}) for value in nasty for name in row() if name != "CustomerID"]
    rows = [{**each, "InvoiceNo": each["InvoiceNo"] + str(n)} for n, each in enumerate(rows)]
    (shop.folder / "orders.csv").write_text(text_of(*rows), encoding="utf-8")
    summary = await shop.json("import", "orders.csv", "--with-stock", "100")
    parts = ("taken", "left_out", "refused")
    assert sum(summary[f"lines_{part}"] for part in parts) == len(rows)
    # Only a description and a product code may be any text.
    assert summary["orders_new"] <= 2 * len(nasty)


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
        ("import", "orders.csv", "--format", "amazon"),
        ("import", "orders.csv", "--map", "nowhere.toml"),
        ("import", "orders.csv", "--time-zone", "Mars"),
        ("import", "orders.csv", "--encoding", "klingon"),
        ("import", "orders.csv", "--format", "shopify", "--map", "nowhere.toml"),
        ("import",),
    ]
    for command, ended in zip(commands, await shop.run_all(commands), strict=True):
        assert (ended.code, ended.out) == (2, ""), (command, ended.err)
    assert await shop.head() == 0
    assert source.read_bytes() == before
