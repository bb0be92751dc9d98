"""Every fact that can be recorded, in the past tense, grouped by the aggregate that owns it.

The class name is the stored event type: renaming a class or a field needs an upcaster.
An event holds everything that replaying it needs; when and by whom it was recorded stands in the
store's envelope.
"""

from dataclasses import dataclass
from datetime import datetime

from domain.delivery_events import DeliveryEvent
from domain.ids import CustomerId, OrderId, Sku
from domain.money import Money
from domain.return_events import ReturnEvent, StockReturned
from domain.shortage_events import OrderShortageEvent, StockQueueEvent
from domain.shortages import CANCEL_AT_ONCE, UnavailableTerms
from domain.values import (
    Address,
    Compensation,
    FailureKind,
    OrderLine,
    Outcome,
    PaymentTerms,
    Reason,
    Redacted,
    Step,
)

# --- order ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OrderCreated:
    """A draft was opened; `customer_id` is None for a guest; `placed_at` is the shop's time."""

    order_id: OrderId
    customer_id: CustomerId | None
    currency: str
    placed_at: datetime


@dataclass(frozen=True, slots=True)
class ItemAdded:
    """`quantity` more pieces of a SKU were put on the draft."""

    sku: Sku
    description: str
    quantity: int
    unit_price: Money


@dataclass(frozen=True, slots=True)
class ItemRemoved:
    """A SKU was taken off the draft with all its pieces."""

    sku: Sku


@dataclass(frozen=True, slots=True)
class QuantityChanged:
    """The draft now holds `quantity` pieces of the SKU."""

    sku: Sku
    quantity: int


@dataclass(frozen=True, slots=True)
class AddressSet:
    """The draft's delivery address was set."""

    address: Address | Redacted


@dataclass(frozen=True, slots=True)
class OrderSubmitted:
    """The draft was frozen: these lines, this address, this total, paid on these terms."""

    order_id: OrderId
    customer_id: CustomerId | None
    lines: tuple[OrderLine, ...]
    address: Address | Redacted
    total: Money
    payment: PaymentTerms
    unavailable: UnavailableTerms = CANCEL_AT_ONCE


@dataclass(frozen=True, slots=True)
class DeliveryAddressChanged:
    """After submission, and before a label was bought, the delivery address was corrected."""

    address: Address | Redacted


@dataclass(frozen=True, slots=True)
class OrderReserved:
    """Stock for every line is reserved."""


@dataclass(frozen=True, slots=True)
class OrderProcessingStarted:
    """The payment was authorised or captured; `payment_reference` is the provider's."""

    payment_reference: str


@dataclass(frozen=True, slots=True)
class OrderCompleted:
    """The order is paid and its parcel is on its way."""

    tracking_number: str


@dataclass(frozen=True, slots=True)
class OrderCancelled:
    """The order ended without delivery; all its effects were undone before."""

    reason: Reason
    detail: str


OrderEvent = (
    OrderCreated
    | ItemAdded
    | ItemRemoved
    | QuantityChanged
    | AddressSet
    | OrderSubmitted
    | DeliveryAddressChanged
    | OrderReserved
    | OrderProcessingStarted
    | OrderCompleted
    | OrderCancelled
    | OrderShortageEvent
)

# --- stock ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StockReceived:
    """`quantity` pieces came in; `reference` names the delivery, so that it counts once."""

    sku: Sku
    quantity: int
    reference: str


@dataclass(frozen=True, slots=True)
class StockAdjusted:
    """A count found `delta` pieces more (or, negative, fewer) than the ledger said."""

    sku: Sku
    delta: int
    reason: str


@dataclass(frozen=True, slots=True)
class StockReserved:
    """`quantity` pieces are set aside for an order."""

    sku: Sku
    order_id: OrderId
    quantity: int


@dataclass(frozen=True, slots=True)
class StockReleased:
    """`quantity` pieces that an order held were set free."""

    sku: Sku
    order_id: OrderId
    quantity: int


@dataclass(frozen=True, slots=True)
class StockShipped:
    """An order's reserved pieces left the house."""

    sku: Sku
    order_id: OrderId
    quantity: int


