"""The activity of a return that books goods into stock; task queue ``inventory``."""

from collections import Counter

from temporalio import activity

from activities.aggregates import RETURNS, STOCK
from activities.returns import messages, rules
from activities.unit_of_work import UnitOfWork, command_context, load, transact
from domain.ids import Sku
from domain.returns.commands import RecordRestocked
from domain.returns.state import ReturnCase
from domain.stock.commands import ReturnStock
from eventstore.commands.handler import CommandHandler


class ReturnStockActivities:
    """Put returned goods back into stock."""

    def __init__(self, handler: CommandHandler) -> None:
        self._handler = handler

    @activity.defn
    async def restock_return(self, request: messages.CaseRequest) -> messages.CaseView:
        """Book in the decided pieces and record the restock, in one append and so only once."""
        returns = RETURNS.stream(request.order_id)
        unit = await load(self._handler, returns)
        pieces = _by_sku(rules.case_of(unit, request.order_id, request.return_id))
        return await transact(
            self._handler,
            (returns, *STOCK.streams(pieces)),
            lambda unit: _restock(unit, request),
            command_context(request.saga, "restock"),
        )


def _by_sku(case: ReturnCase) -> Counter[Sku]:
    """The pieces to book in, by SKU."""
    pieces: Counter[Sku] = Counter()
    for item in case.restock or ():
        pieces[case.skus[item.line_id]] += item.quantity
    return pieces


def _restock(unit: UnitOfWork, request: messages.CaseRequest) -> messages.CaseView:
    order_id, return_id = request.order_id, request.return_id
    case = rules.case_of(unit, order_id, return_id)
    if case.restock_is_due:
        for sku, quantity in _by_sku(case).items():
            command = ReturnStock(sku, order_id, return_id, quantity)
            unit.execute(STOCK.stream(sku), command)
        unit.execute(RETURNS.stream(order_id), RecordRestocked(return_id))
    return rules.view_of(unit, order_id, return_id)
