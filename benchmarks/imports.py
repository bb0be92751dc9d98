"""An import of 100,000 lines: orders a second and peak memory. `make imports`.

The file is made of the shipped sample, each copy with invoice numbers of its own. Each import has a
fresh database and is a process of its own, as a person starts it. With `BEFORE=FOLDER`, a
checkout of an earlier version imports the same file in turn, and the ratio is reported.
"""

import argparse
import asyncio
import csv
import gzip
import io
import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks.report import RESULTS, surroundings
from ordersaga.demo.source import SHIPPED_SAMPLE
from tests.acceptance.cli_shop import MASTER_KEY
from tests.support.stack.stack import clean_environment
from tests.support.stores import postgres

ROOT: Final = Path(__file__).parents[1]
_OURS, _BEFORE = "ours", "before"
_MOST_MB: Final = 200
_LEAST_RATIO: Final = 2.0


@dataclass(frozen=True, slots=True)
class Imported:
    """One import: what its process took."""

    orders: int
    seconds: float
    cpu_s: float
    peak_mb: float

    @property
    def per_s(self) -> float:
        """Orders a second, the start of the process included."""
        return self.orders / self.seconds

    @property
    def cpu_ms(self) -> float:
        """Processor time of the process for an order, its start included."""
        return 1000 * self.cpu_s / self.orders


def write_file(path: Path, lines: int) -> int:
    """Write at least so many lines, of whole copies of the sample; returns their number."""
    with gzip.open(SHIPPED_SAMPLE, "rt", encoding="utf-8", newline="") as sample:
        header, *rows = csv.reader(io.StringIO(sample.read()))
    copies = -(-lines // len(rows))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for copy in range(copies):
            writer.writerows([_number(row[0], copy), *row[1:]] for row in rows)
    return copies * len(rows)


def _number(invoice: str, copy: int) -> str:
    """Another invoice number; the letter of a cancellation stays in front."""
    letters, digits = re.fullmatch(r"(\D*)(\d+)", invoice, re.ASCII).groups()  # type: ignore[union-attr]  # each has one
    return f"{letters}{int(digits) + 1_000_000 * copy}"


async def _run(given: argparse.Namespace) -> dict[str, Any]:
    found: dict[str, list[Imported]] = {_OURS: []}
    checkouts = {_OURS: ROOT}
    if given.before:
        found[_BEFORE], checkouts[_BEFORE] = [], given.before.resolve()
    with TemporaryDirectory(prefix="ordersaga-imports-") as folder:
        file = Path(folder) / "online-retail.csv"
        lines = write_file(file, given.lines)
        for server in postgres.run_server():
            for number in range(given.rounds):
                for name in sorted(found, reverse=bool(number % 2)):
                    async with postgres.fresh_database(server) as url:
                        found[name].append(_import(checkouts[name], url, file))
                    print(f"round {number + 1} of {given.rounds}, {name}: {found[name][-1]}")
    return {"lines": lines, **_figures(found)}


def _import(checkout: Path, url: str, file: Path) -> Imported:
    env = clean_environment(
        ORDERSAGA_DATABASE_URL=url,
        ORDERSAGA_MASTER_KEY=MASTER_KEY,
        ORDERSAGA_DATA_DIR=str(file.parent / "no stack"),
        PYTHONPATH=f"{checkout}{os.pathsep}{checkout / 'clients' / 'python'}",
    )
    program = (sys.executable, "-P", "-m", "ordersaga")
    subprocess.run((*program, "migrate"), env=env, cwd=file.parent, check=True, capture_output=True)
    began = time.perf_counter()
    process = subprocess.Popen(
        (*program, "import", str(file), "--json"),
        env=env,
        cwd=file.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    answer = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    assert status == 0, f"the import ended with {os.waitstatus_to_exitcode(status)}"
    orders, cpu_s = json.loads(answer)["orders_new"], used.ru_utime + used.ru_stime
    return Imported(orders, seconds, cpu_s, used.ru_maxrss / 1024)


def _figures(found: dict[str, list[Imported]]) -> dict[str, Any]:
    figures: dict[str, Any] = {
        name: {
            "orders": each[0].orders,
            "orders a second": [round(one.per_s, 1) for one in each],
            "processor ms an order": [round(one.cpu_ms, 2) for one in each],
            "peak memory MB": [round(one.peak_mb) for one in each],
        }
        for name, each in found.items()
    }
    if _BEFORE in found:
        pairs = list(zip(found[_OURS], found[_BEFORE], strict=True))
        figures["ratio"] = _spread([ours.per_s / before.per_s for ours, before in pairs])
        figures["ratio of processor time"] = _spread(
            [before.cpu_ms / ours.cpu_ms for ours, before in pairs]
        )
    return figures


def _spread(ratios: list[float]) -> dict[str, float]:
    return {
        "median": round(median(ratios), 2),
        "lowest": round(min(ratios), 2),
        "highest": round(max(ratios), 2),
    }


def main() -> None:
    """Run it, and keep the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.imports", description=__doc__)
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--before", type=Path, help="a checkout of the version to compare with")
    given = parser.parse_args()
    figures = {**surroundings(), **asyncio.run(_run(given))}
    (RESULTS / "imports.json").write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))
    too_much = max(figures[_OURS]["peak memory MB"]) >= _MOST_MB
    too_slow = "ratio" in figures and figures["ratio"]["median"] < _LEAST_RATIO
    sys.exit(too_much or too_slow)


if __name__ == "__main__":
    main()
