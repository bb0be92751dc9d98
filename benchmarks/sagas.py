"""Sagas against a bare Temporal workflow with three empty remote activities.

`python -m benchmarks sagas`. One Temporal server, one PostgreSQL, the same worker options and task
queues for all; the workflow worker and the activity workers are processes of their own. Contenders
take turns round by round, so that what else the machine does hits all of them. A ratio is the
median of the rounds' ratios, each within one round. On a machine that is busy with other things
the CPU ratio says more: the CPU time, of servers and workers together, that the bare workflow needs
as a share of what a saga needs.
"""

import asyncio
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.table import Table

from benchmarks.saga_contenders import BARE, IN_PROCESS, WHOLE, Contender, Kind, running
from benchmarks.saga_load import Measured, RunOne, bare, drive, receive, saga
from ordersaga.embedded.stack import EmbeddedStack, StackOptions

AT_ONCE = 50
SKUS = tuple(f"SKU{number}" for number in range(500))
SCENES = ("throughput", "alone", "history", "whole")
"""The last one adds ordersaga with sandboxes and projections to the first two."""

_BARS = {
    (IN_PROCESS.name, "throughput"): (">=", 0.8),
    (WHOLE.name, "throughput"): (">=", 0.55),
    (IN_PROCESS.name, "alone"): ("<=", 1.3),
}

_HEADINGS = (
    *("", "a second", "p50 ms", "p99 ms", "ratio (spread)", "bar"),
    *("CPU ms", "CPU ratio (spread)", "outcomes"),
)

Rounds = dict[str, list[Measured]]


@dataclass(frozen=True, slots=True)
class Wish:
    """What is measured: rounds, workflows a round with 50 at once and alone."""

    rounds: int
    workflows: int
    alone: int
    scenes: Sequence[str]
    json_file: Path | None

    @classmethod
    def scaled(
        cls, rounds: int, scale: float, scenes: Sequence[str], json_file: Path | None
    ) -> "Wish":
        """A share of the usual load."""
        return cls(
            rounds,
            workflows=max(AT_ONCE, int(400 * scale)),
            alone=max(5, int(60 * scale)),
            scenes=scenes,
            json_file=json_file,
        )


