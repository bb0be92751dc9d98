"""Files of each format become orders that are fulfilled, to the penny."""

import gzip
import json
from pathlib import Path

from domain.ids import order_id_of
from tests.support.stack.stack import Up, until
from tests.unit.ordersaga.importing.builders import row, text_of
from tests.unit.ordersaga.importing.shops import SHOPIFY, WOO, shopify, text, woo

DOCUMENT = {
    "order_id": "J1",
    "currency": "GBP",
    "placed_at": "2026-01-31T14:05:00Z",
    "lines": [{"sku": "LAMP-1", "description": "Lamp", "quantity": 2, "unit_price_minor": 250}],
    "address": {
        "name": "Ada",
        "line1": "1 Row",
        "city": "London",
        "postal_code": "N1",
        "country": "GB",
    },
    "payment": {"token": "tok_visa"},
}
SUMS = {
    "Subtotal": "18.00",
    "Discount Amount": "2.00",
    "Shipping": "4.90",
    "Taxes": "3.82",
    "Total": "26.72",
}


def files() -> dict[str, tuple[bytes, str, int]]:
    """By name: the content, the id of its order, and what that costs."""
    second = text_of(row(InvoiceNo="II1")).replace("InvoiceNo", "Invoice")
    second = second.replace("UnitPrice", "Price").replace("CustomerID", "Customer ID")
    return {
        "retail.csv": (text_of(row(InvoiceNo="R1")).encode("utf-16"), "R1", 2034),
        "retail-ii.csv.gz": (gzip.compress(second.encode()), "II1", 2034),
        "shopify.csv": (
            text(SHOPIFY, *shopify("#1", SUMS, {}, {})).encode("utf-8-sig"),
            order_id_of("#1"),
            2672,
        ),
        "woo.csv": (text(WOO, *woo("W1", {}), separator=";").encode(), order_id_of("W1"), 1000),
        "documents.jsonl": (json.dumps(DOCUMENT).encode(), "J1", 500),
    }


async def test_orders_of_each_format_are_fulfilled_to_the_penny(
    running_stack: Up, tmp_path: Path
) -> None:
    up = running_stack
    for name, (content, _, _) in files().items():
        file = tmp_path / name
        file.write_bytes(content)
        command = ("import", str(file), "--with-stock", "100", "--json", "--currency", "GBP")
        planned = (await up.ordersaga(*command, "--dry-run")).json()
        summary = (await up.ordersaga(*command)).json()
        assert (planned["orders_new"], summary["orders_new"]) == (1, 1), name
    for _, order_id, total in files().values():

        async def completed(order_id: str = order_id) -> bool:
            shown = (await up.ordersaga("order", "show", order_id, "--json")).json()
            return bool(shown["status"] == "completed")

        await until(completed, timeout_s=90)
        shown = (await up.ordersaga("order", "show", order_id, "--json")).json()
        assert shown["total_minor"] == total
