"""Orders of Shopify's export, to the penny, or refused with line and column."""

from pathlib import Path

import pytest

from tests.unit.ordersaga.importing.shops import SHOPIFY, Read, read, shopify, text


def imported(folder: Path, *orders: list[dict[str, str]], **options: object) -> Read:
    rows = [row for order in orders for row in order]
    return read(folder, text(SHOPIFY, *rows), **options)


def test_an_order_of_several_rows_is_one_order(tmp_path: Path) -> None:
    order = shopify(
        "#1001",
        {
            "Subtotal": "27.00",
            "Shipping": "4.90",
            "Shipping Method": "Colissimo",
            "Taxes": "5.32",
            "Total": "37.22",
            "Discount Code": "MAY",
            "Discount Amount": "3.00",
            "Shipping Company": "ACME",
            "Shipping Address2": "2nd floor",
        },
        {"Lineitem quantity": "2"},
        {"Lineitem name": "Rug", "Lineitem sku": "RUG 2/red"},
    )
    result = imported(tmp_path, order)
    assert result.reasons == []
    (planned,) = result.orders
    document = planned.document
    assert planned.lines == (2, 3)
    assert (document.reference, document.order_id[:4]) == ("#1001", "ref-")
    assert [(one.kind, one.code, one.quantity) for one in document.lines] == [
        ("goods", "LAMP-1", 2),
        ("goods", "RUG-2-red.adf65994b0d7", 1),
        ("shipping", None, 1),
    ]
    assert [(one.kind, one.amount.minor, one.included) for one in document.adjustments] == [
        ("discount", -300, False),
        ("tax", 532, False),
    ]
    assert result.totals == [3722]
    address = document.address
    assert address is not None
    assert (address.line2, address.postal_code, address.country) == (
        "ACME, 2nd floor",
        "75008",
        "FR",
    )
    assert document.placed_at is not None
    assert document.placed_at.isoformat() == "2026-05-01T07:58:12+00:00"
    assert document.customer is not None
    assert document.metadata == {"shopify_id": "7410991464714", "shopify_source": "web"}


