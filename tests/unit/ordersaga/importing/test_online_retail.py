"""Invoice lines of Online Retail, both editions."""

from pathlib import Path

import pytest

from domain.money import Money
from ordersaga.demo.source import SHIPPED_SAMPLE
from ordersaga.importing.plan import Request, demand, read_plan
from tests.unit.ordersaga.importing.builders import row, text_of
from tests.unit.ordersaga.importing.shops import Read, read


def imported(folder: Path, *rows: dict[str, str], **options: object) -> Read:
    return read(folder, text_of(*rows), **options)


def test_lines_of_one_invoice_become_one_order_wherever_they_stand(tmp_path: Path) -> None:
    rows = [row(), row(InvoiceNo="2"), row(StockCode="84029E", UnitPrice="1.5")]
    result = imported(tmp_path, *rows)
    assert [order.lines for order in result.orders] == [(2, 4), (3,)]
    document = result.orders[0].document
    assert document.order_id == "536365"
    assert [(line.line_id, line.sku, line.unit_price) for line in document.lines] == [
        ("1", "71053", Money(339, "GBP")),
        ("2", "84029E", Money(150, "GBP")),
    ]
    assert document.placed_at is not None
    assert document.placed_at.isoformat() == "2010-12-01T08:26:00+00:00"


def test_the_second_edition_reads_the_same(tmp_path: Path) -> None:
    names = {"InvoiceNo": "Invoice", "UnitPrice": "Price", "CustomerID": "Customer ID"}
    content = text_of(row(), row(CustomerID="17850.0"))
    other = content
    for first, second in names.items():
        other = other.replace(first, second)
    assert read(tmp_path, other).orders == read(tmp_path, content).orders
    assert read(tmp_path, other).plan.format == "online-retail-ii"


def test_the_address_says_that_it_is_made_up(tmp_path: Path) -> None:
    first, second = imported(
        tmp_path, row(Country="EIRE"), row(InvoiceNo="2", CustomerID="")
    ).orders
    address = first.document.address
    assert address is not None
    assert (address.name, address.line1, address.country) == (
        "Customer 17850",
        "536365 Example Street",
        "IE",
    )
    assert second.document.customer_id is None
    assert second.document.address is not None
    assert second.document.address.name == "Guest 2"


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"InvoiceNo": "C536365", "Quantity": "-6"}, ("InvoiceNo", "cancellation")),
        ({"InvoiceNo": "A536365", "StockCode": "B"}, ("InvoiceNo", "adjustment_of_debt")),
        ({"Quantity": "-1"}, ("Quantity", "return")),
        ({"StockCode": "AMAZONFEE"}, ("StockCode", "no_product")),
        ({"StockCode": "BANK CHARGES"}, ("StockCode", "no_product")),
        ({"StockCode": "M"}, ("StockCode", "no_product")),
        (
            {"UnitPrice": "0", "CustomerID": "", "Description": "?"},
            ("UnitPrice, CustomerID", "no_price"),
        ),
        ({"InvoiceNo": ""}, ("InvoiceNo", "missing_field")),
        ({"StockCode": ""}, ("StockCode", "missing_field")),
        ({"Description": "  "}, ("Description", "missing_field")),
        ({"Country": ""}, ("Country", "missing_field")),
        ({"Country": "Unspecified"}, ("Country", "unknown_country")),
        ({"InvoiceNo": "5363 65"}, ("InvoiceNo", "order_refused")),
        ({"CustomerID": "a b"}, ("CustomerID", "order_refused")),
        ({"Description": "bell\x07"}, ("Description", "order_refused")),
        ({"Quantity": "0"}, ("Quantity", "bad_number")),
        ({"Quantity": "six"}, ("Quantity", "bad_number")),
        ({"Quantity": "1.5"}, ("Quantity", "bad_number")),
        ({"Quantity": "1000001"}, ("Quantity", "bad_number")),
        ({"Quantity": "9" * 5000}, ("Quantity", "bad_number")),
        ({"UnitPrice": "£1.85"}, ("UnitPrice", "bad_number")),
        ({"UnitPrice": "-11062.06"}, ("UnitPrice", "bad_number")),
        ({"UnitPrice": "0.001", "Quantity": "1"}, ("UnitPrice", "bad_number")),
        ({"UnitPrice": "9" * 30}, ("UnitPrice", "order_refused")),
        ({"UnitPrice": "92233720368547758.07"}, ("UnitPrice", "order_refused")),
        ({"InvoiceDate": "yesterday"}, ("InvoiceDate", "bad_date")),
        ({"InvoiceDate": "2010-13-01 08:26:00"}, ("InvoiceDate", "bad_date")),
        ({"Quantity": "2.0"}, None),
        ({"UnitPrice": "0"}, None),
        ({"StockCode": "POST"}, None),
        ({"StockCode": "gift_0001_40"}, None),
        ({"StockCode": "LAMP-1"}, None),
        ({"StockCode": "4006381333931"}, None),
        ({"StockCode": "12345'; DROP TABLE events; --"}, None),
        ({"Description": "two\nlines"}, None),
        ({"Description": "x" * 201}, None),
        ({"Description": "LANTERN 🏮 <b>'; DROP TABLE events; --"}, None),
        ({"Country": "DE"}, None),
        ({"Country": "Deutschland"}, None),
        ({"Country": "United States"}, None),
    ],
)
def test_each_kind_of_line_is_taken_or_has_its_reason(
    tmp_path: Path, changes: dict[str, str], where: tuple[str, str] | None
) -> None:
    result = imported(tmp_path, row(InvoiceNo="1", UnitPrice="1.25"), row(**changes))
    assert result.reasons == ([(3, *where)] if where else [])


