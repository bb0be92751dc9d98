"""A plan goes into the event store once, however often it is imported."""

from pathlib import Path

import pytest

from activities.aggregates import ORDER, STOCK
from activities.unit_of_work import record
from adapters.events.codec import JsonEventCodec
from domain.ids import OrderId, Sku, order_stream, stock_stream
from domain.order.state import Submitted
from domain.stock.commands import BackorderStock
from eventstore.commands.handler import CommandContext, CommandHandler
from eventstore.memory import InMemoryEventStore
from eventstore.model import Metadata
from ordersaga.importing.intake import receive_stock
from ordersaga.importing.plan import Request, read_plan
from ordersaga.importing.run import ImportOptions, ImportSummary, import_plan, without_import
from tests.unit.ordersaga.importing.builders import row, write

LAMP = Sku("71053")


class Shop:
    def __init__(self) -> None:
        self.store = InMemoryEventStore()
        self.handler = CommandHandler(self.store, JsonEventCodec())
        self.finished: dict[str, int] = {}

    async def imports(
        self,
        folder: Path,
        *rows: dict[str, str],
        percent: int | None = None,
        limit: int | None = None,
    ) -> ImportSummary:
        """Import the rows; the report is in the folder."""
        options = ImportOptions("orders.csv", folder / "report.csv", percent)
        with read_plan(Request(write(folder, *rows), limit=limit)) as plan:
            return await import_plan(self.handler, plan, options, self.task)

    def task(self, name: str, size: int | None):
        assert size is not None
        self.finished[name] = -size

        def done(finished: int) -> None:
            self.finished[name] += finished

        return done

    async def on_hand(self, sku: Sku) -> int:
        return (await self.handler.load(stock_stream(sku), STOCK.fold)).state.on_hand


@pytest.fixture
def shop() -> Shop:
    return Shop()


def many(count: int) -> list[dict[str, str]]:
    return [row(InvoiceNo=str(number), StockCode=str(10_000 + number)) for number in range(count)]


async def test_orders_are_submitted_as_the_import_and_correlated_with_their_sagas(
    shop: Shop, tmp_path: Path
) -> None:
    await shop.imports(tmp_path, row())
    loaded = await shop.handler.load(order_stream(OrderId("536365")), ORDER.fold)
    assert isinstance(loaded.state, Submitted)
    events = await shop.store.read_stream("order-536365")
    assert {(e.metadata.actor, e.metadata.correlation_id) for e in events} == {
        ("import", "order-536365")
    }


async def test_every_line_is_accounted_for_in_the_summary(shop: Shop, tmp_path: Path) -> None:
    summary = await shop.imports(tmp_path, *many(50), row(StockCode="BANK CHARGES"))
    assert (summary.orders_new, summary.orders_already_there) == (50, 0)
    assert (summary.lines_taken, summary.lines_refused, summary.lines_left_out) == (50, 0, 1)
    assert summary.lines_in_file == 51
    assert summary.left_out_by_reason == {"no_product": 1}
    assert shop.finished == {"submitting orders": 0}


async def test_importing_again_adds_nothing(shop: Shop, tmp_path: Path) -> None:
    first = await shop.imports(tmp_path, *many(50), percent=100)
    head = await shop.store.head()
    again = await shop.imports(tmp_path, *many(50), percent=100)
    assert await shop.store.head() == head
    assert (first.pieces_received, again.pieces_received) == (300, 0)
    assert (again.orders_new, again.orders_already_there) == (0, 50)
    assert again.lines_taken == 50


async def test_an_id_that_another_order_has_refuses_all_its_lines(
    shop: Shop, tmp_path: Path
) -> None:
    await shop.imports(tmp_path, row())
    head = await shop.store.head()
    summary = await shop.imports(tmp_path, row(Quantity="7"), row(StockCode="22222"))
    assert summary.refused_by_reason == {"order_conflict": 2}
    assert (summary.nothing_taken, summary.orders_refused) == (True, 1)
    assert (summary.lines_taken, await shop.store.head()) == (0, head)
    assert "lines differ" in (tmp_path / "report.csv").read_text()


async def test_stock_is_received_before_the_orders_and_rounded_up(
    shop: Shop, tmp_path: Path
) -> None:
    rows = [row(Quantity="5"), row(InvoiceNo="2", Quantity="4")]
    summary = await shop.imports(tmp_path, *rows, percent=50)
    assert (summary.pieces_received, await shop.on_hand(LAMP)) == (5, 5)
    feed = await shop.store.read_feed(0)
    assert feed.events[0].event_type == "StockReceived"
    assert shop.finished == {"receiving stock": 0, "submitting orders": 0}


async def test_a_larger_limit_later_receives_only_the_difference(
    shop: Shop, tmp_path: Path
) -> None:
    rows = [row(Quantity="5"), row(InvoiceNo="2", Quantity="4")]
    first = await shop.imports(tmp_path, *rows, percent=100, limit=1)
    second = await shop.imports(tmp_path, *rows, percent=100)
    assert (first.pieces_received, second.pieces_received) == (5, 4)
    assert await shop.on_hand(LAMP) == 9


async def test_another_file_brings_its_own_stock(shop: Shop) -> None:
    assert await receive_stock(shop.handler, "aaaa", {LAMP: 3}) == 3
    assert await receive_stock(shop.handler, "bbbb", {LAMP: 3}) == 3
    assert await shop.on_hand(LAMP) == 6


async def test_pieces_go_to_the_orders_that_wait_for_them(shop: Shop) -> None:
    order, waiting = OrderId("W1"), STOCK.stream(LAMP)
    context = CommandContext("wait", Metadata("wait", "wait", "test"))
    await record(shop.handler, waiting, [BackorderStock(LAMP, order, 2)], context)
    await receive_stock(shop.handler, "aaaa", {LAMP: 3})
    state = await waiting.load(shop.handler)
    assert (state.reservations[order], state.available, len(state.waiting)) == (2, 1, 0)


async def test_more_than_one_delivery_can_hold_comes_in_several(shop: Shop) -> None:
    assert await receive_stock(shop.handler, "aaaa", {LAMP: 2_500_000}) == 2_500_000
    assert await shop.on_hand(LAMP) == 2_500_000
    assert await receive_stock(shop.handler, "aaaa", {LAMP: 2_500_000}) == 0


async def test_nothing_wanted_receives_nothing(shop: Shop) -> None:
    assert await receive_stock(shop.handler, "aaaa", {LAMP: 0}) == 0
    assert await shop.store.head() == 0


async def test_a_dry_run_says_what_an_import_would_do_and_does_nothing(
    shop: Shop, tmp_path: Path
) -> None:
    options = ImportOptions("orders.csv")
    with read_plan(Request(write(tmp_path, *many(5), row(UnitPrice="ten")))) as plan:
        summary = without_import(plan, options)
        assert await shop.store.head() == 0
        done = await import_plan(shop.handler, plan, options, shop.task)
    assert (
        (summary.orders_new, summary.lines_taken) == (done.orders_new, done.lines_taken) == (5, 5)
    )
    assert summary.refused_by_reason == done.refused_by_reason
    assert summary.dry_run
    assert any("bad_number" in remark for remark in summary.remarks)
