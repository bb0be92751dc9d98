"""Sagas on a Temporal cluster on PostgreSQL beside the embedded server, in one run.

`python -m benchmarks.sagas_on_cluster`. The same three contenders on both servers: a bare workflow
with three empty activities, the saga with providers in process, and the saga as it is deployed.
They take turns round by round. A ratio is the median of the rounds' ratios, each within one round.
The processor time is told by process, since it moves less with the machine's other work.
"""

import argparse
import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.report import RESULTS, surroundings
from benchmarks.saga_contenders import BARE, IN_PROCESS, WHOLE, Contender, running
from benchmarks.saga_load import Measured, bare, drive, receive, saga
from benchmarks.sagas import AT_ONCE, SKUS
from ordersaga.embedded.stack import EmbeddedStack, StackOptions
from tests.support.cluster.cluster import Cluster, running_cluster
from tests.support.cluster.layout import PARTS, SHARDS
from tests.support.cluster.programs import VERSION

EMBEDDED: Final = "embedded"
CLUSTER: Final = "cluster"
_KINDS: Final = (BARE, IN_PROCESS, WHOLE)
_FIGURES: Final = RESULTS / "sagas_on_cluster.json"

Rounds = dict[tuple[str, str], list[Measured]]
"""What was measured, by server and contender."""


@dataclass(frozen=True, slots=True)
class Entrant:
    """A contender on a server, and the processes whose time counts, by name."""

    server: str
    contender: Contender
    groups: Mapping[str, list[int]]

    @property
    def key(self) -> tuple[str, str]:
        """What its figures are filed under."""
        return self.server, self.contender.name


async def measure(rounds: int, workflows: int, console: Console) -> Rounds:
    """Start both servers and all contenders in a folder that is removed, measure, stop."""
    with TemporaryDirectory(prefix="ordersaga-bench-") as folder:
        options = StackOptions(postgres_port=None, roles=())
        stack = EmbeddedStack(Path(folder) / "stack", options, console.print)
        beside = [
            replace(kind, namespace=f"beside-{kind.namespace}", database=_beside(kind.database))
            for kind in _KINDS
        ]
        async with (
            stack,
            running_cluster(Path(folder) / "cluster", console.print) as (layout, cluster),
            running(stack, _KINDS, console.print) as here,
            running(stack, beside, console.print, layout.address) as there,
        ):
            entrants = [Entrant(EMBEDDED, each, _embedded(stack, each)) for each in here]
            entrants += [Entrant(CLUSTER, each, _cluster(stack, cluster, each)) for each in there]
            return await _take_turns(entrants, rounds, workflows, console)


def _beside(database: str) -> str:
    return database and f"beside_{database}"


def _ours(stack: EmbeddedStack, contender: Contender) -> dict[str, list[int]]:
    servers = stack.pids()
    return {
        "our workers": list(contender.pids),
        "our PostgreSQL": [servers["postgres"]],
        "sandboxes": [servers["sandboxes"]],
    }


def _embedded(stack: EmbeddedStack, contender: Contender) -> dict[str, list[int]]:
    return {"Temporal": [stack.pids()["temporal"]], **_ours(stack, contender)}


def _cluster(stack: EmbeddedStack, cluster: Cluster, contender: Contender) -> dict[str, list[int]]:
    pids = cluster.pids()
    return {f"Temporal {part}": [pids[part]] for part in PARTS} | _ours(stack, contender)


async def _take_turns(
    entrants: Sequence[Entrant], rounds: int, workflows: int, console: Console
) -> Rounds:
    found: Rounds = defaultdict(list)
    for entrant in entrants:
        if entrant.contender.database_url:
            await receive(entrant.contender.database_url, SKUS, 100_000)
        await _run(entrant, AT_ONCE * 2)
    for number in range(rounds):
        for entrant in entrants if number % 2 == 0 else entrants[::-1]:
            measured = await _run(entrant, workflows)
            found[entrant.key].append(measured)
            name = ", ".join(entrant.key)
            console.print(f"{name}: {measured.per_s:.1f} a second, {_total(measured):.0f} ms each")
    return found


async def _run(entrant: Entrant, workflows: int) -> Measured:
    client, kind = entrant.contender.client, entrant.contender.name
    one = bare(client) if kind == BARE.name else saga(client, lambda n: SKUS[n % len(SKUS)])
    return await drive(one, AT_ONCE, workflows, dict(entrant.groups))


def _total(measured: Measured) -> float:
    return sum(measured.cpu_ms.values())


# --- report --------------------------------------------------------------------------------------


def ratios(rounds: Rounds, of: tuple[str, str], to: tuple[str, str]) -> list[float]:
    """Orders a second beside those of another entrant, round by round."""
    pairs = zip(rounds[of], rounds[to], strict=True)
    return [each.per_s / base.per_s for each, base in pairs]


def figures(rounds: Rounds) -> dict[str, object]:
    """Everything that was found, as JSON."""
    return {
        f"{server}: {name}": {
            "a second": median(each.per_s for each in measured),
            "p50 ms": median(each.p50_ms for each in measured),
            "processor ms": median(map(_total, measured)),
            "processor ms by process": {
                part: median(each.cpu_ms[part] for each in measured) for part in measured[0].cpu_ms
            },
            "to the bare workflow": ratios(rounds, (server, name), (server, BARE.name)),
            "to the embedded server": ratios(rounds, (server, name), (EMBEDDED, name)),
            "rounds": [asdict(each) for each in measured],
        }
        for (server, name), measured in rounds.items()
    }


def show(rounds: Rounds, console: Console) -> None:
    """Print the figures."""
    table = Table("server", "", "a second", "to bare", "to embedded", "ms", "by process")
    for (server, name), measured in rounds.items():
        bare_ratio = ratios(rounds, (server, name), (server, BARE.name))
        embedded_ratio = ratios(rounds, (server, name), (EMBEDDED, name))
        parts = measured[0].cpu_ms
        by_process = {part: median(each.cpu_ms[part] for each in measured) for part in parts}
        table.add_row(
            server,
            name,
            f"{median(each.per_s for each in measured):.1f}",
            _spread(bare_ratio),
            _spread(embedded_ratio),
            f"{median(map(_total, measured)):.0f}",
            ", ".join(f"{part} {ms:.1f}" for part, ms in by_process.items()),
        )
    console.print(table)


def _spread(found: Sequence[float]) -> str:
    return f"{median(found):.2f} ({min(found):.2f} to {max(found):.2f})"


def main() -> None:
    """Measure, print, and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sagas_on_cluster")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workflows", type=int, default=240, help="of each contender a round")
    given = parser.parse_args()
    console = Console(highlight=False, width=160)
    rounds = asyncio.run(measure(given.rounds, given.workflows, console))
    show(rounds, console)
    facts = {**surroundings(), "temporal": VERSION, "history shards": SHARDS}
    _FIGURES.write_text(json.dumps({**facts, **figures(rounds)}, indent=1) + "\n")


if __name__ == "__main__":
    main()