StockEvent = (
    StockReceived
    | StockAdjusted
    | StockReserved
    | StockReleased
    | StockShipped
    | StockQueueEvent
    | StockReturned
)

# --- payment -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PaymentAuthorised:
    """The provider holds `amount` for us; nothing was taken yet."""

    order_id: OrderId
    amount: Money
    reference: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class PaymentCaptured:
    """The provider took `amount`; `reference` is the provider's payment."""

    order_id: OrderId
    amount: Money
    reference: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class PaymentDeclined:
    """The provider refused the payment; `code` is the provider's word for why."""

    order_id: OrderId
    amount: Money
    code: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class PaymentVoided:
    """An authorisation was given back without taking money."""

    order_id: OrderId
    amount: Money
    reference: str


@dataclass(frozen=True, slots=True)
class PaymentRefunded:
    """`amount` of a captured payment went back to the customer."""

    order_id: OrderId
    amount: Money
    reference: str
    refund_reference: str


PaymentEvent = (
    PaymentAuthorised | PaymentCaptured | PaymentDeclined | PaymentVoided | PaymentRefunded
)

# --- shipment ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LabelBought:
    """The carrier issued a label for the order's parcel."""

    order_id: OrderId
    carrier: str
    label_id: str
    tracking_number: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class LabelCancelled:
    """The carrier took the label back."""

    order_id: OrderId
    label_id: str


@dataclass(frozen=True, slots=True)
class ShipmentHandedOver:
    """The carrier has the parcel since `at` (carrier's clock)."""

    at: datetime


@dataclass(frozen=True, slots=True)
class ShipmentInTransit:
    """The parcel was scanned on its way at `at` (carrier's clock)."""

    at: datetime


@dataclass(frozen=True, slots=True)
class ShipmentDelivered:
    """The parcel was delivered at `at` (carrier's clock)."""

    at: datetime


@dataclass(frozen=True, slots=True)
class ShipmentReturned:
    """The parcel came back to us at `at` (carrier's clock)."""

    at: datetime


@dataclass(frozen=True, slots=True)
class ShipmentLost:
    """The carrier gave the parcel up at `at` (carrier's clock)."""

    at: datetime


ShipmentEvent = (
    LabelBought
    | LabelCancelled
    | ShipmentHandedOver
    | ShipmentInTransit
    | ShipmentDelivered
    | ShipmentReturned
    | ShipmentLost
    | DeliveryEvent
)

# --- fulfillment ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FulfillmentStarted:
    """A saga took the order on."""

    order_id: OrderId
    workflow_id: str
    run_id: str


@dataclass(frozen=True, slots=True)
class StepFailed:
    """A step gave up; `message` is safe to show."""

    step: Step
    kind: FailureKind
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class CompensationStarted:
    """The saga turned back; everything done so far is being undone."""

    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class CompensationFailed:
    """An undoing used up its budget; the saga waits for an operator."""

    compensation: Compensation
    message: str


@dataclass(frozen=True, slots=True)
class AttentionRequired:
    """A person must act: `waiting_for` says in one sentence what on."""

    at_step: str
    waiting_for: str


@dataclass(frozen=True, slots=True)
class OperatorActed:
    """A person steered the saga: who, what and why."""

    actor: str
    action: str
    reason: str


@dataclass(frozen=True, slots=True)
class FulfillmentClosed:
    """The saga ended; `reason` is None when it completed."""

    outcome: Outcome
    reason: Reason | None
    detail: str


FulfillmentEvent = (
    FulfillmentStarted
    | StepFailed
    | CompensationStarted
    | CompensationFailed
    | AttentionRequired
    | OperatorActed
    | FulfillmentClosed
)

# --- customer ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CustomerErased:
    """The personal data of `subject` was erased: the data keys with the ids `keys` are destroyed.

    The subject is ``customer-<customer id>``, or ``order-<order id>`` for the order of a guest.
    """

    subject: str
    keys: tuple[str, ...]
    reason: str


CustomerEvent = CustomerErased

Event = (
    OrderEvent
    | StockEvent
    | PaymentEvent
    | ShipmentEvent
    | FulfillmentEvent
    | CustomerEvent
    | ReturnEvent
)
