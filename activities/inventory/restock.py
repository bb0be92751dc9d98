"""What a return asks of the stock ledger; task queue ``inventory``."""

from collections.abc import Mapping
from typing import Any

from temporalio import activity

from activities.failures import translated
from activities.returns.messages import CaseRequest, CaseView
from activities.returns.rules import known_case, view_of
from activities.unit_of_work import Work, command_context, folds, read, returns_slot, stock_slot
from domain.returns.commands import RecordRestocked
from domain.stock.commands import ReturnStock
from eventstore.commands.folding import Loaded
from eventstore.commands.handler import CommandHandler, Decision


class ReturnStockActivities:
    """Put goods back into stock."""

    def __init__(self, handler: CommandHandler) -> None:
        self._handler = handler

    @activity.defn
    async def restock_return(self, request: CaseRequest) -> CaseView:
        """Book the decided pieces in and record that they are, in one append; so it is once.

        Raises:
            ApplicationError: unavailable.
        """
        slot = returns_slot(request.order_id)
        with translated():
            known = await read(self._handler, slot)
            pieces = known_case(known, request.order_id, request.return_id).restock or ()
            return await self._handler.execute(
                folds(slot, *(stock_slot(item.sku) for item in pieces)),
                lambda loaded: _restock(loaded, request),
                command_context(request.saga, "restock"),
            )


def _restock(loaded: Mapping[str, Loaded[Any]], request: CaseRequest) -> Decision[CaseView]:
    work, order_id, return_id = Work(loaded), request.order_id, request.return_id
    case = known_case(work, order_id, return_id)
    if case.restock_is_due:
        for item in case.restock or ():
            command = ReturnStock(item.sku, order_id, return_id, item.quantity)
            work.tell(stock_slot(item.sku), command)
        work.tell(returns_slot(order_id), RecordRestocked(return_id))
    return work.decision(view_of(work, order_id, return_id))
