"""The courses of deliveries and returns, for `record_histories`."""

from collections.abc import Awaitable, Callable

from temporalio.client import Client, WorkflowHistory

from adapters.providers.faults import Fault, FaultKind
from tests.support.sagas.returns import AT, BY, open_return, return_handle, scan
from tests.support.sagas.sagas import Handle, result, start, until_status
from tests.support.sagas.shop import Shop, running_workers

NOTE = {"actor": "anna", "note": "as agreed"}
LATER = Callable[[Client, Shop, str], Awaitable[list[Handle]]]
"""Runs workflows of a completed order; returns those to record."""


async def _delivered(client: Client, _: Shop, order_id: str) -> list[Handle]:
    handle = await scan(client, order_id, "in_transit")
    await until_status(handle, status="in_transit")
    await handle.signal("carrier_update", {"status": "delivered", "at": AT})
    return [handle]


async def _silent(client: Client, _: Shop, order_id: str) -> list[Handle]:
    handle = await scan(client, order_id, "in_transit")
    for _number in range(2):
        await until_status(handle, needs_attention=True)
        await handle.execute_update("retry", BY)
    await until_status(handle, needs_attention=True)
    await handle.execute_update("resolve", NOTE)
    return [handle]


async def _contradicted(client: Client, _: Shop, order_id: str) -> list[Handle]:
    await result(await scan(client, order_id, "delivered"))
    handle = await scan(client, order_id, "lost")
    await until_status(handle, needs_attention=True)
    await handle.execute_update("resolve", NOTE)
    return [handle]


async def _lost(client: Client, _: Shop, order_id: str) -> list[Handle]:
    parcel = await scan(client, order_id, "lost")
    await result(parcel)
    case = return_handle(client, order_id, "lost")
    await case.execute_update("decide_refund", {"refund": "full", **BY})
    return [parcel, case]


async def _at_once(client: Client, _: Shop, order_id: str) -> list[Handle]:
    return [await open_return(client, order_id, refund="full", restock="all")]


async def _decided_later(client: Client, _: Shop, order_id: str) -> list[Handle]:
    handle = await open_return(client, order_id)
    await until_status(handle, needs_attention=True)
    await handle.execute_update("decide_restock", {"restock": "all", **BY})
    await handle.execute_update("decide_refund", {"refund": {"amount_minor": 20}, **BY})
    return [handle]


async def _refund_failed(client: Client, shop: Shop, order_id: str) -> list[Handle]:
    shop.payments.faults.add(Fault(FaultKind.INVALID, operation="refund"))
    handle = await open_return(client, order_id, refund="full", restock="none")
    await until_status(handle, needs_attention=True)
    await handle.execute_update("resolve", NOTE)
    return [handle]


LATER_PATHS: dict[str, LATER] = {
    "delivered": _delivered,
    "silent": _silent,
    "contradicted": _contradicted,
    "lost": _lost,
    "at-once": _at_once,
    "decided-later": _decided_later,
    "refund-failed": _refund_failed,
}


async def record_later(client: Client, name: str) -> list[tuple[str, WorkflowHistory]]:
    """The histories of the course of this name, by workflow id; empty for another name."""
    if name not in LATER_PATHS:
        return []
    shop = Shop()
    await shop.receive(f"{name}-sku", 10)
    async with running_workers(client, shop):
        await result(await start(client, name))
        handles = await LATER_PATHS[name](client, shop, name)
        for handle in handles:
            await result(handle)
        return [(handle.id, await handle.fetch_history()) for handle in handles]
