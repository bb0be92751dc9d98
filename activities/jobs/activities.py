"""Activities of jobs: look at some orders, act on some orders; task queue ``orders``."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, Protocol, TypeVar

from temporalio import activity

from activities.jobs.messages import (
    ActOnOrders,
    ActResult,
    ChosenOrder,
    JobAct,
    LookAtOrders,
    Possibility,
)
from domain.ids import OrderId

R = TypeVar("R")


class OrderActs(Protocol):
    """Asks the sagas of orders for what operators may ask of them.

    Whatever says something about one order is an answer; only outages are raised.
    """

    async def look(self, act: JobAct, order_id: OrderId) -> Possibility:
        """Whether the act is possible now."""
        ...

    async def carry_out(self, request: ActOnOrders, order: ChosenOrder) -> ActResult:
        """Ask for the act, once for the id of the request, however often this is called."""
        ...


class JobActivities:
    """A part of a job's orders at a time; the orders of a part are asked side by side."""

    def __init__(self, acts: OrderActs) -> None:
        self._acts = acts

    @activity.defn
    async def look_at_orders(self, request: LookAtOrders) -> list[Possibility]:
        """Whether the act is possible, for each order in turn."""
        return await _all(self._acts.look(request.act, each) for each in request.orders)

    @activity.defn
    async def act_on_orders(self, request: ActOnOrders) -> list[ActResult]:
        """What became of the act, for each order in turn.

        If one order meets an outage, all of them are asked again: those that have answered give the
        same answer.
        """
        return await _all(self._acts.carry_out(request, each) for each in request.orders)


async def _all(works: Iterable[Coroutine[Any, Any, R]]) -> list[R]:
    """All results; an error is raised once all have ended, so none runs beside the next try."""
    results = await asyncio.gather(*works, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]
