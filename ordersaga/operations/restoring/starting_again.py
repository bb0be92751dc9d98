"""Ends the runs that know more than the database, and starts their workflows again.

A run is terminated: that runs no code, so nothing is undone. What it had done at the providers is
found there by its keys when the new run comes to the same step.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from activities.aggregates import ORDER, RETURNS
from activities.messages import ORDERS_QUEUE, OperatorAction, OrderDocument
from activities.returns.messages import DELIVERY_WORKFLOW_TYPE, RETURN_WORKFLOW_TYPE
from adapters.personal_data.errors import PersonalDataError
from domain.errors import RuleBroken
from domain.fields import MAX_REASON
from domain.ids import OrderId, delivery_workflow
from domain.notes import cut
from domain.order.state import Cancelled, Completed, NoOrder
from eventstore.commands.handler import CommandHandler
from eventstore.store import EventStore
from ordersaga.operations.recovery.orders import keep_on_hold, recorded_hold
from ordersaga.operations.restoring.memory import Memory, content_of
from ordersaga.operations.restoring.outcome import Ahead, RestartOutcome
from ordersaga.operations.starting import FirstRequest, start_saga, submitted_document
from workflows.documents.messages import canonical_json
from workflows.documents.order import parse_document
from workflows.documents.validation import InvalidDocument

ENDED_BECAUSE: Final = "the database was restored: it knows less than this run"
_BY: Final = "restore"


@dataclass(frozen=True, slots=True)
class StartingAgain:
    """Starts again what knows more than the database.

    Attributes:
        client: Temporal.
        handler: loads orders, with personal data readable.
        store: the event store; it need not show personal data.
        dry_run: only say what would be done.
    """

    client: Client
    handler: CommandHandler
    store: EventStore
    dry_run: bool = False

    async def order(self, memory: Memory) -> Ahead:
        """The saga of an order."""
        workflow_id = memory.run.workflow_id
        order_id = OrderId(workflow_id.partition("-")[2])
        try:
            state = await ORDER.stream(order_id).load(self.handler)
            if isinstance(state, Completed | Cancelled):
                await self._end(memory)
                return _ahead(
                    memory, RestartOutcome.ENDED, "the database knows how the order ended"
                )
            document = submitted_document(order_id, state)
            fate = RestartOutcome.AGAIN
            if document is None and isinstance(state, NoOrder):
                document, fate = await self._first_document(memory), RestartOutcome.ANEW
        except (RuleBroken, PersonalDataError, InvalidDocument) as problem:
            return _ahead(memory, RestartOutcome.LEFT, f"it cannot be started: {problem}")
        if document is None:
            return _ahead(memory, RestartOutcome.LEFT, _no_document(state))
        request, suffix = await self._first_request(order_id, memory)
        await self._end(memory)
        await self._start_order(document, request, memory)
        return _ahead(memory, fate, _ORDER_WHY[fate] + suffix)

    async def parcel(self, memory: Memory) -> Ahead:
        """The workflow that follows a parcel: it gets every scan again that it ever got."""
        order_id = OrderId(memory.run.workflow_id.partition("-")[2])
        await self._end(memory)
        await self._start(
            delivery_workflow(order_id), DELIVERY_WORKFLOW_TYPE, {"updates": memory.scans}
        )
        why = f"it gets its {len(memory.scans)} scans again"
        return _ahead(memory, RestartOutcome.AGAIN, why)

    async def case(self, memory: Memory) -> Ahead:
        """The workflow of a return: of what the database has of it, or of its first input."""
        document = await content_of(self.client, memory.first_input)
        if not isinstance(document, dict) or "return_id" not in document:
            return _ahead(
                memory, RestartOutcome.LEFT, "Temporal does not know what it was started with"
            )
        order_id, return_id = OrderId(document["order_id"]), document["return_id"]
        order = await ORDER.stream(order_id).load(self.handler)
        if not isinstance(order, Completed):
            why = "its order is not completed again yet: run `ordersaga restored` once more then"
            return _ahead(memory, RestartOutcome.LEFT, why)
        is_there = return_id in await self._returns_of(order_id)
        await self._end(memory)
        await self._start(memory.run.workflow_id, RETURN_WORKFLOW_TYPE, document)
        fate = RestartOutcome.AGAIN if is_there else RestartOutcome.ANEW
        return _ahead(memory, fate, "what was decided after the point has to be decided again")

    # --- parts -----------------------------------------------------------------------------------

    async def _returns_of(self, order_id: OrderId) -> set[str]:
        events = await self.store.read_stream(RETURNS.stream(order_id).name)
        return {str(event.data.get("return_id")) for event in events}

    async def _first_document(self, memory: Memory) -> OrderDocument | None:
        content = await content_of(self.client, memory.first_input)
        if not isinstance(content, dict):
            return None
        return parse_document(canonical_json(content), memory.run.workflow_id)

    async def _first_request(
        self, order_id: OrderId, memory: Memory
    ) -> tuple[FirstRequest | None, str]:
        """What the new run is asked before its first step, and how that is told."""
        if memory.is_cancelled:
            reason = "it was cancelled before the database was restored"
            message = {"actor": _BY, "reason": reason, "requested_by": "operator"}
            return FirstRequest("cancel", message), "; it is cancelled again"
        if memory.acts:
            lost = ", ".join(memory.acts)
            reason = cut(f"repeat what the restored database lost, then resume: {lost}", MAX_REASON)
            hold = OperatorAction(_BY, "hold", reason)
            return keep_on_hold(hold), "; it is on hold until somebody has repeated what is lost"
        held = memory.hold or await recorded_hold(self.store, order_id)
        if held is None:
            return None, ""
        return keep_on_hold(held), f"; it is still on hold for {held.actor}"

    async def _end(self, memory: Memory) -> None:
        if self.dry_run or not memory.run.is_open:
            return
        run = memory.run
        handle = self.client.get_workflow_handle(run.workflow_id, run_id=run.run_id)
        try:
            await handle.terminate(reason=ENDED_BECAUSE)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:  # it has just ended
                raise

    async def _start_order(
        self, document: OrderDocument, request: FirstRequest | None, memory: Memory
    ) -> None:
        if self.dry_run:
            return
        with suppress(WorkflowAlreadyStartedError):
            saga = await start_saga(
                self.client,
                document,
                WorkflowIDConflictPolicy.FAIL,
                reuse=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                request=request,
            )
            for scan in memory.scans:
                await saga.signal("carrier_update", scan)

    async def _start(self, workflow_id: str, workflow_type: str, document: Any) -> None:
        if self.dry_run:
            return
        with suppress(WorkflowAlreadyStartedError):
            await self.client.start_workflow(
                workflow_type,
                document,
                id=workflow_id,
                task_queue=ORDERS_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            )


_ORDER_WHY: Final = {
    RestartOutcome.AGAIN: "it goes on from what the database knows",
    RestartOutcome.ANEW: "the database does not know the order: it is placed again as it was",
}


def _no_document(state: object) -> str:
    if isinstance(state, NoOrder):
        return "neither the database nor Temporal knows the order's document: place it again"
    return "the order is a draft again: submit it"


def _ahead(memory: Memory, fate: RestartOutcome, why: str) -> Ahead:
    run = memory.run
    acts = () if memory.is_cancelled else tuple(memory.acts)
    return Ahead(
        run.workflow_id,
        run.run_id,
        memory.seen_up_to,
        memory.outcome or run.status,
        fate,
        why,
        acts,
    )
