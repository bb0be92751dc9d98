"""Small charts, drawn here: columns of bars, without a script."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

_WIDTH: Final = 640
_HEIGHT: Final = 120
_BOTTOM: Final = 18
_MOST_LABELS: Final = 8


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar; `meaning` names its colour."""

    meaning: str
    value: float


@dataclass(frozen=True, slots=True)
class Column:
    """Bars beside each other over one label."""

    label: str
    bars: Sequence[Bar]


def columns_chart(columns: Sequence[Column], title: str) -> Markup:
    """Columns as an SVG picture; its title says what they are."""
    highest = max((bar.value for column in columns for bar in column.bars), default=0) or 1
    step = _WIDTH / max(len(columns), 1)
    every = max(1, -(-len(columns) // _MOST_LABELS))
    parts = [
        Markup(
            '<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}"><title>{}</title>'
        ).format(_WIDTH, _HEIGHT + _BOTTOM, title, title),
        Markup('<path class="axis" d="M0 {}.5H{}"/>').format(_HEIGHT, _WIDTH),
    ]
    for index, column in enumerate(columns):
        left = index * step
        parts += _bars(column, left, step, highest)
        if index % every == 0:
            text = Markup('<text x="{:.1f}" y="{}">{}</text>')
            parts.append(text.format(left + step * 0.12, _HEIGHT + 13, column.label))
    return Markup("").join([*parts, Markup("</svg>")])


def _bars(column: Column, left: float, step: float, highest: float) -> list[Markup]:
    width = min(step * 0.76 / len(column.bars), 24)
    drawn = []
    for index, bar in enumerate(column.bars):
        height = max((_HEIGHT - 8) * bar.value / highest, 1.5 if bar.value else 0)
        x = left + step * 0.12 + index * width
        shape = Markup(
            '<rect class="fill-{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="1.5"/>'
        )
        drawn.append(shape.format(bar.meaning, x, _HEIGHT - height, width - 1, height))
    return drawn


def share_bar(part: float, whole: float, meaning: str) -> Markup:
    """How much of a whole a part is."""
    share = 100 * min(max(part / whole if whole else 0, 0), 1)
    return Markup(
        '<svg class="meter" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="fill-idle" width="100" height="8" rx="2"/>'
        '<rect class="fill-{}" width="{:.1f}" height="8" rx="2"/></svg>'
    ).format(meaning, share)
