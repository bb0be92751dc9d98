"""Sagas that are open at random points, and the loss of the Temporal database under them."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from adapters.providers.faults import Fault, FaultKind
from ordersaga.importing.plan import PlannedOrder
from ordersaga.operations.verification.report import Report
from tests.support.stack.chaos_shop import ChaosShop, Settled, lose_temporal, patiently

_SETTLE_S = 300.0


@dataclass(frozen=True, slots=True)
class Lost:
    """How a loss of Temporal went.

    Attributes:
        open_before: orders that were open when it was lost; `open_after`: when it was back.
        started: sagas that the recovery started.
        bytes_destroyed: size of the database that was lost.
    """

    open_before: int
    open_after: int
    started: int
    bytes_destroyed: int
    settled: Settled
    report: Report


async def open_at_random_points(
    shop: ChaosShop, orders: Sequence[PlannedOrder], seed: int
) -> Counter[str]:
    """Hand orders in and keep each from ending somewhere; returns how many are at which step.

    Each order is drawn one call to a provider that is answered with 503, before its effect or,
    as a lost answer, after it, until the faults are cleared.
    """
    chance = random.Random(f"points {seed}")
    for order in orders:
        await _keep_open(shop, order, chance)
    await shop.receive_stock_for(orders, some_short=False)
    async with asyncio.TaskGroup() as group:
        for order in orders:
            group.create_task(shop.submit(order, through_temporal=False))
    return await _until_spread(shop, orders)


async def _keep_open(shop: ChaosShop, order: PlannedOrder, chance: random.Random) -> None:
    order_id = order.document.order_id
    kind = chance.choice((FaultKind.UNAVAILABLE, FaultKind.ANSWER_LOST, FaultKind.HOLD_AFTER))
    at_payment = chance.random() < 0.5
    if at_payment:
        # A lost answer alone is found again by its key: so finding does not work either.
        for operation in ("create", "confirm", "read"):
            await shop.payment.add(Fault(kind, operation, order_id))
        await shop.carrier.add(Fault(FaultKind.UNAVAILABLE, "*", order_id))
        return
    for operation in ("buy_label", "find"):
        await shop.carrier.add(Fault(kind, operation, order_id))
    for operation in ("void", "refund", "find"):  # where a declined card turned the saga back
        await shop.payment.add(Fault(FaultKind.UNAVAILABLE, operation, order_id))


async def _until_spread(shop: ChaosShop, orders: Sequence[PlannedOrder]) -> Counter[str]:
    """Wait until every saga has begun; the first may still be at their first step."""
    while True:
        steps: Counter[str] = Counter()
        for order in orders:
            status = await shop.status(order.document.order_id)
            steps[status.step if status else "none"] += 1
        if not steps["none"] and steps["reserve_inventory"] * 4 < len(orders):
            return steps
        await asyncio.sleep(0.5)


async def destroy_and_recover(shop: ChaosShop, recover: Callable[[], Awaitable[int]]) -> Lost:
    """Destroy Temporal's database, recover, let the providers work again, wait for all to end."""
    open_before = len(await shop.open())
    destroyed = await lose_temporal(shop.stack)
    open_after = len(await shop.open())
    started = await patiently(recover)
    await shop.calm_down()
    settled = await shop.settle(_SETTLE_S)
    return Lost(open_before, open_after, started, destroyed, settled, await shop.verify())
