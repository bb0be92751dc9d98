"""Completed orders, parcels and returns in tests of what comes after the pivot."""

from typing import Any

from temporalio.client import Client

from activities.aggregates import RETURNS
from activities.messages import ORDERS_QUEUE
from activities.returns.messages import DELIVERY_WORKFLOW_TYPE, RETURN_WORKFLOW_TYPE
from domain.ids import OrderId, ReturnId, delivery_workflow, return_workflow
from domain.returns.state import ReturnCase
from domain.shipment.shipment import Shipment
from tests.support.sagas.sagas import Handle, new_order_id, result, start, until
from tests.support.sagas.shop import Shop, document

BY = {"actor": "anna", "reason": "as agreed"}
AT = "2026-01-03T10:00:00Z"


async def completed(client: Client, shop: Shop, **changes: Any) -> str:
    """An order of two mugs at 1.50 whose saga has completed; ten were in stock."""
    order_id = new_order_id()
    await shop.receive(f"{order_id}-sku", 10)
    outcome = await result(await start(client, order_id, document(order_id, **changes)))
    assert outcome["outcome"] == "completed"
    return order_id


async def scan(client: Client, order_id: str, status: str, at: str = AT) -> Handle:
    """Report a scan with signal-with-start, as any client may."""
    return await client.start_workflow(
        DELIVERY_WORKFLOW_TYPE,
        id=delivery_workflow(OrderId(order_id)),
        task_queue=ORDERS_QUEUE,
        start_signal="carrier_update",
        start_signal_args=[{"status": status, "at": at}],
    )


def return_document(order_id: str, return_id: str = "R1", **changes: Any) -> dict[str, Any]:
    """A return of one of the two mugs, with nothing decided."""
    return {
        "order_id": order_id,
        "return_id": return_id,
        "kind": "customer",
        "lines": [{"line_id": "1", "quantity": 1}],
        **BY,
        **changes,
    }


async def open_return(
    client: Client, order_id: str, return_id: str = "R1", content: Any = None, **changes: Any
) -> Handle:
    """Start a return; `content` replaces the whole document."""
    document = return_document(order_id, return_id, **changes) if content is None else content
    return await client.start_workflow(
        RETURN_WORKFLOW_TYPE,
        document,
        id=f"return-{order_id}-{return_id}",
        task_queue=ORDERS_QUEUE,
    )


def return_handle(client: Client, order_id: str, return_id: str) -> Handle:
    """The return as it runs, or has run."""
    return client.get_workflow_handle(return_workflow(OrderId(order_id), ReturnId(return_id)))


async def parcel(shop: Shop, order_id: str) -> Shipment:
    """The order's parcel, from the event store."""
    state = await shop.shipment(order_id)
    assert isinstance(state, Shipment)
    return state


async def until_parcel(shop: Shop, order_id: str, status: str) -> None:
    """Wait until the event store has this status of the parcel."""

    async def reached() -> bool:
        return (await parcel(shop, order_id)).status.value == status

    await until(reached)


async def case_of(shop: Shop, order_id: str, return_id: str = "R1") -> ReturnCase:
    """The return, from the event store."""
    returns = await RETURNS.stream(OrderId(order_id)).load(shop.handler)
    return returns.cases[ReturnId(return_id)]


async def refunded_minor(shop: Shop, order_id: str) -> int:
    """What the provider gave back for the order, in minor units."""
    return sum([p.refunded.minor async for p in shop.payments.payments() if p.order_id == order_id])


async def on_hand(shop: Shop, order_id: str) -> int:
    """Pieces of the order's only SKU in the warehouse."""
    return (await shop.stock(f"{order_id}-sku")).on_hand
