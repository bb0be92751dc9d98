"""Every process is replaced, one after the other, while orders are under way."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from adapters.providers.faults import Fault, FaultKind
from domain.ids import OrderId
from ordersaga.importing.plan import PlannedOrder
from ordersaga.operations.temporal_runs import list_runs
from ordersaga.operations.verification.facts import Stage
from ordersaga.operations.verification.run import read_facts
from ordersaga.operations.verification.wired import open_sources
from tests.support.stack.chaos_shop import ChaosShop, Say, problems_of
from tests.support.stack.stack import until
from workflows.common.search_attributes import NEEDS_ATTENTION

ORDER_OF_DEPLOYMENT: Final = (
    "worker-steps",
    "worker-orders",
    "projections",
    "starter",
    "notifications",
    "api",
)
"""As docs/deploying.md has it."""

_IN_PROGRESS_S: Final = 3.0  # what a provider takes to answer
_LOOK_EVERY_S: Final = 0.5

Version = tuple[str, Mapping[str, str]]
"""The name of a version, and the variables with which a process runs it."""


@dataclass(slots=True)
class Rolled:
    """How it went.

    Attributes:
        replaced: process and version, in order.
        open_at: how many orders were open when each was replaced.
        stages: how the orders ended.
        problems: everything that must not be.
    """

    replaced: list[str] = field(default_factory=list)
    open_at: list[int] = field(default_factory=list)
    stages: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)


async def roll(
    shop: ChaosShop,
    orders: Sequence[PlannedOrder],
    in_flight: int,
    versions: Sequence[Version],
    say: Say,
) -> Rolled:
    """Replace every process by each version in turn; back is in the opposite order.

    Args:
        shop: runs; its stack has all processes.
        orders: enough of them, that all end as completed.
        in_flight: so many are open all the time.
        versions: the one to go to, then the one to go back to, and so on.
        say: called with a line about each event.
    """
    rolled = Rolled()
    await shop.receive_stock_for(orders, some_short=False)
    await _providers_take_time(shop)
    left = iter(orders)
    async with _load(shop, left, in_flight):
        await until(lambda: _has(shop, in_flight), 600)
        for turn, (name, env) in enumerate(versions):
            roles = ORDER_OF_DEPLOYMENT if turn % 2 == 0 else ORDER_OF_DEPLOYMENT[::-1]
            for role in roles:
                rolled.open_at.append(len(await shop.open()))
                async with shop.stack.without(role, env):
                    pass
                rolled.replaced.append(f"{role} {name}")
                say(f"{role} runs {name}; {rolled.open_at[-1]} orders were open")
    await shop.calm_down()
    await _judge(shop, rolled)
    return rolled


async def _providers_take_time(shop: ChaosShop) -> None:
    for control, operation in ((shop.payment, "confirm"), (shop.carrier, "buy_label")):
        await control.add(Fault(FaultKind.DELAY_AFTER, operation, delay_s=_IN_PROGRESS_S))


async def _has(shop: ChaosShop, in_flight: int) -> bool:
    return len(await shop.open()) >= in_flight


@asynccontextmanager
async def _load(
    shop: ChaosShop, orders: Iterator[PlannedOrder], in_flight: int
) -> AsyncIterator[None]:
    """Hand orders in, so that as many as wanted are open."""
    ways = itertools.cycle((True, False))
    over = asyncio.Event()

    async def go_on() -> None:
        while not over.is_set():
            missing = in_flight - len(await shop.open())
            async with asyncio.TaskGroup() as group:
                for order in itertools.islice(orders, max(missing, 0)):
                    group.create_task(shop.submit(order, through_temporal=next(ways)))
            await asyncio.sleep(_LOOK_EVERY_S)

    loading = asyncio.create_task(go_on())
    try:
        yield
    finally:
        over.set()
        await loading


async def _judge(shop: ChaosShop, rolled: Rolled) -> None:
    settled = await shop.settle(600)
    if settled.recovered or settled.retried or settled.resumed:
        rolled.problems.append(f"somebody had to act: {settled}")
    rolled.problems += [f"open: order {one}" for one in (*settled.stuck, *settled.attention)]
    facts, _ = await read_facts(await open_sources(shop.services))
    for order_id in shop.submitted:
        stage = facts.order(OrderId(order_id)).stage
        rolled.stages[stage] += 1
        if stage is not Stage.COMPLETED:
            rolled.problems.append(f"{stage}: order {order_id}")
    rolled.problems += [f"run {each}" for each in await _bad_runs(shop)]
    rolled.problems += problems_of(await shop.verify())


async def _bad_runs(shop: ChaosShop) -> list[str]:
    """Runs that failed, or wait for a person."""
    client = await shop.services.temporal()
    query = (
        f"ExecutionStatus IN ('Failed', 'TimedOut', 'Terminated') OR {NEEDS_ATTENTION.name} = true"
    )
    return [f"{run.status}: {run.workflow_id}" async for run in list_runs(client, query)]
