"""Real orders while everything is killed at random: `make chaos`, or `python -m benchmarks.chaos`.

Ends by itself; the exit code is 1 if anything was lost, charged twice, oversold, or is stuck
without saying that it needs attention.
"""

import argparse
import asyncio
import json
import logging
import os
import random
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console

from benchmarks.report import RESULTS, surroundings
from ordersaga.demo.source import choose_file
from tests.support.cluster import switch
from tests.support.faults.chaos import ChaosResult, ChaosWish, figures, run_chaos, show

_FIGURES = RESULTS / "chaos.json"


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("--orders", type=int, default=500)
    parser.add_argument("--minutes", type=float, default=4.0)
    parser.add_argument("--seed", type=int, default=None, help="default: a new one, printed")
    parser.add_argument("--file", type=Path, default=None, help="default: a sample of real orders")
    parser.add_argument(
        "--settle",
        type=float,
        default=None,
        help="seconds at most for the calm; default: 240, and 0.6 for each order",
    )
    parser.add_argument("--stripe", action="store_true", help="paid at the stand-in for Stripe")
    parser.add_argument("--cluster", action="store_true", help="on a Temporal cluster")
    parser.add_argument("--keep", type=Path, default=None, help="folder that data and logs stay in")
    return parser.parse_args()


async def _run(given: argparse.Namespace, folder: Path) -> int:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    seed = random.SystemRandom().randrange(10**6) if given.seed is None else given.seed
    wish = ChaosWish(
        file=choose_file(given.file),
        folder=folder,
        orders=given.orders,
        minutes=given.minutes,
        seed=seed,
        stripe=given.stripe,
        settle_s=240 + 0.6 * given.orders if given.settle is None else given.settle,
    )
    work = asyncio.ensure_future(
        run_chaos(wish, lambda line: console.print(line, markup=False, soft_wrap=True))
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    result = await work
    show(result, console)
    _keep(result)
    return 1 if result.problems else 0


def _keep(result: ChaosResult) -> None:
    """Put the figures beside those of the other provider and the other server."""
    kept = json.loads(_FIGURES.read_text()) if _FIGURES.exists() else {}
    kind = "stripe" if result.wish.stripe else "sandbox"
    kind += ", Temporal cluster" if switch.is_chosen() else ""
    figures_now = {**surroundings(), **figures(result)}
    _FIGURES.write_text(json.dumps({**kept, kind: figures_now}, indent=1) + "\n")


def main() -> None:
    """Run it in a folder of its own."""
    given = _parse()
    if given.cluster:
        switch.choose()
    # PostgreSQL is killed on purpose, and the driver tells of each connection it misses.
    logging.getLogger("asyncpg").setLevel(logging.CRITICAL)
    if given.keep is not None:
        code = asyncio.run(_run(given, given.keep))
    else:
        with TemporaryDirectory(prefix="ordersaga-chaos-") as folder:
            code = asyncio.run(_run(given, Path(folder)))
    sys.stdout.flush()
    os._exit(code)  # the SDK's threads may abort the interpreter's own ending


if __name__ == "__main__":
    main()
