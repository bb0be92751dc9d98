"""Orders of WooCommerce's export plugin, to the penny, or refused with line and column."""

from pathlib import Path

import pytest

from tests.unit.ordersaga.importing.shops import WOO, Read, read, text, woo


def imported(folder: Path, *orders: list[dict[str, str]], **options: object) -> Read:
    rows = [row for order in orders for row in order]
    return read(folder, text(WOO, *rows), **{"currency": "GBP", **options})


def test_an_order_of_several_rows_is_one_order(tmp_path: Path) -> None:
    order = woo(
        "1234",
        {
            "Order Subtotal Amount": "30",
            "Cart Discount Amount": "3",
            "Order Shipping Amount": "4.99",
            "Order Total Tax Amount": "6.40",
            "Order Total Amount": "38.39",
            "First Name (Shipping)": "Bob",
            "Last Name (Shipping)": "Day",
            "Address 1&2 (Shipping)": "1 Elm Street",
            "City (Shipping)": "Leeds",
            "Postcode (Shipping)": "LS1 1AA",
            "Country Code (Shipping)": "GB",
        },
        {"Quantity (- Refund)": "2"},
        {"SKU": "RUG-2", "Item Name": "Rug"},
    )
    result = imported(tmp_path, order)
    assert (result.reasons, result.totals) == ([], [3839])
    (planned,) = result.orders
    document = planned.document
    assert (document.reference, planned.lines) == ("1234", (2, 3))
    assert [(one.kind, one.quantity, one.description) for one in document.lines] == [
        ("goods", 2, "Lamp"),
        ("goods", 1, "Rug"),
        ("shipping", 1, "Flat rate"),
    ]
    assert document.address is not None
    assert (document.address.name, document.address.city) == ("Bob Day", "Leeds")


def test_without_a_shipping_address_it_goes_to_the_billing_address(tmp_path: Path) -> None:
    (order,) = imported(tmp_path, woo("1", {})).orders
    assert order.document.address is not None
    assert (order.document.address.name, order.document.address.city) == ("Ada King", "London")


def test_a_price_of_fractions_is_rounded_as_the_shop_does_and_the_sum_proves_it(
    tmp_path: Path,
) -> None:
    sums = {
        "Order Subtotal Amount": "25.00",
        "Order Total Tax Amount": "5.00",
        "Order Total Amount": "30.00",
    }
    line = {"Quantity (- Refund)": "3", "Item Cost": "8.3333"}
    result = imported(tmp_path, woo("1", sums, line))
    assert (result.reasons, result.totals) == ([], [3000])
    (bought,) = result.orders[0].document.lines
    assert (bought.unit_price.minor, bought.amount.minor) == (834, 2500)
    wrong = imported(tmp_path, woo("1", {**sums, "Order Subtotal Amount": "24.99"}, line))
    assert wrong.reasons == [(2, "Order Total Amount", "sums_differ")]


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ({"Order Status": "Pending payment"}, "not_paid"),
        ({"Order Status": "On hold"}, "not_paid"),
        ({"Order Status": "Failed"}, "not_paid"),
        ({"Order Status": "Cancelled"}, "not_paid"),
        ({"Order Status": "Completed"}, "already_fulfilled"),
        ({"Order Status": "wc-completed"}, "already_fulfilled"),
        ({"Order Status": "Refunded"}, "refunded"),
        ({"Order Refund Amount": "5.00"}, "refunded"),
        ({"Order Status": "processing"}, None),
        ({"Order Status": "wc-processing"}, None),
    ],
)
def test_only_orders_in_processing_are_taken(
    tmp_path: Path, order: dict[str, str], reason: str | None
) -> None:
    result = imported(tmp_path, woo("1", order))
    assert [why for _, _, why in result.reasons] == ([reason] if reason else [])


def test_without_a_currency_it_is_asked_for(tmp_path: Path) -> None:
    result = imported(tmp_path, woo("1", {}), currency=None)
    assert [(line, why) for line, _, why in result.reasons] == [(2, "bad_value")]
    assert "--currency" in result.entries[0].detail


def test_a_currency_of_the_file_is_used(tmp_path: Path) -> None:
    rows = [row | {"Order Currency": "usd"} for row in woo("1", {})]
    result = read(tmp_path, text([*WOO, "Order Currency"], *rows), currency="GBP")
    assert result.orders[0].document.currency == "USD"


def test_rows_of_one_order_that_differ_are_refused(tmp_path: Path) -> None:
    rows = woo("1", {"Order Subtotal Amount": "20", "Order Total Amount": "20"}, {}, {})
    rows[1]["City (Billing)"] = "Leeds"
    assert imported(tmp_path, rows).reasons == [
        (2, "", "other_line"),
        (3, "City (Billing)", "differs_in_order"),
    ]
