"""Exports of shops for tests, as Shopify and WooCommerce's plugin write them."""

import csv
import io
from pathlib import Path

from ordersaga.importing.plan import ImportPlan, PlannedOrder, Request, read_plan
from ordersaga.importing.report import Entry

SHOPIFY = """\
Name,Email,Financial Status,Paid at,Fulfillment Status,Fulfilled at,
Accepts Marketing,Currency,Subtotal,Shipping,Taxes,Total,Discount Code,
Discount Amount,Shipping Method,Created at,Lineitem quantity,Lineitem name,
Lineitem price,Lineitem compare at price,Lineitem sku,Lineitem requires shipping,
Lineitem taxable,Lineitem fulfillment status,Billing Name,Billing Street,
Billing Address1,Billing Address2,Billing Company,Billing City,Billing Zip,
Billing Province,Billing Country,Billing Phone,Shipping Name,Shipping Street,
Shipping Address1,Shipping Address2,Shipping Company,Shipping City,Shipping Zip,
Shipping Province,Shipping Country,Shipping Phone,Notes,Note Attributes,
Cancelled at,Payment Method,Payment Reference,Refunded Amount,Vendor,
Outstanding Balance,Employee,Location,Device ID,Id,Tags,Risk Level,Source,
Lineitem discount,Tax 1 Name,Tax 1 Value,Phone,Receipt Number,Duties,
Billing Province Name,Shipping Province Name,Payment ID,Payment Terms Name,
Next Payment Due At,Payment References
""".replace("\n", "").split(",")
WOO = """\
Order Number,Order Status,Order Date,Customer Note,First Name (Billing),
Last Name (Billing),Company (Billing),Address 1&2 (Billing),City (Billing),
State Code (Billing),Postcode (Billing),Country Code (Billing),Email (Billing),
Phone (Billing),First Name (Shipping),Last Name (Shipping),Address 1&2 (Shipping),
City (Shipping),State Code (Shipping),Postcode (Shipping),Country Code (Shipping),
Payment Method Title,Cart Discount Amount,Order Subtotal Amount,
Shipping Method Title,Order Shipping Amount,Order Refund Amount,Order Total Amount,
Order Total Tax Amount,SKU,Item #,Item Name,Quantity (- Refund),Item Cost,
Coupon Code,Discount Amount,Discount Amount Tax
""".replace("\n", "").split(",")
_LINE = {
    "Lineitem quantity": "1",
    "Lineitem name": "Lamp",
    "Lineitem price": "10.00",
    "Lineitem sku": "LAMP-1",
    "Lineitem requires shipping": "true",
    "Lineitem discount": "0.00",
    "Lineitem fulfillment status": "pending",
}
_ORDER = {
    "Email": "ada@example.org",
    "Financial Status": "paid",
    "Paid at": "2026-05-01 10:00:00 +0200",
    "Fulfillment Status": "unfulfilled",
    "Currency": "EUR",
    "Subtotal": "10.00",
    "Shipping": "0.00",
    "Taxes": "0.00",
    "Total": "10.00",
    "Discount Amount": "0.00",
    "Created at": "2026-05-01 09:58:12 +0200",
    "Shipping Name": "Ada King",
    "Shipping Address1": "12 Park Row",
    "Shipping Company": "",
    "Shipping City": "Paris",
    "Shipping Zip": "'75008",
    "Shipping Country": "FR",
    "Payment Method": "Shopify Payments",
    "Refunded Amount": "0.00",
    "Id": "7410991464714",
    "Source": "web",
}


def shopify(name: str, order: dict[str, str], *lines: dict[str, str]) -> list[dict[str, str]]:
    """The rows of an order; only the first one has the order's fields."""
    rows = [{"Name": name, **_LINE, **line} for line in (lines or ({},))]
    return [{**_ORDER, **order, **rows[0]}, *rows[1:]]


_WOO_ORDER = {
    "Order Status": "Processing",
    "Order Date": "2026-05-01 09:58",
    "First Name (Billing)": "Ada",
    "Last Name (Billing)": "King",
    "Address 1&2 (Billing)": "12 Park Row",
    "City (Billing)": "London",
    "Postcode (Billing)": "N1 9GU",
    "Country Code (Billing)": "GB",
    "Email (Billing)": "ada@example.org",
    "Cart Discount Amount": "0",
    "Order Subtotal Amount": "10",
    "Shipping Method Title": "Flat rate",
    "Order Shipping Amount": "0",
    "Order Refund Amount": "0",
    "Order Total Amount": "10",
    "Order Total Tax Amount": "0",
}
_WOO_LINE = {"SKU": "LAMP-1", "Item Name": "Lamp", "Quantity (- Refund)": "1", "Item Cost": "10"}


def woo(number: str, order: dict[str, str], *lines: dict[str, str]) -> list[dict[str, str]]:
    """The rows of an order; each of them has the order's fields."""
    return [
        {"Order Number": number, **_WOO_ORDER, **order, **_WOO_LINE, "Item #": str(place), **line}
        for place, line in enumerate(lines or ({},), start=1)
    ]


def text(header: list[str], *rows: dict[str, str], separator: str = ",") -> str:
    """The rows as a table."""
    out = io.StringIO()
    writer = csv.DictWriter(out, header, restval="", delimiter=separator, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


class Read:
    """A plan with everything in memory."""

    def __init__(self, plan: ImportPlan) -> None:
        self.plan = plan
        self.orders: list[PlannedOrder] = list(plan.orders())
        self.entries: list[Entry] = list(plan.workspace.entries())

    @property
    def totals(self) -> list[int]:
        """What each order costs, in minor units."""
        return [order.document.content.total.minor for order in self.orders]

    @property
    def reasons(self) -> list[tuple[int, str, str]]:
        """Line, column and reason of everything that was not taken."""
        return [
            (entry.line, entry.column, entry.reason)
            for entry in self.entries
            if entry.outcome != "noted"
        ]

    @property
    def notes(self) -> list[str]:
        """What is said of ids."""
        return [entry.detail for entry in self.entries if entry.outcome == "noted"]


def read(folder: Path, content: str, **options: object) -> Read:
    """The plan of a file with this content."""
    path = folder / "export.csv"
    path.write_text(content, encoding="utf-8")
    with read_plan(Request(path, **options)) as plan:  # type: ignore[arg-type]  any options
        return Read(plan)
