"""What an act would do, found out by deciding it without recording it.

The decisions are those of the domain, on the present state. What providers would answer is assumed:
that they do what they are asked. Where something is being asked just now, its outcome is in doubt,
and said so.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from activities.aggregates import ORDER, PAYMENT, SHIPMENT, STOCK
from domain.errors import DomainError
from domain.ids import OrderId, Sku
from domain.lines import Pieces, pieces_by_sku
from domain.money import Money, format_amount
from domain.order import commands as order_commands
from domain.order import events as order_events
from domain.order.state import Draft, FrozenOrder, NoOrder, OrderState
from domain.payment import commands as payment_commands
from domain.payment import events as payment_events
from domain.payment.state import Authorised, Captured, NoPayment, PaymentState, Prepared
from domain.shipment import commands as shipment_commands
from domain.shipment import events as shipment_events
from domain.shipment.shipment import live_label
from domain.stock import commands as stock_commands
from domain.stock import events as stock_events
from domain.values import Reason
from eventstore.commands.handler import CommandHandler

ASSUMED: Final = "what-if"
"""Stands for references that only a provider can give."""


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What an act would do.

    Attributes:
        effects: one sentence each, in the order in which they happen.
        doubts: what only a provider knows, so that its end is not known.
        events: the events that would be recorded.
    """

    effects: Sequence[str]
    doubts: Sequence[str]
    events: Sequence[Any]


@dataclass(frozen=True, slots=True)
class Standing:
    """An order, its payment, its parcel and its products as they are now."""

    order_id: OrderId
    order: OrderState
    payment: PaymentState
    shipment: Any
    stock: Mapping[str, Any]

    @property
    def content(self) -> FrozenOrder | None:
        """What was submitted; None: nothing was."""
        return _submitted(self.order)

    @property
    def confirmed(self) -> str | None:
        """The payment that was confirmed at checkout; None: there is none."""
        return self.content.confirmed if self.content else None


def _submitted(order: OrderState) -> FrozenOrder | None:
    if isinstance(order, NoOrder | Draft):
        return None
    return order.order if isinstance(order.order, FrozenOrder) else None


async def load_standing(handler: CommandHandler, order_id: OrderId) -> Standing:
    """The present state of an order and all that belongs to it."""
    order = await ORDER.stream(order_id).load(handler)
    content = _submitted(order)
    skus = pieces_by_sku(content.lines) if content else {}
    return Standing(
        order_id,
        order,
        await PAYMENT.stream(order_id).load(handler),
        await SHIPMENT.stream(order_id).load(handler),
        {sku: await STOCK.stream(sku).load(handler) for sku in skus},
    )


def if_cancelled(standing: Standing, running: Iterable[str] = ()) -> WhatIf:
    """What cancelling would do: the label, the money, the stock, the order, in this order.

    Args:
        standing: the present state.
        running: the activities that are under way.
    """
    order_id = standing.order_id
    decided: list[Any] = []
    label = live_label(standing.shipment)
    if label is not None:
        cancel_label = shipment_commands.RecordLabelCancelled(order_id, label.label_id)
        decided += SHIPMENT.decide(cancel_label, standing.shipment)
    for command in _money_back(standing):
        decided += PAYMENT.decide(command, standing.payment)
    for state in standing.stock.values():
        if state.holds_or_waits(order_id):
            decided += STOCK.decide(stock_commands.ReleaseStock(order_id), state)
    decided += ORDER.decide(order_commands.CancelOrder(Reason.OPERATOR_REQUEST, ""), standing.order)
    return WhatIf(_sentences(decided), _doubts(standing, running), decided)


