"""Restarts the saga of every open order that has no running one.

For use after Temporal lost its database or sagas were terminated. A restarted saga repeats nothing:
each step asks the event store first, and providers recognise each request by its key. So nothing is
reserved, charged or shipped twice, and a saga that was compensating goes on compensating.
Recovering again, from several places, or beside running workers is harmless: Temporal runs one saga
per order.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.aggregates import ORDER
from activities.messages import OperatorAction, OrderDocument
from adapters.personal_data.errors import PersonalDataError
from domain.errors import RuleBroken
from domain.ids import OrderId, fulfillment_stream, order_stream
from eventstore.commands.handler import CommandHandler
from eventstore.errors import EventStoreError, StoreUnavailable
from eventstore.model import FeedFilter
from eventstore.store import EventStore
from ordersaga.operations.feed import feed_events
from ordersaga.operations.recovery.outcome import Recovered, RecoveryOutcome
from ordersaga.operations.sagas import is_of_its_type
from ordersaga.operations.starting import FirstRequest, start_saga, submitted_document
from ordersaga.operations.temporal_runs import Run, find_run

_SUBMITTED: Final = "OrderSubmitted"
_ENDED: Final = frozenset({"OrderCompleted", "OrderCancelled"})
_EVENTS: Final = FeedFilter(frozenset({"order"}), frozenset({_SUBMITTED, *_ENDED}))
AT_ONCE: Final = 16
_SHOWN: Final = 80  # characters of a name that a client chose

_WHY: Final = {
    RecoveryOutcome.STARTED: "it was open and had no running saga",
    RecoveryOutcome.WOULD_START: "it is open and has no running saga",
    RecoveryOutcome.RUNNING: "its saga is running",
    RecoveryOutcome.ENDED: "it ended in the meantime",
}

OnRecovered = Callable[[Recovered], None]


async def open_orders(store: EventStore) -> list[OrderId]:
    """Orders that were submitted and have not ended, in the order of their submission."""
    streams: dict[str, None] = {}
    async for event in feed_events(store, _EVENTS):
        if event.event_type == _SUBMITTED:
            streams[event.stream] = None
        else:
            streams.pop(event.stream, None)
    return [OrderId(stream.partition("-")[2]) for stream in streams]


@dataclass(frozen=True, slots=True)
class Recovery:
    """One recovery of orders.

    Attributes:
        handler: loads orders, with personal data readable.
        store: the event store; it need not show personal data.
        client: Temporal.
        dry_run: only report what would be done.
        at_once: orders processed concurrently.
    """

    handler: CommandHandler
    store: EventStore
    client: Client
    dry_run: bool = False
    at_once: int = AT_ONCE

    async def run(
        self, order_ids: Iterable[OrderId], on_recovered: OnRecovered = lambda _: None
    ) -> Sequence[Recovered]:
        """Start the saga of each order that has none.

        Args:
            order_ids: usually the `open_orders`; others are reported as ended.
            on_recovered: called with each order as soon as its outcome is known.

        Raises:
            ExceptionGroup: of RPCError or StoreUnavailable; sagas that were started stay started,
                and the next recovery continues.
        """
        remaining, recovered = iter(order_ids), list[Recovered]()

        async def lane() -> None:
            for order_id in remaining:
                result = await self._recover_or_leave(order_id)
                recovered.append(result)
                on_recovered(result)

        async with asyncio.TaskGroup() as lanes:
            for _ in range(self.at_once):
                lanes.create_task(lane())
        return sorted(recovered, key=lambda result: result.order_id)

    async def _recover_or_leave(self, order_id: OrderId) -> Recovered:
        """Recover an order; one that cannot be read keeps no other from being recovered."""
        try:
            return await self._recover(order_id)
        except (RPCError, StoreUnavailable):
            raise
        except (RuleBroken, PersonalDataError, EventStoreError) as problem:
            return Recovered(order_id, RecoveryOutcome.LEFT, f"cannot be started: {problem}")
        except Exception as error:  # noqa: BLE001  see above; its text may hold personal data
            why = f"cannot be started: unexpected {type(error).__name__}"
            return Recovered(order_id, RecoveryOutcome.LEFT, why)

    async def _recover(self, order_id: OrderId) -> Recovered:
        run = await find_run(self.client, order_stream(order_id))
        if run is not None and run.is_open:
            return _taken(order_id, run)
        state = await ORDER.stream(order_id).load(self.handler)
        document = submitted_document(order_id, state)
        if document is None:
            return _recovered(order_id, RecoveryOutcome.ENDED)
        if self.dry_run:
            return _recovered(order_id, RecoveryOutcome.WOULD_START)
        return await self._start(document)

    async def _start(self, document: OrderDocument) -> Recovered:
        order_id = document.order_id
        hold = await recorded_hold(self.store, order_id)
        try:
            await start_saga(
                self.client,
                document,
                WorkflowIDConflictPolicy.FAIL,
                # The event store says that the order is open, whatever Temporal says of past runs.
                reuse=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                request=keep_on_hold(hold) if hold else None,
            )
        except WorkflowAlreadyStartedError:
            return _recovered(order_id, RecoveryOutcome.RUNNING)
        except RPCError as error:
            if error.status is not RPCStatusCode.INVALID_ARGUMENT:
                raise
            why = f"Temporal refuses it: {error.message}"
            return Recovered(order_id, RecoveryOutcome.LEFT, why)
        suffix = f"; it is still on hold for {hold.actor}" if hold else ""
        return Recovered(
            order_id,
            RecoveryOutcome.STARTED,
            _WHY[RecoveryOutcome.STARTED] + suffix,
            workflow_id=order_stream(order_id),
        )


async def recorded_hold(store: EventStore, order_id: OrderId) -> OperatorAction | None:
    """The hold of the saga, unless it was resumed or compensation has started since."""
    hold: OperatorAction | None = None
    for event in await store.read_stream(fulfillment_stream(order_id)):
        match event.event_type, event.data.get("action"):
            case "OperatorActed", "hold":
                hold = OperatorAction(event.data["actor"], "hold", event.data["reason"])
            case ("OperatorActed", "resume") | ("CompensationStarted", _):
                hold = None
    return hold


def keep_on_hold(hold: OperatorAction) -> FirstRequest:
    """Has a saga begin on hold."""
    return FirstRequest("hold", {"actor": hold.actor, "reason": hold.reason})


def _taken(order_id: OrderId, run: Run) -> Recovered:
    if is_of_its_type(run):
        return _recovered(order_id, RecoveryOutcome.RUNNING)
    why = (
        f"a workflow of type {run.workflow_type[:_SHOWN]} holds the id of its saga: end it with "
        f"`temporal workflow terminate -w {run.workflow_id}`, then recover again"
    )
    return Recovered(order_id, RecoveryOutcome.LEFT, why)


def _recovered(order_id: OrderId, outcome: RecoveryOutcome) -> Recovered:
    return Recovered(order_id, outcome, _WHY[outcome])
