"""Which acts on an order are possible now, as its saga says."""

from dataclasses import dataclass

from temporalio.client import Client

from activities.aggregates import ORDER
from domain.errors import NotFound
from domain.ids import OrderId, order_stream
from domain.order.state import Cancelled, Completed, NoOrder
from eventstore.commands.handler import CommandHandler
from ordersaga.operations.sagas import ask_status
from ordersaga.operations.steering import Act
from ordersaga.operations.temporal_runs import find_run


@dataclass(frozen=True, slots=True)
class PossibleActs:
    """The acts that are possible now.

    Attributes:
        waits_for: what the saga waits for, or why it does not say.
        run_id: the open run of the saga; None: there is none.
        is_silent: the saga runs and does not answer.
    """

    acts: tuple[str, ...]
    waits_for: str | None = None
    run_id: str | None = None
    is_silent: bool = False


async def possible_acts(handler: CommandHandler, client: Client, order_id: OrderId) -> PossibleActs:
    """Which acts are possible now.

    Raises:
        NotFound: there is no such order.
        RPCError: Temporal does not answer.
    """
    state = await ORDER.stream(order_id).load(handler)
    if isinstance(state, NoOrder):
        raise NotFound("order", order_id)
    run = await find_run(client, order_stream(order_id))
    if run is not None and run.is_open:
        status, note = await ask_status(client, run)
        acts, waits_for = tuple(status.get("actions", ())), status.get("waits_for") or note
        return PossibleActs(acts, waits_for, run.run_id, not status and run.status == "running")
    if isinstance(state, Completed | Cancelled):
        return PossibleActs(())
    return PossibleActs((Act.CANCEL,))  # possible whatever became of its saga
