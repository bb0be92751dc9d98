"""Files of the Online Retail form for tests."""

import csv
import io
from pathlib import Path

GOOD = {
    "InvoiceNo": "536365",
    "StockCode": "71053",
    "Description": "WHITE METAL LANTERN",
    "Quantity": "6",
    "InvoiceDate": "2010-12-01 08:26:00",
    "UnitPrice": "3.39",
    "CustomerID": "17850",
    "Country": "United Kingdom",
}
HEADER = list(GOOD)


def row(**changes: str) -> dict[str, str]:
    return GOOD | changes


def text_of(*rows: dict[str, str]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, HEADER, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def write(folder: Path, *rows: dict[str, str], name: str = "orders.csv") -> Path:
    path = folder / name
    path.write_text(text_of(*rows), encoding="utf-8")
    return path
