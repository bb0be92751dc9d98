"""A count of stock that finds fewer pieces than are reserved: which orders become short.

The ledger and the orders change in one append. So an order never says that it has what the ledger
says it waits for, and no step after the count pays or buys a label for it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from activities.aggregates import ORDER, STOCK
from activities.unit_of_work import UnitOfWork, transact
from domain.ids import OrderId, Sku
from domain.lines import pieces_by_sku
from domain.order.commands import ReportUnavailable
from domain.order.state import Processing, Reserved
from domain.order.terms import UnavailablePolicy
from domain.stock import item as stock_item
from domain.stock.commands import AdjustStock
from domain.stock.events import StockDeallocated
from domain.values import MissingItem
from eventstore.commands.handler import CommandContext, CommandHandler


@dataclass(frozen=True, slots=True)
class ShortOrder:
    """An order that a count has taken `pieces` from; it waits for them."""

    order_id: OrderId
    pieces: int


async def count_stock(
    handler: CommandHandler, command: AdjustStock, now: datetime, context: CommandContext
) -> tuple[ShortOrder, ...]:
    """Correct the ledger after a count, and let the orders wait whose pieces are not there.

    Returns:
        The orders that became short.

    Raises:
        InvalidValue, RuleBroken: see the domain: fewer pieces than none cannot be on hand.
    """
    short: tuple[ShortOrder, ...] = ()
    while True:
        loaded = frozenset(one.order_id for one in short)
        short = await transact(
            handler,
            (STOCK.stream(command.sku), *ORDER.streams(loaded)),
            partial(_count, command=command, loaded=loaded, now=now),
            context,
        )
        if loaded.issuperset(one.order_id for one in short):
            return short


def _count(
    unit: UnitOfWork, command: AdjustStock, loaded: frozenset[OrderId], now: datetime
) -> tuple[ShortOrder, ...]:
    """The orders that become short; decides nothing unless all of them are loaded."""
    ledger = STOCK.stream(command.sku)
    decided = stock_item.decide(command, unit.state(ledger))
    short = tuple(
        ShortOrder(event.order_id, event.quantity)
        for event in decided
        if isinstance(event, StockDeallocated)
    )
    if loaded.issuperset(one.order_id for one in short):
        unit.record(ledger, decided)
        for one in short:
            _report(unit, one, command.sku, now)
    return short


def _report(unit: UnitOfWork, short: ShortOrder, sku: Sku, now: datetime) -> None:
    """Let the order wait; one that waits already goes on waiting.

    Whatever the order says of unavailable items: it had what it asked for, and a count may be
    corrected. Only a customer who wants to be asked is asked.
    """
    order = ORDER.stream(short.order_id)
    state = unit.state(order)
    if not isinstance(state, Reserved | Processing):
        return
    terms = state.order.unavailable
    asking = terms.policy is UnavailablePolicy.ASK
    deadline = now + timedelta(hours=terms.deadline_hours)
    missing = MissingItem(sku, pieces_by_sku(state.order.lines)[sku], short.pieces)
    unit.execute(order, ReportUnavailable((missing,), asking, deadline))
