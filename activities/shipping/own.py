"""An order's own label: the one way from the activities to the carrier.

As with payments, what the carrier answers is compared with the order before anybody sees it.
"""

from typing import NewType

from activities.identity import Claim, require_own
from activities.keys import OrderKeys
from activities.ports import (
    Carrier,
    CarrierLabel,
    GatewayRejected,
    Installation,
    LabelRequest,
    NotOurs,
    OutcomeUnknown,
    ParcelItem,
)
from activities.unit_of_work import if_time_is_left
from domain.errors import RuleBroken
from domain.ids import OrderId
from domain.lines import pieces_by_sku
from domain.order.state import FrozenOrder
from domain.shipment.shipment import ShipmentState, live_label
from domain.values import readable

OwnLabel = NewType("OwnLabel", CarrierLabel)
"""A label that is known as the order's own."""


class OwnLabels:
    """Gives the labels of an order.

    Args:
        carrier: sells labels.
        installation: whose labels count.
    """

    def __init__(self, carrier: Carrier, installation: Installation) -> None:
        self._carrier = carrier
        self._installation = installation

    async def of(self, order_id: OrderId) -> "OrderLabels":
        """The labels of an order; raises StoreUnavailable."""
        return OrderLabels(self._carrier, await self._installation.current(), order_id)


class OrderLabels:
    """The labels of one order.

    All methods that ask the carrier raise NotOurs if what it holds is somebody else's; then nothing
    was changed.
    """

    def __init__(self, carrier: Carrier, installation: str, order_id: OrderId) -> None:
        self.keys = OrderKeys(installation, order_id)
        self._carrier = carrier

    def check_recorded(self, state: ShipmentState) -> None:
        """Refuse a label in our events that another installation bought.

        Raises:
            NotOurs: its key is not one of this order's.
        """
        label = live_label(state)
        if label and label.idempotency_key not in self.keys.labels:
            text = "was bought by another installation, and is left alone"
            raise NotOurs(f"label {label.label_id} {text}")

    async def find(self, key: str) -> OwnLabel | None:
        """The label bought with a key."""
        answer = await self._carrier.find(key)
        return self._own(answer, key) if answer else None

    async def buy(self, key: str, order: FrozenOrder) -> OwnLabel:
        """Buy the label, once per key."""
        if order.address is None:
            raise RuleBroken("address_missing", "the order has goods and no delivery address")
        address = readable(order.address, "delivery address")
        goods = pieces_by_sku(order.lines)
        items = tuple(ParcelItem(sku, quantity) for sku, quantity in goods.items())
        request = LabelRequest(order.order_id, address, items, key, self.keys.installation)
        try:
            return self._own(await self._carrier.buy_label(request), key)
        except OutcomeUnknown:
            if answer := await if_time_is_left(self.find(key)):
                return answer
            raise
        except GatewayRejected:
            await self.find(key)  # the key may be refused because somebody else has used it
            raise

    async def forbid(self, key: str) -> OwnLabel | None:
        """Make a key unusable; the label if one was bought with it. See the port."""
        keys = self.keys
        answer = await self._carrier.forbid(keys.order_id, key, keys.installation)
        return self._own(answer, key) if answer else None

    async def cancel(self, own: OwnLabel) -> OwnLabel:
        """Cancel a label."""
        answer = await self._carrier.cancel_label(own.label_id, self.keys.cancel_label)
        return self._own(answer, own.idempotency_key)

    def _own(self, answer: CarrierLabel, key: str) -> OwnLabel:
        claim = Claim(self.keys.installation, self.keys.order_id, key)
        require_own("label", answer.label_id, answer.identity, claim)
        return OwnLabel(answer)
