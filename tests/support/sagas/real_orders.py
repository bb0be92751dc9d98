"""Orders of the shapes that real shops send."""

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shape:
    """An order, and what becomes of it.

    Attributes:
        content: what differs from the usual document; None takes a part out of it.
        total: what the provider is asked for, in pence.
        pieces: of the SKUs ``<order id>-<name>`` in the parcel; empty: there is no parcel.
        gift_card: what a gift card pays beside it.
        back: lines that come back, and what is paid back for them.
    """

    content: Json
    total: int
    pieces: dict[str, int] = field(default_factory=dict)
    gift_card: int = 0
    back: tuple[tuple[Json, int], ...] = ()

    def document(self, usual: Json) -> Json:
        """The order document."""
        order_id = usual["order_id"]
        lines = [
            {**line, "sku": f"{order_id}-{line['sku']}"} if "sku" in line else line
            for line in self.content["lines"]
        ]
        content = {**usual, **self.content, "lines": lines}
        return {name: value for name, value in content.items() if value is not None}


def goods(sku: str, quantity: int, price: int, **more: Any) -> Json:
    """A line of goods."""
    line = {"sku": sku, "description": "Mug", "quantity": quantity, "unit_price_minor": price}
    return {**line, **more}


def service(kind: str, price: int, **more: Any) -> Json:
    """A line of a service."""
    line = {"kind": kind, "description": kind, "quantity": 1, "unit_price_minor": price}
    return {**line, **more}


def off(kind: str, amount: int, **more: Any) -> Json:
    """An adjustment; `amount` is signed."""
    return {"kind": kind, "amount_minor": amount, **more}


def part(line_id: str, quantity: int) -> Json:
    """Pieces of a line."""
    return {"line_id": line_id, "quantity": quantity}


SHAPES: dict[str, Shape] = {
    "discount, tax and shipping": Shape(
        {
            "reference": "#1001",
            "lines": [
                goods("a", 3, 999, line_id="466157049", adjustments=[off("tax", 240)]),
                goods("b", 1, 2500, line_id="466157050"),
                service("shipping", 499, line_id="shipping"),
            ],
            "adjustments": [off("discount", -700, description="SPRING10")],
            "total_minor": 5536,
        },
        total=5536,
        pieces={"a": 3, "b": 1},
        # 3237 + 2500 + 499 = 6236; the discount of 700 is spread as 363, 281, 56
        back=(
            (part("466157049", 1), 958),
            (part("466157049", 2), 1916),
            (part("shipping", 1), 443),
        ),
    ),
    "gift card for a part": Shape(
        {"lines": [goods("a", 3, 1000)], "adjustments": [off("gift_card", -1000)]},
        total=2000,
        pieces={"a": 3},
        gift_card=1000,
        back=((part("1", 1), 666), (part("1", 1), 667), (part("1", 1), 667)),
    ),
    "free sample": Shape(
        {"lines": [goods("a", 1, 1250), goods("sample", 1, 0)]},
        total=1250,
        pieces={"a": 1, "sample": 1},
        back=((part("2", 1), 0), (part("1", 1), 1250)),
    ),
    "digital only": Shape(
        {
            "lines": [service("digital", 1900, sku="EBOOK"), service("tip", 100)],
            "address": None,
            "customer": {"email": "ada@example.org"},
        },
        total=2000,
        back=((part("2", 1), 100), (part("1", 1), 1900)),
    ),
    "two prices": Shape(
        {"lines": [goods("a", 1, 333), goods("a", 2, 334)]},
        total=1001,
        pieces={"a": 3},
        back=((part("2", 1), 334), (part("1", 1), 333), (part("2", 1), 334)),
    ),
    "no postal code": Shape(
        {
            "lines": [goods("a", 1, 880)],
            "address": {
                "name": "Chan Tai Man",
                "line1": "1 Nathan Road",
                "city": "Kowloon",
                "country": "HK",
            },
        },
        total=880,
        pieces={"a": 1},
    ),
    "total 0": Shape(
        {
            "lines": [goods("a", 2, 500), service("shipping", 300)],
            "adjustments": [off("discount", -1000), off("gift_card", -300)],
            "payment": None,
        },
        total=0,
        pieces={"a": 2},
        gift_card=300,
        back=((part("1", 2), 0),),
    ),
    "tax included": Shape(
        {
            "lines": [goods("a", 2, 1200, adjustments=[off("tax", 400, included=True)])],
            "adjustments": [off("tax", 400, included=True, description="VAT 20 %")],
            "total_minor": 2400,
            "payment": {"token": "tok_visa", "capture": "on_shipment"},
        },
        total=2400,
        pieces={"a": 2},
        back=((part("1", 1), 1200), (part("1", 1), 1200)),
    ),
    "confirmed payment": Shape(
        {
            "reference": "#1002",
            "lines": [goods("a", 2, 1000), service("shipping", 499)],
            "payment": {"confirmed": {"reference": "pi_3PcheckoutA1002"}},
            "total_minor": 2499,
        },
        total=2499,
        pieces={"a": 2},
        back=((part("1", 1), 1000), (part("2", 1), 499), (part("1", 1), 1000)),
    ),
}
