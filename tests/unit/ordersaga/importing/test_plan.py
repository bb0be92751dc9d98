"""What becomes of each line of a file."""

import csv
import io
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.money import Money
from domain.values import PaymentTerms
from ordersaga.demo.source import SHIPPED_SAMPLE
from ordersaga.importing.errors import UnreadableFile
from ordersaga.importing.plan import ImportPlan, demand, part_of, read_plan
from ordersaga.importing.refusals import LineReason
from tests.unit.ordersaga.importing.builders import GOOD, HEADER, row, text_of, write

VISA = PaymentTerms("tok_visa")


def plan_of(folder: Path, *rows: dict[str, str], limit: int | None = None) -> ImportPlan:
    return read_plan(write(folder, *rows), "GBP", VISA, limit)


def reasons(plan: ImportPlan) -> list[tuple[int, str]]:
    return [(line.line, line.reason.value) for line in plan.refused]


def lines_taken(plan: ImportPlan) -> int:
    return sum(len(order.taken) for order in plan.orders)


def test_lines_of_one_invoice_become_one_order(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, row(), row(StockCode="84029E", UnitPrice="1.5"))
    (order,) = plan.orders
    assert order.document.order_id == "536365"
    assert [(line.sku, line.unit_price) for line in order.document.lines] == [
        ("71053", Money(339, "GBP")),
        ("84029E", Money(150, "GBP")),
    ]
    assert order.document.placed_at is not None
    assert order.document.placed_at.isoformat() == "2010-12-01T08:26:00+00:00"


def test_lines_of_an_invoice_are_found_wherever_they_stand(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, row(), row(InvoiceNo="2"), row(StockCode="22222"))
    assert [len(order.document.lines) for order in plan.orders] == [2, 1]


def test_the_same_product_at_the_same_price_adds_up(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, row(Quantity="6"), row(Quantity="4"))
    assert plan.orders[0].document.lines[0].quantity == 10
    assert lines_taken(plan) == 2


def test_the_same_product_at_another_price_refuses_that_line_only(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, row(), row(UnitPrice="9.99"), row(StockCode="22222"))
    assert reasons(plan) == [(3, "other_price")]
    assert len(plan.orders[0].document.lines) == 2


def test_an_invoice_of_two_customers_keeps_the_first(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, row(), row(CustomerID="1"), row(Country="France"))
    assert reasons(plan) == [(3, "other_customer"), (4, "other_customer")]


def test_an_order_without_a_customer_is_a_guest_order(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, row(CustomerID=""))
    assert plan.orders[0].document.customer_id is None
    assert plan.orders[0].document.address.name == "Guest 536365"


def test_the_address_says_that_it_is_made_up(tmp_path: Path) -> None:
    address = plan_of(tmp_path, row(Country="EIRE")).orders[0].document.address
    assert (address.name, address.line1, address.country) == (
        "Customer 17850",
        "536365 Example Street",
        "IE",
    )


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"InvoiceNo": "C536365", "Quantity": "-6"}, "cancellation"),
        ({"InvoiceNo": ""}, "missing_field"),
        ({"StockCode": ""}, "missing_field"),
        ({"Description": "  "}, "missing_field"),
        ({"Country": ""}, "missing_field"),
        ({"StockCode": "POST"}, "no_product"),
        ({"StockCode": "gift_0001_40"}, "no_product"),
        ({"StockCode": "DCGS0070"}, "no_product"),
        ({"StockCode": "1234"}, "no_product"),
        ({"StockCode": "12345'; DROP TABLE events; --"}, "bad_value"),
        ({"InvoiceNo": "5363 65"}, "bad_value"),
        ({"CustomerID": "17850 "}, None),
        ({"CustomerID": "a b"}, "bad_value"),
        ({"Description": "x" * 201}, "bad_value"),
        ({"Description": "tab\there"}, "bad_value"),
        ({"Description": "LANTERN 🏮 <b>'; DROP TABLE events; --"}, None),
        ({"Quantity": "-1"}, "return"),
        ({"Quantity": "0"}, "no_quantity"),
        ({"Quantity": "-0"}, "no_quantity"),
        ({"Quantity": "six"}, "bad_number"),
        ({"Quantity": "1.5"}, "bad_number"),
        ({"Quantity": "٣"}, "bad_number"),
        ({"Quantity": "1000001"}, "too_large"),
        ({"Quantity": "9" * 5000}, "too_large"),
        ({"Quantity": "-" + "9" * 5000}, "return"),
        ({"UnitPrice": "0"}, "no_price"),
        ({"UnitPrice": "0.00"}, "no_price"),
        ({"UnitPrice": "-11062.06"}, "no_price"),
        ({"UnitPrice": "0.001"}, "bad_number"),
        ({"UnitPrice": "3,39"}, "bad_number"),
        ({"UnitPrice": "1e3"}, "bad_number"),
        ({"UnitPrice": "NaN"}, "bad_number"),
        ({"UnitPrice": "9" * 30}, "too_large"),
        ({"UnitPrice": "92233720368547758.07"}, "too_large"),
        ({"InvoiceDate": "yesterday"}, "bad_date"),
        ({"InvoiceDate": "2010-13-01 08:26:00"}, "bad_date"),
        ({"InvoiceDate": "12/1/2010 8:26"}, None),
        ({"Country": "Unspecified"}, "unknown_country"),
    ],
)
def test_each_kind_of_bad_line_has_its_reason(
    tmp_path: Path, changes: dict[str, str], reason: str | None
) -> None:
    plan = plan_of(tmp_path, row(InvoiceNo="1"), row(**changes))
    assert reasons(plan) == ([(3, reason)] if reason else [])


