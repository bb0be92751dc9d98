"""The pages of the console that a demonstration names at its end."""

import json
from collections.abc import Sequence
from typing import Final

from domain.ids import OrderId
from ordersaga.access.requests import RequestKey
from ordersaga.bootstrap.wiring import Services
from ordersaga.operations.orders import OrdersService
from ordersaga.operations.placing import place_order
from workflows.documents.order import parse_document

_WHO: Final = "demo"
_STUCK: Final = {
    "order_id": "waits-for-you",
    "currency": "GBP",
    "placed_at": "2011-12-09T12:50:00Z",
    "lines": [
        {"sku": "SOLD-OUT", "description": "Sold out", "quantity": 2, "unit_price_minor": 625}
    ],
    "address": {
        "name": "Sam Sample",
        "line1": "1 Example Street",
        "city": "London",
        "postal_code": "N1 9GU",
        "country": "GB",
    },
    "payment": {"token": "tok_visa"},
    "unavailable": {"policy": "ask", "deadline_hours": 72},
}
"""An order of a product that is not there; the saga asks what to do."""


async def place_stuck_order(services: Services) -> OrderId:
    """Place an order that waits for a person."""
    body = json.dumps(_STUCK).encode()
    key = RequestKey(_WHO, _WHO, body)
    return (await place_order(services.handler, parse_document(body, None), key)).order_id


async def orders_to_show(orders: OrdersService, order_ids: Sequence[OrderId]) -> dict[str, OrderId]:
    """The first order that was completed, and the first whose money went back."""
    pages: dict[str, OrderId] = {}
    for order_id in order_ids:
        order = await orders.show(order_id)
        if order.status == "completed":
            pages.setdefault("an order that was completed", order_id)
        elif order.refunded_minor:
            pages.setdefault("one whose money went back", order_id)
    return pages
