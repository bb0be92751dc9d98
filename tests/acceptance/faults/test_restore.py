"""The database goes back while Temporal and the providers go on: `ordersaga restored`.

The steps are those of docs/restore.md. First to a point in time, with the processes stopped as it
says; then a fail-over to a replica that had not got the last commits, which nobody announces; then
Temporal goes back to an earlier moment.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from activities.payment_port import ProviderPayment
from adapters.providers.faults import Fault, FaultKind
from domain.ids import OrderId, order_stream
from ordersaga.demo.source import SHIPPED_SAMPLE
from ordersaga.embedded.layout import DATABASE, TEMPORAL
from ordersaga.importing.plan import PlannedOrder
from ordersaga.operations.histories import delete_histories
from ordersaga.operations.temporal_runs import find_run
from tests.support.faults.exposed import Exposed, exposed_shop
from tests.support.faults.replica import Replica
from tests.support.faults.restore import (
    PointInTime,
    copy_temporal,
    cut_off,
    go_on_at,
    name_point,
    until_replayed,
    without_processes,
)
from tests.support.faults.trial import harmless
from tests.support.stack.chaos_shop import ChaosShop, problems_of, real_orders
from tests.support.stack.stack import Ended, clean_environment, ordersaga, until

pytestmark = [pytest.mark.long, pytest.mark.timeout(1800)]

ADDRESS = {
    "name": "Ann Example",
    "line1": "2 New Street",
    "city": "Leeds",
    "postal_code": "LS1 4AP",
    "country": "GB",
}


@pytest.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exposed]:
    async with exposed_shop(tmp_path_factory.mktemp("restore") / "data", print) as site:
        yield site


@pytest.fixture(scope="module")
def orders() -> list[PlannedOrder]:
    """Orders that all end as completed, unless somebody cancels them."""
    return harmless(real_orders(SHIPPED_SAMPLE, 60, seed=5))


class Drill:
    """One shop, and what is done to it before and after the point."""

    def __init__(self, site: Exposed) -> None:
        self.site = site
        self.shop: ChaosShop = site.shop
        self.env = clean_environment(
            **site.stack.settings_env(),
        ) | {"ORDERSAGA_DATABASE_URL": str(self.shop.services.settings.dsn())}

    async def command(self, *arguments: str) -> Ended:
        return await ordersaga(*arguments, env=self.env)

    async def place(self, orders: Sequence[PlannedOrder]) -> list[OrderId]:
        """Half through Temporal, half through the event store."""
        async with asyncio.TaskGroup() as group:
            for place, order in enumerate(orders):
                group.create_task(self.shop.submit(order, through_temporal=place % 2 == 0))
        return [order.document.order_id for order in orders]

    async def keep_open(self, orders: Sequence[PlannedOrder]) -> None:
        """Neither the carrier nor, for half of them, the payment provider answers for these."""
        for place, order in enumerate(orders):
            order_id = order.document.order_id
            await self.shop.carrier.add(Fault(FaultKind.UNAVAILABLE, "buy_label", order_id))
            if place % 2:
                await self.shop.payment.add(Fault(FaultKind.UNAVAILABLE, "confirm", order_id))

    async def stages(self, ids: Sequence[OrderId]) -> set[str]:
        """How the orders stand, as the event store says."""
        handler = self.shop.services.redacted_store
        last = await handler.read_streams([order_stream(each) for each in ids])
        return {events[-1].event_type if events else "nothing" for events in last.values()}

    async def until_all(self, ids: Sequence[OrderId], stage: str) -> None:
        async def are() -> bool:
            return await self.stages(ids) == {stage}

        await until(are)

    async def until_paid(self, ids: Sequence[OrderId]) -> None:
        await self.until_all(ids, "OrderProcessingStarted")

    async def end_well(self, completed: Sequence[OrderId]) -> None:
        """Everything ends by itself, once, and every book agrees."""
        await self.shop.calm_down()
        settled = await self.shop.settle(240)
        assert (settled.stuck, settled.attention) == ([], [])
        assert await self.stages(completed) == {"OrderCompleted"}
        assert problems_of(await self.shop.verify()) == []
        verified = await self.command("verify")
        assert verified.code == 0, verified.out

    async def get(self, path: str, **headers: str) -> tuple[int, Any]:
        state = self.site.stack.state()
        token = (self.site.stack.data_dir / "api.token").read_text().strip()
        own = {"Authorization": f"Bearer {token}", **headers}
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"{state.api_url}{path}", headers=own) as answer,
        ):
            return answer.status, await answer.json()


async def test_a_restore_to_a_point_in_time(
    site: Exposed, orders: list[PlannedOrder], tmp_path_factory: pytest.TempPathFactory
) -> None:
    drill, shop = Drill(site), site.shop
    done, waiting, later, unknown = orders[:4], orders[4:10], orders[10:16], orders[16:17]
    folder = tmp_path_factory.mktemp("point")
    backup = PointInTime(site.server, folder / "restored", folder / "archive")
    site.closing.push_async_callback(asyncio.to_thread, backup.stop)
    await shop.receive_stock_for(orders, some_short=False)
    await asyncio.to_thread(backup.back_up)
    await drill.keep_open(waiting)
    await drill.until_all(await drill.place(done), "OrderCompleted")
    open_ids = await drill.place(waiting)
    await drill.until_paid(open_ids[::2])
    await name_point(site.server.url(DATABASE), "before")

    # After the point: orders end, come in, are cancelled and changed; the carrier is asked.
    moved = open_ids[1]  # waits for its payment: a label was not requested
    await shop.sagas.change_address(moved, ADDRESS, actor="ann", reason="has moved")
    await drill.keep_open(later[:2])
    later_ids = await drill.place([*later, *unknown])
    await drill.until_paid(later_ids[:1])
    await shop.sagas.cancel(later_ids[0], actor="ann", reason="changed their mind")
    await shop.carrier.clear()
    await shop.payment.clear()
    await drill.until_all([*open_ids, *later_ids[1:]], "OrderCompleted")
    _, page = await drill.get("/orders?limit=2")
    head = await shop.services.log.head()
    await _forget(site, later_ids[-1])

    async with without_processes(site):
        await backup.restore("before")
        await go_on_at(site, backup)
        assert await drill.stages(later_ids) == {"nothing"}
        doctor = await drill.command("doctor")
        assert "run `ordersaga restored`" in doctor.out + doctor.err
        tried = (await drill.command("restored", "--dry-run", "--json")).out
        found = await drill.command("restored", "--json")
    _judge(found, tried, open_ids, later_ids)
    await _judge_clients(drill, page["next_cursor"], head)
    # What the report names is done by people: the act is repeated, the order placed again.
    await drill.place(unknown)
    await shop.sagas.change_address(moved, ADDRESS, actor="ann", reason="has moved, once more")
    await shop.sagas.resume(moved, actor="ann", reason="repeated what was lost")
    kept = [*(order.document.order_id for order in done), *open_ids, *later_ids[1:]]
    await drill.end_well(kept)
    assert await drill.stages(later_ids[:1]) == {"OrderCancelled"}
    assert (await drill.command("doctor")).code == 0


def _judge(
    found: Ended, tried: str, open_ids: Sequence[OrderId], later_ids: Sequence[OrderId]
) -> None:
    """Who knew more is found, and everything that was lost is named."""
    report = json.loads(found.out)
    *placed, nobodys = later_ids
    fates = {one["workflow_id"]: one["fate"] for one in report["ahead"]}
    assert fates == {
        **{order_stream(each): "started_again" for each in open_ids},
        **{order_stream(each): "started_anew" for each in placed},
    }
    assert {one["workflow_id"] for one in json.loads(tried)["ahead"]} == fates.keys()
    lost = {one["workflow_id"]: one["lost_acts"] for one in report["ahead"] if one["lost_acts"]}
    assert lost == {order_stream(open_ids[1]): ["change_address by ann"]}
    of_nobody = [one for one in report["forgotten"] if one["needs_person"]]
    assert {(one["order_id"], one["what"]) for one in of_nobody} == {
        (nobodys, "payment"),
        (nobodys, "label"),
    }
    assert {one["order_id"] for one in report["forgotten"]} >= {*placed[1:], open_ids[1]}
    assert (found.code, report["unasked"], report["left"]) == (1, [], [])


async def _judge_clients(drill: Drill, cursor: str, position: int) -> None:
    """What clients kept of the history that is gone is refused, and told from where to go on."""
    after_restart = await drill.get(f"/orders?limit=2&cursor={cursor}")
    listed = await drill.get(f"/orders?position={position}")
    followed = await drill.get("/changes", **{"Last-Event-ID": str(position)})
    for status, problem in (after_restart, listed, followed):
        assert (status, problem["code"]) == (409, "other_history"), problem
    assert "go on after that one" in followed[1]["detail"]


async def _forget(site: Exposed, order_id: OrderId) -> None:
    """Temporal's retention has passed for the saga of an order."""
    client = await site.shop.services.temporal()
    await delete_histories(client, None, [order_id])

    async def is_forgotten() -> bool:
        return await find_run(client, order_stream(order_id)) is None

    await until(is_forgotten)


