"""What can be asked of an aggregate, in the imperative, grouped by the aggregate that answers.

A command carries time and ids as data, so that deciding it needs neither clock nor chance.
"""

from dataclasses import dataclass
from datetime import datetime

from domain.delivery_commands import DeliveryCommand
from domain.ids import CustomerId, OrderId, Sku
from domain.money import Money
from domain.return_commands import ReturnStock
from domain.shortage_commands import OrderShortageCommand, StockQueueCommand
from domain.shortages import CANCEL_AT_ONCE, UnavailableTerms
from domain.values import (
    Address,
    Compensation,
    FailureKind,
    Outcome,
    PaymentTerms,
    Reason,
    Step,
)

# --- order ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CreateOrder:
    """Open a draft."""

    order_id: OrderId
    customer_id: CustomerId | None
    currency: str
    placed_at: datetime


@dataclass(frozen=True, slots=True)
class AddItem:
    """Put pieces of a SKU on the draft; more of the same adds up if the price is the same."""

    sku: Sku
    description: str
    quantity: int
    unit_price: Money


@dataclass(frozen=True, slots=True)
class RemoveItem:
    """Take a SKU off the draft."""

    sku: Sku


@dataclass(frozen=True, slots=True)
class ChangeQuantity:
    """Set the number of pieces (at least 1) of a SKU on the draft."""

    sku: Sku
    quantity: int


@dataclass(frozen=True, slots=True)
class SetAddress:
    """Set the draft's delivery address."""

    address: Address


@dataclass(frozen=True, slots=True)
class SubmitOrder:
    """Freeze the draft and hand it to fulfilment."""

    payment: PaymentTerms
    unavailable: UnavailableTerms = CANCEL_AT_ONCE


@dataclass(frozen=True, slots=True)
class ChangeDeliveryAddress:
    """Correct the address of a submitted order that has no label yet."""

    address: Address


@dataclass(frozen=True, slots=True)
class MarkReserved:
    """Record that stock for every line is reserved."""


@dataclass(frozen=True, slots=True)
class StartProcessing:
    """Record that the payment was authorised or captured."""

    payment_reference: str


@dataclass(frozen=True, slots=True)
class CompleteOrder:
    """Record that the order is paid and shipped."""

    tracking_number: str


@dataclass(frozen=True, slots=True)
class CancelOrder:
    """End the order; allowed until it is completed."""

    reason: Reason
    detail: str


OrderCommand = (
    CreateOrder
    | AddItem
    | RemoveItem
    | ChangeQuantity
    | SetAddress
    | SubmitOrder
    | ChangeDeliveryAddress
    | MarkReserved
    | StartProcessing
    | CompleteOrder
    | CancelOrder
    | OrderShortageCommand
)

# --- stock ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReceiveStock:
    """Book pieces in; the same `reference` books once."""

    sku: Sku
    quantity: int
    reference: str


@dataclass(frozen=True, slots=True)
class AdjustStock:
    """Correct the ledger after a count; never below what is reserved."""

    sku: Sku
    delta: int
    reason: str


@dataclass(frozen=True, slots=True)
class ReserveStock:
    """Set pieces aside for an order; more than is available is refused."""

    sku: Sku
    order_id: OrderId
    quantity: int


@dataclass(frozen=True, slots=True)
class ReleaseStock:
    """Set free all that an order holds and waits for; nothing happens if that is nothing."""

    order_id: OrderId


@dataclass(frozen=True, slots=True)
class ShipStock:
    """Let an order's reserved pieces leave the house."""

    order_id: OrderId


StockCommand = (
    ReceiveStock
    | AdjustStock
    | ReserveStock
    | ReleaseStock
    | ShipStock
    | StockQueueCommand
    | ReturnStock
)

# --- payment -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RecordAuthorisation:
    """Record that the provider holds the money."""

    order_id: OrderId
    amount: Money
    reference: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class RecordCapture:
    """Record that the provider took the money."""

    order_id: OrderId
    amount: Money
    reference: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class RecordDecline:
    """Record that the provider refused."""

    order_id: OrderId
    amount: Money
    code: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class RecordVoid:
    """Record that the authorisation was given back."""

    order_id: OrderId
    reference: str


@dataclass(frozen=True, slots=True)
class RecordRefund:
    """Record that captured money went back; never more than was captured."""

    order_id: OrderId
    amount: Money
    reference: str
    refund_reference: str


PaymentCommand = RecordAuthorisation | RecordCapture | RecordDecline | RecordVoid | RecordRefund

# --- shipment ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RecordLabel:
    """Record the carrier's label."""

    order_id: OrderId
    carrier: str
    label_id: str
    tracking_number: str
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class RecordLabelCancelled:
    """Record that the carrier took the label back."""

    order_id: OrderId
    label_id: str


@dataclass(frozen=True, slots=True)
class RecordCarrierUpdate:
    """Record a scan: `status` is handed_over, in_transit, delivered, returned or lost.

    Updates may come twice, late or out of order; one that would move the shipment backwards
    changes nothing.
    """

    status: str
    at: datetime


ShipmentCommand = RecordLabel | RecordLabelCancelled | RecordCarrierUpdate | DeliveryCommand

# --- fulfillment ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StartFulfillment:
    """Record that a saga took the order on; a later run of the same saga changes nothing."""

    order_id: OrderId
    workflow_id: str
    run_id: str


@dataclass(frozen=True, slots=True)
class RecordStepFailure:
    """Record that a step gave up."""

    step: Step
    kind: FailureKind
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class StartCompensation:
    """Record that the saga turns back."""

    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class RecordCompensationFailure:
    """Record that an undoing used up its budget."""

    compensation: Compensation
    message: str


@dataclass(frozen=True, slots=True)
class RequireAttention:
    """Record that a person must act."""

    at_step: str
    waiting_for: str


@dataclass(frozen=True, slots=True)
class RecordOperatorAction:
    """Record who steered the saga, how and why."""

    actor: str
    action: str
    reason: str


@dataclass(frozen=True, slots=True)
class CloseFulfillment:
    """Record how the saga ended; closing twice in the same way changes nothing."""

    outcome: Outcome
    reason: Reason | None
    detail: str


FulfillmentCommand = (
    StartFulfillment
    | RecordStepFailure
    | StartCompensation
    | RecordCompensationFailure
    | RequireAttention
    | RecordOperatorAction
    | CloseFulfillment
)

# --- customer ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RecordErasure:
    """Record that the data keys of a subject are destroyed; the same keys again change nothing."""

    subject: str
    keys: tuple[str, ...]
    reason: str