@pytest.mark.parametrize(
    ("order", "line", "total", "adjustments"),
    [
        # Taxes are in the prices, or on top: the total says which.
        ({"Taxes": "1.67"}, {}, 1000, [("tax", 167, True)]),
        ({"Taxes": "2.00", "Total": "12.00"}, {}, 1200, [("tax", 200, False)]),
        # A discount of a line may be a part of the order's, or its own.
        (
            {"Discount Amount": "1.00", "Subtotal": "9.00", "Total": "9.00"},
            {"Lineitem discount": "1.00"},
            900,
            [("discount", -100, False)],
        ),
        (
            {"Discount Amount": "3.00", "Subtotal": "7.00", "Total": "7.00"},
            {"Lineitem discount": "1.00"},
            700,
            [("discount", -100, False), ("discount", -200, False)],
        ),
        (
            {"Discount Amount": "3.00", "Subtotal": "6.00", "Total": "6.00"},
            {"Lineitem discount": "1.00"},
            600,
            [("discount", -100, False), ("discount", -300, False)],
        ),
        # Free shipping: taken off the shipping line, or off its price already.
        (
            {"Shipping": "5.00", "Discount Amount": "5.00", "Total": "10.00"},
            {},
            1000,
            [("discount", -500, False)],
        ),
        ({"Discount Amount": "5.00"}, {}, 1000, [("discount", -500, True)]),
        # A gift card pays all of it.
        ({"Payment Method": "gift_card"}, {}, 0, [("gift_card", -1000, False)]),
        # Free samples and duties.
        ({"Subtotal": "0.00", "Total": "0.00"}, {"Lineitem price": "0.00"}, 0, []),
        ({"Duties": "2.50", "Total": "12.50"}, {}, 1250, []),
        # Currencies without decimals.
        (
            {"Currency": "JPY", "Subtotal": "1200", "Total": "1200.00"},
            {"Lineitem price": "1200"},
            1200,
            [],
        ),
    ],
)
def test_the_stated_sums_prove_how_amounts_are_meant(
    tmp_path: Path,
    order: dict[str, str],
    line: dict[str, str],
    total: int,
    adjustments: list[tuple[str, int, bool]],
) -> None:
    result = imported(tmp_path, shopify("#1", order, line))
    assert result.reasons == []
    document = result.orders[0].document
    found = [one for each in document.lines for one in each.adjustments]
    assert [
        (one.kind, one.amount.minor, one.included) for one in [*found, *document.adjustments]
    ] == adjustments
    assert result.totals == [total]
    assert (document.payment is None) == (total == 0)


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ({"Financial Status": "pending"}, "not_paid"),
        ({"Financial Status": "authorized"}, "not_paid"),
        ({"Financial Status": "voided"}, "not_paid"),
        ({"Financial Status": "refunded"}, "refunded"),
        ({"Financial Status": "partially_refunded"}, "refunded"),
        ({"Refunded Amount": "3.00"}, "refunded"),
        ({"Fulfillment Status": "fulfilled"}, "already_fulfilled"),
        ({"Fulfillment Status": "partial"}, "already_fulfilled"),
        ({"Fulfillment Status": "restocked"}, "already_fulfilled"),
        ({"Cancelled at": "2026-05-02 09:00:00 +0200"}, "cancelled"),
        ({"Payment Method": "(for testing) Bogus Gateway"}, "test_order"),
        ({"Fulfillment Status": ""}, None),
        ({"Financial Status": "PAID"}, None),
    ],
)
def test_only_paid_orders_that_are_not_shipped_are_taken(
    tmp_path: Path, order: dict[str, str], reason: str | None
) -> None:
    result = imported(tmp_path, shopify("#1", order, {}, {}), shopify("#2", {}))
    other = {"Subtotal": "20.00", "Total": "20.00"}
    if reason is None:
        result = imported(tmp_path, shopify("#1", order | other, {}, {}), shopify("#2", {}))
    assert [why for _, _, why in result.reasons] == ([reason] * 2 if reason else [])
    assert len(result.orders) == (1 if reason else 2)
    assert result.plan.orders_left_out == (1 if reason else 0)


@pytest.mark.parametrize(
    ("order", "line", "where"),
    [
        ({"Total": "11.00"}, {}, (2, "Total", "sums_differ")),
        ({"Subtotal": "11.00"}, {}, (2, "Total", "sums_differ")),
        ({}, {"Lineitem price": "ten"}, (2, "Lineitem price", "bad_number")),
        ({}, {"Lineitem price": "9.999"}, (2, "Lineitem price", "bad_number")),
        ({}, {"Lineitem price": "-1.00"}, (2, "Lineitem price", "bad_number")),
        ({}, {"Lineitem quantity": "0"}, (2, "Lineitem quantity", "bad_number")),
        ({}, {"Lineitem quantity": "1.5"}, (2, "Lineitem quantity", "bad_number")),
        ({}, {"Lineitem sku": ""}, (2, "Lineitem sku", "missing_field")),
        ({}, {"Lineitem name": ""}, (2, "Lineitem name", "missing_field")),
        ({"Shipping Country": "Korea"}, {}, (2, "Shipping Country", "unknown_country")),
        ({"Shipping Zip": ""}, {}, (2, "Shipping Zip", "order_refused")),
        ({"Shipping City": ""}, {}, (2, "Shipping City", "order_refused")),
        ({"Shipping Name": ""}, {}, (2, "Shipping Name", "order_refused")),
        ({"Email": "nobody"}, {}, (2, "Email", "order_refused")),
        ({"Currency": "EURO"}, {}, (2, "Currency", "bad_value")),
        ({"Created at": "May"}, {}, (2, "Created at", "bad_date")),
        ({"Created at": "1999-05-01 09:58:12 +0200"}, {}, (2, "Created at", "order_refused")),
        (
            {"Payment Method": "Shopify Payments + gift_card"},
            {},
            (2, "Payment Method", "bad_value"),
        ),
        ({"Shipping Address1": "", "Shipping City": ""}, {}, (2, "", "order_refused")),
    ],
)
def test_what_cannot_be_right_is_refused_with_its_line_and_column(
    tmp_path: Path, order: dict[str, str], line: dict[str, str], where: tuple[int, str, str]
) -> None:
    result = imported(tmp_path, shopify("#1", order, line), shopify("#2", {}))
    assert result.reasons == [where]
    assert [one.document.reference for one in result.orders] == ["#2"]