def test_a_line_that_cannot_be_read_refuses_its_order_and_no_other(tmp_path: Path) -> None:
    rows = [row(), row(InvoiceNo="2"), row(UnitPrice="£1.85")]
    result = imported(tmp_path, *rows)
    assert result.reasons == [(2, "", "other_line"), (4, "UnitPrice", "bad_number")]
    assert [order.document.order_id for order in result.orders] == ["2"]
    partial = imported(tmp_path, *rows, partial=True)
    assert partial.reasons == [(4, "UnitPrice", "bad_number")]
    assert [order.lines for order in partial.orders] == [(2,), (3,)]


def test_returns_and_fees_are_left_out_of_their_order(tmp_path: Path) -> None:
    result = imported(tmp_path, row(), row(Quantity="-1"), row(StockCode="BANK CHARGES"))
    assert [order.lines for order in result.orders] == [(2,)]
    assert result.plan.orders_left_out == 0


def test_an_invoice_of_two_customers_is_refused(tmp_path: Path) -> None:
    result = imported(tmp_path, row(), row(CustomerID="1"))
    assert result.reasons == [(2, "", "other_line"), (3, "CustomerID", "differs_in_order")]


def test_a_customer_written_in_two_forms_is_one_and_told(tmp_path: Path) -> None:
    result = imported(
        tmp_path, row(), row(CustomerID="17850.0"), row(InvoiceNo="2", CustomerID="17850.0")
    )
    assert [order.document.customer_id for order in result.orders] == ["17850", "17850"]
    assert result.notes == ["'17850', '17850.0' are taken as 17850"]


def test_an_invoice_that_took_two_minutes_has_its_first_time(tmp_path: Path) -> None:
    result = imported(tmp_path, row(), row(InvoiceDate="2010-12-01 08:27:00"))
    assert len(result.orders) == 1


def test_product_codes_in_two_letter_cases_are_one_product_and_told(tmp_path: Path) -> None:
    result = imported(tmp_path, row(StockCode="85123A"), row(InvoiceNo="2", StockCode="85123a"))
    assert demand(result.orders) == {"85123A": 12}
    assert result.notes == ["'85123A', '85123a' are taken as 85123A"]
    assert result.plan.ids_unified == 1


def test_days_and_months_are_told_apart_by_the_whole_file(tmp_path: Path) -> None:
    first = row(InvoiceDate="12/04/2011 08:26")
    result = imported(tmp_path, first, row(InvoiceNo="2", InvoiceDate="13/04/2011 08:26"))
    assert [
        order.document.placed_at and order.document.placed_at.month for order in result.orders
    ] == [4, 4]
    given = imported(tmp_path, first, date_order="mdy")
    assert given.orders[0].document.placed_at is not None
    assert given.orders[0].document.placed_at.month == 12


def test_the_shipped_sample_is_read_and_every_line_accounted_for() -> None:
    with read_plan(Request(SHIPPED_SAMPLE)) as plan:
        result = Read(plan)
    assert len(result.orders) == 284
    assert plan.lines_planned + len(result.reasons) == plan.lines_in_file == 976
    assert {why for _, _, why in result.reasons} >= {
        "cancellation",
        "no_product",
        "no_price",
        "return",
        "unknown_country",
    }
    assert plan.demand == demand(result.orders)