def test_an_order_that_costs_too_much_loses_the_line_that_does_it(tmp_path: Path) -> None:
    big = "1000000000.00"
    plan = plan_of(
        tmp_path,
        row(Quantity="9000", UnitPrice=big),
        row(StockCode="22222", Quantity="2000", UnitPrice=big),
    )
    assert reasons(plan) == [(3, "too_large")]


def test_a_quantity_that_adds_up_beyond_the_bound_is_refused(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, row(Quantity="1000000"), row(Quantity="1"))
    assert reasons(plan) == [(3, "too_large")]


def test_a_line_with_fewer_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text(text_of(row()) + "536366,71053\n", encoding="utf-8")
    plan = read_plan(path, "GBP", VISA)
    assert reasons(plan) == [(3, "incomplete_line")]


def test_line_numbers_are_those_of_the_file_even_after_a_quoted_line_break(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, row(Description="two\nlines"), row(StockCode="POST"))
    assert reasons(plan) == [(2, "bad_value"), (4, "no_product")]


def test_a_hostile_field_is_cut_in_the_report(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, row(InvoiceNo="9" * 5000))
    assert len(plan.refused[0].invoice) == 80


def test_the_limit_counts_orders_and_every_line_is_accounted_for(tmp_path: Path) -> None:
    rows = [row(InvoiceNo="C1"), row(InvoiceNo="2"), row(InvoiceNo="3"), row(InvoiceNo="4")]
    plan = plan_of(tmp_path, *rows, limit=2)
    assert [order.document.order_id for order in plan.orders] == ["2", "3"]
    assert (lines_taken(plan), len(plan.refused), plan.lines_beyond_limit) == (2, 1, 1)
    assert plan.lines_in_file == 4


def test_part_of_a_demand_is_rounded_up() -> None:
    assert [part_of(pieces, 50) for pieces in (0, 1, 2, 3)] == [0, 1, 1, 2]


@given(st.integers(1, 10**9), st.integers(1, 1000))
def test_every_product_in_demand_gets_a_piece_and_less_than_one_too_many(
    pieces: int, percent: int
) -> None:
    received = part_of(pieces, percent)
    assert received >= 1
    assert pieces * percent <= received * 100 < pieces * percent + 100


@given(st.integers(0, 10**9))
def test_all_of_a_demand_is_exactly_the_demand(pieces: int) -> None:
    assert part_of(pieces, 100) == pieces


def test_demand_adds_up_over_orders(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, row(), row(InvoiceNo="2", Quantity="4"))
    assert demand(plan.orders) == {"71053": 10}


def test_the_shipped_sample_holds_more_than_200_orders_and_most_kinds_of_dirt() -> None:
    plan = read_plan(SHIPPED_SAMPLE, "GBP", VISA)
    assert len(plan.orders) > 250
    assert lines_taken(plan) + len(plan.refused) == plan.lines_in_file
    assert {line.reason for line in plan.refused} >= {
        LineReason.CANCELLATION,
        LineReason.NO_PRODUCT,
        LineReason.MISSING_FIELD,
        LineReason.NO_PRICE,
        LineReason.OTHER_PRICE,
        LineReason.RETURN,
        LineReason.UNKNOWN_COUNTRY,
    }


# --- any input -----------------------------------------------------------------------------------

_FIELD = st.one_of(st.text(max_size=12), st.sampled_from(sorted(set(GOOD.values()))))
_ROW = st.fixed_dictionaries({name: st.one_of(st.just(GOOD[name]), _FIELD) for name in HEADER})


@settings(max_examples=settings.default.max_examples * 3)
@given(st.lists(_ROW, max_size=12), st.one_of(st.none(), st.integers(1, 5)))
def test_no_line_is_lost_or_counted_twice(rows: list[dict[str, str]], limit: int | None) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "any.csv"
        path.write_text(_quoted(rows), encoding="utf-8", errors="surrogatepass")
        try:
            plan = read_plan(path, "GBP", VISA, limit)
        except UnreadableFile:
            return
    taken = [raw.number for order in plan.orders for raw in order.taken]
    left = Counter(taken + [line.line for line in plan.refused])
    assert set(left.values()) <= {1}
    assert left.total() + plan.lines_beyond_limit == plan.lines_in_file == len(rows)


def _quoted(rows: list[dict[str, str]]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, HEADER, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


@settings(max_examples=settings.default.max_examples * 3)
@given(st.binary(max_size=400), st.booleans())
def test_arbitrary_bytes_give_a_plan_or_one_clear_error(raw: bytes, with_header: bool) -> None:
    head = ",".join(HEADER).encode() + b"\n" if with_header else b""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "any.csv"
        path.write_bytes(head + raw)
        try:
            plan = read_plan(path, "GBP", VISA)
        except UnreadableFile:
            return
    assert lines_taken(plan) + len(plan.refused) == plan.lines_in_file
