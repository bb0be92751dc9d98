"""Small charts, drawn here: columns of bars, without a script."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

_WIDTH: Final = 1000
_HEIGHT: Final = 100
_MOST_LABELS: Final = 7


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
    """Columns as an SVG picture of any width, over their labels; its title says what they are."""
    highest = max((bar.value for column in columns for bar in column.bars), default=0) or 1
    step = _WIDTH / max(len(columns), 1)
    head = Markup(
        '<figure><svg class="chart" viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" '
        'aria-label="{}"><title>{}</title>'
    ).format(_WIDTH, _HEIGHT, title, title)
    bars = [
        shape
        for index, each in enumerate(columns)
        for shape in _bars(each, index * step, step, highest)
    ]
    return Markup("").join([head, *bars, Markup("</svg>"), _labels(columns), Markup("</figure>")])


def _labels(columns: Sequence[Column]) -> Markup:
    """Some of the labels, the first and the last among them."""
    chosen = sorted(
        {round(index * (len(columns) - 1) / (_MOST_LABELS - 1)) for index in range(_MOST_LABELS)}
    )
    texts = [Markup("<span>{}</span>").format(columns[index].label) for index in chosen if columns]
    return Markup('<figcaption class="labels" aria-hidden="true">{}</figcaption>').format(
        Markup("").join(texts)
    )


def _bars(column: Column, left: float, step: float, highest: float) -> list[Markup]:
    width = step * 0.76 / len(column.bars)
    drawn = []
    for index, bar in enumerate(column.bars):
        height = max((_HEIGHT - 4) * bar.value / highest, 1.5 if bar.value else 0)
        x = left + step * 0.12 + index * width
        shape = Markup(
            '<rect class="fill-{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>'
        )
        drawn.append(shape.format(bar.meaning, x, _HEIGHT - height, width * 0.9, height))
    return drawn


def share_bar(part: float, whole: float, meaning: str) -> Markup:
    """How much of a whole a part is."""
    share = 100 * min(max(part / whole if whole else 0, 0), 1)
    return Markup(
        '<svg class="meter" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="fill-idle" width="100" height="8" rx="2"/>'
        '<rect class="fill-{}" width="{:.1f}" height="8" rx="2"/></svg>'
    ).format(meaning, share)
