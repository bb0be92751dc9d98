"""The demonstration's parts that need no servers."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from domain.values import CaptureMode
from ordersaga.demo import source
from ordersaga.demo.folder import fresh_folder
from ordersaga.demo.mix import stock_for, with_payments
from ordersaga.demo.screen import Screen, by_status, ended
from ordersaga.errors import Refused
from ordersaga.importing.plan import Request, demand, read_plan
from projections.read_models.current_orders.model import StatusCount

COUNTS = [
    StatusCount("completed", None, 5),
    StatusCount("cancelled", "out_of_stock", 2),
    StatusCount("cancelled", "payment_declined", 1),
    StatusCount("reserved", None, 4),
]


def test_the_mix_is_the_same_every_time_and_holds_every_kind() -> None:
    with read_plan(Request(source.SHIPPED_SAMPLE, limit=200)) as plan:
        orders = list(plan.orders())
    first, second = with_payments(orders), with_payments(orders)
    assert first == second
    payments = [order.document.payment for order in first]
    declined = [payment for payment in payments if payment.token != "tok_visa"]
    late = [payment for payment in payments if payment.capture is CaptureMode.ON_SHIPMENT]
    assert 5 <= len(declined) <= 40
    assert 10 <= len(late) <= 60


def test_some_products_run_short_and_none_gets_more_than_is_wanted() -> None:
    with read_plan(Request(source.SHIPPED_SAMPLE, limit=200)) as plan:
        orders = list(plan.orders())
    wanted, stock = demand(orders), stock_for(orders)
    short = [sku for sku, pieces in stock.items() if pieces < wanted[sku]]
    assert stock.keys() == wanted.keys()
    assert all(pieces <= wanted[sku] for sku, pieces in stock.items())
    assert 0 < len(short) < len(stock) / 10


def test_a_demo_folder_is_emptied_and_a_foreign_one_refused(tmp_path: Path) -> None:
    folder = fresh_folder(tmp_path / "demo")
    (folder / "old").touch()
    assert [path.name for path in fresh_folder(folder).iterdir()] == ["made-by-ordersaga-demo"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    with pytest.raises(Refused, match="not empty"):
        fresh_folder(tmp_path / "mine")
    with pytest.raises(Refused, match="is not a folder"):
        fresh_folder(tmp_path / "mine" / "thesis.txt")


def test_a_file_is_chosen_by_wish_then_by_what_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert source.choose_file(tmp_path / "mine.csv") == tmp_path / "mine.csv"
    monkeypatch.setattr(source, "SHARED_SAMPLE", tmp_path / "shared.csv")
    assert source.choose_file(None) == source.SHIPPED_SAMPLE
    monkeypatch.setattr(source, "SHIPPED_SAMPLE", tmp_path / "shipped.csv")
    with pytest.raises(Refused, match="--file"):
        source.choose_file(None)


def test_counts_are_told_by_status() -> None:
    assert ended(COUNTS) == 8
    assert by_status(COUNTS) == "3 cancelled, 5 completed, 4 reserved"


def test_off_a_terminal_progress_is_plain_lines_without_repetition() -> None:
    out = io.StringIO()
    with Screen(Console(file=out, width=200)).board(12) as board:
        for _ in range(3):
            board(COUNTS)
    assert out.getvalue() == "8 of 12 orders ended: 3 cancelled, 5 completed, 4 reserved\n"


def test_on_a_terminal_progress_is_a_live_bar() -> None:
    out = io.StringIO()
    with Screen(Console(file=out, width=120, force_terminal=True)).board(12) as board:
        board(COUNTS)
    assert "orders ended" in out.getvalue()
    assert "8/12" in out.getvalue()
