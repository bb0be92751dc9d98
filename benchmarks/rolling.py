"""Every process is replaced under load: `make rolling`, or `python -m benchmarks.rolling`.

From this version to the one before, and back to this one. The exit code is 1 if an order noticed:
failed, was cancelled, waits for a person, or was paid or labelled twice.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from benchmarks.report import RESULTS, surroundings
from ordersaga.demo.source import choose_file
from ordersaga.embedded.stack import StackOptions
from tests.support.faults.exposed import ROLES
from tests.support.faults.rolling import Rolled, roll
from tests.support.faults.trial import harmless
from tests.support.stack import version_before
from tests.support.stack.chaos_shop import chaos_shop, real_orders

_FIGURES = RESULTS / "rolling.json"
_ORDERS_EACH = 40
"""Orders at hand for each one in flight: they come in as long as processes are replaced."""


async def _run(given: argparse.Namespace, folder: Path) -> int:
    console = Console(highlight=False)

    def say(line: str) -> None:
        console.print(line, markup=False, soft_wrap=True)

    versions = version_before.there_and_back(folder / "before", say)
    orders = harmless(real_orders(choose_file(None), _ORDERS_EACH * given.in_flight, given.seed))
    began = time.monotonic()
    async with chaos_shop(folder / "data", say, StackOptions(roles=ROLES)) as shop:
        rolled = await roll(shop, orders, given.in_flight, versions, say)
    _keep(rolled, given, versions[0][0], round(time.monotonic() - began))
    for problem in rolled.problems[:50]:
        say(problem)
    say(f"{rolled.stages.total()} orders, {len(rolled.replaced)} processes replaced")
    say("FAILED" if rolled.problems else "no order noticed")
    return 1 if rolled.problems else 0


def _keep(rolled: Rolled, given: argparse.Namespace, before: str, seconds: int) -> None:
    figures = {
        **surroundings(),
        "in_flight": given.in_flight,
        "seed": given.seed,
        "version_before": before,
        "seconds": seconds,
        **asdict(rolled),
    }
    _FIGURES.write_text(json.dumps(figures, indent=1) + "\n")


def main() -> None:
    """Run it in a folder of its own."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rolling", description=__doc__)
    parser.add_argument("--in-flight", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    with TemporaryDirectory(prefix="ordersaga-rolling-") as folder:
        code = asyncio.run(_run(given, Path(folder)))
    sys.stdout.flush()
    os._exit(code)  # the SDK's threads may abort the interpreter's own ending


if __name__ == "__main__":
    main()
