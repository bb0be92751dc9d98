"""What of deliveries and returns was lost with Temporal, and starting it again from the events.

A parcel counts as followed from its first scan until it has arrived, or until a person stopped
following it, and again while nobody has looked at a contradiction; a return is open until it is
closed. Scans that were on their way to a lost workflow
and not on record are gone with Temporal: carriers report again.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
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
from ordersaga.operations.recovery import Fate, Recovered
from ordersaga.operations.sagas import running_sagas

_PAGE: Final = 2000
_ON_ITS_WAY: Final = frozenset({"ShipmentHandedOver", "ShipmentInTransit"})
_WITH_A_CASE: Final = frozenset({"ShipmentLost", "ShipmentReturned"})
_WANTED: Final = FeedFilter(
    frozenset({"shipment", "returns"}),
    frozenset(
        {
            *_ON_ITS_WAY,
            *_WITH_A_CASE,
            "ScanContradicted",
            "ShipmentDelivered",
            "LabelBought",
            "DeliveryOperatorActed",
            "ReturnOpened",
            "ReturnClosed",
        }
    ),
)
_WHY: Final = {
    Fate.RUNNING: "its workflow runs",
    Fate.STARTED: "it was open and nothing ran",
    Fate.WOULD_START: "it is open and nothing runs",
}


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A workflow that should run: what it is about, and what it is started with."""

    order_id: OrderId
    what: str
    workflow_id: str
    workflow_type: str
    arguments: Sequence[Any] = ()


class _Fold:
    """What is open by the events so far."""

    def __init__(self) -> None:
        self.parcels: dict[OrderId, None] = {}
        self.returns: dict[tuple[OrderId, str], dict[str, Any]] = {}

    def apply(self, event: StoredEvent) -> None:
        order_id = OrderId(event.stream.partition("-")[2])
        match event.event_type:
            case kind if kind in _ON_ITS_WAY | _WITH_A_CASE | {"ScanContradicted"}:
                self.parcels[order_id] = None
            case "ShipmentDelivered" | "LabelBought":
                self.parcels.pop(order_id, None)
            case "DeliveryOperatorActed" if event.data["action"] == "resolve":
                self.parcels.pop(order_id, None)
            case "ReturnOpened":
                self.returns[order_id, event.data["return_id"]] = _document(event.data)
                if event.data["kind"] != ReturnKind.CUSTOMER.value:
                    self.parcels.pop(order_id, None)
            case "ReturnClosed":
                self.returns.pop((order_id, event.data["return_id"]), None)


def _document(opened: Mapping[str, Any]) -> dict[str, Any]:
    """The return as it was asked for; what was decided since stands in the event store."""
    lines = [{"sku": x["sku"], "quantity": x["quantity"]} for x in opened["lines"]]
    asked = {name: opened[name] for name in ("order_id", "return_id", "kind", "actor", "reason")}
    return {**asked, "lines": "all" if opened["everything"] else lines}


async def unfinished(store: EventStore) -> list[Unfinished]:
    """Parcels that are followed and returns that are open, in the order of the events."""
    fold = _Fold()
    async for event in _events(store):
        fold.apply(event)
    parcels = [
        Unfinished(key, "parcel", delivery_workflow(key), DELIVERY_WORKFLOW_TYPE)
        for key in fold.parcels
    ]
    returns = [
        Unfinished(
            key,
            f"return {return_id}",
            return_workflow(key, ReturnId(return_id)),
            RETURN_WORKFLOW_TYPE,
            (document,),
        )
        for (key, return_id), document in fold.returns.items()
    ]
    return parcels + returns


async def _events(store: EventStore) -> AsyncIterator[StoredEvent]:
    position = 0
    while True:
        page = await store.read_feed(position, limit=_PAGE, wanted=_WANTED)
        for event in page.events:
            yield event
        if not page.events:
            return
        position = page.next_position


async def start_again(
    client: Client, wanted: Sequence[Unfinished], *, dry_run: bool = False
) -> list[Recovered]:
    """Start each of these that does not run; doing it twice is harmless.

    Raises:
        RPCError: Temporal does not answer; what was started stays started.
    """
    running = await running_sagas(client, [each.workflow_id for each in wanted])
    found = []
    for each in wanted:
        if each.workflow_id in running:
            fate = Fate.RUNNING
        else:
            fate = Fate.WOULD_START if dry_run else await _start(client, each)
        found.append(Recovered(each.order_id, fate, f"{each.what} of the order: {_WHY[fate]}"))
    return found


async def _start(client: Client, each: Unfinished) -> Fate:
    try:
        await client.start_workflow(
            each.workflow_type,
            args=each.arguments,
            id=each.workflow_id,
            task_queue=ORDERS_QUEUE,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        )
    except WorkflowAlreadyStartedError:
        return Fate.RUNNING
    return Fate.STARTED
