"""Chaos: real orders go through a stack whose every part is killed at random; then it must add up.

The same seed takes the same orders and draws the same breakages; how they interleave with the
work is up to the machine.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]  # it ships no types
from rich.console import Console
from rich.table import Table

from domain.ids import OrderId
from domain.money import Money
from ordersaga.importing.plan import PlannedOrder
from ordersaga.operations.verification.facts import Stage
from ordersaga.operations.verification.report import Comparison, Report
from ordersaga.operations.verification.rules import money_text
from ordersaga.operations.verification.run import read_facts
from ordersaga.operations.verification.wired import open_sources
from tests.support.cluster import switch
from tests.support.faults import chaos_cluster
from tests.support.faults.chaos_weather import ROLES, STRIPE, Weather
from tests.support.faults.exposed import Exposed, exposed_shop
from tests.support.stack.another_shop import PRICE_MINOR, AnotherShop
from tests.support.stack.chaos_shop import ChaosShop, Say, Settled, problems_of, real_orders

_SUBMITTING = 0.8  # the part of the time in which orders come in
_MANY_AT_ONCE = 60


@dataclass(frozen=True, slots=True)
class ChaosWish:
    """What is wanted.

    Attributes:
        settle_s: bounds the calm.
        pause_s: lies between two kills on average.
        trouble_s: what a trouble of a server lasts at least: twice the limit of an attempt.
        stripe: whether the orders are paid at the stand-in for Stripe.
    """

    file: Path
    folder: Path
    orders: int
    minutes: float
    seed: int
    settle_s: float = 420.0
    pause_s: float = 5.0
    trouble_s: float = 21.0
    stripe: bool = False


@dataclass(slots=True)
class ChaosResult:
    """What came of it.

    Attributes:
        outcomes: orders by stage and reason.
        lost: orders that were handed in and are not in the event store.
        touched: what became of the payments of another shop under our order numbers.
        books: where the sums of the stand-in for Stripe are not ours.
        shard_owners: how often a history process of a Temporal cluster took over a shard.
        left_processes: what still runs after everything was stopped.
    """

    wish: ChaosWish
    outcomes: Counter[str] = field(default_factory=Counter)
    lost: list[OrderId] = field(default_factory=list)
    settled: Settled = field(default_factory=Settled)
    report: Report | None = None
    kills: Counter[str] = field(default_factory=Counter)
    stops: Counter[str] = field(default_factory=Counter)
    freezes: Counter[str] = field(default_factory=Counter)
    troubles: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    people: Counter[str] = field(default_factory=Counter)
    restarts: dict[str, int] = field(default_factory=dict)
    shard_owners: int | None = None
    touched: list[str] = field(default_factory=list)
    books: list[str] = field(default_factory=list)
    left_processes: list[str] = field(default_factory=list)

    @property
    def comparisons(self) -> Sequence[Comparison]:
        """Our sums beside those of the providers."""
        return self.report.comparisons if self.report else ()

    @property
    def problems(self) -> list[str]:
        """Everything that must not be, one line each."""
        report = self.report
        assert report is not None, "the run was not finished"
        return [
            *(f"lost: order {order_id}" for order_id in self.lost),
            *(f"stuck: order {order_id}" for order_id in self.settled.stuck),
            *problems_of(report),
            *self.touched,
            *self.books,
            *(f"left behind: {process}" for process in self.left_processes),
        ]


async def run_chaos(wish: ChaosWish, say: Say) -> ChaosResult:
    """Run one chaos to its end; bounded by its minutes, then by `settle_s`."""
    result = ChaosResult(wish)
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    orders = real_orders(wish.file, wish.orders, wish.seed, stripe=wish.stripe)
    say(f"seed {wish.seed}: {len(orders)} orders, {wish.minutes:g} minutes of chaos")
    async with exposed_shop(wish.folder, say, stripe=wish.stripe) as site:
        shop = site.shop
        await shop.receive_stock_for(orders)
        card = "pm_card_visa" if wish.stripe else "tok_visa"
        another = AnotherShop(shop.services.payments(), card)
        await another.charge([each.document.order_id for each in orders[::10]])
        await _storm(site, orders, result, say)
        await shop.calm_down()
        result.settled = await shop.settle(wish.settle_s, say)
        say("verifying")
        result.report = await shop.verify()
        result.touched = await another.problems(result.report)
        result.books = await _problems_of_books(shop, another, result.report)
        await _count(shop, result)
        result.restarts = shop.stack.restarts()
        if switch.is_chosen():
            result.restarts |= chaos_cluster.restarts(shop.stack)
            result.shard_owners = await chaos_cluster.shard_owners(shop.stack)
    after = psutil.Process().children(recursive=True)
    result.left_processes = [str(child) for child in after if child.pid not in before]
    return result


async def _problems_of_books(shop: ChaosShop, another: AnotherShop, report: Report) -> list[str]:
    """Where the stand-in's own ledger, without what another shop took, differs from our events."""
    if shop.stripe is None:
        return []
    ledger = await shop.stripe.ledger()
    theirs = {"gbp": PRICE_MINOR * len(another.payments)}
    problems = [f"held at Stripe for nobody: {ledger['held']}"] if ledger["held"] else []
    for currency, captured in ledger["captured"].items():
        kept = captured - ledger["refunded"].get(currency, 0) - theirs.get(currency, 0)
        name = f"money kept, {currency.upper()}"
        [ours] = [each.ours for each in report.comparisons if each.what == name] or ["nothing"]
        if ours != money_text(Money(kept, currency.upper())):
            problems.append(f"{name}: {ours} in our events, {kept} minor units in Stripe's books")
    return problems