def if_amended(standing: Standing, pieces: Sequence[Pieces]) -> WhatIf:
    """What removing pieces would do; raises DomainError as the act would."""
    decided = list(ORDER.decide(order_commands.AmendOrder(tuple(pieces)), standing.order))
    for event in tuple(decided):
        if isinstance(event, order_events.OrderAmended):
            decided += _pieces_freed(standing, pieces_by_sku(event.lines))
            decided += _difference(standing, event.total)
    doubts = (_ASKED_FOR_MORE,) if isinstance(standing.payment, Prepared) else ()
    return WhatIf(_sentences(decided), doubts, decided)


def refusal_of(decide: Callable[[], WhatIf]) -> WhatIf | str:
    """What would happen, or why it is refused."""
    try:
        return decide()
    except DomainError as error:
        return str(error)


def _money_back(standing: Standing) -> list[payment_commands.PaymentCommand]:
    match standing.payment:
        case NoPayment() if standing.confirmed is not None:
            return []
        case NoPayment():
            return [payment_commands.ForbidPayment(standing.order_id)]
        case Prepared() | Authorised() as held:
            return [payment_commands.RecordVoid(standing.order_id, held.reference)]
        case Captured() as paid if paid.refundable.minor > 0:
            back = (paid.refundable, paid.reference, ASSUMED)
            return [payment_commands.RecordRefund(standing.order_id, *back)]
        case _:
            return []


def _pieces_freed(standing: Standing, left: Mapping[Sku, int]) -> list[Any]:
    order_id, decided = standing.order_id, list[Any]()
    for sku, state in standing.stock.items():
        if state.holds_or_waits(order_id):
            claim = stock_commands.ReduceClaim(order_id, left.get(Sku(sku), 0))
            decided += STOCK.decide(claim, state)
    return decided


def _difference(standing: Standing, total: Money) -> Sequence[Any]:
    payment = standing.payment
    if not isinstance(payment, Captured) or total >= payment.refundable:
        return ()
    more = (payment.refundable - total, payment.reference, ASSUMED)
    return PAYMENT.decide(payment_commands.RecordRefund(standing.order_id, *more), payment)


_SENTENCES: Final[Mapping[type, Callable[[Any], str]]] = {
    shipment_events.LabelCancelled: lambda x: f"label {x.label_id} is cancelled",
    payment_events.PaymentVoided: lambda x: (
        f"the payment of {format_amount(x.amount)} is ended; no money has moved"
    ),
    payment_events.PaymentRefunded: lambda x: (
        f"{format_amount(x.amount)} goes back to the customer"
    ),
    stock_events.StockReleased: lambda x: f"{x.quantity} of {x.sku} become free",
    stock_events.StockAllocated: lambda x: f"{x.quantity} of {x.sku} go to order {x.order_id}",
    stock_events.BackorderWithdrawn: lambda x: f"{x.quantity} of {x.sku} are no longer waited for",
    order_events.OrderCancelled: lambda _: "the order ends as cancelled",
    order_events.OrderAmended: lambda x: f"the order costs {format_amount(x.total)}",
}


def _sentences(events: Iterable[Any]) -> list[str]:
    return [_SENTENCES[type(event)](event) for event in events if type(event) in _SENTENCES]


_ASKED_FOR_MORE: Final = (
    "the money was asked for already: if it is taken, what is more than the order costs goes back"
)
_IN_DOUBT: Final = {
    "process_payment": "the money is being asked for now: if any is taken, it goes back",
    "capture_payment": "the money is being captured now: if it is, it goes back",
    "create_shipment": "a label is being bought now: it is cancelled, unless it was scanned",
    "reserve_inventory": "stock is being reserved now: what is reserved becomes free again",
}


_HANDED_IN: Final = "a payment was confirmed at checkout: if it is the order's, its money goes back"


def _doubts(standing: Standing, running: Iterable[str]) -> list[str]:
    is_open = standing.content is not None
    unseen = standing.confirmed is not None and isinstance(standing.payment, NoPayment)
    handed_in = [_HANDED_IN] if unseen else []
    return handed_in + [
        _IN_DOUBT[name] for name in dict.fromkeys(running) if is_open and name in _IN_DOUBT
    ]