def test_one_bad_line_refuses_all_lines_of_its_order(tmp_path: Path) -> None:
    sums = {"Subtotal": "30.00", "Total": "30.00"}
    order = shopify("#1", sums, {}, {"Lineitem price": "1O.00"}, {})
    assert imported(tmp_path, order).reasons == [
        (2, "", "other_line"),
        (3, "Lineitem price", "bad_number"),
        (4, "", "other_line"),
    ]
    partial = imported(tmp_path, order, partial=True)
    assert partial.reasons == [(3, "Lineitem price", "bad_number")]
    assert partial.totals == [2000]


def test_rows_of_one_number_that_are_two_orders_are_refused(tmp_path: Path) -> None:
    first, second = shopify("#1", {}), shopify("#1", {"Email": "bob@example.org"})
    assert imported(tmp_path, first, second).reasons == [
        (2, "", "other_line"),
        (3, "Email", "differs_in_order"),
    ]


@pytest.mark.parametrize(
    ("line", "kind", "code"),
    [
        ({"Lineitem requires shipping": "false", "Lineitem sku": ""}, "digital", None),
        ({"Lineitem requires shipping": "false", "Lineitem sku": "EBOOK"}, "digital", "EBOOK"),
        ({"Lineitem name": "Tip", "Lineitem requires shipping": "false"}, "tip", "LAMP-1"),
        ({"Lineitem requires shipping": "true"}, "goods", "LAMP-1"),
        ({"Lineitem requires shipping": ""}, "goods", "LAMP-1"),
    ],
)
def test_what_is_not_shipped_is_a_service(
    tmp_path: Path, line: dict[str, str], kind: str, code: str | None
) -> None:
    (order,) = imported(tmp_path, shopify("#1", {}, line)).orders
    assert [(one.kind, one.code) for one in order.document.lines] == [(kind, code)]


def test_an_order_of_services_needs_no_address(tmp_path: Path) -> None:
    nowhere = {
        "Shipping Address1": "",
        "Shipping City": "",
        "Shipping Zip": "",
        "Shipping Country": "",
        "Shipping Name": "",
    }
    line = {"Lineitem requires shipping": "false"}
    (order,) = imported(tmp_path, shopify("#1", nowhere, line)).orders
    assert order.document.address is None


def test_skus_that_differ_in_letter_case_only_stay_apart_and_are_told(tmp_path: Path) -> None:
    result = imported(tmp_path, shopify("#1", {}), shopify("#2", {}, {"Lineitem sku": "Lamp-1"}))
    assert [order.document.lines[0].code for order in result.orders] == ["LAMP-1", "Lamp-1"]
    assert result.notes == ["LAMP-1, Lamp-1 differ in letter case only: taken as different"]


def test_a_file_saved_again_by_a_spreadsheet_reads_the_same(tmp_path: Path) -> None:
    order = shopify(
        "#1", {"Subtotal": "1234.50", "Total": "1234.50"}, {"Lineitem price": "1234.50"}
    )
    plain = imported(tmp_path, order)
    german = [
        {
            name: value.replace("1234.50", "1.234,50").replace("0.00", "0,00")
            for name, value in row.items()
        }
        for row in order
    ]
    again = read(tmp_path, text(SHOPIFY, *german, separator=";"))
    assert again.reasons == []
    assert again.orders == plain.orders