async def _storm(
    site: Exposed, orders: Sequence[PlannedOrder], result: ChaosResult, say: Say
) -> None:
    shop, wish = site.shop, result.wish
    chance = random.Random(f"weather {wish.seed}")
    weather = Weather(site, chance, wish.pause_s, wish.trouble_s)
    ends = time.monotonic() + wish.minutes * 60
    storm = asyncio.create_task(weather.blow())
    submitting = asyncio.create_task(_submit_all(shop, orders, wish))
    while time.monotonic() < ends and not storm.done():
        await asyncio.sleep(min(5.0, max(0.0, ends - time.monotonic())))
        killed = weather.kills.total()
        say(f"{len(shop.submitted)} of {len(orders)} orders handed in, {killed} processes killed")
    weather.over = True
    storm.cancel()
    await asyncio.wait({storm})
    if not storm.cancelled():
        storm.result()
    await submitting
    for name in ("kills", "stops", "freezes", "troubles", "faults", "people"):
        setattr(result, name, getattr(weather, name))


async def _submit_all(shop: ChaosShop, orders: Sequence[PlannedOrder], wish: ChaosWish) -> None:
    """Orders come in over most of the time, half through Temporal, half through the event store."""
    chance = random.Random(f"orders {wish.seed}")
    span, began = wish.minutes * 60 * _SUBMITTING, time.monotonic()
    due = sorted(chance.uniform(0, span) for _ in orders)
    slots = asyncio.Semaphore(_MANY_AT_ONCE)

    async def submit(order: PlannedOrder, at: float, through_temporal: bool) -> None:
        await asyncio.sleep(max(0.0, began + at - time.monotonic()))
        async with slots:
            await shop.submit(order, through_temporal=through_temporal)

    async with asyncio.TaskGroup() as group:
        for order, at in zip(orders, due, strict=True):
            group.create_task(submit(order, at, chance.random() < 0.5))


async def _count(shop: ChaosShop, result: ChaosResult) -> None:
    facts, _ = await read_facts(await open_sources(shop.services))
    for order_id in sorted(shop.submitted):
        stage = facts.order(order_id).stage
        result.outcomes[stage.value] += 1
        if stage in (Stage.NEVER, Stage.DRAFT):
            result.lost.append(order_id)


def figures(result: ChaosResult) -> dict[str, Any]:
    """The figures of a run, as JSON."""
    wish, settled = result.wish, result.settled
    counts = ("outcomes", "kills", "stops", "freezes", "troubles", "faults", "people")
    return {
        "seed": wish.seed,
        "orders": wish.orders,
        "minutes": wish.minutes,
        **{name: dict(sorted(getattr(result, name).items())) for name in counts},
        "restarts": result.restarts,
        **_of_cluster(result),
        "recovered": settled.recovered,
        "retried by an operator": settled.retried,
        "resumed by an operator": settled.resumed,
        "seconds until settled": round(settled.seconds),
        "waiting for a person": len(settled.attention),
        "money": [f"{each.what}: {each.ours}" for each in result.comparisons],
        "problems": result.problems,
    }


def _of_cluster(result: ChaosResult) -> dict[str, Any]:
    if result.shard_owners is None:
        return {}
    version = switch.chosen_version()
    return {"temporal": version, "takeovers of history shards": result.shard_owners}


# --- report --------------------------------------------------------------------------------------


def show(result: ChaosResult, console: Console) -> None:
    """Print what happened and whether it adds up."""
    _show_processes(result, console)
    settled, wish = result.settled, result.wish
    facts = Table("what", "how many", title=f"chaos, seed {wish.seed}", title_justify="left")
    facts.add_row("minutes of chaos", f"{wish.minutes:g}")
    facts.add_row("orders", str(wish.orders))
    for stage, count in sorted(result.outcomes.items()):
        facts.add_row(f"  {stage}", str(count))
    facts.add_row("troubles of servers", _text(result.troubles))
    facts.add_row("faults of providers", _text(result.faults))
    facts.add_row("acts of people", _text(result.people))
    if result.shard_owners is not None:
        facts.add_row("takeovers of history shards", str(result.shard_owners))
    facts.add_row("sagas recovered", str(settled.recovered))
    facts.add_row("retried by an operator", str(settled.retried))
    facts.add_row("resumed by an operator", str(settled.resumed))
    facts.add_row("seconds until settled", f"{settled.seconds:.0f}")
    facts.add_row("still waiting for a person", str(len(settled.attention)))
    facts.add_row("lost", str(len(result.lost)))
    facts.add_row("stuck", str(len(settled.stuck)))
    facts.add_row("verify", _verdict(result))
    console.print(facts)
    for problem in result.problems[:50]:
        console.print(problem, markup=False, soft_wrap=True)
    console.print(f"seed {wish.seed}: {'FAILED' if result.problems else 'everything adds up'}")


def _show_processes(result: ChaosResult, console: Console) -> None:
    table = Table("process", "SIGKILL", "SIGTERM", "frozen", "restarts", title="processes")
    roles = (*ROLES, STRIPE) if result.wish.stripe else ROLES
    for role in roles if result.shard_owners is None else (*roles, *chaos_cluster.ROLES):
        counts = (result.kills, result.stops, result.freezes, result.restarts)
        table.add_row(role, *(str(count.get(role, 0)) for count in counts))
    console.print(table)


def _text(counts: Counter[str]) -> str:
    parts = ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
    return f"{counts.total()} ({parts})" if parts else "0"


def _verdict(result: ChaosResult) -> str:
    report = result.report
    if report is None or not report.complete:
        return "not complete"
    return "clean" if report.clean else f"{len(report.findings)} offenders"