async def test_a_fail_over_that_lost_commits(
    site: Exposed, orders: list[PlannedOrder], tmp_path_factory: pytest.TempPathFactory
) -> None:
    drill, shop, primary = Drill(site), site.shop, site.primary
    assert primary is not None, "the restore comes first"
    waiting, later = orders[20:24], orders[24:28]
    replica = Replica(primary, tmp_path_factory.mktemp("fail-over") / "replica")
    site.closing.push_async_callback(asyncio.to_thread, replica.stop)
    await asyncio.to_thread(replica.start)
    await drill.keep_open(waiting)
    open_ids = await drill.place(waiting)
    await drill.until_paid(open_ids[::2])
    await until_replayed(replica, primary)
    await cut_off(replica)

    # What is committed from here on is lost: money is taken, orders come in and end.
    await shop.payment.clear()
    await drill.until_paid(open_ids)
    later_ids = await drill.place(later)
    await drill.until_all(later_ids, "OrderCompleted")
    captured = await _payments(shop, open_ids[1])
    primary.kill()
    await replica.promote()
    await go_on_at(site, replica)

    # Nobody said so, and yet no saga that knows more decides on less.
    async def waits_for_the_store() -> bool:
        status = await shop.status(open_ids[1])
        return status is not None and "event store" in status.waits_for

    await until(waits_for_the_store)
    assert await _payments(shop, open_ids[1]) == captured
    assert (await drill.command("doctor")).code == 1
    found = await drill.command("restored", "--json")
    report = json.loads(found.out)
    assert report["history"]["act"] == "found"
    ahead = {one["workflow_id"] for one in report["ahead"]}
    assert ahead == {*map(order_stream, open_ids[1::2]), *map(order_stream, later_ids)}
    assert found.code == 0, found.out
    await drill.end_well([*open_ids, *later_ids])
    assert await _payments(shop, open_ids[1]) == captured


