"""Everybody wants one product: `python -m benchmarks hot-sku`.

500 orders at once for one SKU with pieces for 300, against 500 orders at once for 500 SKUs of which
300 have their piece: the same number is completed and refused, so the only difference is that
all of them meet at one stock ledger. Both loads take turns on the same Temporal server, PostgreSQL,
HTTP sandboxes, worker processes and projections; a ratio is within one round. Whatever the speed,
exactly 300 must complete, and a loser must never be charged.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from benchmarks.rounds import percentile
from benchmarks.saga_contenders import WHOLE, Contender, running
from benchmarks.saga_load import Placed, place, receive
from ordersaga.embedded.stack import EmbeddedStack, StackOptions
from tests.support.stack.sandboxes import SandboxControl

ORDERS, STOCKED_SHARE = 500, 0.6
BAR = 0.5
HOT, MANY = "one SKU", "many SKUs"
_WARM_UP = 50


@dataclass(frozen=True, slots=True)
class Round:
    """One load of one round; times are from the start of an order until its outcome is known.

    Attributes:
        per_s: orders that came to their end a second.
        completed: orders that got a piece; `refused`: those that ended as out of stock.
        other: orders with any other outcome.
        charged_losers: orders that got no piece and were charged nevertheless.
    """

    orders: int
    per_s: float
    completed: int
    refused: int
    other: int
    charged_losers: int
    winners_p50_ms: float
    losers_p50_ms: float
    losers_p99_ms: float

    def problems(self, name: str) -> list[str]:
        """What must not happen, one line each."""
        counts = (
            f"{name}: {self.completed} completed, {self.refused} refused, {self.other} otherwise"
        )
        exact = self.completed == stocked(self.orders) and not self.other
        charged = f"{name}: {self.charged_losers} losers were charged"
        return [*([] if exact else [counts]), *([charged] if self.charged_losers else [])]


def stocked(orders: int) -> int:
    """The orders that there are pieces for."""
    return int(orders * STOCKED_SHARE)


def judge(placed: Sequence[Placed], seconds: float, charged: set[str]) -> Round:
    """The result of one load; `charged` are the orders that the provider received a charge for."""
    winners = [each for each in placed if each.outcome == "completed"]
    losers = [each for each in placed if (each.outcome, each.reason) == REFUSED]
    return Round(
        orders=len(placed),
        per_s=len(placed) / seconds,
        completed=len(winners),
        refused=len(losers),
        other=len(placed) - len(winners) - len(losers),
        charged_losers=sum(e.order_id in charged for e in placed if e.outcome != "completed"),
        winners_p50_ms=percentile([each.seconds for each in winners] or [0.0], 0.5),
        losers_p50_ms=percentile([each.seconds for each in losers] or [0.0], 0.5),
        losers_p99_ms=percentile([each.seconds for each in losers] or [0.0], 0.99),
    )


REFUSED = ("cancelled", "out_of_stock")


class HotSku:
    """The loads on one contender."""

    def __init__(
        self, contender: Contender, payment: SandboxControl, orders: int, console: Console
    ) -> None:
        self._contender = contender
        self._orders = orders
        self._payment = payment
        self._console = console

    async def run(self, rounds: int) -> dict[str, list[Round]]:
        """All rounds; now one load comes first, now the other."""
        await receive(self._contender.database_url, ["WARM"], _WARM_UP)
        await self._at_once(lambda _: "WARM", _WARM_UP)
        loads: dict[str, list[Round]] = {HOT: [], MANY: []}
        for number in range(rounds):
            for name in (HOT, MANY) if number % 2 == 0 else (MANY, HOT):
                measured = await self._load(name, number)
                loads[name].append(measured)
                self._console.print(f"round {number + 1}, {name}: {measured.per_s:.1f} a second")
        return loads

    async def _load(self, name: str, number: int) -> Round:
        url = self._contender.database_url
        if name == HOT:
            await receive(url, [f"HOT{number}"], stocked(self._orders))
            return await self._at_once(lambda _: f"HOT{number}", self._orders)
        await receive(url, [f"MANY{number}-{each}" for each in range(stocked(self._orders))], 1)
        return await self._at_once(lambda each: f"MANY{number}-{each}", self._orders)

    async def _at_once(self, sku: Callable[[int], str], orders: int) -> Round:
        client = self._contender.client
        began = time.perf_counter()
        placed = await asyncio.gather(*(place(client, sku(each)) for each in range(orders)))
        seconds = time.perf_counter() - began
        calls = await self._payment.calls("confirm")
        return judge(placed, seconds, {call["order_id"] for call in calls})


def ratios(loads: dict[str, list[Round]]) -> list[float]:
    """Throughput for one SKU to that for many, each within one round."""
    return [hot.per_s / many.per_s for hot, many in zip(loads[HOT], loads[MANY], strict=True)]


def problems(loads: dict[str, list[Round]]) -> list[str]:
    """Everything that must not happen."""
    wrong = [
        line for name, rounds in loads.items() for each in rounds for line in each.problems(name)
    ]
    ratio = median(ratios(loads))
    return [*wrong, *([f"throughput is {ratio:.2f} of that over many SKUs"] if ratio < BAR else [])]


def as_json(loads: dict[str, list[Round]]) -> dict[str, object]:
    """All figures."""
    return {
        "orders": loads[HOT][0].orders,
        "stocked": stocked(loads[HOT][0].orders),
        "bar": f">= {BAR}",
        "ratio": median(ratios(loads)),
        "ratios": ratios(loads),
        "problems": problems(loads),
        "rounds": {name: [asdict(each) for each in rounds] for name, rounds in loads.items()},
    }


def show(loads: dict[str, list[Round]], console: Console) -> None:
    """A table: medians over the rounds, with the lowest and the highest."""
    orders = loads[HOT][0].orders
    title = f"{orders} orders at once, pieces for {stocked(orders)}, {len(loads[HOT])} rounds"
    table = Table("", *loads, title=title, title_justify="left")
    rows: dict[str, Callable[[Round], float]] = {
        "orders a second": lambda each: each.per_s,
        "completed": lambda each: each.completed,
        "refused as out of stock": lambda each: each.refused,
        "losers charged": lambda each: each.charged_losers,
        "winners, p50 ms": lambda each: each.winners_p50_ms,
        "losers, p50 ms": lambda each: each.losers_p50_ms,
        "losers, p99 ms": lambda each: each.losers_p99_ms,
    }
    for name, figure in rows.items():
        table.add_row(name, *(_spread([figure(r) for r in rounds]) for rounds in loads.values()))
    console.print(table)
    console.print(f"one SKU to many: {_spread(ratios(loads), 2)}, bar >= {BAR}")
    for problem in problems(loads):
        console.print(problem, markup=False)
    console.print("FAILED" if problems(loads) else "exactly the stock was sold, and the bar is met")


def _spread(figures: Sequence[float], digits: int = 0) -> str:
    middle, low, high = median(figures), min(figures), max(figures)
    return f"{middle:,.{digits}f} ({low:,.{digits}f} to {high:,.{digits}f})"


async def measure(rounds: int, orders: int) -> dict[str, list[Round]]:
    """Start everything in a folder that is removed afterwards, measure, stop."""
    console = Console(stderr=True)
    with TemporaryDirectory(prefix="ordersaga-hot-") as folder:
        options = StackOptions(postgres_port=None, roles=())
        stack = EmbeddedStack(Path(folder) / "stack", options, console.print)
        async with stack, running(stack, [WHOLE], console.print) as (contender,):
            payment = SandboxControl(stack.state().payment_url)
            return await HotSku(contender, payment, orders, console).run(rounds)


def main(rounds: int, scale: float, json_file: Path | None) -> None:
    """Measure; the exit code is 1 if anything is wrong."""
    loads = asyncio.run(measure(rounds, int(ORDERS * scale)))
    show(loads, Console(width=100))
    if json_file:
        json_file.write_text(json.dumps(as_json(loads), indent=2) + "\n", encoding="utf-8")
    sys.exit(1 if problems(loads) else 0)
