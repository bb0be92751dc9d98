"""Requests that the carrier contract uses."""

import itertools

from activities.ports import LabelRequest, ParcelItem
from domain.ids import OrderId
from domain.values import Address

_numbers = itertools.count(1)

OURS = "0f8fad5b-d9cb-469f-a165-70867728950e"
HOME = Address("Ada Lovelace", "12 St James's Square", "London", "SW1Y 4JH", "GB")


def label_request(address: Address = HOME) -> LabelRequest:
    """A request for a new order."""
    order_id = OrderId(f"L{next(_numbers)}")
    items = (ParcelItem("85123A", 6), ParcelItem("71053", 2))
    return LabelRequest(order_id, address, items, f"{OURS}:order-{order_id}:shipment", OURS)
