"""Troubles of servers and providers beside open orders: `make weather`, `make outages`, in full.

Each trouble has a stack of its own and the values that ship. Its figures are written as soon as it
is over, so a run can be continued: `make weather TROUBLE="read-only frozen"`. The exit code is 1
if one cancelled an order, or left one open, or if a process said what was not true.
"""

import argparse
import asyncio
import json
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.report import RESULTS, surroundings
from ordersaga.demo.source import choose_file
from tests.support.faults.exposed import exposed_shop
from tests.support.faults.provider_troubles import PROVIDER_TROUBLES
from tests.support.faults.trial import Outcome, Spell, harmless, undergo
from tests.support.faults.troubles import TROUBLES
from tests.support.stack.chaos_shop import real_orders

_LONG_S = {"read-only": 900.0, "streams-locked": 900.0}
_USUAL_S = 60.0
_OF_PROVIDERS_S = 900.0
_BARS_S = {"idle": 15.0, "ready": 15.0, "ended": 150.0, "sigterm": 13.0}
_FIGURES = RESULTS / "weather.json"
_PROVIDERS = "providers"
_ALL = {**TROUBLES, **PROVIDER_TROUBLES}


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.weather", description=__doc__)
    names = f"default: all of {', '.join(TROUBLES)}; {_PROVIDERS}: all of "
    parser.add_argument("troubles", nargs="*", help=names + ", ".join(PROVIDER_TROUBLES))
    parser.add_argument("--lasts", type=float, help="seconds, instead of what is usual")
    parser.add_argument("--at-once", type=int, default=1, help="so many stacks beside each other")
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    if given.troubles == [_PROVIDERS]:
        given.troubles = list(PROVIDER_TROUBLES)
    if unknown := set(given.troubles) - _ALL.keys():
        parser.error(f"there is no trouble {', '.join(sorted(unknown))}")
    return given


async def _run(given: argparse.Namespace, console: Console) -> int:
    slots = asyncio.Semaphore(given.at_once)

    async def undergone(name: str) -> bool:
        usual_s = _OF_PROVIDERS_S if name in PROVIDER_TROUBLES else _USUAL_S
        spell = Spell(given.lasts or _LONG_S.get(name, usual_s), settle_s=600)
        async with slots:
            outcome = await _one(name, spell, given.seed, console)
        _keep(outcome, given)
        return not outcome.problems

    well = await asyncio.gather(*map(undergone, given.troubles or TROUBLES))
    _show(json.loads(_FIGURES.read_text()), console)
    return 0 if all(well) else 1


async def _one(name: str, spell: Spell, seed: int, console: Console) -> Outcome:
    def say(line: str) -> None:
        console.print(line, markup=False, soft_wrap=True)

    orders = harmless(real_orders(choose_file(None), 2 * spell.orders, seed))[: spell.orders]
    with TemporaryDirectory(prefix="ordersaga-weather-") as folder:
        async with exposed_shop(Path(folder), say, with_spares=True) as site:
            return await undergo(site, name, orders, spell, say, _ALL)


def _keep(outcome: Outcome, given: argparse.Namespace) -> None:
    """Put the figures of one trouble beside those of the others."""
    figures = json.loads(_FIGURES.read_text()) if _FIGURES.exists() else {}
    how = {"seed": given.seed, "stacks_at_once": given.at_once}
    figures[outcome.trouble] = {**surroundings(), **how, **asdict(outcome)}
    text = json.dumps({name: figures[name] for name in _ALL if name in figures}, indent=1)
    _FIGURES.write_text(text + "\n")


def _show(figures: dict[str, dict[str, Any]], console: Console) -> None:
    headings = ("trouble", "lasted", "open", *_BARS_S, "cancelled", "refunds", "problems")
    table = Table(*headings, title="seconds at most, of all processes", title_justify="left")
    for name, found in figures.items():
        cancelled = sum(n for how, n in found["orders"].items() if how.startswith("cancelled"))
        table.add_row(
            name,
            f"{found['lasted_s']:g}",
            str(found["open_at_begin"]),
            *(_at_most(key, _seconds(found, key)) for key in _BARS_S),
            str(cancelled),
            str(found["undone"].get("refunds", 0)),
            str(len(found["problems"])),
        )
    console.print(table)


def _seconds(found: dict[str, Any], key: str) -> Sequence[float]:
    if key == "ended":
        return [] if found["ended_after_s"] is None else [found["ended_after_s"]]
    of = {"idle": "idle_after_s", "ready": "ready_after_s", "sigterm": "sigterm_s"}
    return list(found[of[key]].values())


def _at_most(key: str, seconds: Sequence[float]) -> str:
    if not seconds:
        return "-"
    return f"{max(seconds):g}" + ("" if max(seconds) <= _BARS_S[key] else " MISSED")


def main() -> None:
    """Run it, and end without the interpreter's own ending, which the SDK's threads may abort."""
    given = _parse()
    logging.getLogger("asyncpg").setLevel(logging.CRITICAL)  # it tells of each lost connection
    code = asyncio.run(_run(given, Console(highlight=False)))
    sys.stdout.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
