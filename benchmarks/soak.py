"""Steady load for a while: `make soak`, or `python -m benchmarks.soak`.

Samples memory and open descriptors of each of our processes. The exit code is 1 if the average of
the last quarter is more than three per cent above that of the second one, or an order is not well.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

import psutil  # type: ignore[import-untyped]  # it ships no types
from rich.console import Console
from rich.table import Table

from benchmarks.report import RESULTS, surroundings
from ordersaga.demo.source import choose_file
from ordersaga.embedded.stack import StackOptions
from ordersaga.importing.plan import PlannedOrder
from tests.support.faults.exposed import ROLES
from tests.support.stack.chaos_shop import ChaosShop, chaos_shop, problems_of, real_orders

_FIGURES = RESULTS / "soak.json"
_MOST_GROWTH = 1.03
_SAMPLE_EVERY_S = 5.0
_MOST_OPEN = 60
"""The load is the highest steady one: so many orders are under way at any time."""


@dataclass(slots=True)
class Samples:
    """Bytes and descriptors of one process over time."""

    memory: list[int] = field(default_factory=list)
    descriptors: list[int] = field(default_factory=list)


def growth(values: Sequence[int]) -> float:
    """The average of the last quarter, as a multiple of that of the second one."""
    quarter = len(values) // 4
    return fmean(values[-quarter:]) / fmean(values[quarter : 2 * quarter])


async def _sample(shop: ChaosShop, samples: dict[str, Samples]) -> None:
    for role, pid in shop.stack.pids().items():
        if role in ROLES:
            process = psutil.Process(pid)
            samples[role].memory.append(process.memory_full_info().uss)
            samples[role].descriptors.append(process.num_fds())


async def _load(shop: ChaosShop, orders: Sequence[PlannedOrder], ends: float) -> int:
    """Orders come in as fast as others end; returns how many did."""
    left, handed_in = iter(orders), 0
    while time.monotonic() < ends:
        missing = _MOST_OPEN - len(await shop.open())
        some = [order for order, _ in zip(left, range(missing), strict=False)]
        async with asyncio.TaskGroup() as group:
            for place, order in enumerate(some):
                group.create_task(shop.submit(order, through_temporal=place % 2 == 0))
        handed_in += len(some)
        await asyncio.sleep(0.5)
    return handed_in


async def _run(given: argparse.Namespace, folder: Path) -> int:
    console = Console(highlight=False)
    orders = real_orders(choose_file(None), given.orders, given.seed)
    samples: dict[str, Samples] = defaultdict(Samples)
    async with chaos_shop(folder, console.print, StackOptions(roles=ROLES)) as shop:
        await shop.receive_stock_for(orders, some_short=False)
        ends = time.monotonic() + given.minutes * 60
        load = asyncio.create_task(_load(shop, orders, ends))
        while not load.done():
            await _sample(shop, samples)
            await asyncio.wait({load}, timeout=_SAMPLE_EVERY_S)
        settled = await shop.settle(600)
        problems = problems_of(await shop.verify())
        problems += [f"open: {each}" for each in (*settled.stuck, *settled.attention)]
        problems += [f"{role} was restarted" for role, n in shop.stack.restarts().items() if n]
    problems += _show(samples, console)
    _keep(samples, given, load.result(), problems)
    for problem in problems:
        console.print(problem, markup=False)
    console.print(f"{load.result()} orders: {'FAILED' if problems else 'nothing grows'}")
    return 1 if problems else 0


def _show(samples: dict[str, Samples], console: Console) -> list[str]:
    """Print the figures; returns what grew."""
    table = Table("process", "megabytes", "last quarter / second", "descriptors", "the same")
    grown = []
    for role, found in samples.items():
        memory, descriptors = growth(found.memory), growth(found.descriptors)
        megabytes, files = found.memory[-1] / 1e6, str(found.descriptors[-1])
        table.add_row(role, f"{megabytes:.0f}", f"{memory:.3f}", files, f"{descriptors:.3f}")
        if memory > _MOST_GROWTH:
            grown.append(f"{role}: memory grew by {memory - 1:.1%}")
        if descriptors > _MOST_GROWTH:
            grown.append(f"{role}: descriptors grew by {descriptors - 1:.1%}")
    console.print(table)
    return grown


def _keep(
    samples: dict[str, Samples], given: argparse.Namespace, orders: int, problems: list[str]
) -> None:
    of_processes = {
        role: {
            "megabytes": round(found.memory[-1] / 1e6, 1),
            "memory_last_to_second_quarter": round(growth(found.memory), 4),
            "descriptors": found.descriptors[-1],
            "descriptors_last_to_second_quarter": round(growth(found.descriptors), 4),
        }
        for role, found in samples.items()
    }
    figures = {
        **surroundings(),
        "minutes": given.minutes,
        "orders": orders,
        "seed": given.seed,
        "processes": of_processes,
        "problems": problems,
    }
    _FIGURES.write_text(json.dumps(figures, indent=1) + "\n")


def main() -> None:
    """Run it in a folder of its own."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--orders", type=int, default=30_000, help="at hand")
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    with TemporaryDirectory(prefix="ordersaga-soak-") as folder:
        code = asyncio.run(_run(given, Path(folder)))
    sys.stdout.flush()
    os._exit(code)  # the SDK's threads may abort the interpreter's own ending


if __name__ == "__main__":
    main()
