"""The aggregates as command handling needs them, and a unit of work over several of them."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from temporalio import activity

from activities.messages import SagaRef
from domain.ids import (
    OrderId,
    Sku,
    fulfillment_stream,
    order_stream,
    payment_stream,
    returns_stream,
    shipment_stream,
    stock_stream,
)
from domain.order import decisions as order
from domain.order import state as order_state
from domain.order.commands import OrderCommand
from domain.order.state import OrderState
from domain.payment import payment
from domain.payment.commands import PaymentCommand
from domain.payment.payment import PaymentState
from domain.returns import decisions as returns
from domain.returns import state as return_state
from domain.returns.commands import ReturnCommand
from domain.returns.state import ReturnsState
from domain.saga import trail as fulfillment
from domain.saga.commands import FulfillmentCommand
from domain.saga.trail import FulfillmentState
from domain.shipment import shipment
from domain.shipment.commands import ShipmentCommand
from domain.shipment.shipment import ShipmentState
from domain.stock import item as stock_item
from domain.stock.commands import StockCommand
from domain.stock.item import StockState
from eventstore.commands.folding import Fold, Loaded
from eventstore.commands.handler import CommandContext, CommandHandler, Decision
from eventstore.model import Metadata

S = TypeVar("S")
C = TypeVar("C")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Aggregate(Generic[S, C]):
    """How one kind of aggregate is folded and how it decides."""

    fold: Fold[S]
    decide: Callable[[C, S], tuple[Any, ...]]


ORDER: Final[Aggregate[OrderState, OrderCommand]] = Aggregate(
    Fold(order_state.INITIAL, order_state.evolve), order.decide
)
STOCK: Final[Aggregate[StockState, StockCommand]] = Aggregate(
    Fold(stock_item.INITIAL, stock_item.evolve), stock_item.decide
)
PAYMENT: Final[Aggregate[PaymentState, PaymentCommand]] = Aggregate(
    Fold(payment.INITIAL, payment.evolve), payment.decide
)
SHIPMENT: Final[Aggregate[ShipmentState, ShipmentCommand]] = Aggregate(
    Fold(shipment.INITIAL, shipment.evolve), shipment.decide
)
FULFILLMENT: Final[Aggregate[FulfillmentState, FulfillmentCommand]] = Aggregate(
    Fold(fulfillment.INITIAL, fulfillment.evolve), fulfillment.decide
)
RETURNS: Final[Aggregate[ReturnsState, ReturnCommand]] = Aggregate(
    Fold(return_state.INITIAL, return_state.evolve), returns.decide
)


@dataclass(frozen=True, slots=True)
class Slot(Generic[S, C]):
    """One stream and the kind of aggregate that lives in it."""

    stream: str
    aggregate: Aggregate[S, C]


def order_slot(order_id: OrderId) -> Slot[OrderState, OrderCommand]:
    """The order."""
    return Slot(order_stream(order_id), ORDER)


def payment_slot(order_id: OrderId) -> Slot[PaymentState, PaymentCommand]:
    """The order's payment."""
    return Slot(payment_stream(order_id), PAYMENT)


def shipment_slot(order_id: OrderId) -> Slot[ShipmentState, ShipmentCommand]:
    """The order's shipment."""
    return Slot(shipment_stream(order_id), SHIPMENT)


def fulfillment_slot(order_id: OrderId) -> Slot[FulfillmentState, FulfillmentCommand]:
    """The trail of the order's saga."""
    return Slot(fulfillment_stream(order_id), FULFILLMENT)


def returns_slot(order_id: OrderId) -> Slot[ReturnsState, ReturnCommand]:
    """Everything that comes back of the order."""
    return Slot(returns_stream(order_id), RETURNS)


def stock_slot(sku: Sku) -> Slot[StockState, StockCommand]:
    """The ledger of a SKU."""
    return Slot(stock_stream(sku), STOCK)


def folds(*slots: Slot[Any, Any]) -> dict[str, Fold[Any]]:
    """What `CommandHandler.execute` loads."""
    return {slot.stream: slot.aggregate.fold for slot in slots}


class Work:
    """What one decision wants of several aggregates; each command sees those before it."""

    def __init__(self, loaded: Mapping[str, Loaded[Any]]) -> None:
        self._states: dict[str, Any] = {name: item.state for name, item in loaded.items()}
        self._events: defaultdict[str, list[Any]] = defaultdict(list)

    def state(self, slot: Slot[S, C]) -> S:
        """The state of a stream with all commands so far."""
        state: S = self._states[slot.stream]
        return state

    def tell(self, slot: Slot[S, C], *commands: C) -> None:
        """Let the aggregate decide each command; raises what the domain refuses."""
        for command in commands:
            self.add(slot, slot.aggregate.decide(command, self.state(slot)))

    def add(self, slot: Slot[S, C], events: Iterable[Any]) -> None:
        """Add events that were decided elsewhere."""
        for event in events:
            self._states[slot.stream] = slot.aggregate.fold.evolve(self.state(slot), event)
            self._events[slot.stream].append(event)

    def decision(self, result: R) -> Decision[R]:
        """Everything that is to be appended, and the answer."""
        return Decision({name: tuple(events) for name, events in self._events.items()}, result)


async def read(handler: CommandHandler, *slots: Slot[Any, Any]) -> Work:
    """The present states of several streams, in one round trip."""
    nobody = CommandContext("read", Metadata("read", "read", "read"))  # nothing is appended
    return await handler.execute(folds(*slots), lambda loaded: Decision({}, Work(loaded)), nobody)


ACTOR = "saga"
"""Actor of every event that a saga appends; the starter leaves such orders alone."""


def may_have_run(saga: SagaRef, first_run_id: str | None) -> bool:
    """Whether the present activity may have been begun before, wholly or in part.

    A saga numbers its activities from the second use of a name on (`process-payment-2`), and each
    of those counts its attempts from 1 again; so does a run that takes over from one that is lost.

    Args:
        saga: the run that asked for the activity.
        first_run_id: the run that took the order on, None if that is not known.
    """
    info = activity.info()
    asked_again = info.activity_id.rpartition("-")[2].isdigit()
    return info.attempt > 1 or asked_again or saga.run_id != first_run_id


def command_context(saga: SagaRef, purpose: str) -> CommandContext:
    """Who asks; the same for every attempt of the same activity.

    Args:
        saga: the run that asked for the activity.
        purpose: tells several appends of one activity apart.
    """
    causation_id = f"{saga.run_id}/{activity.info().activity_id}"
    return CommandContext(
        command_id=f"{saga.workflow_id}/{causation_id}/{purpose}",
        metadata=Metadata(
            correlation_id=saga.workflow_id,
            causation_id=causation_id,
            actor=ACTOR,
            extra={"run_id": saga.run_id},
        ),
    )