class Measurement:
    """Everything that runs, and what was found so far."""

    def __init__(self, stack: EmbeddedStack, contenders: Sequence[Contender], wish: Wish) -> None:
        self._stack = stack
        self._contenders = contenders
        self._wish = wish
        self._console = Console(width=160)
        self._progress = Console(stderr=True, width=160)
        self.found: dict[str, object] = {}

    async def run(self) -> None:
        """Each scene in turn."""
        for contender in self._contenders:
            if contender.database_url:
                await receive(contender.database_url, SKUS, 100_000)
            await drive(self._ordinary(contender), AT_ONCE, AT_ONCE * 2, {})
        if "throughput" in self._wish.scenes:
            rounds = await self._take_turns(AT_ONCE, self._wish.workflows)
            self._show("throughput", f"{AT_ONCE} at once", rounds, lambda each: each.per_s)
        if "alone" in self._wish.scenes:
            rounds = await self._take_turns(1, self._wish.alone)
            self._show("alone", "one at a time", rounds, lambda each: each.p50_ms)
        if "history" in self._wish.scenes:
            await self._history()

    def _ordinary(self, contender: Contender) -> RunOne:
        if not contender.database_url:
            return bare(contender.client)
        return saga(contender.client, lambda number: SKUS[number % len(SKUS)])

    def _groups(self, contender: Contender) -> dict[str, list[int]]:
        servers = self._stack.pids()
        return {
            "temporal": [servers["temporal"]],
            "postgres": [servers["postgres"]],
            "python": list(contender.pids),
            "sandboxes": [servers["sandboxes"]],
        }

    async def _take_turns(self, at_once: int, total: int) -> Rounds:
        rounds: Rounds = defaultdict(list)
        for number in range(self._wish.rounds):
            for contender in self._turn(number):
                run, groups = self._ordinary(contender), self._groups(contender)
                measured = await drive(run, at_once, total, groups)
                rounds[contender.name].append(measured)
                self._tell(contender.name, at_once, measured)
        return rounds

    def _tell(self, name: str, at_once: int, measured: Measured) -> None:
        cpu = ", ".join(f"{group} {ms:.1f}" for group, ms in measured.cpu_ms.items())
        self._progress.print(
            f"{name}, {at_once} at once: {measured.per_s:.1f} a second,"
            f" p50 {measured.p50_ms:.0f} ms, CPU ms: {cpu}"
        )

    def _turn(self, number: int) -> Sequence[Contender]:
        """Now forwards, now backwards, so that nobody always comes first."""
        return self._contenders if number % 2 == 0 else self._contenders[::-1]

    async def _history(self) -> None:
        contender = self._contenders[1]
        async for execution in contender.client.list_workflows(page_size=1):
            history = await contender.client.get_workflow_handle(execution.id).fetch_history()
            self.found["history"] = {"events": len(history.events), "bar": "<= 30"}
            self._console.print(f"history of an ordinary saga: {len(history.events)} events")
            return

    def _show(
        self,
        scene: str,
        title: str,
        rounds: Rounds,
        figure: Callable[[Measured], float],
    ) -> None:
        table = Table(title=title, title_justify="left")
        for heading in _HEADINGS:
            table.add_column(heading, justify="left" if not heading else "right")
        for name in _groups_of(rounds):
            table.add_column(f"{name} CPU ms", justify="right")
        for name, measured in rounds.items():
            ratios = [
                figure(each) / figure(base)
                for each, base in zip(measured, rounds[BARE.name], strict=True)
            ]
            bar = _BARS.get((name, scene))
            cpu = [
                sum(base.cpu_ms.values()) / sum(each.cpu_ms.values())
                for each, base in zip(measured, rounds[BARE.name], strict=True)
            ]
            table.add_row(*_row(name, measured, ratios, bar, cpu))
            self.found[f"{scene}: {name}"] = {
                "ratio": median(ratios),
                "ratios": ratios,
                "cpu_ratio": median(cpu),
                "cpu_ratios": cpu,
                "bar": bar and " ".join(map(str, bar)),
                "rounds": [asdict(each) for each in measured],
            }
        self._console.print(table)


def _groups_of(rounds: Rounds) -> list[str]:
    return list(next(iter(rounds.values()))[0].cpu_ms)


def _row(
    name: str,
    rounds: Sequence[Measured],
    ratios: Sequence[float],
    bar: tuple[str, float] | None,
    cpu: Sequence[float],
) -> list[str]:
    outcomes = {outcome: count for each in rounds for outcome, count in each.outcomes.items()}
    return [
        name,
        f"{median(each.per_s for each in rounds):.1f}",
        f"{median(each.p50_ms for each in rounds):,.0f}",
        f"{median(each.p99_ms for each in rounds):,.0f}",
        f"{median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})",
        " ".join(map(str, bar)) if bar else "",
        f"{median(sum(each.cpu_ms.values()) for each in rounds):.0f}",
        f"{median(cpu):.2f} ({min(cpu):.2f}-{max(cpu):.2f})",
        ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items())),
        *(f"{median(each.cpu_ms[group] for each in rounds):.1f}" for group in rounds[0].cpu_ms),
    ]


async def measure(wish: Wish) -> None:
    """Start everything in a folder that is removed afterwards, measure, stop."""
    console = Console(stderr=True)
    with TemporaryDirectory(prefix="ordersaga-bench-") as folder:
        options = StackOptions(
            postgres_port=None, roles=(), extra_env={"ORDERSAGA_LOG_LEVEL": "info"}
        )
        async with EmbeddedStack(Path(folder) / "stack", options, console.print) as stack:
            kinds: list[Kind] = [BARE, IN_PROCESS, *([WHOLE] if "whole" in wish.scenes else [])]
            async with running(stack, kinds, console.print) as contenders:
                measurement = Measurement(stack, contenders, wish)
                await measurement.run()
    if wish.json_file:
        wish.json_file.write_text(json.dumps(measurement.found, indent=2))


def main(wish: Wish) -> None:
    """Measure."""
    asyncio.run(measure(wish))
