"""`ordersaga recover` after the pivot: followed parcels and open returns go on."""

from datetime import UTC, datetime

from temporalio.client import Client

from activities.aggregates import SHIPMENT
from activities.unit_of_work import record
from adapters.providers.faults import Fault, FaultKind
from domain.ids import OrderId
from domain.shipment.commands import RecordCarrierUpdate
from eventstore.commands.handler import CommandContext
from eventstore.model import Metadata
from ordersaga.operations.recovery.outcome import RecoveryOutcome
from ordersaga.operations.recovery.returns import restart_workflows, unfinished_workflows
from tests.support.sagas.returns import (
    AT,
    BY,
    case_of,
    completed,
    on_hand,
    open_return,
    refunded_minor,
    return_handle,
    scan,
    until_parcel,
)
from tests.support.sagas.sagas import result, until, until_status
from tests.support.sagas.shop import Shop


async def recover(
    client: Client, shop: Shop, *, dry_run: bool = False
) -> list[tuple[str, RecoveryOutcome]]:
    recovered = await restart_workflows(
        client, await unfinished_workflows(shop.store), dry_run=dry_run
    )
    return [(each.why.partition(":")[0], each.outcome) for each in recovered]


async def test_a_followed_parcel_whose_workflow_is_gone_is_followed_again(
    client: Client, shop: Shop
) -> None:
    order_id = await completed(client, shop)
    handle = await scan(client, order_id, "in_transit")
    await until_parcel(shop, order_id, "in_transit")
    assert await recover(client, shop) == [("parcel of the order", RecoveryOutcome.RUNNING)]
    await handle.terminate("by mistake")
    would = await recover(client, shop, dry_run=True)
    assert would == [("parcel of the order", RecoveryOutcome.WOULD_START)]
    assert await recover(client, shop) == [("parcel of the order", RecoveryOutcome.STARTED)]
    again = client.get_workflow_handle(f"delivery-{order_id}")
    await until_status(again, status="in_transit")
    await again.signal("carrier_update", {"status": "delivered", "at": AT})
    assert (await result(again))["status"] == "delivered"
    assert await recover(client, shop) == []


async def test_a_lost_parcel_without_its_return_gets_it(client: Client, shop: Shop) -> None:
    order_id = await completed(client, shop)
    lost = RecordCarrierUpdate("lost", datetime(2026, 1, 3, tzinfo=UTC))
    context = CommandContext("scan", Metadata("test", "test", "test"))
    # The workflow recorded the scan and was lost before its next step.
    await record(shop.handler, SHIPMENT.stream(OrderId(order_id)), (lost,), context)
    assert await recover(client, shop) == [("parcel of the order", RecoveryOutcome.STARTED)]
    await result(client.get_workflow_handle(f"delivery-{order_id}"))
    await until_status(return_handle(client, order_id, "lost"), undecided=["refund"])
    assert await recover(client, shop) == [("return lost of the order", RecoveryOutcome.RUNNING)]


async def test_an_open_return_goes_on_and_nothing_is_given_back_twice(
    client: Client, shop: Shop
) -> None:
    order_id = await completed(client, shop)
    shop.payments.faults.add(Fault(FaultKind.UNAVAILABLE, operation="refund"))
    handle = await open_return(client, order_id, refund="full", restock="all")

    async def restocked() -> bool:
        return await on_hand(shop, order_id) == 9

    await until(restocked)
    await handle.terminate("by mistake")
    shop.payments.faults.clear()
    assert await recover(client, shop) == [("return R1 of the order", RecoveryOutcome.STARTED)]
    assert (await result(return_handle(client, order_id, "R1")))["refund_minor"] == 150
    assert (await refunded_minor(shop, order_id), await on_hand(shop, order_id)) == (150, 9)
    assert (await case_of(shop, order_id)).closed
    assert await recover(client, shop) == []


async def test_an_undecided_return_waits_for_its_decisions_again(
    client: Client, shop: Shop
) -> None:
    order_id = await completed(client, shop)
    first = await open_return(client, order_id, lines="all")
    await first.execute_update("decide_refund", {"refund": {"amount_minor": 10}, **BY})
    await first.terminate("by mistake")
    assert [fate for _, fate in await recover(client, shop)] == [RecoveryOutcome.STARTED]
    again = return_handle(client, order_id, "R1")
    await until_status(again, undecided=["restock"], refund_minor=10)
    await again.execute_update("decide_restock", {"restock": "none", **BY})
    assert (await result(again))["refund_minor"] == 10
    assert await refunded_minor(shop, order_id) == 10
