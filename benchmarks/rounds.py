"""Contenders that take turns, and what came of it."""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

OURS = "event store"
RAW = "raw asyncpg"
PEER = "eventsourcing"
SECOND_PEER = "eventsource-py"


@dataclass(frozen=True, slots=True)
class Bar:
    """What the ratio of ours to `against` has to be."""

    against: str
    at_least: float | None = None
    at_most: float | None = None

    def met(self, ratio: float) -> bool:
        """Whether a ratio keeps to it."""
        return (self.at_least is None or ratio >= self.at_least) and (
            self.at_most is None or ratio <= self.at_most
        )

    def text(self) -> str:
        """For a table."""
        return f"≥ {self.at_least:g}" if self.at_most is None else f"≤ {self.at_most:g}"


@dataclass(slots=True)
class Measure:
    """One line of the report: a figure per contender and round, and its bars.

    Attributes:
        better: "higher" or "lower".
    """

    name: str
    unit: str
    better: str
    figures: dict[str, list[float]]
    bars: Sequence[Bar] = ()
    absolute: Bar | None = None
    notes: list[str] = field(default_factory=list)

    def ratios(self, against: str) -> list[float]:
        """Ours to another one, each within one round."""
        pairs = zip(self.figures[OURS], self.figures[against], strict=True)
        return [ours / other for ours, other in pairs if other]

    def as_json(self) -> dict[str, Any]:
        """All figures, and each bar with the ratio it is about."""
        contenders = {
            name: {"median": median(values), "lowest": min(values), "highest": max(values)}
            for name, values in self.figures.items()
        }
        verdicts = [
            {
                **asdict(bar),
                "ratio": median(self.ratios(bar.against)),
                "lowest": min(self.ratios(bar.against)),
                "highest": max(self.ratios(bar.against)),
                "met": bar.met(median(self.ratios(bar.against))),
            }
            for bar in self.bars
            if bar.against in self.figures
        ]
        if self.absolute is not None:
            value = median(self.figures[OURS])
            verdicts.append(
                {**asdict(self.absolute), "ratio": value, "met": self.absolute.met(value)}
            )
        return {
            "measure": self.name,
            "unit": self.unit,
            "better": self.better,
            "contenders": contenders,
            "bars": verdicts,
            "rounds": self.figures,
            "notes": self.notes,
        }


Contender = Callable[[], Awaitable[Mapping[str, float]]]
"""Runs once; returns figures by the name of what they measure."""


async def take_turns(
    contenders: Mapping[str, Contender], rounds: int
) -> dict[str, dict[str, list[float]]]:
    """Each contender once a round, after one round to warm up; figures by measure and contender.

    Every second round goes the other way, so that nobody always follows the same one.
    """
    results: dict[str, dict[str, list[float]]] = {}
    names = list(contenders)
    for turn in range(rounds + 1):
        for name in names if turn % 2 else reversed(names):
            for measure, value in (await contenders[name]()).items():
                if turn:
                    results.setdefault(measure, {}).setdefault(name, []).append(value)
    return results


async def per_second(run: Callable[[], Awaitable[int]]) -> float:
    """How many a second; `run` returns how many it did."""
    started = time.perf_counter()
    done = await run()
    return done / (time.perf_counter() - started)


def percentile(times: Sequence[float], share: float) -> float:
    """Of times in seconds, in milliseconds."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000