async def test_temporal_goes_back(
    site: Exposed, orders: list[PlannedOrder], tmp_path: Path
) -> None:
    drill, shop = Drill(site), site.shop
    waiting, later = orders[30:36], orders[36:40]
    await drill.keep_open(waiting)
    open_ids = await drill.place(waiting)
    await drill.until_paid(open_ids[::2])
    async with site.stack.without(TEMPORAL):
        copy_temporal(site.stack.data_dir, tmp_path)

    # What Temporal forgets: open sagas end, others come and go.
    await shop.calm_down()
    await drill.keep_open(later[:1])
    later_ids = await drill.place(later)
    await drill.until_all([*open_ids, *later_ids[1:]], "OrderCompleted")
    await drill.until_paid(later_ids[:1])
    before = [await _payments(shop, each) for each in (*open_ids, *later_ids)]
    async with site.stack.without(TEMPORAL):
        copy_temporal(tmp_path, site.stack.data_dir)

    recovered = (await drill.command("recover", "--json")).json()
    assert recovered["counts"]["started"] == 1  # the one that is open, and that Temporal forgot
    await drill.end_well([*open_ids, *later_ids])
    client = await shop.services.temporal()
    for order_id in open_ids:  # taken for open, and end as their orders stand
        result = await client.get_workflow_handle(order_stream(order_id)).result()
        assert result["outcome"] == "completed"
    assert [await _payments(shop, each) for each in (*open_ids, *later_ids)] == before


async def _payments(shop: ChaosShop, order_id: OrderId) -> list[tuple[str, str, int]]:
    """The payments of an order at the provider: reference, status, minor units given back."""
    found = shop.services.payments().payments()
    return [
        (each.reference, str(each.status), each.refunded.minor)
        async for each in found
        if isinstance(each, ProviderPayment) and each.order_id == order_id
    ]
