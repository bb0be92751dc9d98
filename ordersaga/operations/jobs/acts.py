"""What jobs act by: the updates of sagas, each under the id of the job and the order."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from temporalio.client import Client
from temporalio.service import RPCError

from activities.jobs.messages import (
    ActOnOrders,
    ActResult,
    ChosenOrder,
    JobAct,
    OrderOutcome,
    Possibility,
)
from activities.messages import WORKFLOW_TYPE
from domain.errors import DomainError, NotFound
from domain.ids import OrderId, order_stream
from eventstore.commands.handler import CommandHandler
from eventstore.deadline import NoTimeLeft
from eventstore.errors import StoreUnavailable
from ordersaga.errors import OrderSagaError
from ordersaga.operations.cancellation import CancelRequest, cancel_order
from ordersaga.operations.possible import PossibleActs, possible_acts
from ordersaga.operations.steering import Act, Acted, Outcome, UpdateRequest, steer
from projections.errors import describe

_EACH_WITHIN_S: Final = 22.0
"""How long one order may take; less than an attempt at a part of a job."""
_ANSWER_WITHIN: Final = timedelta(seconds=1)
"""A refusal comes at once. What was accepted takes its time, and the job does not wait for it."""
_LOOKS: Final = 3
_LOOK_AGAIN_AFTER_S: Final = 1.0
_OUTAGES: Final = (RPCError, StoreUnavailable, NoTimeLeft)

_NO_ORDER: Final = "there is no such order"
_SILENT: Final = "it did not answer in time"
_ENDED: Final = "the order has ended, or has gone further"
_OUTCOMES: Final[Mapping[Outcome, tuple[OrderOutcome, str]]] = {
    Outcome.DONE: (OrderOutcome.DONE, ""),
    Outcome.PENDING: (OrderOutcome.PENDING, ""),
    Outcome.REFUSED: (OrderOutcome.REFUSED, ""),
    Outcome.ENDED: (OrderOutcome.REFUSED, "its saga has ended"),
    Outcome.UNKNOWN: (OrderOutcome.REFUSED, "it has no saga: `ordersaga recover` starts it again"),
    Outcome.UNANSWERED: (OrderOutcome.UNANSWERED, "no worker took it in time; one may still"),
}


class _RunChanged(Exception):
    """The saga runs as another run than the job knows; nothing was sent to it."""

    def __init__(self, run_id: str) -> None:
        super().__init__(run_id)
        self.run_id = run_id


class SagaActs:
    """See `activities.jobs.activities.OrderActs`.

    Args:
        handler: reads orders, and cancels those that have no saga.
        client: Temporal.
    """

    def __init__(self, handler: CommandHandler, client: Client) -> None:
        self._handler = handler
        self._client = client

    async def look(self, act: JobAct, order_id: OrderId) -> Possibility:
        """Whether the act is possible now."""
        try:
            async with asyncio.timeout(_EACH_WITHIN_S):
                now = await self._possible(order_id)
        except TimeoutError:
            return Possibility(order_id, is_possible=False, why=_SILENT)
        except NotFound:
            return Possibility(order_id, is_possible=False, why=_NO_ORDER)
        except _OUTAGES:
            raise
        except Exception as error:  # noqa: BLE001  one odd order must not hide the others
            return Possibility(order_id, is_possible=False, why=describe(error))
        is_possible = act.value in now.acts
        why = "" if is_possible else now.waits_for or _ENDED
        return Possibility(order_id, is_possible, why, now.run_id)

    async def _possible(self, order_id: OrderId) -> PossibleActs:
        """What the saga says; it is asked again while its worker is just being replaced."""
        now = await possible_acts(self._handler, self._client, order_id)
        for _ in range(_LOOKS - 1):
            if not now.is_silent:
                break
            await asyncio.sleep(_LOOK_AGAIN_AFTER_S)
            now = await possible_acts(self._handler, self._client, order_id)
        return now

    async def carry_out(self, request: ActOnOrders, order: ChosenOrder) -> ActResult:
        """Ask for the act, once for the id of the request."""
        order_id = order.order_id
        try:
            async with asyncio.timeout(_EACH_WITHIN_S):
                return await self._steer(request, order)
        except _RunChanged as changed:
            return ActResult(order_id, None, run_id=changed.run_id)
        except TimeoutError:
            return _result(order_id, Acted(Outcome.UNANSWERED))
        except _OUTAGES:
            raise
        except (DomainError, OrderSagaError) as error:
            return ActResult(order_id, OrderOutcome.REFUSED, str(error))
        except Exception as error:  # noqa: BLE001  the others are acted on all the same
            return ActResult(order_id, OrderOutcome.FAILED, describe(error))

    async def _steer(self, request: ActOnOrders, order: ChosenOrder) -> ActResult:
        async def note_run(run_id: str) -> None:
            if run_id != order.run_id:
                raise _RunChanged(run_id)

        asked = UpdateRequest(
            order_stream(order.order_id),
            WORKFLOW_TYPE,
            request.act.value,
            request.message,
            request.request_id(order.order_id),
            order.run_id,
            _ANSWER_WITHIN,
        )
        acted = await steer(self._client, asked, note_run)
        if request.act.value == Act.CANCEL and acted.outcome in (Outcome.ENDED, Outcome.UNKNOWN):
            await cancel_order(
                self._handler, self._client, order.order_id, _cancel_request(request.message)
            )
            return ActResult(order.order_id, OrderOutcome.DONE)
        return _result(order.order_id, acted)


def _cancel_request(message: Mapping[str, Any]) -> CancelRequest:
    by_customer = message.get("requested_by") == "customer"
    return CancelRequest(str(message["actor"]), str(message["reason"]), by_customer)


def _result(order_id: OrderId, acted: Acted) -> ActResult:
    outcome, why = _OUTCOMES[acted.outcome]
    return ActResult(order_id, outcome, acted.why or why)
