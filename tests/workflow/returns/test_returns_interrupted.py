"""Each activity after the pivot fails before and after its append, and is retried."""

import pytest
from temporalio.client import Client

from domain.ids import Sku, stock_stream
from tests.support.faults.traps import Trap, TrappedShop, store_is_down
from tests.support.sagas.returns import BY, completed, on_hand, open_return, refunded_minor, scan
from tests.support.sagas.sagas import result, until_activity
from tests.support.sagas.shop import running_workers

ONCE = (
    "ShipmentDelivered",
    "ReturnOpened",
    "ReturnAttentionRequired",
    "RefundGranted",
    "PaymentRefunded",
    "ReturnRefunded",
    "RestockDecided",
    "ReturnRestocked",
    "ReturnClosed",
)
ACTIVITIES = (
    "record-scan",
    "open-return",
    "record-return-attention",
    "decide-return",
    "refund-return",
    "restock-return",
    "close-return",
)


@pytest.mark.parametrize("where", ["append", "appended"])
@pytest.mark.parametrize("activity", ACTIVITIES)
async def test_an_activity_that_was_cut_off_is_repeated_and_has_its_effect_once(
    client: Client, activity: str, where: str
) -> None:
    shop = TrappedShop()
    async with running_workers(client, shop):
        order_id = await completed(client, shop)
        traps = [
            Trap(workflow_id, activity, where, times=2, error=store_is_down)
            for workflow_id in (f"delivery-{order_id}", f"return-{order_id}-R1")
        ]
        shop.traps.set.extend(traps)
        await result(await scan(client, order_id, "delivered"))
        handle = await open_return(client, order_id)
        # A decision would stop the announcement, perhaps before it is tried again.
        await until_activity(handle, "record-return-attention", "completed")
        await handle.execute_update("decide_refund", {"refund": "full", **BY})
        await handle.execute_update("decide_restock", {"restock": "all", **BY})
        assert (await result(handle))["restocked"] is True
    # A repeated activity sees that its work is done and appends nothing. But there are two
    # decisions, and attention is appended again, with the same event ids.
    appends_twice = activity in ("decide-return", "record-return-attention")
    hits = 2 if where == "append" or appends_twice else 1
    assert sum(trap.hits for trap in traps) == hits
    assert (await refunded_minor(shop, order_id), await on_hand(shop, order_id)) == (150, 9)
    story = await shop.story(order_id)
    assert {name: story.count(name) for name in ONCE} == dict.fromkeys(ONCE, 1)
    stock = await shop.store.read_stream(stock_stream(Sku(f"{order_id}-sku")))
    assert [event.event_type for event in stock].count("StockReturned") == 1
