"""Restarts the workflows of followed parcels and open returns.

A parcel is followed from its first scan until it is delivered, or until a person stops that, and
while a contradiction in its scans is unsettled. A return is open until it is closed. Scans that
Temporal lost before they were recorded are gone; carriers report again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from activities.messages import ORDERS_QUEUE
from activities.returns.messages import DELIVERY_WORKFLOW_TYPE, RETURN_WORKFLOW_TYPE
from domain.ids import OrderId, ReturnId, delivery_workflow, return_workflow
from domain.returns.values import ReturnKind
from eventstore.model import FeedFilter, StoredEvent
from eventstore.store import EventStore
from ordersaga.operations.feed import feed_events
from ordersaga.operations.recovery.outcome import Recovered, RecoveryOutcome
from ordersaga.operations.sagas import running_workflows

_FOLLOWED_AFTER: Final = frozenset(
    {
        "ScanKept",
        "ShipmentHandedOver",
        "ShipmentInTransit",
        "ShipmentLost",
        "ShipmentReturned",
        "ScanContradicted",
    }
)
_EVENTS: Final = FeedFilter(
    frozenset({"shipment", "returns"}),
    frozenset(
        {
            *_FOLLOWED_AFTER,
            "ShipmentDelivered",
            "LabelBought",
            "DeliveryOperatorActed",
            "ReturnOpened",
            "ReturnClosed",
        }
    ),
)
_WHY: Final = {
    RecoveryOutcome.RUNNING: "its workflow is running",
    RecoveryOutcome.STARTED: "it was open and had no running workflow",
    RecoveryOutcome.WOULD_START: "it is open and has no running workflow",
}


@dataclass(frozen=True, slots=True)
class UnfinishedWorkflow:
    """A workflow that should be running, with the arguments of its start.

    Attributes:
        subject: ``parcel`` or ``return <id>``.
    """

    order_id: OrderId
    subject: str
    workflow_id: str
    workflow_type: str
    arguments: Sequence[Any] = ()


class _Open:
    """The parcels followed and the returns open after the events applied so far."""

    def __init__(self) -> None:
        self.parcels: dict[OrderId, None] = {}
        self.returns: dict[tuple[OrderId, str], dict[str, Any]] = {}

    def apply(self, event: StoredEvent) -> None:
        order_id = OrderId(event.stream.partition("-")[2])
        match event.event_type:
            case event_type if event_type in _FOLLOWED_AFTER:
                self.parcels[order_id] = None
            case "ShipmentDelivered" | "LabelBought":
                self.parcels.pop(order_id, None)
            case "DeliveryOperatorActed" if event.data.get("action") == "resolve":
                self.parcels.pop(order_id, None)
            case "ReturnOpened":
                self.returns[order_id, event.data["return_id"]] = _document(event.data)
                if event.data["kind"] != ReturnKind.CUSTOMER.value:
                    self.parcels.pop(order_id, None)
            case "ReturnClosed":
                self.returns.pop((order_id, event.data["return_id"]), None)


def _document(opened: Mapping[str, Any]) -> dict[str, Any]:
    """The return as it was requested; later decisions are read from the event store."""
    lines = [{"line_id": line["line_id"], "quantity": line["quantity"]} for line in opened["lines"]]
    fields = ("order_id", "return_id", "kind", "actor", "reason")
    return {
        **{name: opened[name] for name in fields},
        "lines": "all" if opened["everything"] else lines,
    }


async def unfinished_workflows(store: EventStore) -> list[UnfinishedWorkflow]:
    """The workflows of followed parcels and open returns, in the order of the events."""
    subjects = _Open()
    async for event in feed_events(store, _EVENTS):
        subjects.apply(event)
    parcels = [
        UnfinishedWorkflow(order_id, "parcel", delivery_workflow(order_id), DELIVERY_WORKFLOW_TYPE)
        for order_id in subjects.parcels
    ]
    returns = [
        UnfinishedWorkflow(
            order_id,
            f"return {return_id}",
            return_workflow(order_id, ReturnId(return_id)),
            RETURN_WORKFLOW_TYPE,
            (document,),
        )
        for (order_id, return_id), document in subjects.returns.items()
    ]
    return parcels + returns


async def restart_workflows(
    client: Client, workflows: Sequence[UnfinishedWorkflow], *, dry_run: bool = False
) -> list[Recovered]:
    """Start each of these that is not running; repeating it is harmless.

    Raises:
        RPCError: Temporal does not answer; workflows that were started stay started.
    """
    running = await running_workflows(client, [each.workflow_id for each in workflows])
    recovered = []
    for each in workflows:
        if each.workflow_id in running:
            outcome = RecoveryOutcome.RUNNING
        elif dry_run:
            outcome = RecoveryOutcome.WOULD_START
        else:
            outcome = await _start(client, each)
        why = f"{each.subject} of the order: {_WHY[outcome]}"
        started = each.workflow_id if outcome is RecoveryOutcome.STARTED else None
        recovered.append(Recovered(each.order_id, outcome, why, workflow_id=started))
    return recovered


async def _start(client: Client, workflow: UnfinishedWorkflow) -> RecoveryOutcome:
    try:
        await client.start_workflow(
            workflow.workflow_type,
            args=workflow.arguments,
            id=workflow.workflow_id,
            task_queue=ORDERS_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        )
    except WorkflowAlreadyStartedError:
        return RecoveryOutcome.RUNNING
    return RecoveryOutcome.STARTED
