"""Temporal lost with hundreds of sagas open: `python -m benchmarks.temporal_lost`.

The exit code is 1 unless all of them end after one `ordersaga recover` and every ledger agrees.
"""

import argparse
import asyncio
import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from ordersaga.demo.source import choose_file
from tests.support.faults.temporal_lost import Lost, destroy_and_recover, open_at_random_points
from tests.support.stack.chaos_shop import chaos_shop, problems_of, real_orders


async def _run(given: argparse.Namespace, folder: Path) -> int:
    console = Console(highlight=False)
    orders = real_orders(choose_file(given.file), given.orders, given.seed)
    async with chaos_shop(folder, console.print) as shop:
        steps = await open_at_random_points(shop, orders, given.seed)
        console.print(f"open sagas by step: {dict(steps)}")
        began = time.monotonic()
        lost = await destroy_and_recover(shop, shop.recover)
        seconds = time.monotonic() - began
    problems = _problems(lost)
    _show(lost, given, seconds, console)
    for problem in problems:
        console.print(problem, markup=False)
    console.print("FAILED" if problems else "everything adds up")
    return 1 if problems else 0


def _problems(lost: Lost) -> list[str]:
    settled = lost.settled
    return [
        *(f"not started again: {missing}" for missing in _missing(lost)),
        *(f"not ended: order {order_id}" for order_id in (*settled.stuck, *settled.attention)),
        *problems_of(lost.report),
    ]


def _missing(lost: Lost) -> list[str]:
    """What the first recovery had overlooked; orders that had ended by then need no saga."""
    missed = lost.settled.recovered
    return [f"{missed} orders by the first recovery"] if missed else []


def _show(lost: Lost, given: argparse.Namespace, seconds: float, console: Console) -> None:
    title = f"Temporal lost, seed {given.seed}"
    table = Table("what", "how many", title=title, title_justify="left")
    table.add_row("orders open when Temporal was lost", str(lost.open_before))
    table.add_row("bytes of Temporal's database destroyed", f"{lost.bytes_destroyed:,}")
    table.add_row("sagas started by recover", str(lost.started))
    table.add_row("started by a later recover", str(lost.settled.recovered))
    table.add_row("retried by an operator", str(lost.settled.retried))
    table.add_row("seconds from the loss until verified", f"{seconds:.0f}")
    for name, count in lost.report.counts.items():
        table.add_row(name.replace("_", " "), str(count))
    for sums in lost.report.comparisons:
        table.add_row(sums.what, f"{sums.ours} / {sums.theirs}")
    table.add_row("verify", "clean" if lost.report.clean else f"{len(lost.report.findings)}")
    console.print(table)


def main() -> None:
    """Run it in a folder of its own."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.temporal_lost", description=__doc__)
    parser.add_argument("--orders", type=int, default=300)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--file", type=Path, default=None, help="default: a sample of real orders")
    given = parser.parse_args()
    with TemporaryDirectory(prefix="ordersaga-lost-") as folder:
        code = asyncio.run(_run(given, Path(folder)))
    sys.stdout.flush()
    os._exit(code)  # the SDK's threads may abort the interpreter's own ending


if __name__ == "__main__":
    main()
