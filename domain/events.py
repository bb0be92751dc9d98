"""Every event that can be stored.

The class name is the stored event type: renaming a class or a field needs an upcaster. An event
holds everything that replaying it needs; the envelope of the store says when it was recorded and
by whom.
"""

from domain.customer.events import CustomerEvent
from domain.order.events import OrderEvent
from domain.payment.events import PaymentEvent, ReferenceClaimed
from domain.request.events import OrderRequested
from domain.returns.events import ReturnEvent
from domain.saga.events import FulfillmentEvent
from domain.shipment.events import ShipmentEvent
from domain.stock.events import StockEvent

Event = (
    OrderEvent
    | StockEvent
    | PaymentEvent
    | ReferenceClaimed
    | ShipmentEvent
    | FulfillmentEvent
    | CustomerEvent
    | ReturnEvent
    | OrderRequested
)
